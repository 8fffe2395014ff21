/*
 * The subject Concurrency Kit, its ring of pointers: between many, and between
 * two.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "traffic.h"

#include <ck_ring.h>
#include <stdlib.h>

/* All messages have this size. */
#define WORD sizeof(uint64_t)

struct ring {
	ck_ring_t ring;
	ck_ring_buffer_t cells[];
};

/* One cell of it stays free. */
static struct ring *allocate(const struct bench *bench)
{
	size_t cells = (size_t)bench->capacity;
	struct ring *ring = bench_apart(sizeof(struct ring) + cells * sizeof(ck_ring_buffer_t));

	bench_check(bench->bytes == WORD, "messages of that size");
	ck_ring_init(&ring->ring, (unsigned)cells);
	return ring;
}

/* --- many to many --- */

static bool try_send(void *buffer, const void *message, size_t size)
{
	struct ring *ring = buffer;
	void *value;

	(void)size;
	memcpy(&value, message, WORD);
	return ck_ring_enqueue_mpmc(&ring->ring, ring->cells, value);
}

static bool try_receive(void *buffer, void *message, size_t size)
{
	struct ring *ring = buffer;
	void *value;
	bool received = ck_ring_trydequeue_mpmc(&ring->ring, ring->cells, &value);

	(void)size;
	if (received) {
		memcpy(message, &value, WORD);
	}
	return received;
}

static const struct bench_channel mpmc = {.try_send = try_send, .try_receive = try_receive};

static void *exchange(void *party)
{
	return bench_exchange_all(party, &mpmc);
}

static void run_ring(struct bench *bench)
{
	struct ring *ring = allocate(bench);

	bench_exchange(bench, &bench_pinned_threads, ring, exchange);
	free(ring);
}

/* --- one to one --- */

static bool try_send_spsc(void *buffer, const void *message, size_t size)
{
	struct ring *ring = buffer;
	void *value;

	(void)size;
	memcpy(&value, message, WORD);
	return ck_ring_enqueue_spsc(&ring->ring, ring->cells, value);
}

static bool try_receive_spsc(void *buffer, void *message, size_t size)
{
	struct ring *ring = buffer;
	void *value;
	bool received = ck_ring_dequeue_spsc(&ring->ring, ring->cells, &value);

	(void)size;
	if (received) {
		memcpy(message, &value, WORD);
	}
	return received;
}

static const struct bench_channel spsc = {.try_send = try_send_spsc,
					  .try_receive = try_receive_spsc};

static void *send_all(void *party)
{
	return bench_send_all(party, &spsc);
}

static void *receive_all(void *party)
{
	return bench_receive_all(party, &spsc);
}

static void run_spsc(struct bench *bench)
{
	struct ring *ring = allocate(bench);

	bench_traffic(bench, &bench_pinned_threads, ring, send_all, receive_all);
	free(ring);
}

static const struct bench_workload workloads[] = {
	{"ring", run_ring},
	{"spsc", run_spsc},
	{NULL, NULL},
};

int main(int argc, char **argv)
{
	return bench_main(workloads, argc, argv);
}
