/*
 * Batches, through buffers of either kind: what include/vcore/buffer.h promises,
 * one promise to a test; see buffers.h.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "buffers.h"

enum { CAPACITY = 5 + BUFFER_MORE, MANY = 33 + 2 * BUFFER_MORE, SIZE = 12 };

/* Of numbers from `from` on, one behind the other. */
struct batch {
	unsigned char messages[MANY][SIZE];
};

static void make_batch(struct batch *batch, uint64_t from, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		make_message(batch->messages[i], SIZE, from + i);
	}
}

static bool is_batch(const struct batch *batch, uint64_t from, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (!is_message(batch->messages[i], SIZE, from + i)) {
			return false;
		}
	}
	return true;
}

TestBuffer(TestEverywhere, a_batch_is_sent_and_received_in_order)
{
	struct vcore_buffer *buffer = make_buffer(5, SIZE);
	uint64_t from = 0;

	for (size_t n = 1; n <= CAPACITY; n++) { /* each begins somewhere else */
		for (int round = 0; round < 7; round++) {
			struct batch batch;

			make_batch(&batch, from, n);
			check(vcore_buffer_send_many(buffer, &batch, n, PAST) == (ssize_t)n);
			check(vcore_buffer_count(buffer) == n);
			memset(&batch, 0, sizeof(batch));
			check(vcore_buffer_receive_many(buffer, &batch, n, PAST) == (ssize_t)n);
			check(is_batch(&batch, from, n));
			check(vcore_buffer_count(buffer) == 0);
			from += n;
		}
	}
	vcore_buffer_deallocate(buffer);
}

TestBuffer(TestEverywhere, batches_and_single_messages_stand_in_one_line)
{
	struct vcore_buffer *buffer = make_buffer(5, SIZE);
	struct batch batch;

	make_batch(&batch, 0, 4);
	check(vcore_buffer_send_many(buffer, &batch, 3, PAST) == 3);
	check(vcore_buffer_send(buffer, batch.messages[3], PAST) == 0);
	check(vcore_buffer_receive(buffer, batch.messages[0], PAST) == 0);
	check(is_batch(&batch, 0, 1));
	check(vcore_buffer_receive_many(buffer, &batch, MANY, PAST) == 3);
	check(is_batch(&batch, 1, 3));
	vcore_buffer_deallocate(buffer);
}

TestBuffer(TestEverywhere, receive_many_receives_what_is_there_and_not_more_than_n)
{
	struct vcore_buffer *buffer = make_buffer(5, SIZE);
	struct batch batch;

	make_batch(&batch, 0, 4);
	check(vcore_buffer_send_many(buffer, &batch, 4, VCORE_NEVER) == 4);
	memset(&batch, 0, sizeof(batch));
	check(vcore_buffer_receive_many(buffer, &batch, 3, VCORE_NEVER) == 3);
	check(is_batch(&batch, 0, 3));
	check(batch.messages[3][1] == 0); /* nothing beyond them is written */
	check(vcore_buffer_receive_many(buffer, &batch, MANY, VCORE_NEVER) == 1);
	check(is_batch(&batch, 3, 1));
	check(vcore_buffer_receive_many(buffer, &batch, MANY, PAST) == -ETIMEDOUT);
	vcore_buffer_deallocate(buffer);
}

TestBuffer(TestEverywhere, of_no_messages_none_are_sent_or_received)
{
	struct vcore_buffer *buffer = make_buffer_of_numbers(1);
	uint64_t number = 7;

	check(vcore_buffer_receive_many(buffer, &number, 0, VCORE_NEVER) == 0);
	check(vcore_buffer_send_many(buffer, &number, 0, VCORE_NEVER) == 0);
	check(vcore_buffer_count(buffer) == 0);
	put(buffer, 1);
	check(vcore_buffer_receive_many(buffer, &number, 0, VCORE_NEVER) == 0);
	check(vcore_buffer_send_many(buffer, &number, 0, VCORE_NEVER) == 0);
	check(vcore_buffer_count(buffer) == 1 && number == 7);
	vcore_buffer_deallocate(buffer);
}

/* --- waiting ------------------------------------------------------------------------------ */

/* Sends so many in one call. */
struct crowd {
	struct vcore_buffer *buffer;
	size_t n;
	vcore_instant deadline;
	ssize_t result;
	atomic_bool over;
	struct peer peer;
};

static void *send_crowd(void *argument)
{
	struct crowd *crowd = argument;
	struct batch batch;

	make_batch(&batch, 0, crowd->n);
	crowd->result = vcore_buffer_send_many(crowd->buffer, &batch, crowd->n, crowd->deadline);
	atomic_store(&crowd->over, true);
	return NULL;
}

TestBuffer(TestEverywhere, send_many_waits_as_often_as_needed_until_all_are_sent)
{
	static const size_t capacities[] = {1, 2, 3, 7};

	for (size_t i = 0; i < COUNT_OF(capacities); i++) {
		struct crowd crowd = {.buffer = make_buffer(capacities[i], SIZE),
				      .n = MANY,
				      .deadline = VCORE_NEVER};

		crowd.peer = peer_start(send_crowd, &crowd);
		for (uint64_t number = 0; number < MANY;) {
			struct batch batch;
			ssize_t n =
				vcore_buffer_receive_many(crowd.buffer, &batch, MANY, VCORE_NEVER);

			check(n >= 1 && (size_t)n <= MANY - number);
			check(is_batch(&batch, number, (size_t)n));
			number += (uint64_t)n;
		}
		peer_finish(crowd.peer);
		check(crowd.result == MANY);
		vcore_buffer_deallocate(crowd.buffer);
	}
}

TestBuffer(TestEverywhere, receive_many_waits_for_the_first_and_not_for_more)
{
	struct vcore_buffer *buffer = make_buffer(5, SIZE);
	struct crowd crowd = {.buffer = buffer, .n = 1, .deadline = VCORE_NEVER};
	struct batch batch;

	crowd.peer = peer_start(send_crowd, &crowd);
	check(vcore_buffer_receive_many(buffer, &batch, MANY, VCORE_NEVER) == 1);
	check(is_batch(&batch, 0, 1));
	peer_finish(crowd.peer);
	vcore_buffer_deallocate(buffer);
}

TestBuffer(TestEverywhere, send_many_reports_how_many_were_sent_when_the_deadline_came)
{
	struct vcore_buffer *buffer = make_buffer(5, SIZE);
	struct batch batch, received;
	vcore_instant deadline;

	make_batch(&batch, 0, MANY);
	deadline = vcore_after(2 * MILLISECOND);
	check(vcore_buffer_send_many(buffer, &batch, MANY, deadline) == CAPACITY);
	check(vcore_now() >= deadline);
	check(vcore_buffer_send_many(buffer, &batch, MANY, deadline) == -ETIMEDOUT);
	check(vcore_buffer_receive_many(buffer, &received, 2, PAST) == 2);
	check(vcore_buffer_send_many(buffer, &batch, MANY, PAST) == 2);
	check(vcore_buffer_receive_many(buffer, &received, MANY, PAST) == CAPACITY);
	check(is_message(received.messages[0], SIZE, 2));
	check(is_message(received.messages[CAPACITY - 1], SIZE, 1));
	vcore_buffer_deallocate(buffer);
}

TestBuffer(TestEverywhere, send_many_reports_how_many_were_sent_when_it_was_closed)
{
	struct vcore_buffer *buffer = make_buffer(5, SIZE);
	struct crowd crowd = {.buffer = buffer, .n = MANY, .deadline = VCORE_NEVER};
	struct batch batch;

	crowd.peer = peer_start(send_crowd, &crowd);
	until(vcore_buffer_count(buffer) == CAPACITY);
	vcore_buffer_close(buffer);
	peer_finish(crowd.peer);
	check(crowd.result == CAPACITY);
	check(vcore_buffer_receive_many(buffer, &batch, MANY, VCORE_NEVER) == CAPACITY);
	check(is_batch(&batch, 0, CAPACITY));
	check(vcore_buffer_receive_many(buffer, &batch, MANY, VCORE_NEVER) == -EPIPE);
	vcore_buffer_deallocate(buffer);
}

static void *send_crowd_and_sleep(void *crowd)
{
	send_crowd(crowd);
	vcore_sleep(VCORE_NEVER);
	return NULL;
}

TestBuffer(TestAround, what_send_many_has_sent_it_reports_before_destroy_acts)
{
	struct vcore_buffer *buffer = make_buffer(5, SIZE);
	struct crowd crowd = {.buffer = buffer, .n = MANY, .deadline = VCORE_NEVER};
	struct vcore_thread *thread = spawn(send_crowd_and_sleep, &crowd);

	until(is_waiting_for(thread, VCORE_WAIT_SEND));
	destroy(thread);
	check(atomic_load(&crowd.over));
	check(crowd.result == CAPACITY);
	check(vcore_buffer_count(buffer) == CAPACITY);
	vcore_buffer_deallocate(buffer);
}
