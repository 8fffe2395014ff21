/*
 * The subject Concurrency Kit, its stack: lock-free, with a count beside the top.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "lifo.h"

#include <ck_stack.h>
#include <stdlib.h>

static void push(void *stack, struct bench_element *element)
{
	ck_stack_push_upmc(stack, (struct ck_stack_entry *)element);
}

static struct bench_element *pop(void *stack)
{
	return (struct bench_element *)ck_stack_pop_mpmc(stack);
}

static const struct bench_lifo lifo = {.push = push, .pop = pop};

static void *exchange(void *party)
{
	return bench_push_and_pop(party, &lifo);
}

static void run_stack(struct bench *bench)
{
	ck_stack_t *stack = bench_apart(sizeof(*stack));

	ck_stack_init(stack);
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
