/*
 * Treiber's stack: see vcore/stack.h.
 *
 * The pair
 *	top	the node that was pushed last; NULL: the stack is empty
 *	count	how many times nodes were removed: pop adds 1, and so does
 *		pop_all; push leaves it
 *
 * Invariants
 *	T1  From the top the links lead through the nodes of the stack, in the
 *	    order in which they are to be removed.
 *	T2  The link of a node in the stack does not change: it is written by
 *	    push, before the swap, and a node in a stack is not pushed.
 *	T3  The count never returns to an earlier value: at 10^9 removals a
 *	    second it wraps after 584 years.
 *
 * Why pop is right.  It loads the count, then the top A, then A's link B, and
 * swaps (A, count) for (B, count + 1).  If the swap succeeds the count was the
 * same since it was loaded (T3): nothing was removed.  So A, the top then and
 * now, was in the stack all the time, and the link that was read is A's (T2).
 *
 * Hence the order of the loads.  Were the top loaded first, A could be removed,
 * then the count and the link loaded, and A pushed again: the swap would
 * succeed, with a link from before.  If push added to the count as well any
 * order would do; but this one costs nothing.  The swap of a push is right for
 * whatever top it finds.
 *
 * What else A may be when its link is read: removed, and in use for something
 * else by whoever removed it.  Then B is any value, and the swap fails.
 *
 * Order
 *	O13 A successful swap is a release, loading the top an acquire.  Every
 *	    change is a swap, so that what one push has released is acquired
 *	    by all who load the top from then on.
 *
 * Who fails to swap has met another in the act, and pauses.  The first pause is
 * long compared with a swap: two threads that take the cache line from each
 * other at each step make a fifth of the progress of one alone.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <vcore/stack.h>

#include <stddef.h>

#include "platform/annotate.h"
#include "platform/panic.h"
#include "platform/spin.h"

_Static_assert(sizeof(struct vcore_stack) == sizeof(struct vci_pair) &&
		       _Alignof(struct vcore_stack) == _Alignof(struct vci_pair) &&
		       offsetof(struct vcore_stack, top_) == offsetof(struct vci_pair, low) &&
		       offsetof(struct vcore_stack, count_) == offsetof(struct vci_pair, high),
	       "it is a pair");

static inline void check(const char *function, const struct vcore_stack *stack)
{
	if (unlikely(stack == NULL || (uintptr_t)stack % _Alignof(struct vcore_stack) != 0)) {
		vci_panic(function,
			  stack == NULL ? "stack is NULL" : "stack is not aligned to 16 bytes");
	}
}

static inline struct vcore_stack_node *top_of(struct vci_pair pair)
{
	return (struct vcore_stack_node *)pair.low;
}

/* The count first: see above. */
static inline struct vci_pair load(const struct vcore_stack *stack)
{
	struct vci_pair pair;

	pair.high = __atomic_load_n(&stack->count_, __ATOMIC_ACQUIRE);
	vci_stall();
	pair.low = (uint64_t)__atomic_load_n(&stack->top_, __ATOMIC_ACQUIRE);
	return pair;
}

static inline bool swap(struct vcore_stack *stack, struct vci_pair from,
			struct vcore_stack_node *top, uint64_t count)
{
	struct vci_pair to = {(uint64_t)top, count};

	vci_stall();
	return likely(vci_pair_compare_exchange((struct vci_pair *)(void *)stack, from, to));
}

/* Of a node that may have been removed, and be written to. */
VCI_READS_RACILY static struct vcore_stack_node *read_link(const struct vcore_stack_node *node)
{
	return VCI_READ(node->next_);
}

void vcore_stack_push(struct vcore_stack *stack, struct vcore_stack_node *node)
{
	struct vci_pair pair;
	unsigned rounds = 0;

	check(__func__, stack);
	VCI_PANIC_IF(node == NULL, "node is NULL");
	for (;;) {
		pair = load(stack);
		VCI_PANIC_IF(top_of(pair) == node, "the node is in the stack");
		__atomic_store_n(&node->next_, top_of(pair), __ATOMIC_RELAXED);
		if (swap(stack, pair, node, pair.high)) {
			return;
		}
		vci_back_off(&rounds);
	}
}

struct vcore_stack_node *vcore_stack_pop(struct vcore_stack *stack)
{
	struct vci_pair pair;
	unsigned rounds = 0;

	check(__func__, stack);
	for (;;) {
		pair = load(stack);
		if (top_of(pair) == NULL ||
		    swap(stack, pair, read_link(top_of(pair)), pair.high + 1)) {
			return top_of(pair);
		}
		vci_back_off(&rounds);
	}
}

struct vcore_stack_node *vcore_stack_pop_all(struct vcore_stack *stack)
{
	struct vci_pair pair;
	unsigned rounds = 0;

	check(__func__, stack);
	for (;;) {
		pair = load(stack);
		if (top_of(pair) == NULL || swap(stack, pair, NULL, pair.high + 1)) {
			return top_of(pair);
		}
		vci_back_off(&rounds);
	}
}

struct vcore_stack_node *vcore_stack_next(const struct vcore_stack_node *node)
{
	VCI_PANIC_IF(node == NULL, "node is NULL");
	return node->next_;
}

bool vcore_stack_is_empty(const struct vcore_stack *stack)
{
	check(__func__, stack);
	return __atomic_load_n(&stack->top_, __ATOMIC_RELAXED) == NULL;
}
