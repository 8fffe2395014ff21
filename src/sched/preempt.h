/*
 * What a tick does: the handler.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef VCI_PREEMPT_H
#define VCI_PREEMPT_H

#include "sched/sched.h"

/*
 * Called for each SIGALRM, on the interrupted stack, in whatever the kernel
 * thread was doing: see vci_ticks_install.
 */
void vci_preempt(struct vci_interrupted *interrupted);

/*
 * The thread was asked to end, and may be where only a tick finds it
 * (vci_end_needs_tick): sends one.
 */
void vci_preempt_doomed(struct vcore_runtime *runtime, struct vcore_thread *thread);

#endif /* VCI_PREEMPT_H */
