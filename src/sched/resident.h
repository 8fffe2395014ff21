/*
 * Threads that live in a space.
 *
 * Its space counts a thread from its allocation until it was joined or forgotten.
 * The stack of a thread of an exclusive space lies in it: from before the thread
 * can be found until it was left for good.  The control block does not; it is at
 * the top of a small stack of the pool, on which nobody runs.
 *
 * What others touch of a thread while it waits must not lie on such a stack
 * (gang.h, G7): who would put it there takes an area instead.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef VCI_RESIDENT_H
#define VCI_RESIDENT_H

#include "sched/end.h"

/* Of the stack in the pool of a thread of that space, if any: as vci_stack_kind. */
int vci_resident_kind(const struct vcore_runtime *runtime, const struct vcore_space *space,
		      size_t stack_size);

/* Of the thread: what is to be in its flags. */
uint8_t vci_resident_flags(const struct vcore_space *space);

/*
 * A stack of the pool, of a thread that is to live in options->space, of whose
 * control block nothing is set up.  NULL: it cannot, and the stack was given back;
 * -ENOMEM, -EAGAIN in *error.
 */
struct vci_stack *vci_resident_lodge(struct vci_stack *stack, struct vcore_runtime *runtime,
				     const struct vcore_thread_options *options, int *error);

/* Where it is to begin.  A stack in an exclusive space may be closed: vci_resident_enter. */
static inline void vci_resident_begin_context(struct vcore_thread *thread,
					      const struct vcore_space *space)
{
	if (unlikely(space != NULL)) {
		thread->flags |= vci_resident_flags(space);
		if (thread->flags & VCI_THREAD_EXCLUSIVE) {
			vci_annotate_begin(&thread->annotation, thread->stack_low,
					   thread->stack_high);
			return;
		}
	}
	vci_annotate_begin(&thread->annotation, thread->stack.low, thread);
	vci_context_leave();
	vci_context_init(&thread->context, thread->stack.low, thread, vci_end_begin, thread);
	vci_context_return();
}

/* It was let in, and its stack is about to be switched to. */
static inline void vci_resident_enter(struct vcore_thread *thread)
{
	if (thread->switches == 0) {
		vci_context_leave();
		vci_context_init(&thread->context, thread->stack_low, thread->stack_high,
				 vci_end_begin, thread);
		vci_context_return();
	}
}

/* Its stack was left for good; it is forgotten. */
void vci_resident_leave(struct vcore_thread *thread);
void vci_resident_end(struct vcore_thread *thread);

/*
 * An area outside of the caller's space, zeroed or not; NULL: there is no memory.
 * It is the thread's until given back, or the thread ends.
 */
void *vci_resident_take(struct vcore_thread *self, size_t bytes);
void vci_resident_give(void *area);

/*
 * What is inaccessible below its stack, of which it has a reserve (memory/stack.h):
 * bytes.  In a space there is none where a guard is a protection, which opening the
 * space would take away.
 */
size_t vci_resident_guard(const struct vcore_thread *thread);

/* Usable bytes of the thread's stack, at least; where it lies. */
size_t vci_resident_stack_size(const struct vcore_thread *thread);

static inline char *vci_thread_low(const struct vcore_thread *thread)
{
	return unlikely(thread->flags & VCI_THREAD_EXCLUSIVE) ? thread->stack_low
							      : thread->stack.low;
}

static inline char *vci_thread_high(const struct vcore_thread *thread)
{
	return unlikely(thread->flags & VCI_THREAD_EXCLUSIVE) ? thread->stack_high : (char *)thread;
}

#endif /* VCI_RESIDENT_H */
