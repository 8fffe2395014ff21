/*
 * Destroying threads from outside.
 *
 * A destroyer sets DESTROY in the life word, makes a heavy fence, and claims
 * the target's wait if it finds it waiting.  A thread that begins to wait sets
 * its claim, makes a light fence, and looks at DESTROY (switch.c): one of the
 * two finds the other.  A thread that does not wait finds DESTROY at the door
 * of the next call.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "sched/destroy.h"

#include <errno.h>

#include "sched/end.h"
#include "sched/preempt.h"
#include "sched/thread.h"
#include "sched/waiter.h"

/* Of the thread that had this life; false if it has ended. */
static bool request(struct vcore_thread *thread, uint64_t life)
{
	uint64_t generation = life / VCI_LIFE_GENERATION;

	while (life / VCI_LIFE_GENERATION == generation && (life & VCI_LIFE_ALIVE)) {
		if ((life & VCI_LIFE_DESTROY) ||
		    __atomic_compare_exchange_n(&thread->life, &life, life | VCI_LIFE_DESTROY, true,
						__ATOMIC_SEQ_CST, __ATOMIC_RELAXED)) {
			return true;
		}
	}
	return false;
}

/*
 * Ends its wait, if it waits; sends it a tick, if only that can reach it.  The
 * claim is read before the life is checked again: the wait is of this thread, or
 * the claim fails, for the count of waits grows from thread to thread.
 */
static void interrupt(struct vcore_runtime *runtime, struct vcore_thread *thread,
		      uint64_t generation)
{
	uint64_t word = __atomic_load_n(&thread->waiter.claim, __ATOMIC_ACQUIRE);
	uint64_t life = __atomic_load_n(&thread->life, __ATOMIC_ACQUIRE);

	if (life / VCI_LIFE_GENERATION != generation || !(life & VCI_LIFE_DESTROY)) {
		return;
	}
	if (vci_waiter_destroy(thread, word)) {
		vci_ready(thread);
	} else {
		vci_preempt_doomed(runtime, thread);
	}
}

void vci_destroy_look_slowly(struct vcore_thread *self)
{
	vci_fence_light(); /* pairs with the heavy fences of destroyers */
	if (vci_end_needs_tick(self)) {
		vci_preempt_doomed(self->runtime, self);
	}
}

static bool destroy(struct vcore_runtime *runtime, struct vcore_thread *thread, uint64_t life)
{
	if (!request(thread, life)) {
		return false;
	}
	vci_fence_heavy(); /* pairs with the light fence in switch.c */
	interrupt(runtime, thread, life / VCI_LIFE_GENERATION);
	return true;
}

int vcore_thread_destroy(struct vcore_thread *thread)
{
	struct vcore_thread *self = vci_thread_self();

	if (thread == NULL || vci_runtime_is_lost(thread->runtime)) {
		return thread == NULL ? 0 : -ESHUTDOWN;
	}
	(void)destroy(thread->runtime, thread, __atomic_load_n(&thread->life, __ATOMIC_RELAXED));
	if (self != NULL) {
		vci_end_if_due(self);
	}
	return 0;
}

int vcore_thread_destroy_id(struct vcore_runtime *runtime, uint64_t id)
{
	uint32_t index = vci_id_index(id);
	struct vcore_thread *thread, *self = vci_thread_self();
	bool found = false;

	VCI_PANIC_IF(runtime == NULL, "runtime is NULL");
	if (vci_runtime_is_lost(runtime)) {
		return -ESHUTDOWN;
	}
	vci_stacks_walk_begin(&runtime->stacks);
	thread = (struct vcore_thread *)vci_stacks_at(&runtime->stacks, index);
	if (thread != NULL) {
		uint64_t life = __atomic_load_n(&thread->life, __ATOMIC_ACQUIRE);

		found = vci_id(life / VCI_LIFE_GENERATION, index) == id &&
			destroy(runtime, thread, life);
	}
	vci_stacks_walk_end(&runtime->stacks);
	if (self != NULL) {
		vci_end_if_due(self);
	}
	return found ? 0 : -ESRCH;
}

static int request_each(struct vcore_thread *thread, uint64_t life, void *argument)
{
	(void)argument;
	(void)request(thread, life);
	return 0;
}

static int interrupt_each(struct vcore_thread *thread, uint64_t life, void *argument)
{
	interrupt(argument, thread, life / VCI_LIFE_GENERATION);
	return 0;
}

void vci_destroy_all(struct vcore_runtime *runtime)
{
	__atomic_store_n(&runtime->stopping, true, __ATOMIC_SEQ_CST);
	vci_fence_heavy(); /* pairs with the light fence in bring_to_life */
	(void)vci_thread_walk(runtime, request_each, NULL);
	vci_fence_heavy(); /* one for all: pairs with the light fence in switch.c */
	(void)vci_thread_walk(runtime, interrupt_each, runtime);
}
