/*
 * The subject Treiber: his stack, with a count beside the top and no back-off,
 * part of the loops that call it.  What a lock-free stack must cost.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "lifo.h"

#include <stdlib.h>

struct node {
	struct node *next; /* atomic */
};

struct stack {
	struct node *top __attribute__((aligned(16))); /* atomic */
	uint64_t count;
};

BENCH_INLINE bool swap(struct stack *stack, struct node *top, uint64_t count, struct node *new_top,
		       uint64_t new_count)
{
	typedef unsigned __int128 __attribute__((may_alias)) pair;

	return __sync_bool_compare_and_swap((pair *)stack, (pair)count << 64 | (uintptr_t)top,
					    (pair)new_count << 64 | (uintptr_t)new_top);
}

static void push(void *argument, struct bench_element *element)
{
	struct stack *stack = argument;
	struct node *node = (struct node *)element;
	struct node *top;
	uint64_t count;

	do {
		count = __atomic_load_n(&stack->count, __ATOMIC_ACQUIRE);
		top = __atomic_load_n(&stack->top, __ATOMIC_RELAXED);
		__atomic_store_n(&node->next, top, __ATOMIC_RELAXED);
	} while (!swap(stack, top, count, node, count));
}

static struct bench_element *pop(void *argument)
{
	struct stack *stack = argument;
	struct node *top;
	struct node *next;
	uint64_t count;

	do {
		count = __atomic_load_n(&stack->count, __ATOMIC_ACQUIRE);
		top = __atomic_load_n(&stack->top, __ATOMIC_ACQUIRE);
		next = __atomic_load_n(&top->next, __ATOMIC_RELAXED);
	} while (!swap(stack, top, count, next, count + 1));
	return (struct bench_element *)top;
}

static const struct bench_lifo lifo = {.push = push, .pop = pop};

static void *exchange(void *party)
{
	return bench_push_and_pop(party, &lifo);
}

static void run_stack(struct bench *bench)
{
	struct stack *stack = bench_apart(sizeof(struct stack));

	bench_exchange(bench, &bench_pinned_threads, stack, exchange);
	free(stack);
}

static const struct bench_workload workloads[] = {
	{"stack", run_stack},
	{NULL, NULL},
};

int main(int argc, char **argv)
{
	return bench_main(workloads, argc, argv);
}
