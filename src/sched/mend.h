/*
 * Faults that a space mends: see mend.c.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef VCI_MEND_H
#define VCI_MEND_H

#include "sched/sched.h"

/*
 * By a thread that has landed, resumably: says in the report where the address lies,
 * and asks the space.  If the cause is mended it does not return.
 */
void vci_mend(const struct vci_raised *raised, struct vcore_fault *fault);

/* The same, without asking: nothing is to be mended, or a space that mends has faulted. */
void vci_mend_not(const struct vcore_thread *self, struct vcore_fault *fault);

/* The thread ends: by a call, or of a fault, in on_fault perhaps. */
void vci_mend_no_more(struct vcore_thread *self);

#endif /* VCI_MEND_H */
