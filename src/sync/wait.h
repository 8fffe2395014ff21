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

#include "sched/destroy.h"
#include "sched/enter.h"
#include "sched/waiter.h"

/* A pthread's waiter; NULL if there is no memory for one. */
struct vci_waiter *vci_wait_host(void);

/*
 * At the door of a call that may wait, and acts on destroy: who is calling, NULL
 * for a pthread.
 */
static inline struct vci_kthread *vci_wait_enter_from(const char *function)
{
	struct vci_kthread *m = vci_enter_from(function, false);

	if (likely(m != NULL)) {
		vci_end_if_due_outside(m->current);
	}
	return m;
}

#define vci_wait_enter() vci_wait_enter_from(__func__)

/* Out of line: the door is closed, or there is none. */
void vci_wait_pass_slowly(void);

/* At the door of one that does not wait. */
static inline void vci_wait_pass(void)
{
	const struct vci_kthread *m = vci_local_door();

	if (likely(m != NULL)) {
		vci_end_if_due_outside(m->current);
	} else {
		vci_wait_pass_slowly();
	}
}

/*
 * Of a call that does not wait: the caller's, with a processor or without; NULL
 * for a pthread that has none yet.
 */
static inline struct vci_waiter *vci_wait_caller(void)
{
	const struct vci_kthread *m = vci_local_bound();

	return likely(m != NULL) ? &m->current->waiter : vci_local()->host;
}

/*
 * The same if nothing is due at the door of a call that may wait: then that call
 * may go on without having entered, as long as it does not wait.
 */
static inline struct vci_waiter *vci_wait_unhindered(void)
{
	const struct vci_kthread *m = vci_local_door();

	if (likely(m != NULL)) {
		return likely(!vci_end_is_due_outside(m->current)) ? &m->current->waiter : NULL;
	}
	return vci_local_bound() == NULL && vci_local()->reader.nesting == 0 ? vci_local()->host
									     : NULL;
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

/*
 * Between these two the caller is not destroyed, if it is a thread; nor by the
 * second, unlike vcore_destroy_enable: the next door acts on it, or a tick.
 */
static inline void vci_undestroyable_begin(void)
{
	vcore_destroy_disable();
}

static inline void vci_undestroyable_end(void)
{
	struct vcore_thread *self = vci_thread_self();

	if (self != NULL) {
		self->undestroyable--;
		vci_destroy_look(self);
	}
}

/* Between two batches of a long call: lets others run; does not act on destroy. */
void vci_wait_breathe(void);

#endif /* VCI_WAIT_H */
