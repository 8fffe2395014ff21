/*
 * The beginning and the end of a thread.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef VCI_END_H
#define VCI_END_H

#include "sched/sched.h"

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
 * Whether the thread was asked to end, and may be: asked at the door of every
 * call that acts on destroy, by vci_end_if_due.
 */
static inline bool vci_end_is_due(const struct vcore_thread *self)
{
	return unlikely(__atomic_load_n(&self->life, __ATOMIC_RELAXED) & VCI_LIFE_DESTROY) &&
	       self->undestroyable == 0;
}

static inline void vci_end_if_due(struct vcore_thread *self)
{
	if (unlikely(vci_end_is_due(self))) {
		vci_end_self(self, VCORE_DESTROYED, NULL);
	}
}

#endif /* VCI_END_H */
