/*
 * Where a tick finds a thread, and whether anything may be done there.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef VCI_PLACE_H
#define VCI_PLACE_H

#include "sched/sched.h"

/* What a tick found. */
enum vci_place {
	VCI_PLACE_LIBRARY, /* nothing can be done */
	VCI_PLACE_FOREIGN,
	VCI_PLACE_SYSTEM_CALL,
	VCI_PLACE_APPLICATION,
};

struct vci_finding {
	enum vci_place place;
	enum vcore_refusal refusal; /* NONE: something may be done */
};

/* Whether a SIGALRM handler of the program's is below that place on the thread's stack. */
bool vci_place_is_in_handler(const struct vcore_thread *self, const char *sp);

/* Of the thread that m runs. */
struct vci_finding vci_place_find(const struct vci_kthread *m,
				  const struct vci_interrupted *interrupted);

#endif /* VCI_PLACE_H */
