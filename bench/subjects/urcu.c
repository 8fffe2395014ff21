/*
 * The subject liburcu: its lock-free stack, from which nodes are popped under a
 * mutex of the stack; its queue of nodes, to which many add without waiting, and
 * from which one at a time takes, under a mutex of the queue.  It has no bound: a
 * message lies in a node, and who receives it sends its next one in the same.
 * Readers are of its "qsbr" flavour.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "lifo.h"
#include "urcu-readers.h"

#include <stdlib.h>
#include <urcu/lfstack.h>
#include <urcu/wfcqueue.h>

/* All messages have this size. */
#define WORD sizeof(uint64_t)

struct queue {
	struct cds_wfcq_tail tail BENCH_APART;
	struct cds_wfcq_head head BENCH_APART;
};

struct letter {
	struct cds_wfcq_node node BENCH_APART;
	uint64_t message;
};

/* The one that the calling thread has, to send. */
static __thread struct letter *own;

static bool try_send(void *buffer, const void *message, size_t size)
{
	struct queue *queue = buffer;

	(void)size;
	memcpy(&own->message, message, WORD);
	cds_wfcq_node_init(&own->node);
	cds_wfcq_enqueue(&queue->head, &queue->tail, &own->node);
	return true;
}

static bool try_receive(void *buffer, void *message, size_t size)
{
	struct queue *queue = buffer;
	struct cds_wfcq_node *node = cds_wfcq_dequeue_blocking(&queue->head, &queue->tail);

	(void)size;
	if (node == NULL) {
		return false;
	}
	own = caa_container_of(node, struct letter, node);
	memcpy(message, &own->message, WORD);
	return true;
}

static const struct bench_channel channel = {.try_send = try_send, .try_receive = try_receive};

static void *exchange(void *party)
{
	own = bench_apart(sizeof(struct letter));
	bench_exchange_all(party, &channel);
	free(own);
	return NULL;
}

static void run_ring(struct bench *bench)
{
	struct queue *queue = bench_apart(sizeof(struct queue));

	bench_check(bench->bytes == WORD, "messages of that size");
	cds_wfcq_init(&queue->head, &queue->tail);
	bench_exchange(bench, &bench_pinned_threads, queue, exchange);
	bench_note(bench, "no bound");
	cds_wfcq_destroy(&queue->head, &queue->tail);
	free(queue);
}

/* --- the stack --- */

static void push(void *stack, struct bench_element *element)
{
	cds_lfs_push((struct cds_lfs_stack *)stack, (struct cds_lfs_node *)element);
}

static struct bench_element *pop(void *stack)
{
	return (struct bench_element *)cds_lfs_pop_blocking(stack);
}

static const struct bench_lifo lifo = {.push = push, .pop = pop};

static void *push_and_pop(void *party)
{
	return bench_push_and_pop(party, &lifo);
}

static void run_stack(struct bench *bench)
{
	struct cds_lfs_stack *stack = bench_apart(sizeof(*stack));

	cds_lfs_init(stack);
	bench_exchange(bench, &bench_pinned_threads, stack, push_and_pop);
	cds_lfs_destroy(stack);
	free(stack);
}

static const struct bench_workload workloads[] = {
	{"ring", run_ring},   {"ring-crowded", run_ring},
	{"stack", run_stack}, {"rcu", bench_read_only},
	{NULL, NULL},
};

int main(int argc, char **argv)
{
	return bench_main(workloads, argc, argv);
}
