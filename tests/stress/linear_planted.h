/*
 * Objects that are wrong, for the linearizability check to find:
 *
 *	aba	Treiber's stack without a count: pop swaps the top if it is the
 *		node that it was, and puts on top what was below it then.
 *	lossy	a ring whose senders fill the next cell before they claim it: of
 *		two that meet one overwrites the other's message, and both have
 *		sent.
 *
 * Between the two steps that must not be torn apart they yield, every other
 * time.  What is read too late is atomic: to race with each other is their
 * mistake, but not the one that is looked for.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef TESTS_STRESS_LINEAR_PLANTED_H
#define TESTS_STRESS_LINEAR_PLANTED_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <vcore/thread.h>

static inline void planted_yield(void)
{
	static _Atomic unsigned calls;

	if (atomic_fetch_add(&calls, 1) % 2 == 0) {
		vcore_yield();
	}
}

struct aba_node {
	struct aba_node *_Atomic next;
};

struct aba_stack {
	struct aba_node *_Atomic top;
};

static inline void aba_push(struct aba_stack *stack, struct aba_node *node)
{
	struct aba_node *top = atomic_load(&stack->top);

	do {
		atomic_store(&node->next, top);
	} while (!atomic_compare_exchange_weak(&stack->top, &top, node));
}

static inline struct aba_node *aba_pop(struct aba_stack *stack)
{
	struct aba_node *top = atomic_load(&stack->top), *next;

	do {
		if (top == NULL) {
			return NULL;
		}
		next = atomic_load(&top->next);
		planted_yield();
	} while (!atomic_compare_exchange_weak(&stack->top, &top, next));
	return top;
}

static inline struct aba_node *aba_pop_all(struct aba_stack *stack)
{
	return atomic_exchange(&stack->top, NULL);
}

#define LOSSY_CAPACITY 2

struct lossy_ring {
	_Atomic uint64_t in, out;
	_Atomic uint8_t cells[LOSSY_CAPACITY];
};

static inline bool lossy_try_send(struct lossy_ring *ring, uint8_t message)
{
	uint64_t in = atomic_load(&ring->in);

	if (in == atomic_load(&ring->out) + LOSSY_CAPACITY) {
		return false;
	}
	atomic_store(&ring->cells[in % LOSSY_CAPACITY], message);
	planted_yield();
	atomic_compare_exchange_strong(&ring->in, &in, in + 1);
	return true;
}

static inline bool lossy_try_receive(struct lossy_ring *ring, uint8_t *message)
{
	uint64_t out = atomic_load(&ring->out);

	do {
		if (out == atomic_load(&ring->in)) {
			return false;
		}
		*message = atomic_load(&ring->cells[out % LOSSY_CAPACITY]);
	} while (!atomic_compare_exchange_weak(&ring->out, &out, out + 1));
	return true;
}

#endif /* TESTS_STRESS_LINEAR_PLANTED_H */
