/*
 * What the tests of select share: cases, and those who choose between them.
 * Compiled once for each kind of buffer: see buffers.h.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef TESTS_UNIT_CASES_H
#define TESTS_UNIT_CASES_H

#include "buffers.h"

/* What they do not set is not zero. */
struct vcore_case sending(struct vcore_buffer *buffer, uint64_t *number);
struct vcore_case receiving(struct vcore_buffer *buffer, uint64_t *number);
struct vcore_case awaiting(struct vcore_eventcount *event, int64_t value);
struct vcore_case joining(struct vcore_thread *thread, struct vcore_exit *exit);

/* --- one case of each kind ------------------------------------------------------------------ */

#define KINDS (VCORE_CASE_JOIN + 1)

/* What each of them is about; none can be done at first. */
struct choice {
	struct vcore_buffer *full, *empty;
	struct vcore_eventcount event;
	struct vcore_thread *thread;
	struct vcore_exit exit;
	uint64_t sent, received;
	atomic_bool go; /* the thread may end */
	bool enabled[KINDS];
	struct vcore_case cases[KINDS]; /* by their kinds */
};
void choice_begin(struct choice *choice); /* who selects fills `full` */
void choice_end(struct choice *choice);
void choice_enable(struct choice *choice, enum vcore_case_kind kind); /* it can be done */
/* That this one was done, and no other; if it is -ETIMEDOUT, that none was. */
void choice_check(struct choice *choice, int done);

/* --- choosers ------------------------------------------------------------------------------- */

/* Fills the buffers that it would send to, and selects once. */
struct chooser {
	struct vcore_case *cases;
	size_t n;
	vcore_instant deadline; /* 0: VCORE_NEVER */
	int result;
	atomic_bool over;
	atomic_int tid;
	struct peer peer;
};
void *choose(void *chooser);
bool chooser_waits(struct chooser *chooser);
/* Start it, as one of the caller's kind, or as a pthread: it waits then, or is over. */
void chooser_start(struct chooser *chooser);
void chooser_start_pthread(struct chooser *chooser);
int chooser_finish(struct chooser *chooser); /* its result */

#endif /* TESTS_UNIT_CASES_H */
