/*
 * Switching: how a kernel thread goes from one green thread to the next.
 *
 * The thread that stops running chooses the next and switches to it on its own
 * stack; nothing lies in between.  What has to become of it then (queued,
 * committed as waiting, ended) is done by the one that was switched to, so
 * that nobody can find it before its context is complete (S2).
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef VCI_SWITCH_H
#define VCI_SWITCH_H

#include "sched/sched.h"

/*
 * Leaves `self`, the calling green thread, for `next`, or for the kernel
 * thread's own stack if `next` is NULL.  When self is resumed, perhaps on
 * another kernel thread m, resume(m, self) is called and gives the result
 * (NULL: 0).  To be the last thing that the caller does: see arch.h.
 */
int vci_switch_away(struct vci_kthread *m, struct vcore_thread *self,
		    enum vci_afterwards afterwards, struct vcore_thread *next,
		    int (*resume)(struct vci_kthread *m, struct vcore_thread *self));

/* From the kernel thread's own stack: runs threads until one leaves for it. */
void vci_switch_to(struct vci_kthread *m, struct vcore_thread *thread);

/* m has been given a processor, and goes on with the thread that it is on. */
void vci_switch_carry_on(struct vci_kthread *m);

/* The CPU time that the thread used while m was let go with it. */
void vci_switch_charge(const struct vci_kthread *m, struct vcore_thread *thread);

#endif /* VCI_SWITCH_H */
