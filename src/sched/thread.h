/*
 * Allocating threads, and finding them by number.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef VCI_THREAD_H
#define VCI_THREAD_H

#include "sched/sched.h"

/*
 * Calls f for every thread of the runtime that is alive or ended, with its
 * life word; stops when f returns other than 0, and returns that.
 */
int vci_thread_walk(struct vcore_runtime *runtime,
		    int (*f)(struct vcore_thread *thread, uint64_t life, void *argument),
		    void *argument);

#endif /* VCI_THREAD_H */
