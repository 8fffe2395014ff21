/*
 * The subject Lamport: his ring for one sender and one receiver (1977), where each
 * remembers how far the other was, for messages of one word, part of the loops that
 * call it.  What a ring for two must cost.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "traffic.h"

#include <stdlib.h>

/* All messages have this size. */
#define WORD sizeof(uint64_t)

struct end {
	size_t done BENCH_APART; /* atomic: how many it has sent, or received */
	/* of this end alone */
	size_t next BENCH_APART; /* the same */
	size_t limit;            /* up to there it may go on */
};

struct ring {
	size_t mask;
	struct end sender, receiver;
	uint64_t cells[] BENCH_APART;
};

static struct ring *allocate(const struct bench *bench)
{
	size_t capacity = (size_t)bench->capacity;
	struct ring *ring = bench_apart(sizeof(struct ring) + capacity * sizeof(uint64_t));

	bench_check(bench->bytes == WORD, "messages of that size");
	bench_check((capacity & (capacity - 1)) == 0, "capacity");
	ring->mask = capacity - 1;
	ring->sender.limit = capacity;
	return ring;
}

/* Whether an end can go on, if it may be as far ahead of the other as that. */
BENCH_INLINE bool may_go_on(struct end *self, const struct end *other, size_t ahead)
{
	if (self->next == self->limit) {
		self->limit = __atomic_load_n(&other->done, __ATOMIC_ACQUIRE) + ahead;
	}
	return self->next != self->limit;
}

static bool try_send(void *buffer, const void *message, size_t size)
{
	struct ring *ring = buffer;
	struct end *self = &ring->sender;

	(void)size;
	if (!may_go_on(self, &ring->receiver, ring->mask + 1)) {
		return false;
	}
	memcpy(&ring->cells[self->next & ring->mask], message, WORD);
	__atomic_store_n(&self->done, ++self->next, __ATOMIC_RELEASE);
	return true;
}

static bool try_receive(void *buffer, void *message, size_t size)
{
	struct ring *ring = buffer;
	struct end *self = &ring->receiver;

	(void)size;
	if (!may_go_on(self, &ring->sender, 0)) {
		return false;
	}
	memcpy(message, &ring->cells[self->next & ring->mask], WORD);
	__atomic_store_n(&self->done, ++self->next, __ATOMIC_RELEASE);
	return true;
}

static const struct bench_channel channel = {.try_send = try_send, .try_receive = try_receive};

static void *send_all(void *party)
{
	return bench_send_all(party, &channel);
}

static void *receive_all(void *party)
{
	return bench_receive_all(party, &channel);
}

static void run_spsc(struct bench *bench)
{
	struct ring *ring = allocate(bench);

	bench_traffic(bench, &bench_pinned_threads, ring, send_all, receive_all);
	free(ring);
}

static const struct bench_workload workloads[] = {
	{"spsc", run_spsc},
	{NULL, NULL},
};

int main(int argc, char **argv)
{
	return bench_main(workloads, argc, argv);
}
