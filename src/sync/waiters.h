/*
 * Waiters: those who wait for an object, and the word that guards them.
 *
 * Every object that is waited for begins with these 16 bytes.  The lowest two
 * bits of the word are
 *
 *	LIST	somebody edits the order of waiters
 *	WAITERS	it is not empty
 *
 * and the rest is the object's own.
 *
 * Invariants
 *	L1  While LIST is set only who set it changes the word or the order: a
 *	    compare and swap of the word expects LIST clear.
 *	L2  WAITERS is set exactly if the order is not empty, when LIST is not
 *	    set.
 *	L3  LIST is cleared by one store that publishes the whole word: the last
 *	    touch of who set it.  Waiters that it has claimed are woken after.
 *	L4  A waiter leaves a wait only after LIST was clear, or its own: what
 *	    is in the order is alive, and so is the object, as long as somebody
 *	    is in it or has been claimed and not woken.
 * Order
 *	O1  Publishing the word is a release, setting LIST an acquire.
 *
 * LIST is held for a few dozen instructions in library text, where no tick
 * switches.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef VCI_WAITERS_H
#define VCI_WAITERS_H

#include "sync/wait.h"

#define VCI_LIST    UINT64_C(1)
#define VCI_WAITERS UINT64_C(2)

struct vci_waiters {
	uint64_t word;
	void *order; /* struct vci_ordered *; guarded by LIST */
};

/* The public structures hide their words behind members of these types. */
#define VCI_WAITERS_OF(object)                                                                     \
	({                                                                                         \
		_Static_assert(                                                                    \
			__builtin_types_compatible_p(__typeof__((object)->word_), uint64_t) &&     \
				__builtin_offsetof(__typeof__(*(object)), word_) == 0 &&           \
				__builtin_offsetof(__typeof__(*(object)), waiters_) == 8,          \
			"it begins like struct vci_waiters");                                      \
		(struct vci_waiters *)(void *)(object);                                            \
	})

void vci_waiters_lock_slowly(struct vci_waiters *waiters);

/* Sets LIST; returns the word, without it. */
static inline uint64_t vci_waiters_lock(struct vci_waiters *waiters)
{
	uint64_t word = __atomic_load_n(&waiters->word, __ATOMIC_RELAXED) & ~VCI_LIST;

	if (unlikely(!__atomic_compare_exchange_n(&waiters->word, &word, word | VCI_LIST, false,
						  __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))) {
		vci_waiters_lock_slowly(waiters);
		word = __atomic_load_n(&waiters->word, __ATOMIC_RELAXED) & ~VCI_LIST;
	}
	vci_stall();
	return word;
}

/* Publishes the word, with WAITERS as it is, and clears LIST (L3). */
static inline void vci_waiters_unlock(struct vci_waiters *waiters, uint64_t word)
{
	word = (word & ~VCI_WAITERS) | (waiters->order != NULL ? VCI_WAITERS : 0);
	__atomic_store_n(&waiters->word, word, __ATOMIC_RELEASE);
	vci_stall();
}

/* Who was not woken leaves; returns the word, without LIST. */
uint64_t vci_waiters_retract(struct vci_waiters *waiters, struct vci_waiter *waiter);

/* --- with LIST set ------------------------------------------------------------------ */

static inline struct vci_ordered **vci_waiters_order(struct vci_waiters *waiters)
{
	return (struct vci_ordered **)(void *)&waiters->order;
}

/* By publish: behind all whose key is not greater. */
static inline void vci_waiters_insert(struct vci_waiters *waiters, struct vci_waiter *waiter)
{
	vci_ordered_insert(vci_waiters_order(waiters), &waiter->node);
}

/* Who was not woken leaves; without effect if it was taken out already. */
static inline void vci_waiters_leave(struct vci_waiters *waiters, struct vci_waiter *waiter)
{
	if (waiter->node.linked) {
		vci_ordered_remove(vci_waiters_order(waiters), &waiter->node);
	}
}

/* The first, of the lowest key; NULL if there is nobody.  Not where there are proxies. */
static inline struct vci_waiter *vci_waiters_first(const struct vci_waiters *waiters)
{
	struct vci_ordered *first = vci_ordered_first(waiters->order);

	return first != NULL ? vci_waiter_of(first) : NULL;
}

/*
 * Takes a waiter out and claims it; false if it is leaving by itself.  To be
 * woken when LIST is clear.
 */
static inline bool vci_waiters_claim(struct vci_waiters *waiters, struct vci_waiter *waiter)
{
	vci_ordered_remove(vci_waiters_order(waiters), &waiter->node);
	return vci_waiter_claim(waiter, VCI_WOKEN);
}

/*
 * The same by its place in the order, which may be a proxy's: returns who was
 * claimed, or NULL.
 */
struct vci_waiter *vci_waiters_claim_node(struct vci_waiters *waiters, struct vci_ordered *node);

/* The first who can be claimed; NULL if there is nobody. */
struct vci_waiter *vci_waiters_claim_first(struct vci_waiters *waiters);

/* --- waiting for several objects ------------------------------------------------------- */

/*
 * One who waits for several objects is in each by a proxy.  It enrols in one
 * after the other (sched/waiter.h), and takes all out itself when it was
 * claimed.  Eventcounts and buffers have proxies, whose wakes bind nobody: who
 * was woken looks again at all of them.
 */
struct vci_proxy {
	struct vci_ordered node;
	struct vci_waiter *waiter;
	bool won; /* the waiter was claimed through it; written by who did, before the wake */
};

static inline void vci_waiters_insert_proxy(struct vci_waiters *waiters, struct vci_proxy *proxy)
{
	vci_ordered_insert(vci_waiters_order(waiters), &proxy->node);
}

/* Without effect if it was taken out already, by who meant to wake it. */
void vci_waiters_retract_proxy(struct vci_waiters *waiters, struct vci_proxy *proxy);

/* --- chains of claimed waiters ----------------------------------------------------------- */

/* In order, linked by node.next: see vci_waiter_wake_chain. */
struct vci_chain {
	struct vci_ordered *first, *last;
};

static inline void vci_chain_add(struct vci_chain *chain, struct vci_waiter *waiter)
{
	waiter->node.next = NULL;
	if (chain->last != NULL) {
		chain->last->next = &waiter->node;
	} else {
		chain->first = &waiter->node;
	}
	chain->last = &waiter->node;
}

/* With LIST: all who can be claimed. */
struct vci_ordered *vci_waiters_claim_all(struct vci_waiters *waiters);

#endif /* VCI_WAITERS_H */
