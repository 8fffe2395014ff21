/*
 * The subject spin-list: a list with a spin lock, an exchange to acquire it and a
 * store to release, part of the loops that call it.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "lifo.h"

#include <stdlib.h>

struct node {
	struct node *next;
};

struct list {
	bool locked BENCH_APART; /* atomic */
	struct node *first;      /* guarded by it */
};

BENCH_INLINE void acquire(struct list *list)
{
	while (__atomic_exchange_n(&list->locked, true, __ATOMIC_ACQUIRE)) {
		for (long i = 0; __atomic_load_n(&list->locked, __ATOMIC_RELAXED); i++) {
			if (i % BENCH_PATIENCE == BENCH_PATIENCE - 1) {
				bench_joined_threads.yield();
			} else {
				bench_pause();
			}
		}
	}
}

BENCH_INLINE void release(struct list *list)
{
	__atomic_store_n(&list->locked, false, __ATOMIC_RELEASE);
}

static void push(void *argument, struct bench_element *element)
{
	struct list *list = argument;
	struct node *node = (struct node *)element;

	acquire(list);
	node->next = list->first;
	list->first = node;
	release(list);
}

static struct bench_element *pop(void *argument)
{
	struct list *list = argument;
	struct node *node;

	acquire(list);
	node = list->first;
	list->first = node->next;
	release(list);
	return (struct bench_element *)node;
}

static const struct bench_lifo lifo = {.push = push, .pop = pop};

static void *exchange(void *party)
{
	return bench_push_and_pop(party, &lifo);
}

static void run_stack(struct bench *bench)
{
	struct list *list = bench_apart(sizeof(struct list));

	bench_exchange(bench, &bench_pinned_threads, list, exchange);
	free(list);
}

static const struct bench_workload workloads[] = {
	{"stack", run_stack},
	{NULL, NULL},
};

int main(int argc, char **argv)
{
	return bench_main(workloads, argc, argv);
}
