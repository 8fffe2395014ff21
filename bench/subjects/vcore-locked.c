/*
 * The subject libvcore, a list with a lock where others have a stack, and a
 * reader-writer lock where they have read-copy update; green threads use them.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "lifo.h"
#include "vcore-buffers.h"
#include "vcore-locks.h"

#include <stdlib.h>
#include <vcore/lock.h>

struct node {
	struct node *next;
};

struct list {
	struct vcore_lock lock;
	struct node *first; /* guarded by it */
};

static void push(void *argument, struct bench_element *element)
{
	struct list *list = argument;
	struct node *node = (struct node *)element;

	vcore_lock_acquire(&list->lock);
	node->next = list->first;
	list->first = node;
	vcore_lock_release(&list->lock);
}

static struct bench_element *pop(void *argument)
{
	struct list *list = argument;
	struct node *node;

	vcore_lock_acquire(&list->lock);
	node = list->first;
	list->first = node->next;
	vcore_lock_release(&list->lock);
	return (struct bench_element *)node;
}

static const struct bench_lifo lifo = {.push = push, .pop = pop};

static void *exchange(void *party)
{
	return bench_push_and_pop(party, &lifo);
}

static void run_stack(struct bench *bench)
{
	struct list *list = bench_apart(sizeof(*list));

	bench_exchange(bench, pinned_threads(bench), list, exchange);
	free(list);
}

static const struct bench_workload workloads[] = {
	{"stack", run_stack},
	{"rcu", run_readers_first},
	{NULL, NULL},
};

int main(int argc, char **argv)
{
	return vcore_main(workloads, argc, argv);
}
