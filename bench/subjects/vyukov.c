/*
 * The subject Vyukov: his bounded queue as he has published it (2010), a sequence
 * number in each cell, for messages of one word, part of the loops that call
 * it.  What a ring for many must cost.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "traffic.h"

#include <stdlib.h>

/* All messages have this size. */
#define WORD sizeof(uint64_t)

struct cell {
	size_t sequence; /* atomic */
	uint64_t message;
};

struct ring {
	size_t mask;
	size_t in BENCH_APART;  /* atomic */
	size_t out BENCH_APART; /* atomic */
	struct cell cells[] BENCH_APART;
};

static struct ring *allocate(const struct bench *bench)
{
	size_t capacity = (size_t)bench->capacity;
	struct ring *ring = bench_apart(sizeof(struct ring) + capacity * sizeof(struct cell));

	bench_check(bench->bytes == WORD, "messages of that size");
	bench_check((capacity & (capacity - 1)) == 0, "capacity");
	ring->mask = capacity - 1;
	for (size_t i = 0; i < capacity; i++) {
		ring->cells[i].sequence = i;
	}
	return ring;
}

/*
 * Claims the cell at a position, once its sequence number is as far ahead of it as
 * the caller says.  NULL: it is not yet.
 */
BENCH_INLINE struct cell *claim(struct ring *ring, size_t *position, size_t ahead, size_t *claimed)
{
	size_t at = __atomic_load_n(position, __ATOMIC_RELAXED);

	for (;;) {
		struct cell *cell = &ring->cells[at & ring->mask];
		size_t sequence = __atomic_load_n(&cell->sequence, __ATOMIC_ACQUIRE);
		intptr_t distance = (intptr_t)(sequence - (at + ahead));

		if (distance < 0) {
			return NULL;
		}
		if (distance > 0) {
			at = __atomic_load_n(position, __ATOMIC_RELAXED);
		} else if (__atomic_compare_exchange_n(position, &at, at + 1, true,
						       __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
			*claimed = at;
			return cell;
		}
	}
}

static bool try_send(void *buffer, const void *message, size_t size)
{
	struct ring *ring = buffer;
	size_t at;
	struct cell *cell = claim(ring, &ring->in, 0, &at);

	(void)size;
	if (cell == NULL) {
		return false;
	}
	memcpy(&cell->message, message, WORD);
	__atomic_store_n(&cell->sequence, at + 1, __ATOMIC_RELEASE);
	return true;
}

static bool try_receive(void *buffer, void *message, size_t size)
{
	struct ring *ring = buffer;
	size_t at;
	struct cell *cell = claim(ring, &ring->out, 1, &at);

	(void)size;
	if (cell == NULL) {
		return false;
	}
	memcpy(message, &cell->message, WORD);
	__atomic_store_n(&cell->sequence, at + ring->mask + 1, __ATOMIC_RELEASE);
	return true;
}

static const struct bench_channel channel = {.try_send = try_send, .try_receive = try_receive};

static void *exchange(void *party)
{
	return bench_exchange_all(party, &channel);
}

static void run_ring(struct bench *bench)
{
	struct ring *ring = allocate(bench);

	bench_exchange(bench, &bench_pinned_threads, ring, exchange);
	free(ring);
}

static const struct bench_workload workloads[] = {
	{"ring", run_ring},
	{"ring-crowded", run_ring},
	{NULL, NULL},
};

int main(int argc, char **argv)
{
	return bench_main(workloads, argc, argv);
}
