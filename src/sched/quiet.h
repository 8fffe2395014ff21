/*
 * Whether anything can still happen in a runtime.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef VCI_QUIET_H
#define VCI_QUIET_H

#include "sched/sched.h"

/*
 * By a processor that has nothing to run: whether that is the end, of all
 * threads or of all hope, and tells who waits for it.
 */
void vci_quiet_check(struct vcore_runtime *runtime);

/*
 * Whether a runtime that ends on deadlock has one.  True once: until somebody
 * clears `deadlocked`, which this sets.
 */
bool vci_quiet_is_deadlocked(struct vcore_runtime *runtime);

#endif /* VCI_QUIET_H */
