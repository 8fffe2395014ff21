/*
 * The stack of libvcore; it is used by kernel threads, as its peers are.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "vcore-stack.h"

#include "lifo.h"

#include <stdlib.h>
#include <vcore/stack.h>

static void push(void *stack, struct bench_element *element)
{
	vcore_stack_push(stack, (struct vcore_stack_node *)element);
}

static struct bench_element *pop(void *stack)
{
	return (struct bench_element *)vcore_stack_pop(stack);
}

static const struct bench_lifo lifo = {.push = push, .pop = pop};

static void *exchange(void *party)
{
	return bench_push_and_pop(party, &lifo);
}

void run_stack(struct bench *bench)
{
	struct vcore_stack *stack = bench_apart(sizeof(*stack));

	bench_exchange(bench, &bench_pinned_threads, stack, exchange);
	free(stack);
}
