/*
 * Destroying threads from outside: see destroy.c.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef VCI_DESTROY_H
#define VCI_DESTROY_H

#include "sched/sched.h"

/* Asks every thread of the runtime to end, and each that is still to come. */
void vci_destroy_all(struct vcore_runtime *runtime);

/*
 * self may be destroyed again: if it was asked to end meanwhile, where only a tick
 * finds it, it sends itself that tick.
 */
void vci_destroy_look_slowly(struct vcore_thread *self);

static inline void vci_destroy_look(struct vcore_thread *self)
{
	if (unlikely(self->flags & VCORE_THREAD_DESTROY_ANYWHERE)) {
		vci_destroy_look_slowly(self);
	}
}

#endif /* VCI_DESTROY_H */
