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

/* A pthread's waiter; NULL if there is no memory for one. */
struct vci_waiter *vci_wait_host(void);

/*
 * At the door of a call that acts on destroy: who is calling, NULL for a
 * pthread.
 */
static inline struct vci_kthread *vci_wait_enter(void)
{
	struct vci_kthread *m = vci_kthread_self();

	if (likely(m != NULL && m->current != NULL)) {
		vci_end_if_due(m->current);
	}
	return m;
}

/* The caller's waiter; NULL as above. */
static inline struct vci_waiter *vci_wait_self(struct vci_kthread *m)
{
	return likely(m != NULL) ? &m->current->waiter : vci_wait_host();
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
int vci_wait(struct vci_kthread *m, struct vci_waiter *waiter, vcore_instant deadline);

void vci_wait_destroyed(struct vci_waiter *waiter) __attribute__((noreturn));

#endif /* VCI_WAIT_H */
