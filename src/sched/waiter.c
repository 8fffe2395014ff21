/*
 * Claiming and waking waiters: see struct vci_waiter in sched.h.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "sched/waiter.h"

#include "sched/idle.h"
#include "sched/inbox.h"
#include "sched/queue_inline.h"
#include "sched/timers.h"

/* What the claim word is to become. */
static uint64_t committed(struct vci_waiter *waiter)
{
	uint64_t word = __atomic_load_n(&waiter->claim, __ATOMIC_RELAXED);
	uint64_t count = (word & ~VCI_CLAIM_STATE) + VCI_CLAIM_COUNT;

	if (waiter->host) {
		return count | VCI_WAITING_HOST;
	}
	return count |
	       (vci_waiter_thread(waiter)->undestroyable > 0 ? VCI_WAITING_FIRM : VCI_WAITING);
}

static void commit(struct vci_waiter *waiter)
{
	vci_annotate_release(waiter);
	vci_stall();
	/* Release: who claims it sees the saved context and the record. */
	__atomic_store_n(&waiter->claim, committed(waiter), __ATOMIC_RELEASE);
}

void vci_waiter_commit(struct vci_waiter *waiter)
{
	struct vci_timers *timers = waiter->timers;

	if (timers == NULL) {
		commit(waiter);
		return;
	}
	vci_spin_lock(&timers->lock);
	vci_timers_insert(timers, waiter);
	commit(waiter);
	vci_spin_unlock(&timers->lock);
}

void vci_waiter_enroll(struct vci_waiter *waiter)
{
	uint64_t word = __atomic_load_n(&waiter->claim, __ATOMIC_RELAXED);

	__atomic_store_n(&waiter->claim, (word & ~VCI_CLAIM_STATE) | VCI_ENROLLING,
			 __ATOMIC_RELAXED);
}

static bool commit_enrolled(struct vci_waiter *waiter)
{
	uint64_t word = (__atomic_load_n(&waiter->claim, __ATOMIC_RELAXED) & ~VCI_CLAIM_STATE) |
			VCI_ENROLLING;

	vci_annotate_release(waiter);
	return __atomic_compare_exchange_n(&waiter->claim, &word, committed(waiter), false,
					   __ATOMIC_RELEASE, __ATOMIC_RELAXED);
}

bool vci_waiter_enrolled(struct vci_waiter *waiter)
{
	struct vci_timers *timers = waiter->timers;
	bool waits;

	if (timers == NULL) {
		return commit_enrolled(waiter);
	}
	vci_spin_lock(&timers->lock);
	vci_timers_insert(timers, waiter);
	waits = commit_enrolled(waiter); /* if not, it leaves the timers itself */
	vci_spin_unlock(&timers->lock);
	return waits;
}

/* True: it was found before it waits, and will not. */
static bool claim_enrolling(struct vci_waiter *waiter, uint64_t word)
{
	return vci_claim_state(word) == VCI_ENROLLING &&
	       __atomic_compare_exchange_n(&waiter->claim, &word,
					   (word & ~VCI_CLAIM_STATE) | VCI_WOKEN, false,
					   __ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
}

bool vci_waiter_claim(struct vci_waiter *waiter, enum vci_claim reason)
{
	uint64_t word = __atomic_load_n(&waiter->claim, __ATOMIC_RELAXED);
	enum vci_claim state;

	if (unlikely(claim_enrolling(waiter, word))) {
		return false;
	}
	word = __atomic_load_n(&waiter->claim, __ATOMIC_RELAXED);
	state = vci_claim_state(word);
	if (state == VCI_WAITING_HOST) {
		reason = VCI_HELD;
	} else if (state != VCI_WAITING && state != VCI_WAITING_FIRM) {
		return false;
	}
	if (!__atomic_compare_exchange_n(&waiter->claim, &word, (word & ~VCI_CLAIM_STATE) | reason,
					 false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED)) {
		return false;
	}
	vci_annotate_acquire(waiter);
	vci_stall(); /* it is claimed, and not woken */
	return true;
}

void vci_waiter_divert(struct vci_waiter *waiter)
{
	uint64_t word = __atomic_load_n(&waiter->claim, __ATOMIC_RELAXED);
	uint64_t count = (word & ~VCI_CLAIM_STATE) + VCI_CLAIM_COUNT;

	if (waiter->timers != NULL) {
		vci_timers_leave(waiter);
		waiter->timers = NULL;
	}
	vci_annotate_release(waiter);
	__atomic_store_n(&waiter->claim,
			 count | (waiter->host ? VCI_WAITING_HOST : VCI_WAITING_FIRM),
			 __ATOMIC_RELEASE);
}

bool vci_waiter_destroy(struct vcore_thread *thread, uint64_t word)
{
	return vci_claim_state(word) == VCI_WAITING &&
	       __atomic_compare_exchange_n(&thread->waiter.claim, &word,
					   (word & ~VCI_CLAIM_STATE) | VCI_DESTROYED, false,
					   __ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
}

/* Of a claimed waiter: it is a pthread. */
static bool is_host(const struct vci_waiter *waiter)
{
	return vci_claim_state(__atomic_load_n(&waiter->claim, __ATOMIC_RELAXED)) == VCI_HELD;
}

/* A pthread waits on the low half of its claim word, which is never freed. */
static void wake_host(struct vci_waiter *waiter)
{
	uint64_t word = __atomic_load_n(&waiter->claim, __ATOMIC_RELAXED);
	uint64_t count = word & ~VCI_CLAIM_STATE;

	__atomic_store_n(&waiter->claim, count | VCI_WOKEN, __ATOMIC_RELEASE);
	vci_futex_wake((uint32_t *)&waiter->claim, 1);
}

void vci_waiter_wake(struct vci_waiter *waiter)
{
	if (is_host(waiter)) {
		wake_host(waiter);
	} else {
		vci_ready(vci_waiter_thread(waiter));
	}
}

/* Whether the calling processor may run it. */
static bool is_local(const struct vci_kthread *m, const struct vcore_thread *thread)
{
	return m != NULL && m->runtime == thread->runtime && !m->processor->polls &&
	       (!(thread->flags & VCORE_THREAD_PINNED) || thread->pin == m->processor->number);
}

void vci_ready(struct vcore_thread *thread)
{
	const struct vci_kthread *m = vci_kthread_self();

	if (likely(is_local(m, thread))) {
		vci_queue_push_woken(&m->processor->queue, thread);
		vci_idle_offer(m->processor);
	} else {
		vci_inbox_send(thread);
	}
}

void vci_waiter_wake_chain(struct vci_ordered *chain)
{
	const struct vci_kthread *m = vci_kthread_self();
	struct vcore_thread *first = NULL;
	struct vcore_thread **last = &first;

	while (chain != NULL) {
		struct vci_waiter *waiter = vci_waiter_of(chain);
		struct vcore_thread *thread = vci_waiter_thread(waiter);

		chain = chain->next;
		if (is_host(waiter) || !is_local(m, thread)) {
			vci_waiter_wake(waiter);
		} else {
			*last = thread;
			last = &thread->next;
		}
	}
	*last = NULL;
	if (first != NULL && first->next == NULL) {
		vci_ready(first);
	} else if (first != NULL) {
		vci_queue_push_chain(&m->processor->queue, first);
		vci_idle_offer(m->processor);
	}
}
