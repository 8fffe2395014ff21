/*
 * The beginning and the end of a thread.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef VCI_END_H
#define VCI_END_H

#include "sched/rcu.h"

/* Where a new thread begins: runs its entry. */
void vci_end_begin(void *self) __attribute__((noreturn));

/* Ends the calling thread: cleanups, destructors, joiner. */
void vci_end_self(struct vcore_thread *self, enum vcore_how how, void *result)
	__attribute__((noreturn));

/* After VCI_END: the thread has been left for good. */
void vci_end_settle(struct vci_kthread *m, struct vcore_thread *left);

/* Frees an ended thread; `m` is the caller's kernel thread, or NULL. */
void vci_end_free(struct vci_kthread *m, struct vcore_thread *thread);

/*
 * Given by sync/holds.c.  What it owns becomes the next one's, or nobody's; and,
 * in a child of fork, is the caller's still, but nobody is there who waits.
 */
void vci_holds_abandon(struct vci_waiter *self);
void vci_holds_reset(struct vci_waiter *self);

/*
 * Whether the thread was asked to end, and may be: asked behind the door of every
 * call that acts on destroy, and so outside of read sections.
 */
static inline bool vci_end_is_due_outside(const struct vcore_thread *self)
{
	return unlikely(__atomic_load_n(&self->life, __ATOMIC_RELAXED) & VCI_LIFE_DESTROY) &&
	       self->undestroyable == 0;
}

/* The same anywhere, of a thread that the calling kernel thread runs or is about to. */
static inline bool vci_end_is_due(const struct vcore_thread *self)
{
	return vci_end_is_due_outside(self) && !vci_rcu_is_inside();
}

/*
 * Whether it was asked to end and may be in application text, or in a call that
 * a tick cuts short, where only a tick finds it.
 */
static inline bool vci_end_needs_tick(const struct vcore_thread *thread)
{
	return ((thread->flags & VCORE_THREAD_DESTROY_ANYWHERE) ||
		__atomic_load_n(&thread->polls, __ATOMIC_RELAXED)) &&
	       vci_end_is_due(thread);
}

static inline void vci_end_if_due_outside(struct vcore_thread *self)
{
	if (unlikely(vci_end_is_due_outside(self))) {
		vci_end_self(self, VCORE_DESTROYED, NULL);
	}
}

static inline void vci_end_if_due(struct vcore_thread *self)
{
	if (unlikely(vci_end_is_due(self))) {
		vci_end_self(self, VCORE_DESTROYED, NULL);
	}
}

#endif /* VCI_END_H */
