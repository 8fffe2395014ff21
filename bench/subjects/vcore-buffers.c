/*
 * The buffers of libvcore, and green threads that send and receive.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "vcore-buffers.h"

#include "traffic.h"
#include "vcore-locks.h"

#include <vcore/vcore.h>

#include <stdlib.h>

unsigned buffer_flags;

static void check(int error, const char *what)
{
	bench_check(error == 0, what);
}

static struct vcore_buffer *allocate(const struct bench *bench)
{
	struct vcore_buffer_options options = {.size = sizeof(options), .flags = buffer_flags};
	struct vcore_buffer *buffer;

	check(vcore_buffer_allocate(&buffer, (size_t)bench->capacity, (size_t)bench->bytes,
				    &options),
	      "allocate");
	return buffer;
}

/* --- threads that are bound to one processor after the other --- */

static unsigned processors;

struct berth {
	unsigned processor;
	void *(*entry)(void *);
	void *argument;
};

/* As the peers' threads are bound to CPUs, so is the kernel thread that has the processor. */
static void *begin(void *argument)
{
	struct berth berth = *(struct berth *)argument;

	free(argument);
	bench_pin(berth.processor);
	return berth.entry(berth.argument);
}

static void *spawn_pinned(void *(*entry)(void *), void *argument)
{
	static unsigned next;
	struct berth *berth = malloc(sizeof(struct berth));
	struct vcore_thread_options options = {.flags = VCORE_THREAD_PINNED};
	struct vcore_thread *thread;

	bench_check(berth != NULL, "memory");
	*berth = (struct berth){next++ % processors, entry, argument};
	options.processor = berth->processor;
	check(vcore_thread_allocate(&thread, &options, begin, berth), "allocate");
	return thread;
}

static void join(void *thread)
{
	check(vcore_thread_join(thread, NULL, VCORE_NEVER), "join");
}

static const struct bench_crew pinned_crew = {
	.spawn = spawn_pinned, .join = join, .yield = vcore_yield};

const struct bench_crew *pinned_threads(const struct bench *bench)
{
	processors = bench->processors;
	return &pinned_crew;
}

/* --- waiting --- */

static void send(void *buffer, const void *message, size_t size)
{
	(void)size;
	vcore_buffer_send(buffer, message, VCORE_NEVER);
}

static void receive(void *buffer, void *message, size_t size)
{
	(void)size;
	vcore_buffer_receive(buffer, message, VCORE_NEVER);
}

static void send_many(void *buffer, const void *messages, size_t n, size_t size)
{
	(void)size;
	vcore_buffer_send_many(buffer, messages, n, VCORE_NEVER);
}

static size_t receive_many(void *buffer, void *messages, size_t n, size_t size)
{
	(void)size;
	return (size_t)vcore_buffer_receive_many(buffer, messages, n, VCORE_NEVER);
}

static const struct bench_channel waiting = {
	.send = send,
	.receive = receive,
	.send_many = send_many,
	.receive_many = receive_many,
};

static void *send_all(void *party)
{
	return bench_send_all(party, &waiting);
}

static void *receive_all(void *party)
{
	return bench_receive_all(party, &waiting);
}

void run_traffic(struct bench *bench)
{
	struct vcore_buffer *buffer = allocate(bench);

	bench_traffic(bench, &vcore_crew, buffer, send_all, receive_all);
	vcore_buffer_deallocate(buffer);
}

static void *send_batches(void *party)
{
	return bench_send_all_in_batches(party, &waiting);
}

static void *receive_batches(void *party)
{
	return bench_receive_all_in_batches(party, &waiting);
}

void run_batches(struct bench *bench)
{
	struct vcore_buffer *buffer = allocate(bench);

	bench_traffic(bench, &vcore_crew, buffer, send_batches, receive_batches);
	vcore_buffer_deallocate(buffer);
}

static void *go(void *party)
{
	return bench_go_all(party, &waiting);
}

static void *come(void *party)
{
	return bench_come_all(party, &waiting);
}

void run_round_trip(struct bench *bench)
{
	struct vcore_buffer *there = allocate(bench);
	struct vcore_buffer *back = allocate(bench);

	bench_round_trip(bench, &vcore_crew, there, back, go, come);
	vcore_buffer_deallocate(there);
	vcore_buffer_deallocate(back);
}

/* --- never waiting --- */

static bool try_send(void *buffer, const void *message, size_t size)
{
	(void)size;
	return vcore_buffer_try_send(buffer, message);
}

static bool try_receive(void *buffer, void *message, size_t size)
{
	(void)size;
	return vcore_buffer_try_receive(buffer, message);
}

/* Batches that do not wait are those whose deadline has passed. */
static void send_many_now(void *buffer, const void *messages, size_t n, size_t size)
{
	const char *next = messages;

	while (n > 0) {
		ssize_t sent = vcore_buffer_send_many(buffer, next, n, 0);

		if (sent > 0) {
			n -= (size_t)sent;
			next += (size_t)sent * size;
		} else {
			bench_pause();
		}
	}
}

static size_t receive_many_now(void *buffer, void *messages, size_t n, size_t size)
{
	ssize_t count;

	(void)size;
	while ((count = vcore_buffer_receive_many(buffer, messages, n, 0)) < 0) {
		bench_pause();
	}
	return (size_t)count;
}

static const struct bench_channel trying = {
	.try_send = try_send,
	.try_receive = try_receive,
	.send_many = send_many_now,
	.receive_many = receive_many_now,
};

static void *exchange(void *party)
{
	return bench_exchange_all(party, &trying);
}

void run_exchange(struct bench *bench)
{
	struct vcore_buffer *buffer = allocate(bench);

	processors = bench->processors;
	bench_exchange(bench, &pinned_crew, buffer, exchange);
	vcore_buffer_deallocate(buffer);
}

static void *try_send_all(void *party)
{
	return bench_send_all(party, &trying);
}

static void *try_receive_all(void *party)
{
	return bench_receive_all(party, &trying);
}

void run_trying(struct bench *bench)
{
	struct vcore_buffer *buffer = allocate(bench);

	processors = bench->processors;
	bench_traffic(bench, &pinned_crew, buffer, try_send_all, try_receive_all);
	vcore_buffer_deallocate(buffer);
}

static void *try_send_batches(void *party)
{
	return bench_send_all_in_batches(party, &trying);
}

static void *try_receive_batches(void *party)
{
	return bench_receive_all_in_batches(party, &trying);
}

void run_trying_batches(struct bench *bench)
{
	struct vcore_buffer *buffer = allocate(bench);

	processors = bench->processors;
	bench_traffic(bench, &pinned_crew, buffer, try_send_batches, try_receive_batches);
	vcore_buffer_deallocate(buffer);
}
