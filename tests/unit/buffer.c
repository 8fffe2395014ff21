/*
 * Buffers of either kind: what include/vcore/buffer.h promises, one promise to a
 * test; see buffers.h.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "buffers.h"

static const size_t capacities[] = {1, 2, 3, 7, 64, 65};
static const size_t sizes[] = {1, 3, 8, 12, 16, 24, 100, 4096, 4097};
static const uint64_t firsts[] = {
	1,
	(UINT64_C(1) << 29) - 5, /* with three bits below it, 2^32 */
	(UINT64_C(1) << 32) - 5,
	(UINT64_C(1) << 60) - 5,
	VCORE_BUFFER_FIRST_MAX - 5,
	VCORE_BUFFER_FIRST_MAX,
};

enum { LARGEST = 4097, BESIDE = 16 };

/* Sends n messages, and receives them. */
static void pass(struct vcore_buffer *buffer, size_t size, uint64_t number, size_t n)
{
	unsigned char message[LARGEST];

	for (size_t i = 0; i < n; i++) {
		make_message(message, size, number + i);
		check(vcore_buffer_send(buffer, message, PAST) == 0);
	}
	for (size_t i = 0; i < n; i++) {
		memset(message, 0, size);
		check(vcore_buffer_receive(buffer, message, PAST) == 0);
		check(is_message(message, size, number + i));
	}
}

/* As many at a time as it holds, one, and so on: so that all begin somewhere else. */
static void pass_some(uint64_t first, size_t n, size_t size)
{
	struct vcore_buffer *buffer = make_buffer_from(first, n, size);
	uint64_t number = 0;

	for (int i = 0; i < 3; i++) {
		pass(buffer, size, number, ROOM(n));
		number += ROOM(n);
		pass(buffer, size, number, 1);
		number++;
	}
	vcore_buffer_deallocate(buffer);
}

TestBuffer(TestEverywhere, messages_of_any_size_come_through_any_capacity_in_order)
{
	for (size_t i = 0; i < COUNT_OF(capacities); i++) {
		for (size_t j = 0; j < COUNT_OF(sizes); j++) {
			pass_some(0, capacities[i], sizes[j]);
		}
	}
}

TestBuffer(TestEverywhere, the_numbers_of_messages_may_be_large)
{
	for (size_t i = 0; i < COUNT_OF(firsts); i++) {
		for (size_t j = 0; j < COUNT_OF(capacities); j++) {
			pass_some(firsts[i], capacities[j], 12);
		}
	}
}

/* Whether all bytes but `size` from `at` on are zero. */
static bool is_zero_beside(const unsigned char *bytes, size_t length, size_t at, size_t size)
{
	for (size_t i = 0; i < length; i++) {
		if ((i < at || i >= at + size) && bytes[i] != 0) {
			return false;
		}
	}
	return true;
}

TestBuffer(TestEverywhere, a_message_may_lie_anywhere_and_nothing_beside_it_is_written)
{
	static unsigned char source[LARGEST + BESIDE], target[LARGEST + 2 * BESIDE];

	for (size_t i = 0; i < COUNT_OF(sizes); i++) {
		struct vcore_buffer *buffer = make_buffer(2, sizes[i]);

		for (size_t at = 0; at < BESIDE; at++) {
			memset(target, 0, sizeof(target));
			make_message(source + at, sizes[i], at + 1);
			check(vcore_buffer_try_send(buffer, source + at));
			check(vcore_buffer_try_receive(buffer, target + BESIDE - at));
			check(is_message(target + BESIDE - at, sizes[i], at + 1));
			check(is_zero_beside(target, sizeof(target), BESIDE - at, sizes[i]));
		}
		vcore_buffer_deallocate(buffer);
	}
}

TestBuffer(TestEverywhere, a_message_is_copied_in)
{
	struct vcore_buffer *buffer = make_buffer_of_numbers(3);
	uint64_t number = 1;

	check(vcore_buffer_try_send(buffer, &number));
	number = 2;
	check(get(buffer) == 1);
	vcore_buffer_deallocate(buffer);
}

TestBuffer(TestEverywhere, each_message_is_received_once)
{
	struct vcore_buffer *buffer = make_buffer_of_numbers(3);

	for (uint64_t i = 0; i < 10; i++) {
		put(buffer, i);
		check(get(buffer) == i);
		check(refuses_to_receive(buffer));
	}
	vcore_buffer_deallocate(buffer);
}

TestBuffer(TestEverywhere, it_holds_as_many_as_its_capacity_and_not_one_more)
{
	for (size_t i = 0; i < COUNT_OF(capacities); i++) {
		struct vcore_buffer *buffer = make_buffer_of_numbers(capacities[i]);

		for (int round = 0; round < 3; round++) {
			check_is_empty_with_room(buffer, capacities[i]);
		}
		vcore_buffer_deallocate(buffer);
	}
}

TestBuffer(TestEverywhere, the_count_is_of_messages_sent_and_not_yet_received)
{
	for (size_t i = 0; i < COUNT_OF(firsts); i++) {
		struct vcore_buffer *buffer = make_buffer_from(firsts[i], 7, sizeof(uint64_t));

		check(vcore_buffer_count(buffer) == 0);
		for (size_t n = 1; n <= ROOM(7); n++) {
			put(buffer, n);
			check(vcore_buffer_count(buffer) == n);
		}
		for (size_t n = ROOM(7); n-- > 0;) {
			get(buffer);
			check(vcore_buffer_count(buffer) == n);
		}
		vcore_buffer_deallocate(buffer);
	}
}

/* --- whether it waits --------------------------------------------------------------------- */

TestBuffer(TestEverywhere, a_call_that_need_not_wait_is_done_even_if_the_deadline_has_passed)
{
	for (enum call call = 0; call < CALLS; call++) {
		struct vcore_buffer *buffer = make_buffer_of_numbers(2);
		uint64_t number = 5;

		put(buffer, 5);
		check(call_with(call, buffer, &number, PAST) == 0);
		check(number == 5);
		check(vcore_buffer_count(buffer) == (is_sent_by(call) ? 2 : 0));
		vcore_buffer_deallocate(buffer);
	}
}

TestBuffer(TestEverywhere, a_call_that_must_wait_is_in_vain_if_the_deadline_has_passed)
{
	for (enum call call = 0; call < CALLS; call++) {
		struct vcore_buffer *buffer = make_buffer_of_numbers(1);
		size_t fillers = is_sent_by(call) ? fill(buffer) : 0;
		uint64_t number = 5;

		check(call_with(call, buffer, &number, PAST) == -ETIMEDOUT);
		check(number == 5);
		check(vcore_buffer_count(buffer) == fillers);
		vcore_buffer_deallocate(buffer);
	}
}

/* --- threads ------------------------------------------------------------------------------ */

enum { STREAM = 400 };

/* So many messages, from one thread to another. */
struct stream {
	struct vcore_buffer *buffer;
	size_t size;
};

static void *send_stream(void *argument)
{
	const struct stream *stream = argument;
	unsigned char message[LARGEST];

	for (uint64_t i = 0; i < STREAM; i++) {
		make_message(message, stream->size, i);
		check(vcore_buffer_send(stream->buffer, message, VCORE_NEVER) == 0);
	}
	return NULL;
}

static void *receive_stream(void *argument)
{
	const struct stream *stream = argument;
	unsigned char message[LARGEST];

	for (uint64_t i = 0; i < STREAM; i++) {
		check(vcore_buffer_receive(stream->buffer, message, VCORE_NEVER) == 0);
		check(is_message(message, stream->size, i));
	}
	return NULL;
}

/* Whether the sender, and the receiver, is a pthread: 0 … 3. */
static void let_stream(size_t capacity, size_t size, int pthreads)
{
	struct stream stream = {make_buffer(capacity, size), size};
	struct peer sender = {0}, receiver = {0};

	if ((pthreads & 1) != 0) {
		sender.pthread = start_pthread(send_stream, &stream);
	} else {
		sender.thread = spawn(send_stream, &stream);
	}
	if ((pthreads & 2) != 0) {
		receiver.pthread = start_pthread(receive_stream, &stream);
	} else {
		receiver.thread = spawn(receive_stream, &stream);
	}
	peer_finish(sender);
	peer_finish(receiver);
	check(vcore_buffer_count(stream.buffer) == 0);
	vcore_buffer_deallocate(stream.buffer);
}

TestBuffer(TestAround, vcore_threads_and_pthreads_may_be_at_either_end)
{
	for (int pthreads = 0; pthreads < 4; pthreads++) {
		for (size_t i = 0; i < COUNT_OF(capacities); i++) {
			let_stream(capacities[i], 8, pthreads);
			let_stream(capacities[i], 100, pthreads);
		}
		let_stream(3, 4097, pthreads);
	}
}

TestBuffer(TestAround, threads_of_two_runtimes_may_use_the_same)
{
	struct stream stream = {make_buffer(3, 12), 12};
	struct vcore_thread_options options = {0};
	struct vcore_thread *sender;

	check(vcore_runtime_open(&options.runtime, NULL) == 0);
	check(vcore_thread_allocate(&sender, &options, send_stream, &stream) == 0);
	receive_stream(&stream);
	finish(sender);
	check(vcore_runtime_close(options.runtime, VCORE_NEVER) == 0);
	vcore_buffer_deallocate(stream.buffer);
}

/* What a sender writes, and a receiver overwrites when it is theirs. */
struct letters {
	struct vcore_buffer *to, *back;
	uint64_t text[8];
};

static void *answer(void *argument)
{
	struct letters *letters = argument;
	uint64_t *text;

	for (uint64_t i = 0; i < STREAM; i++) {
		check(vcore_buffer_receive(letters->to, &text, VCORE_NEVER) == 0);
		check(*text == i);
		*text = 2 * i;
		check(vcore_buffer_send(letters->back, &text, VCORE_NEVER) == 0);
	}
	return NULL;
}

TestBuffer(TestEverywhere, what_happened_before_a_send_is_seen_after_the_receive)
{
	struct letters letters = {
		make_buffer(2, sizeof(uint64_t *)), make_buffer(1, sizeof(uint64_t *)), {0}};
	struct peer peer = peer_start(answer, &letters);

	for (uint64_t i = 0; i < STREAM; i++) {
		uint64_t *text = &letters.text[i % 8];

		*text = i;
		check(vcore_buffer_send(letters.to, &text, VCORE_NEVER) == 0);
		check(vcore_buffer_receive(letters.back, &text, VCORE_NEVER) == 0);
		check(*text == 2 * i);
	}
	peer_finish(peer);
	vcore_buffer_deallocate(letters.to);
	vcore_buffer_deallocate(letters.back);
}
