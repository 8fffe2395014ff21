/*
 * Faults of green threads: see fault.c, and vcore/fault.h.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef VCI_FAULT_H
#define VCI_FAULT_H

#include "sched/sched.h"

/* By the handler of faults: see vci_faults_install. */
bool vci_fault_judge(struct vci_raised *raised);

/* By the thread, which is in trouble, when it begins to end; and, at last, its report. */
void vci_fault_begin_end(struct vcore_thread *self);
void vci_fault_report(struct vcore_thread *self);

/*
 * Of one that has ended, and was in trouble, or has used its reserve: before its
 * stack is given back.  False: that must not be.
 */
bool vci_fault_forget(struct vcore_thread *thread);

#endif /* VCI_FAULT_H */
