/*
 * Deadlines of waiting threads: see timers.h.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "sched/timers.h"

#include "sched/gang.h"
#include "sched/waiter.h"

/* Threads woken in one go, with the lock held. */
#define BATCH 64

static void note_next(struct vci_timers *timers)
{
	const struct vci_ordered *first = vci_ordered_first(timers->order);

	__atomic_store_n(&timers->next, first != NULL ? first->key : VCORE_NEVER, __ATOMIC_RELAXED);
}

static void take(struct vci_timers *timers, struct vci_waiter *waiter)
{
	vci_ordered_remove(&timers->order, &waiter->timer);
}

void vci_timers_insert(struct vci_timers *timers, struct vci_waiter *waiter)
{
	vci_ordered_insert(&timers->order, &waiter->timer);
	if (waiter->timer.key < timers->next) {
		note_next(timers);
	}
}

void vci_timers_leave(struct vci_waiter *waiter)
{
	struct vci_timers *timers = waiter->timers;

	vci_spin_lock(&timers->lock);
	if (waiter->timer.linked) {
		take(timers, waiter);
		note_next(timers);
	}
	vci_spin_unlock(&timers->lock);
}

/*
 * Up to BATCH threads that are due, claimed, as a chain.  Only green threads
 * have timers; a claimed one is in no queue, so that its link is free.
 */
static struct vcore_thread *claim_due(struct vci_timers *timers, vcore_instant now)
{
	struct vcore_thread *first = NULL;
	struct vcore_thread **last = &first;

	for (int i = 0; i < BATCH; i++) {
		struct vci_ordered *earliest = vci_ordered_first(timers->order);
		struct vci_waiter *waiter;

		if (earliest == NULL || earliest->key > now) {
			break;
		}
		waiter = (struct vci_waiter *)((char *)earliest -
					       offsetof(struct vci_waiter, timer));
		take(timers, waiter);
		if (vci_waiter_claim(waiter, VCI_TIMED_OUT)) {
			*last = vci_waiter_thread(waiter);
			last = &vci_waiter_thread(waiter)->next;
		}
	}
	*last = NULL;
	note_next(timers);
	return first;
}

void vci_timers_expire(struct vci_timers *timers, vcore_instant now)
{
	while (vci_timers_next(timers) <= now) {
		struct vcore_thread *due;

		vci_spin_lock(&timers->lock);
		due = claim_due(timers, now);
		vci_spin_unlock(&timers->lock);
		while (due != NULL) {
			struct vcore_thread *next = due->next;

			vci_ready(due);
			due = next;
		}
	}
}

void vci_timers_expire_all(struct vcore_runtime *runtime, vcore_instant now)
{
	for (uint32_t i = 0; i < vci_runtime_all(runtime); i++) {
		vci_timers_expire(&runtime->processors[i].timers, now);
	}
	if (unlikely(__atomic_load_n(&vci_gang_look_at, __ATOMIC_RELAXED) <= now)) {
		vci_gang_look(now);
	}
}

vcore_instant vci_timers_earliest(const struct vcore_runtime *runtime)
{
	vcore_instant earliest = __atomic_load_n(&vci_gang_look_at, __ATOMIC_RELAXED);

	for (uint32_t i = 0; i < vci_runtime_all(runtime); i++) {
		vcore_instant next = vci_timers_next(&runtime->processors[i].timers);

		earliest = next < earliest ? next : earliest;
	}
	return earliest;
}

vcore_instant vci_timers_orphaned(const struct vcore_runtime *runtime)
{
	vcore_instant earliest = VCORE_NEVER;

	for (uint32_t i = 0; i < runtime->n_servers; i++) {
		if (!__atomic_load_n(&runtime->serving[i], __ATOMIC_RELAXED)) {
			vcore_instant next = vci_timers_next(
				&runtime->processors[runtime->n_processors + i].timers);

			earliest = next < earliest ? next : earliest;
		}
	}
	return earliest;
}
