/*
 * A barrier: a number of threads wait for each other, and go on together; again
 * and again.
 *
 *	static struct vcore_barrier step = VCORE_BARRIER_INITIALIZER(4);
 *
 *	for (;;) {
 *		compute(part);
 *		if (vcore_barrier_wait(&step, VCORE_NEVER) == 1) {
 *			...	// one of the four
 *		}
 *	}
 *
 * It is a sequencer, whose tickets count arrivals, and an eventcount, which
 * counts the rounds completed; the structure is visible because there is
 * nothing to hide.  Who does not wait to the end, because its deadline passes or
 * it is destroyed before the round is complete, has not arrived: the round waits
 * for another.
 *
 * All-zero bytes are not a barrier: it needs its number.  It may be freed as soon
 * as all waits on it have returned.
 *
 *				wait
 *	from a vcore thread	yes
 *	from a pthread		yes
 *	from a signal handler	no
 *	may switch threads	yes
 *	acts on destroy		yes
 *	orders memory		what each did before is seen by all afterwards
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef VCORE_BARRIER_H
#define VCORE_BARRIER_H

#include <vcore/eventcount.h>

#ifdef __cplusplus
extern "C" {
#endif

struct vcore_barrier {
	struct vcore_eventcount rounds_;  /* private: completed */
	struct vcore_sequencer arrivals_; /* private: so far */
	uint64_t number_;                 /* private: of threads in a round */
};

/* For rounds of `number` threads, a constant from 1 to 2^32 - 1. */
/* clang-format off */
#define VCORE_BARRIER_INITIALIZER(number) {{0, 0}, {0}, (number)}
/* clang-format on */

/*
 * Arrives, and waits until as many have as the barrier is for.
 *
 * Requires: the barrier was initialised (checked: panics).
 * Returns: 1 in one thread of each round, the last to arrive; 0 in the others.
 * Errors: -ETIMEDOUT: the caller has not arrived; -ENOMEM likewise: there is
 *	no memory for a pthread's first wait.
 */
VCORE_API int vcore_barrier_wait(struct vcore_barrier *barrier, vcore_instant deadline);

#ifdef __cplusplus
}
#endif
#endif /* VCORE_BARRIER_H */
