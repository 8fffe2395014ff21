/*
 * A bounded buffer as everybody writes it: a ring under a mutex, with a condition
 * for those who wait for room and one for those who wait for messages.
 *
 * Who includes this defines before
 *
 *	struct guard		a mutex, and
 *	struct condition	a condition variable, both free when all-zero
 *	guard_acquire(guard), guard_release(guard)
 *	condition_wait(condition, guard), condition_signal(condition)
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BENCH_LOCKED_RING_H
#define BENCH_LOCKED_RING_H

#include "traffic.h"

#include <stdlib.h>

struct locked_ring {
	struct guard guard;
	/* guarded by guard */
	struct condition room, mail;
	size_t in, count; /* where the next message goes; how many there are */
	/* constant */
	size_t capacity;
	char cells[] BENCH_APART;
};

static struct locked_ring *locked_ring_allocate(const struct bench *bench)
{
	size_t capacity = (size_t)bench->capacity;
	struct locked_ring *ring =
		bench_apart(sizeof(struct locked_ring) + capacity * (size_t)bench->bytes);

	ring->capacity = capacity;
	return ring;
}

static void locked_ring_send(void *buffer, const void *message, size_t size)
{
	struct locked_ring *ring = buffer;

	guard_acquire(&ring->guard);
	while (ring->count == ring->capacity) {
		condition_wait(&ring->room, &ring->guard);
	}
	memcpy(ring->cells + ring->in * size, message, size);
	ring->in = ring->in + 1 == ring->capacity ? 0 : ring->in + 1;
	ring->count++;
	condition_signal(&ring->mail);
	guard_release(&ring->guard);
}

static void locked_ring_receive(void *buffer, void *message, size_t size)
{
	struct locked_ring *ring = buffer;

	guard_acquire(&ring->guard);
	while (ring->count == 0) {
		condition_wait(&ring->mail, &ring->guard);
	}
	size_t out = ring->in >= ring->count ? ring->in - ring->count
					     : ring->in + ring->capacity - ring->count;

	memcpy(message, ring->cells + out * size, size);
	ring->count--;
	condition_signal(&ring->room);
	guard_release(&ring->guard);
}

static const struct bench_channel locked_ring_channel = {.send = locked_ring_send,
							 .receive = locked_ring_receive};

/* --- parties --- */

static void *locked_ring_send_all(void *party)
{
	return bench_send_all(party, &locked_ring_channel);
}

static void *locked_ring_receive_all(void *party)
{
	return bench_receive_all(party, &locked_ring_channel);
}

static void *locked_ring_go(void *party)
{
	return bench_go_all(party, &locked_ring_channel);
}

static void *locked_ring_come(void *party)
{
	return bench_come_all(party, &locked_ring_channel);
}

/* --- workloads --- */

static void locked_ring_traffic(struct bench *bench)
{
	struct locked_ring *ring = locked_ring_allocate(bench);

	bench_traffic(bench, &bench_joined_threads, ring, locked_ring_send_all,
		      locked_ring_receive_all);
	free(ring);
}

static void locked_ring_round_trip(struct bench *bench)
{
	struct locked_ring *there = locked_ring_allocate(bench);
	struct locked_ring *back = locked_ring_allocate(bench);

	bench_round_trip(bench, &bench_joined_threads, there, back, locked_ring_go,
			 locked_ring_come);
	free(there);
	free(back);
}

#endif /* BENCH_LOCKED_RING_H */
