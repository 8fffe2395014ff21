/*
 * Waiting: the only place where anything blocks.
 *
 * Who waits is a struct vci_waiter (sched.h), part of a green thread or of a
 * host.  What it waits for is up to `publish`, which is called when a green
 * thread has already been left (S2), and on its own stack for a host.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef VCI_WAIT_H
#define VCI_WAIT_H

#include "sched/end.h"
#include "sched/waiter.h"

/* The caller's waiter; panics if it is a pthread and there is no memory. */
struct vci_waiter *vci_wait_self(const char *function);

/* At the door of a call that acts on destroy. */
static inline void vci_wait_enter(void)
{
	struct vcore_thread *self = vci_thread_self();

	if (likely(self != NULL)) {
		vci_end_if_due(self);
	}
}

/* Whether a deadline has passed: then a call must not wait. */
static inline bool vci_wait_is_over(vcore_instant deadline)
{
	return deadline != VCORE_NEVER && (deadline <= 0 || deadline <= vci_clock());
}

/*
 * Waits until claimed, and returns what finish says.  The caller has filled in
 * kind, object, publish, finish and, as needed, node.key and argument.  Finish
 * is told the reason.  Unless it is VCI_WOKEN the waiter may still be linked
 * into the object: finish takes it out; then, if it is VCI_DESTROYED, it calls
 * vci_wait_destroyed.  To be the last thing that the caller does: see arch.h.
 */
int vci_wait(struct vci_waiter *waiter, vcore_instant deadline);

void vci_wait_destroyed(struct vci_waiter *waiter) __attribute__((noreturn));

#endif /* VCI_WAIT_H */
