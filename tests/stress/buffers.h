/*
 * What the programs about buffers share: traffic through a buffer, that is
 * senders and receivers who make all the calls there are, and an account of it.
 *
 * A message bears its own number and its source's, if it is long enough: each
 * is received once, and of a source's messages each receiver gets a later one
 * each time.  Of shorter ones the number and the sum are checked.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef TESTS_STRESS_BUFFERS_H
#define TESTS_STRESS_BUFFERS_H

#include "locks.h"

#define SOURCES  8
#define BATCH    5
#define LONGEST  5000 /* bytes; others may see that such a message is being copied */
#define HEAD     5    /* bytes that its numbers take */
#define PATIENCE (100 * MICROSECOND)

struct traffic {
	struct vcore_buffer *buffer;
	size_t capacity, size;
	unsigned flags;
	uint32_t most;                  /* messages of a source */
	_Atomic bool over;              /* senders are to end */
	_Atomic uint8_t *seen[SOURCES]; /* of each message, whether it was received */
};

/* A sender, or a receiver. */
struct trafficker {
	struct traffic *traffic;
	unsigned source; /* a sender's */
	uint64_t random;
	bool leaves;             /* it may end with a cell in hand */
	uint32_t next;           /* a sender's: the number of the next message */
	uint32_t after[SOURCES]; /* a receiver's: no number below comes any more */
	uint64_t messages, sum;  /* that it has sent, or received; of their first bytes */
	uint8_t space[BATCH * LONGEST];
};

/* --- traffic ------------------------------------------------------------------------- */

/* The number of the first message: some time before one that takes more bits. */
static inline uint64_t random_first(uint64_t *random)
{
	static const uint64_t ends[] = {0, UINT64_C(1) << 29, UINT64_C(1) << 32,
					VCORE_BUFFER_FIRST_MAX};
	uint64_t end = ends[stress_below(random, sizeof(ends) / sizeof(ends[0]))];

	return end == 0 ? 0 : end - stress_below(random, 100);
}

static inline void traffic_begin(struct traffic *traffic, uint64_t *random)
{
	struct vcore_buffer_options options = {.flags = traffic->flags};

	options.first = random_first(random);
	if (!CHECK_IS(vcore_buffer_allocate(&traffic->buffer, traffic->capacity, traffic->size,
					    &options),
		      0)) {
		tap_case("allocate a buffer");
		exit(tap_done());
	}
	atomic_store(&traffic->over, false);
	for (unsigned i = 0; i < SOURCES; i++) {
		traffic->seen[i] = calloc(traffic->most, 1);
	}
}

/* Nothing is left in it. */
static inline void traffic_end(struct traffic *traffic)
{
	CHECK_IS((intmax_t)vcore_buffer_count(traffic->buffer), 0);
	vcore_buffer_deallocate(traffic->buffer);
	for (unsigned i = 0; i < SOURCES; i++) {
		free((void *)traffic->seen[i]);
	}
}

/* All that the senders have sent the receivers have received. */
static inline void traffic_settle(const struct trafficker *senders, unsigned number,
				  const struct trafficker *receivers, unsigned others)
{
	uint64_t messages = 0, sum = 0;

	for (unsigned i = 0; i < number; i++) {
		messages += senders[i].messages;
		sum += senders[i].sum;
	}
	for (unsigned i = 0; i < others; i++) {
		messages -= receivers[i].messages;
		sum -= receivers[i].sum;
	}
	CHECK_IS((intmax_t)messages, 0);
	CHECK_IS((intmax_t)sum, 0);
}

static inline void trafficker_begin(struct trafficker *self, struct traffic *traffic,
				    unsigned source, uint64_t *random)
{
	self->traffic = traffic;
	self->source = source;
	self->random = stress_random(random);
	self->leaves = false;
	self->next = 0;
	self->messages = 0;
	self->sum = 0;
	memset(self->after, 0, sizeof(self->after));
}

static inline vcore_instant traffic_deadline(struct trafficker *self)
{
	return vcore_after((int64_t)stress_below(&self->random, PATIENCE));
}

static inline void traffic_check_late(ssize_t result, vcore_instant deadline)
{
	CHECK(result != -ETIMEDOUT || vcore_now() >= deadline);
}

/* With a cell in hand: whether it is to end so. */
static inline bool traffic_dawdle(struct trafficker *self)
{
	switch (stress_below(&self->random, 8)) {
	case 0:
		vcore_yield();
		break;
	case 1:
		compute(1, stress_below(&self->random, 20000));
		break;
	default:
		CHECK(vcore_buffer_count(self->traffic->buffer) <= self->traffic->capacity);
	}
	return self->leaves && stress_below(&self->random, 50) == 0;
}

/* Then a thread has one cell at a time. */
static inline bool traffic_is_one_to_one(const struct traffic *traffic)
{
	return (traffic->flags & VCORE_BUFFER_SPSC) != 0;
}

/* --- messages -------------------------------------------------------------------------- */

static inline uint8_t message_byte(uint32_t number, unsigned source, size_t i)
{
	if (i < HEAD) {
		return (uint8_t)(i < HEAD - 1 ? number >> 8 * i : source);
	}
	return (uint8_t)(number * 3 + source + i);
}

static inline void message_make(const struct trafficker *self, void *message, uint32_t number)
{
	for (size_t i = 0; i < self->traffic->size; i++) {
		((uint8_t *)message)[i] = message_byte(number, self->source, i);
	}
}

/* Of one that bears numbers. */
static inline void message_check(struct trafficker *self, const uint8_t *message)
{
	struct traffic *traffic = self->traffic;
	uint32_t number = (uint32_t)message[0] | (uint32_t)message[1] << 8 |
			  (uint32_t)message[2] << 16 | (uint32_t)message[3] << 24;
	unsigned source = message[HEAD - 1];

	if (!CHECK(source < SOURCES && number < traffic->most)) {
		return;
	}
	for (size_t i = HEAD; i < traffic->size; i++) {
		CHECK_IS(message[i], message_byte(number, source, i));
	}
	CHECK_IS(atomic_exchange(&traffic->seen[source][number], 1), 0);
	CHECK(number >= self->after[source]);
	self->after[source] = number + 1;
}

static inline void message_received(struct trafficker *self, const void *message)
{
	self->messages++;
	self->sum += *(const uint8_t *)message;
	if (self->traffic->size >= HEAD) {
		message_check(self, message);
	}
}

/* --- sending: how many, or an error ------------------------------------------------------ */

static inline ssize_t send_one(struct trafficker *self, vcore_instant deadline)
{
	int result;

	message_make(self, self->space, self->next);
	result = vcore_buffer_send(self->traffic->buffer, self->space, deadline);
	traffic_check_late(result, deadline);
	return result == 0 ? 1 : result;
}

static inline ssize_t send_now(struct trafficker *self)
{
	message_make(self, self->space, self->next);
	return vcore_buffer_try_send(self->traffic->buffer, self->space);
}

static inline ssize_t send_batch(struct trafficker *self, vcore_instant deadline)
{
	size_t left = self->traffic->most - self->next, n = stress_below(&self->random, BATCH + 1);

	n = n < left ? n : left;
	for (uint32_t i = 0; i < n; i++) {
		message_make(self, self->space + i * self->traffic->size, self->next + i);
	}
	return vcore_buffer_send_many(self->traffic->buffer, self->space, n, deadline);
}

static inline ssize_t send_in_place(struct trafficker *self, vcore_instant deadline)
{
	struct vcore_buffer *buffer = self->traffic->buffer;
	void *cell;
	int result = vcore_buffer_reserve(buffer, &cell, deadline);

	traffic_check_late(result, deadline);
	if (result != 0) {
		return result;
	}
	message_make(self, cell, self->next);
	if (traffic_dawdle(self)) {
		return -ECANCELED;
	}
	if (stress_below(&self->random, 3) == 0) {
		vcore_buffer_cancel(buffer, cell);
		return 0;
	}
	vcore_buffer_commit(buffer, cell);
	return 1;
}

/* Who has a cell must not wait for another: others might do so, too. */
static inline ssize_t send_two_in_place(struct trafficker *self)
{
	struct vcore_buffer *buffer = self->traffic->buffer;
	void *first, *second;
	int result = vcore_buffer_reserve(buffer, &first, VCORE_NEVER);

	if (result != 0) {
		return result;
	}
	message_make(self, first, self->next);
	if (self->next + 1 == self->traffic->most ||
	    vcore_buffer_reserve(buffer, &second, 0) != 0) {
		vcore_buffer_commit(buffer, first);
		return 1;
	}
	message_make(self, second, self->next + 1);
	if (traffic_dawdle(self)) {
		return -ECANCELED;
	}
	vcore_buffer_commit(buffer, second);
	vcore_buffer_commit(buffer, first);
	return 2;
}

static inline ssize_t send_somehow(struct trafficker *self)
{
	switch (stress_below(&self->random, 10)) {
	case 0:
		return send_one(self, traffic_deadline(self));
	case 1:
		return send_now(self);
	case 2:
		return send_batch(self, VCORE_NEVER);
	case 3:
		return send_batch(self, traffic_deadline(self));
	case 4:
		return send_in_place(self, VCORE_NEVER);
	case 5:
		return send_in_place(self, traffic_deadline(self));
	case 6:
		return traffic_is_one_to_one(self->traffic) ? send_one(self, VCORE_NEVER)
							    : send_two_in_place(self);
	default:
		return send_one(self, VCORE_NEVER);
	}
}

static inline bool traffic_goes_on(ssize_t result)
{
	CHECK(result >= 0 || result == -ETIMEDOUT || result == -EPIPE || result == -ECANCELED);
	return result >= 0 || result == -ETIMEDOUT;
}

/* Until it has sent all, or the traffic is over, or closed, or it leaves. */
static inline void *send_messages(void *argument)
{
	struct trafficker *self = argument;
	ssize_t result = 0;

	while (traffic_goes_on(result) && self->next < self->traffic->most &&
	       !atomic_load(&self->traffic->over)) {
		result = send_somehow(self);
		for (; result > 0; result--) {
			self->sum += (uint8_t)self->next++;
			self->messages++;
		}
	}
	return NULL;
}

/* --- receiving: 0 or more, or an error ------------------------------------------------ */

static inline ssize_t receive_one(struct trafficker *self, vcore_instant deadline)
{
	int result = vcore_buffer_receive(self->traffic->buffer, self->space, deadline);

	traffic_check_late(result, deadline);
	if (result == 0) {
		message_received(self, self->space);
	}
	return result;
}

static inline ssize_t receive_now(struct trafficker *self)
{
	if (vcore_buffer_try_receive(self->traffic->buffer, self->space)) {
		message_received(self, self->space);
	}
	return 0;
}

static inline ssize_t receive_batch(struct trafficker *self, vcore_instant deadline)
{
	size_t n = stress_below(&self->random, BATCH + 1);
	ssize_t result = vcore_buffer_receive_many(self->traffic->buffer, self->space, n, deadline);

	CHECK(result <= (ssize_t)n && (result != 0 || n == 0));
	for (ssize_t i = 0; i < result; i++) {
		message_received(self, self->space + (size_t)i * self->traffic->size);
	}
	return result;
}

static inline ssize_t receive_in_place(struct trafficker *self, vcore_instant deadline)
{
	struct vcore_buffer *buffer = self->traffic->buffer;
	void *cell;
	int result = vcore_buffer_take(buffer, &cell, deadline);

	traffic_check_late(result, deadline);
	if (result != 0) {
		return result;
	}
	message_received(self, cell);
	if (traffic_dawdle(self)) {
		return -ECANCELED;
	}
	vcore_buffer_done(buffer, cell);
	return 0;
}

static inline ssize_t receive_two_in_place(struct trafficker *self)
{
	struct vcore_buffer *buffer = self->traffic->buffer;
	void *first, *second;
	int result = vcore_buffer_take(buffer, &first, VCORE_NEVER);

	if (result != 0) {
		return result;
	}
	message_received(self, first);
	if (vcore_buffer_take(buffer, &second, 0) == 0) {
		message_received(self, second);
		vcore_buffer_done(buffer, second);
	}
	if (traffic_dawdle(self)) {
		return -ECANCELED;
	}
	vcore_buffer_done(buffer, first);
	return 0;
}

static inline ssize_t receive_somehow(struct trafficker *self)
{
	switch (stress_below(&self->random, 10)) {
	case 0:
		return receive_one(self, traffic_deadline(self));
	case 1:
		return receive_now(self);
	case 2:
		return receive_batch(self, VCORE_NEVER);
	case 3:
		return receive_batch(self, traffic_deadline(self));
	case 4:
		return receive_in_place(self, VCORE_NEVER);
	case 5:
		return receive_in_place(self, traffic_deadline(self));
	case 6:
		return traffic_is_one_to_one(self->traffic) ? receive_one(self, VCORE_NEVER)
							    : receive_two_in_place(self);
	default:
		return receive_one(self, VCORE_NEVER);
	}
}

/* Until the buffer is closed and empty, or it leaves. */
static inline void *receive_messages(void *argument)
{
	struct trafficker *self = argument;

	while (traffic_goes_on(receive_somehow(self))) {
	}
	return NULL;
}

/* What is left when all receivers have ended, for this one. */
static inline void traffic_drain(struct traffic *traffic, struct trafficker *receiver)
{
	while (vcore_buffer_try_receive(traffic->buffer, receiver->space)) {
		memset(receiver->after, 0, sizeof(receiver->after));
		message_received(receiver, receiver->space);
	}
}

#endif /* TESTS_STRESS_BUFFERS_H */
