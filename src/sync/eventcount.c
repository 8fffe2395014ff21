/*
 * Eventcounts and sequencers: see vcore/eventcount.h.
 *
 * The word (see waiters.h): the count, above LIST and WAITERS.
 *
 * Invariants
 *	E1  Every waiter in the order awaits a value that the count does not
 *	    exceed, when LIST is not set; but for those that remain to be woken
 *	    in batches, while the advance that does so keeps a waiter that it
 *	    has claimed and not yet woken (L4: so the object is there).
 *	E2  An advance touches the object for the last time when it publishes
 *	    the count and clears LIST, in one store; waiters are woken after.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <vcore/eventcount.h>

#include "sync/eventcount.h"

#include <errno.h>

#include "sync/waiters.h"

#define ONE UINT64_C(4)

#define COUNT_MAX (((int64_t)1 << 62) - 1)

/* Waiters woken in one go, with LIST set. */
#define BATCH 64

_Static_assert(sizeof(struct vcore_eventcount) == 16, "part of the ABI");
_Static_assert(sizeof(struct vcore_sequencer) == 8, "part of the ABI");

static inline int64_t count_of(uint64_t word)
{
	return (int64_t)(word / ONE);
}

static uint64_t word_of(int64_t count)
{
	return (uint64_t)count * ONE;
}

/* --- advance --------------------------------------------------------------------- */

static struct vci_ordered *first_due(const struct vci_waiters *waiters, int64_t count)
{
	struct vci_ordered *first = vci_ordered_first(waiters->order);

	return first != NULL && first->key < count ? first : NULL;
}

/* Up to BATCH of those due; returns whether more are. */
static bool claim_due(struct vci_waiters *waiters, int64_t count, struct vci_chain *chain)
{
	*chain = (struct vci_chain){NULL, NULL};
	for (int n = 0; n < BATCH;) {
		struct vci_ordered *first = first_due(waiters, count);
		struct vci_waiter *waiter;

		if (first == NULL) {
			return false;
		}
		waiter = vci_waiters_claim_node(waiters, first);
		if (waiter != NULL) {
			vci_chain_add(chain, waiter);
			n++;
		}
	}
	return first_due(waiters, count) != NULL;
}

/*
 * Wakes those due, who may be more than one batch.  Of each batch but the last
 * one the last waiter is kept back until LIST is set again (E1).
 */
static __attribute__((noinline)) int64_t advance_with_waiters(struct vci_waiters *waiters,
							      int64_t n)
{
	struct vci_ordered *kept = NULL;
	int64_t result = count_of(vci_waiters_lock(waiters)) + n;
	int64_t count = result;
	struct vci_chain chain;
	bool more;

	for (;;) {
		more = claim_due(waiters, count, &chain);
		vci_waiters_unlock(waiters, word_of(count));
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
		vci_wait_breathe();
		count = count_of(vci_waiters_lock(waiters));
	}
}

static inline int64_t advance(struct vci_waiters *waiters, int64_t n)
{
	uint64_t word = __atomic_load_n(&waiters->word, __ATOMIC_RELAXED);

	while (likely(!(word & (VCI_LIST | VCI_WAITERS)))) {
		uint64_t advanced = word + word_of(n);

		if (likely(__atomic_compare_exchange_n(&waiters->word, &word, advanced, false,
						       __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))) {
			return count_of(advanced);
		}
	}
	return advance_with_waiters(waiters, n);
}

void vci_eventcount_advance(struct vcore_eventcount *event)
{
	(void)advance(VCI_WAITERS_OF(event), 1);
}

int64_t vcore_eventcount_advance(struct vcore_eventcount *event)
{
	VCI_PANIC_IF(event == NULL, "event is NULL");
	vci_wait_pass();
	return advance(VCI_WAITERS_OF(event), 1);
}

int64_t vcore_eventcount_advance_by(struct vcore_eventcount *event, int64_t n)
{
	VCI_PANIC_IF(event == NULL, "event is NULL");
	VCI_PANIC_IF(n < 0, "n is negative: an eventcount only grows");
	VCI_PANIC_IF(n > COUNT_MAX - vcore_eventcount_read(event),
		     "the count would exceed 2^62 - 1");
	vci_wait_pass();
	return advance(VCI_WAITERS_OF(event), n);
}

/* --- await ------------------------------------------------------------------------- */

int64_t vcore_eventcount_read(const struct vcore_eventcount *event)
{
	VCI_PANIC_IF(event == NULL, "event is NULL");
	return count_of(__atomic_load_n(&event->word_, __ATOMIC_ACQUIRE));
}

static bool publish(struct vci_waiter *waiter)
{
	struct vci_waiters *waiters = waiter->object;
	uint64_t word = vci_waiters_lock(waiters);
	bool exceeded = count_of(word) > waiter->node.key;

	if (!exceeded) {
		vci_waiters_insert(waiters, waiter);
		vci_waiter_commit(waiter);
	}
	vci_waiters_unlock(waiters, word);
	return !exceeded;
}

static __attribute__((noinline)) int finish_unwoken(struct vci_waiter *waiter,
						    enum vci_claim reason)
{
	int64_t count = count_of(vci_waiters_retract(waiter->object, waiter));

	if (reason == VCI_DESTROYED) {
		vci_wait_destroyed(waiter);
	}
	return count > waiter->node.key ? 0 : -ETIMEDOUT;
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

bool vci_eventcount_enroll(struct vcore_eventcount *event, struct vci_proxy *proxy)
{
	struct vci_waiters *waiters = VCI_WAITERS_OF(event);
	uint64_t word = vci_waiters_lock(waiters);
	bool exceeded = count_of(word) > proxy->node.key;

	if (!exceeded) {
		vci_waiters_insert_proxy(waiters, proxy);
	}
	vci_waiters_unlock(waiters, word);
	return !exceeded;
}

void vci_eventcount_retract(struct vcore_eventcount *event, struct vci_proxy *proxy)
{
	(void)vci_waiters_retract_proxy(VCI_WAITERS_OF(event), proxy);
}

/* --- sequencers ---------------------------------------------------------------------- */

int64_t vcore_sequencer_ticket(struct vcore_sequencer *sequencer)
{
	VCI_PANIC_IF(sequencer == NULL, "sequencer is NULL");
	return __atomic_fetch_add(&sequencer->next_, 1, __ATOMIC_ACQ_REL);
}

int64_t vcore_sequencer_read(const struct vcore_sequencer *sequencer)
{
	VCI_PANIC_IF(sequencer == NULL, "sequencer is NULL");
	return __atomic_load_n(&sequencer->next_, __ATOMIC_ACQUIRE);
}
