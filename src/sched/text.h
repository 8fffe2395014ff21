/*
 * Application text: where a thread may be preempted.
 *
 * A table of ranges for the process: of the program, of the modules that entries
 * lie in, and of what users allow and forbid.  Whoever asks does so in the
 * handler of a tick, and must not wait: the table is read under a sequence
 * count, and a reader that meets a writer takes the text for foreign, which is
 * always safe.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef VCI_TEXT_H
#define VCI_TEXT_H

#include "sched/sched.h"

/* The program's own text: written once, by vci_text_open. */
extern struct vci_range vci_text_program;

/* Finds the program's text.  At the first open; again, it does nothing. */
void vci_text_open(void);

/*
 * The name of a function that must not be abandoned half done and lies in the
 * program's text; or NULL.
 */
const char *vci_text_obstacle(void);

/* Whether it is application text. */
bool vci_text_is_application(const void *pc);

/*
 * Whether it is application text in which a thread may end of a fault: where no
 * lock is held that others need.  By a handler of faults: while the ranges are being
 * changed it looks again, and then says no.
 */
bool vci_text_may_fault(const void *pc);

/* Out of line: the entry lies in a module. */
void vci_text_note_module(const void *entry);

/* The module of an entry is application text, unless it is a system library. */
static inline void vci_text_note(const void *entry)
{
	if (unlikely((uintptr_t)entry - vci_text_program.from >=
		     vci_text_program.to - vci_text_program.from)) {
		vci_text_note_module(entry);
	}
}

#endif /* VCI_TEXT_H */
