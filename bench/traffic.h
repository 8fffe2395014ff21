/*
 * Traffic: messages on their way from senders to receivers, through a buffer.
 *
 * An implementation says how a message is sent and received, and by what
 * threads:
 *
 *	static const struct bench_channel channel = {.send = send, .receive = receive};
 *
 *	static void *send_all(void *sender)
 *	{
 *		return bench_send_all(sender, &channel);
 *	}
 *	...
 *	static void run_one_to_one(struct bench *bench)
 *	{
 *		struct buffer *buffer = allocate(bench->capacity, bench->bytes);
 *
 *		bench_traffic(bench, &crew, buffer, send_all, receive_all);
 *		deallocate(buffer);
 *	}
 *
 * Its functions are part of the loops that call them, and see the size of a
 * message as a constant, as they would in a program.
 *
 * A message begins with its number, and ends with the same number inverted if
 * there is room.  Nothing may be lost, come twice or be torn.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BENCH_TRAFFIC_H
#define BENCH_TRAFFIC_H

#include "contest.h"

#include <stddef.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

#define BENCH_INLINE __attribute__((always_inline)) static inline

/* Each message has `size` bytes.  Those that an implementation lacks are NULL. */
struct bench_channel {
	void (*send)(void *buffer, const void *message, size_t size);
	void (*receive)(void *buffer, void *message, size_t size);
	/* of n messages; receive_many waits for one, and returns how many there were */
	void (*send_many)(void *buffer, const void *messages, size_t n, size_t size);
	size_t (*receive_many)(void *buffer, void *messages, size_t n, size_t size);
	/* never waiting */
	bool (*try_send)(void *buffer, const void *message, size_t size);
	bool (*try_receive)(void *buffer, void *message, size_t size);
};

/* One who sends, or receives, or both. */
struct bench_party {
	void *out BENCH_APART; /* the buffer that it sends into */
	void *in;              /* the buffer that it receives from */
	void (*yield)(void);
	void *thread;
	struct bench *bench;
	char *messages; /* room for a batch */
	char *received; /* of one that sends as well: room for the message it receives */
	size_t size;    /* of a message */
	size_t batch;
	long first, n;     /* the numbers it sends, and how many it receives */
	bool expects_next; /* it receives them in their order */
	uint64_t sum;      /* of what it has received */
};

/*
 * bench->threads senders and as many receivers: bench->n messages of
 * bench->bytes in all.  "ns" is the time a message; "cpu" is what it costs in
 * CPU time of the process, in ns.
 */
void bench_traffic(struct bench *bench, const struct bench_crew *crew, void *buffer,
		   void *(*send)(void *), void *(*receive)(void *));

/* bench->threads threads, each of which sends a message, then receives one. */
void bench_exchange(struct bench *bench, const struct bench_crew *crew, void *buffer,
		    void *(*exchange)(void *));

/* Two threads: a message goes there through one buffer, then back through another. */
void bench_round_trip(struct bench *bench, const struct bench_crew *crew, void *there, void *back,
		      void *(*go)(void *), void *(*come)(void *));

/*
 * pthreads that can be joined, wherever the kernel has them run; and those of
 * which each is bound to the CPU after that of the one before.
 */
extern const struct bench_crew bench_joined_threads;
extern const struct bench_crew bench_pinned_threads;

/* Memory that begins with a cache line of its own. */
void *bench_apart(size_t size);

/* --- messages --- */

BENCH_INLINE void bench_write(void *message, long number, size_t size)
{
	long inverted = ~number;

	memcpy(message, &number, sizeof(number));
	if (size >= 2 * sizeof(number)) {
		memcpy((char *)message + size - sizeof(number), &inverted, sizeof(inverted));
	}
}

BENCH_INLINE long bench_read(const void *message, size_t size)
{
	long number;
	long inverted;

	memcpy(&number, message, sizeof(number));
	if (size >= 2 * sizeof(number)) {
		memcpy(&inverted, (const char *)message + size - sizeof(number), sizeof(inverted));
		if (inverted != ~number) {
			bench_check(false, "a message was torn");
		}
	}
	return number;
}

/* What a party has received as its i-th. */
BENCH_INLINE void bench_receipt(struct bench_party *self, const void *message, long i, size_t size)
{
	long number = bench_read(message, size);

	if (self->expects_next && number != i) {
		bench_check(false, "a message came out of order");
	}
	self->sum += (uint64_t)number;
}

/* --- to try until it succeeds --- */

/* Others have this CPU, if it takes longer than another CPU would need. */
#define BENCH_PATIENCE 256

BENCH_INLINE void bench_pause(void)
{
#if defined(__x86_64__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("isb");
#endif
}

/* After the i-th failure. */
BENCH_INLINE void bench_try_again(const struct bench_party *self, long i)
{
	if (i % BENCH_PATIENCE == BENCH_PATIENCE - 1) {
		self->yield();
	} else {
		bench_pause();
	}
}

BENCH_INLINE void bench_send(struct bench_party *self, const struct bench_channel *channel,
			     const void *message, size_t size)
{
	if (channel->send != NULL) {
		channel->send(self->out, message, size);
		return;
	}
	for (long i = 0; !channel->try_send(self->out, message, size); i++) {
		bench_try_again(self, i);
	}
}

BENCH_INLINE void bench_receive(struct bench_party *self, const struct bench_channel *channel,
				void *message, size_t size)
{
	if (channel->receive != NULL) {
		channel->receive(self->in, message, size);
		return;
	}
	for (long i = 0; !channel->try_receive(self->in, message, size); i++) {
		bench_try_again(self, i);
	}
}

/* --- what each party does, messages being of one size --- */

BENCH_INLINE void bench_send_sized(struct bench_party *self, const struct bench_channel *channel,
				   size_t size)
{
	for (long i = 0; i < self->n; i++) {
		bench_write(self->messages, self->first + i, size);
		bench_send(self, channel, self->messages, size);
	}
}

BENCH_INLINE void bench_receive_sized(struct bench_party *self, const struct bench_channel *channel,
				      size_t size)
{
	for (long i = 0; i < self->n; i++) {
		bench_receive(self, channel, self->messages, size);
		bench_receipt(self, self->messages, i, size);
	}
}

BENCH_INLINE size_t bench_next_batch(const struct bench_party *self, long i)
{
	size_t rest = (size_t)(self->n - i);

	return rest < self->batch ? rest : self->batch;
}

BENCH_INLINE void bench_send_batches(struct bench_party *self, const struct bench_channel *channel,
				     size_t size)
{
	size_t count;

	for (long i = 0; i < self->n; i += (long)count) {
		count = bench_next_batch(self, i);
		for (size_t j = 0; j < count; j++) {
			bench_write(self->messages + j * size, self->first + i + (long)j, size);
		}
		channel->send_many(self->out, self->messages, count, size);
	}
}

BENCH_INLINE void bench_receive_batches(struct bench_party *self,
					const struct bench_channel *channel, size_t size)
{
	size_t count;

	for (long i = 0; i < self->n; i += (long)count) {
		count = channel->receive_many(self->in, self->messages, bench_next_batch(self, i),
					      size);
		for (size_t j = 0; j < count; j++) {
			bench_receipt(self, self->messages + j * size, i + (long)j, size);
		}
	}
}

BENCH_INLINE void bench_exchange_sized(struct bench_party *self,
				       const struct bench_channel *channel, size_t size)
{
	for (long i = 0; i < self->n; i++) {
		bench_write(self->messages, self->first + i, size);
		bench_send(self, channel, self->messages, size);
		bench_receive(self, channel, self->received, size);
		bench_receipt(self, self->received, i, size);
	}
}

BENCH_INLINE void bench_go_sized(struct bench_party *self, const struct bench_channel *channel,
				 size_t size)
{
	for (long i = 0; i < self->n; i++) {
		bench_write(self->messages, i, size);
		bench_send(self, channel, self->messages, size);
		bench_receive(self, channel, self->received, size);
		bench_receipt(self, self->received, i, size);
		bench_lap(self->bench);
	}
}

BENCH_INLINE void bench_come_sized(struct bench_party *self, const struct bench_channel *channel,
				   size_t size)
{
	for (long i = 0; i < self->n; i++) {
		bench_receive(self, channel, self->received, size);
		bench_receipt(self, self->received, i, size);
		bench_send(self, channel, self->received, size);
	}
}

/* --- the same for all sizes there are --- */

#define BENCH_FOR_SIZES(name, sized)                                                               \
	BENCH_INLINE void *name(void *party, const struct bench_channel *channel)                  \
	{                                                                                          \
		struct bench_party *self = (struct bench_party *)party;                            \
                                                                                                   \
		switch (self->size) {                                                              \
		case 8:                                                                            \
			sized(self, channel, 8);                                                   \
			break;                                                                     \
		case 64:                                                                           \
			sized(self, channel, 64);                                                  \
			break;                                                                     \
		case 1024:                                                                         \
			sized(self, channel, 1024);                                                \
			break;                                                                     \
		default:                                                                           \
			bench_check(false, "messages of that size");                               \
		}                                                                                  \
		return NULL;                                                                       \
	}

BENCH_FOR_SIZES(bench_send_all, bench_send_sized)
BENCH_FOR_SIZES(bench_receive_all, bench_receive_sized)
BENCH_FOR_SIZES(bench_send_all_in_batches, bench_send_batches)
BENCH_FOR_SIZES(bench_receive_all_in_batches, bench_receive_batches)
BENCH_FOR_SIZES(bench_exchange_all, bench_exchange_sized)
BENCH_FOR_SIZES(bench_go_all, bench_go_sized)
BENCH_FOR_SIZES(bench_come_all, bench_come_sized)

#undef BENCH_FOR_SIZES

#ifdef __cplusplus
}
#endif
#endif /* BENCH_TRAFFIC_H */
