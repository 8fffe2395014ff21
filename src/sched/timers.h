/*
 * Deadlines of waiting threads.
 *
 * A thread's deadline is kept with the processor on which it began to wait,
 * and is looked after by that processor at every 16th choice, and by idle ones
 * (idle.c).  No system call is made for it.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef VCI_TIMERS_H
#define VCI_TIMERS_H

#include "sched/sched.h"

/* With timers->lock held; the deadline is waiter->timer.key. */
void vci_timers_insert(struct vci_timers *timers, struct vci_waiter *waiter);

/* By the waiter itself, when it has been claimed. */
void vci_timers_leave(struct vci_waiter *waiter);

/* Wakes those due at `now`, on the calling processor. */
void vci_timers_expire(struct vci_timers *timers, vcore_instant now);

/*
 * The same of all processors: of servers that have left, and of those that
 * compute and make no choice.
 */
void vci_timers_expire_all(struct vcore_runtime *runtime, vcore_instant now);

/* The earliest deadline, or VCORE_NEVER. */
static inline vcore_instant vci_timers_next(const struct vci_timers *timers)
{
	return __atomic_load_n(&timers->next, __ATOMIC_RELAXED);
}

/* Of all processors of a runtime. */
vcore_instant vci_timers_earliest(const struct vcore_runtime *runtime);

/* The earliest of the servers that nobody serves now. */
vcore_instant vci_timers_orphaned(const struct vcore_runtime *runtime);

#endif /* VCI_TIMERS_H */
