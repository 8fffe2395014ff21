/*
 * Eventcounts and sequencers: see vcore/eventcount.h.
 *
 * The word
 *	LIST	somebody edits the order of waiters
 *	WAITERS	it is not empty
 *	the other 62 bits: the count
 *
 * Invariants
 *	E1  While LIST is set only who set it changes the word or waiters_.
 *	E2  WAITERS is set exactly if waiters_ is not NULL, when LIST is not.
 *	E3  Every waiter in the order awaits a value that the count does not
 *	    exceed, when LIST is not set; but for those that remain to be woken
 *	    in batches, while the advance that does so keeps a waiter that it
 *	    has claimed and not yet woken.
 *	E4  An advance touches the object for the last time when it publishes
 *	    the count and clears LIST, in one store; waiters are woken after.
 *	    With E3: the object lives as long as an await has not returned, so
 *	    that between batches it is there.
 *	E5  A waiter leaves an await only after LIST was clear, or its own: what
 *	    is in the order is alive.
 * Order
 *	O1  Publishing the count is a release, seeing it an acquire.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <vcore/eventcount.h>

#include <errno.h>

#include "sync/wait.h"

#define LIST    UINT64_C(1)
#define WAITERS UINT64_C(2)
#define ONE     UINT64_C(4)

#define COUNT_MAX (((int64_t)1 << 62) - 1)

/* Waiters woken in one go, with LIST set. */
#define BATCH 64

_Static_assert(sizeof(struct vcore_eventcount) == 16, "part of the ABI");
_Static_assert(sizeof(struct vcore_sequencer) == 8, "part of the ABI");

static inline int64_t count_of(uint64_t word)
{
	return (int64_t)(word / ONE);
}

/* Sets LIST; returns the word, without it. */
static uint64_t list_lock(struct vcore_eventcount *event)
{
	unsigned rounds = 0;

	for (;;) {
		uint64_t word = __atomic_load_n(&event->word_, __ATOMIC_RELAXED);

		if (!(word & LIST) &&
		    __atomic_compare_exchange_n(&event->word_, &word, word | LIST, true,
						__ATOMIC_ACQ_REL, __ATOMIC_RELAXED)) {
			return word;
		}
		vci_spin_round(&rounds);
	}
}

/* Clears LIST and publishes the count: the last touch (E4). */
static void list_unlock(struct vcore_eventcount *event, int64_t count)
{
	uint64_t word = (uint64_t)count * ONE | (event->waiters_ != NULL ? WAITERS : 0);

	__atomic_store_n(&event->word_, word, __ATOMIC_RELEASE);
}

static struct vci_ordered **order(struct vcore_eventcount *event)
{
	return (struct vci_ordered **)&event->waiters_;
}

/* --- advance --------------------------------------------------------------------- */

/* Claimed waiters, in order, linked by next. */
struct chain {
	struct vci_ordered *first, *last;
};

static struct vci_ordered *first_due(struct vcore_eventcount *event, int64_t count)
{
	struct vci_ordered *first = vci_ordered_first(*order(event));

	return first != NULL && first->key < count ? first : NULL;
}

/* Up to BATCH of those due; returns whether more are. */
static bool claim_due(struct vcore_eventcount *event, int64_t count, struct chain *chain)
{
	chain->first = NULL;
	chain->last = NULL;
	for (int n = 0; n < BATCH;) {
		struct vci_ordered *node = first_due(event, count);

		if (node == NULL) {
			return false;
		}
		vci_ordered_remove(order(event), node);
		if (vci_waiter_claim(vci_waiter_of(node), VCI_WOKEN)) {
			node->next = NULL;
			if (chain->last != NULL) {
				chain->last->next = node;
			} else {
				chain->first = node;
			}
			chain->last = node;
			n++;
		}
	}
	return first_due(event, count) != NULL;
}

/*
 * Wakes those due, who may be more than one batch.  Of each batch but the last
 * one the last waiter is kept back until LIST is set again (E3).
 */
static __attribute__((noinline)) int64_t advance_with_waiters(struct vcore_eventcount *event,
							      int64_t n)
{
	struct vci_ordered *kept = NULL;
	int64_t result = count_of(list_lock(event)) + n;
	int64_t count = result;
	struct chain chain;
	bool more;

	for (;;) {
		more = claim_due(event, count, &chain);
		list_unlock(event, count);
		if (kept != NULL) {
			kept->next = chain.first;
			chain.first = kept;
		}
		kept = NULL;
		if (more) {
			/* A batch with more behind it is full: it has two or more. */
			struct vci_ordered *before = chain.first;

			while (before->next != chain.last) {
				before = before->next;
			}
			before->next = NULL;
			kept = chain.last;
		}
		vci_waiter_wake_chain(chain.first);
		if (!more) {
			return result;
		}
		if (vci_thread_self() != NULL) {
			vcore_destroy_disable();
			vcore_yield();
			/* Without acting on a destroy: there are waiters to wake. */
			vci_thread_self()->undestroyable--;
		}
		count = count_of(list_lock(event));
	}
}

static inline int64_t advance(struct vcore_eventcount *event, int64_t n)
{
	uint64_t word = __atomic_load_n(&event->word_, __ATOMIC_RELAXED);

	while (likely(!(word & (LIST | WAITERS)))) {
		uint64_t advanced = word + (uint64_t)n * ONE;

		if (likely(__atomic_compare_exchange_n(&event->word_, &word, advanced, false,
						       __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))) {
			return count_of(advanced);
		}
	}
	return advance_with_waiters(event, n);
}

int64_t vcore_eventcount_advance(struct vcore_eventcount *event)
{
	VCI_PANIC_IF(event == NULL, "event is NULL");
	(void)vci_wait_enter();
	return advance(event, 1);
}

int64_t vcore_eventcount_advance_by(struct vcore_eventcount *event, int64_t n)
{
	VCI_PANIC_IF(event == NULL, "event is NULL");
	VCI_PANIC_IF(n < 0, "n is negative: an eventcount only grows");
	VCI_PANIC_IF(n > COUNT_MAX - vcore_eventcount_read(event),
		     "the count would exceed 2^62 - 1");
	(void)vci_wait_enter();
	return advance(event, n);
}

/* --- await ------------------------------------------------------------------------- */

int64_t vcore_eventcount_read(const struct vcore_eventcount *event)
{
	return count_of(__atomic_load_n(&event->word_, __ATOMIC_ACQUIRE));
}

static bool publish(struct vci_waiter *waiter)
{
	struct vcore_eventcount *event = waiter->object;
	int64_t count = count_of(list_lock(event));

	if (count > waiter->node.key) {
		list_unlock(event, count);
		return false;
	}
	vci_ordered_insert(order(event), &waiter->node);
	vci_waiter_commit(waiter);
	list_unlock(event, count);
	return true;
}

/* Takes a waiter out that was not woken; true if the count exceeds its value. */
static bool retract(struct vcore_eventcount *event, struct vci_waiter *waiter)
{
	int64_t count = count_of(list_lock(event));

	if (waiter->node.linked) {
		vci_ordered_remove(order(event), &waiter->node);
	}
	list_unlock(event, count);
	return count > waiter->node.key;
}

static __attribute__((noinline)) int finish_unwoken(struct vci_waiter *waiter,
						    enum vci_claim reason)
{
	bool exceeded = retract(waiter->object, waiter);

	if (reason == VCI_DESTROYED) {
		vci_wait_destroyed(waiter);
	}
	return exceeded ? 0 : -ETIMEDOUT;
}

static int finish(struct vci_kthread *m, struct vci_waiter *waiter, enum vci_claim reason)
{
	(void)m;
	return likely(reason == VCI_WOKEN) ? 0 : finish_unwoken(waiter, reason);
}

int vcore_eventcount_await(struct vcore_eventcount *event, int64_t value, vcore_instant deadline)
{
	struct vci_kthread *m;
	struct vci_waiter *waiter;

	VCI_PANIC_IF(event == NULL, "event is NULL");
	m = vci_wait_enter();
	if (vcore_eventcount_read(event) > value) {
		return 0;
	}
	if (vci_wait_is_over(deadline)) {
		return -ETIMEDOUT;
	}
	waiter = vci_wait_self(m);
	if (unlikely(waiter == NULL)) {
		return -ENOMEM;
	}
	waiter->kind = VCORE_WAIT_EVENTCOUNT;
	waiter->object = event;
	waiter->publish = publish;
	waiter->finish = finish;
	waiter->node.key = value;
	return vci_wait(m, waiter, deadline);
}

/* --- sequencers ---------------------------------------------------------------------- */

int64_t vcore_sequencer_ticket(struct vcore_sequencer *sequencer)
{
	VCI_PANIC_IF(sequencer == NULL, "sequencer is NULL");
	return __atomic_fetch_add(&sequencer->next_, 1, __ATOMIC_ACQ_REL);
}

int64_t vcore_sequencer_read(const struct vcore_sequencer *sequencer)
{
	return __atomic_load_n(&sequencer->next_, __ATOMIC_ACQUIRE);
}
