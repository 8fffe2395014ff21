/*
 * Threads made runnable from elsewhere: see inbox.h.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "sched/inbox.h"

#include "sched/idle.h"
#include "sched/tick.h"

/* Only ever emptied whole: there is no ABA. */
static void push(struct vci_inbox *inbox, struct vcore_thread *thread)
{
	struct vcore_thread *head = __atomic_load_n(&inbox->head, __ATOMIC_RELAXED);

	do {
		thread->next = head;
		vci_annotate_release(inbox);
	} while (!__atomic_compare_exchange_n(&inbox->head, &head, thread, true, __ATOMIC_RELEASE,
					      __ATOMIC_RELAXED));
}

/* It was pushed by a full fence: who looks after one of its own finds it. */
static void announce(struct vcore_runtime *runtime)
{
	vci_fence_full(); /* pairs with park (I2), and with go_on: T5 */
	if (__atomic_load_n(&runtime->searching, __ATOMIC_RELAXED) != 0) {
		return;
	}
	if (__atomic_load_n(&runtime->idle, __ATOMIC_RELAXED) == 0 || !vci_idle_wake_any(runtime)) {
		vci_tick_all(runtime);
	}
}

void vci_inbox_send(struct vcore_thread *thread)
{
	struct vcore_runtime *runtime = thread->runtime;
	const struct vci_kthread *m = vci_kthread_self();
	bool visits = m == NULL || m->runtime != runtime;

	if (vci_runtime_is_lost(runtime)) {
		return; /* a copy of a thread of the parent: nobody runs it */
	}
	if (visits) {
		__atomic_fetch_add(&runtime->visitors, 1, __ATOMIC_RELAXED);
	}
	if (thread->flags & VCORE_THREAD_PINNED) {
		struct vci_processor *processor = &runtime->processors[thread->pin];

		vci_inbox_send_to(processor, thread);
	} else {
		push(&runtime->inbox, thread);
		announce(runtime);
	}
	if (visits) { /* the last touch: see vci_runtime_unmake */
		__atomic_fetch_sub(&runtime->visitors, 1, __ATOMIC_RELEASE);
	}
}

void vci_inbox_take(struct vci_inbox *inbox, struct vci_processor *processor)
{
	struct vcore_thread *thread = __atomic_exchange_n(&inbox->head, NULL, __ATOMIC_ACQUIRE);
	struct vcore_thread *in_order = NULL;

	vci_annotate_acquire(inbox);
	while (thread != NULL) {
		struct vcore_thread *next = thread->next;

		thread->next = in_order;
		in_order = thread;
		thread = next;
	}
	vci_queue_push_chain(&processor->queue, in_order);
	vci_tick_soon(processor);
}

void vci_inbox_send_to(struct vci_processor *processor, struct vcore_thread *thread)
{
	push(&processor->inbox, thread);
	vci_idle_wake(processor);
}
