/*
 * Panic: a call was misused, and there is no result that could say so.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef VCI_PANIC_H
#define VCI_PANIC_H

#include "platform/platform.h"

/*
 * Reports a breach of the contract of `function` to the hook of the caller's
 * runtime; if there is none, or it returns, prints the report and aborts.
 */
void vci_panic(const char *function, const char *breach) __attribute__((noreturn, cold));

/* Panics if `condition` holds: the breach is written where it is checked. */
#define VCI_PANIC_IF(condition, breach)                                                            \
	do {                                                                                       \
		if (unlikely(condition)) {                                                         \
			vci_panic(__func__, breach);                                               \
		}                                                                                  \
	} while (0)

/*
 * Says who is calling: fills in the thread and its name, and returns the hook
 * or NULL.  Set by the scheduler, which knows.
 */
extern void (*(*vci_panic_identify)(struct vcore_report *report))(const struct vcore_report *);

/* Formatting without stdio: appends to a line, which it keeps terminated. */
struct vci_line {
	char text[256];
	size_t length;
};

void vci_line_begin(struct vci_line *line);
void vci_line_text(struct vci_line *line, const char *text);
void vci_line_number(struct vci_line *line, int64_t number);
void vci_line_pointer(struct vci_line *line, const void *pointer);
void vci_line_thread(struct vci_line *line, uint64_t id, const char *name); /* thread 1 "x" */
int vci_line_write(struct vci_line *line, int fd); /* and empties it; 0 or -E… */

#endif /* VCI_PANIC_H */
