/*
 * Joining, for select.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef VCI_JOIN_H
#define VCI_JOIN_H

#include "sync/wait.h"

/*
 * Joins a thread that has ended: 0; -EAGAIN: it has not; -ESHUTDOWN.  Panics, in
 * the function's name, where nobody may join it, or the caller may not.
 */
int vci_join_try(const char *function, struct vci_kthread *m, struct vcore_thread *thread,
		 struct vcore_exit *exit);

/* To be woken when it ends; false: it is ending, or *twice, the waiter is there already. */
bool vci_join_enroll(struct vcore_thread *thread, struct vci_waiter *waiter, bool *twice);

/* Not any more: true; false: it has ended. */
bool vci_join_retract(struct vcore_thread *thread, struct vci_waiter *waiter);

#endif /* VCI_JOIN_H */
