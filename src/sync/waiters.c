/*
 * Waiters: see waiters.h.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "sync/waiters.h"

void vci_waiters_lock_slowly(struct vci_waiters *waiters)
{
	unsigned rounds = 0;

	for (;;) {
		uint64_t word = __atomic_load_n(&waiters->word, __ATOMIC_RELAXED);

		if (!(word & VCI_LIST) &&
		    __atomic_compare_exchange_n(&waiters->word, &word, word | VCI_LIST, true,
						__ATOMIC_ACQ_REL, __ATOMIC_RELAXED)) {
			return;
		}
		vci_spin_round(&rounds);
	}
}

uint64_t vci_waiters_retract(struct vci_waiters *waiters, struct vci_waiter *waiter)
{
	uint64_t word = vci_waiters_lock(waiters);

	vci_waiters_leave(waiters, waiter);
	vci_waiters_unlock(waiters, word);
	return word;
}

struct vci_waiter *vci_waiters_claim_node(struct vci_waiters *waiters, struct vci_ordered *node)
{
	struct vci_proxy *proxy = unlikely(node->proxy) ? (struct vci_proxy *)(void *)node : NULL;
	struct vci_waiter *waiter = proxy != NULL ? proxy->waiter : vci_waiter_of(node);

	vci_ordered_remove(vci_waiters_order(waiters), node);
	if (!vci_waiter_claim(waiter, VCI_WOKEN)) {
		return NULL;
	}
	if (proxy != NULL) {
		proxy->won = true;
	}
	return waiter;
}

struct vci_waiter *vci_waiters_claim_first(struct vci_waiters *waiters)
{
	struct vci_waiter *claimed = NULL;
	struct vci_ordered *first;

	while (claimed == NULL && (first = vci_ordered_first(waiters->order)) != NULL) {
		claimed = vci_waiters_claim_node(waiters, first);
	}
	return claimed;
}

void vci_waiters_retract_proxy(struct vci_waiters *waiters, struct vci_proxy *proxy)
{
	uint64_t word = vci_waiters_lock(waiters);

	if (proxy->node.linked) {
		vci_ordered_remove(vci_waiters_order(waiters), &proxy->node);
	}
	vci_waiters_unlock(waiters, word);
}

struct vci_ordered *vci_waiters_claim_all(struct vci_waiters *waiters)
{
	struct vci_chain chain = {NULL, NULL};
	struct vci_waiter *first;

	while ((first = vci_waiters_claim_first(waiters)) != NULL) {
		vci_chain_add(&chain, first);
	}
	return chain.first;
}
