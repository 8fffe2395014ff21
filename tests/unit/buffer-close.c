/*
 * Closing buffers of either kind: what include/vcore/buffer.h promises, one
 * promise to a test; see buffers.h.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "buffers.h"

enum { CAPACITY = 3 };

TestBuffer(TestEverywhere, to_a_closed_one_nothing_can_be_sent_though_there_is_room)
{
	for (enum call call = SEND; call <= RESERVE; call++) {
		struct vcore_buffer *buffer = make_buffer_of_numbers(CAPACITY);
		uint64_t number = 5;

		vcore_buffer_close(buffer);
		check(call_with(call, buffer, &number, VCORE_NEVER) == -EPIPE);
		check(call_with(call, buffer, &number, PAST) == -EPIPE);
		check(!vcore_buffer_try_send(buffer, &number));
		check(vcore_buffer_count(buffer) == 0);
		vcore_buffer_deallocate(buffer);
	}
}

TestBuffer(TestEverywhere, nobody_waits_for_room_in_a_closed_one)
{
	for (enum call call = SEND; call <= RESERVE; call++) {
		struct vcore_buffer *buffer = make_buffer_of_numbers(1);
		uint64_t number = 5;

		fill(buffer);
		vcore_buffer_close(buffer);
		check(call_with(call, buffer, &number, VCORE_NEVER) == -EPIPE);
		check(call_with(call, buffer, &number, PAST) == -EPIPE);
		drain(buffer, ROOM(1));
		vcore_buffer_deallocate(buffer);
	}
}

TestBuffer(TestEverywhere, what_was_sent_can_be_received_after_it_was_closed)
{
	for (enum call call = RECEIVE; call <= TAKE; call++) {
		struct vcore_buffer *buffer = make_buffer_of_numbers(CAPACITY);
		uint64_t number;

		put(buffer, 1);
		put(buffer, 2);
		vcore_buffer_close(buffer);
		check(vcore_buffer_count(buffer) == 2);
		for (uint64_t i = 1; i <= 2; i++) {
			check(call_with(call, buffer, &number, VCORE_NEVER) == 0);
			check(number == i);
		}
		check(call_with(call, buffer, &number, VCORE_NEVER) == -EPIPE);
		check(call_with(call, buffer, &number, PAST) == -EPIPE);
		check(!vcore_buffer_try_receive(buffer, &number));
		check(number == 2);
		vcore_buffer_deallocate(buffer);
	}
}

TestBuffer(TestEverywhere, try_receive_drains_it)
{
	struct vcore_buffer *buffer = make_buffer_of_numbers(CAPACITY);
	uint64_t number;

	put(buffer, 1);
	vcore_buffer_close(buffer);
	check(vcore_buffer_try_receive(buffer, &number) && number == 1);
	check(!vcore_buffer_try_receive(buffer, &number));
	vcore_buffer_deallocate(buffer);
}

TestBuffer(TestEverywhere, closing_twice_has_no_effect)
{
	struct vcore_buffer *buffer = make_buffer_of_numbers(CAPACITY);
	uint64_t number = 5;

	put(buffer, 1);
	vcore_buffer_close(buffer);
	vcore_buffer_close(buffer);
	check(vcore_buffer_send(buffer, &number, VCORE_NEVER) == -EPIPE);
	check(get(buffer) == 1);
	vcore_buffer_close(buffer);
	check(vcore_buffer_receive(buffer, &number, VCORE_NEVER) == -EPIPE);
	vcore_buffer_deallocate(buffer);
}

/* --- those who wait ----------------------------------------------------------------------- */

static void close_upon(struct client *client)
{
	vcore_buffer_close(client->buffer);
	check(client_finish(client) == -EPIPE);
	check(client->number == 7);
	drain(client->buffer, client->fillers); /* what was sent before */
	check(vcore_buffer_count(client->buffer) == 0);
	vcore_buffer_deallocate(client->buffer);
}

TestBuffer(TestEverywhere, who_waits_is_told_that_it_was_closed)
{
	for (enum call call = 0; call < CALLS; call++) {
		struct client client = {
			.call = call, .buffer = make_buffer_of_numbers(CAPACITY), .number = 7};

		client_start(&client);
		close_upon(&client);
	}
}

TestBuffer(TestAround, a_pthread_that_waits_is_told_that_it_was_closed)
{
	for (enum call call = 0; call < CALLS; call++) {
		struct client client = {
			.call = call, .buffer = make_buffer_of_numbers(CAPACITY), .number = 7};

		client_start_pthread(&client);
		close_upon(&client);
	}
}

static void *send_three_and_close(void *buffer)
{
	for (uint64_t i = 0; i < 3; i++) {
		check(vcore_buffer_send(buffer, &i, VCORE_NEVER) == 0);
	}
	vcore_buffer_close(buffer);
	return NULL;
}

TestBuffer(TestEverywhere, who_receives_until_it_is_closed_misses_nothing)
{
	for (int round = 0; round < 200; round++) {
		struct vcore_buffer *buffer = make_buffer_of_numbers(2);
		struct peer peer = peer_start(send_three_and_close, buffer);
		uint64_t number, n = 0;

		while (vcore_buffer_receive(buffer, &number, VCORE_NEVER) == 0) {
			check(number == n);
			n++;
		}
		check(n == 3);
		peer_finish(peer);
		vcore_buffer_deallocate(buffer);
	}
}

static void *close_it(void *buffer)
{
	vcore_buffer_close(buffer);
	return NULL;
}

TestBuffer(TestEverywhere, a_close_and_the_wait_of_another_may_cross)
{
	for (int round = 0; round < 200; round++) {
		struct vcore_buffer *buffers[2] = {make_buffer_of_numbers(1),
						   make_buffer_of_numbers(1)};
		struct peer peers[2];
		uint64_t number = 1;

		fill(buffers[1]);
		peers[0] = peer_start(close_it, buffers[0]);
		peers[1] = peer_start(close_it, buffers[1]);
		check(vcore_buffer_receive(buffers[0], &number, VCORE_NEVER) == -EPIPE);
		check(vcore_buffer_send(buffers[1], &number, VCORE_NEVER) == -EPIPE);
		for (int i = 0; i < 2; i++) {
			peer_finish(peers[i]);
			vcore_buffer_deallocate(buffers[i]);
		}
	}
}

/* --- cells -------------------------------------------------------------------------------- */

TestBuffer(TestEverywhere, a_cell_may_be_committed_after_it_was_closed)
{
	struct vcore_buffer *buffer = make_buffer_of_numbers(CAPACITY);
	uint64_t *cell, number;

	cell = reserve_now(buffer);
	vcore_buffer_close(buffer);
	*cell = 5;
	vcore_buffer_commit(buffer, cell);
	check(get(buffer) == 5);
	check(vcore_buffer_receive(buffer, &number, VCORE_NEVER) == -EPIPE);
	vcore_buffer_deallocate(buffer);
}

TestBuffer(TestEverywhere, who_receives_from_a_closed_one_waits_for_what_is_reserved)
{
	for (enum call call = RECEIVE; call <= TAKE; call++) {
		struct client client = {.call = call, .buffer = make_buffer_of_numbers(CAPACITY)};
		uint64_t *cell = reserve_now(client.buffer);

		vcore_buffer_close(client.buffer);
		client_start(&client);
		check(client_waits(&client));
		*cell = 5;
		vcore_buffer_commit(client.buffer, cell);
		check(client_finish(&client) == 0);
		check(client.number == 5);
		vcore_buffer_deallocate(client.buffer);
	}
}

TestBuffer(TestEverywhere, who_waits_for_what_is_reserved_is_told_when_it_is_cancelled)
{
	for (enum call call = RECEIVE; call <= TAKE; call++) {
		struct client client = {.call = call, .buffer = make_buffer_of_numbers(CAPACITY)};
		uint64_t *cell = reserve_now(client.buffer);

		client_start(&client);
		vcore_buffer_close(client.buffer);
		until(client_waits(&client)); /* it may look, and wait on */
		vcore_buffer_cancel(client.buffer, cell);
		check(client_finish(&client) == -EPIPE);
		vcore_buffer_deallocate(client.buffer);
	}
}

TestBuffer(TestEverywhere, a_cell_may_be_done_after_it_was_closed)
{
	struct vcore_buffer *buffer = make_buffer_of_numbers(CAPACITY);
	void *cell;

	put(buffer, 1);
	check(vcore_buffer_take(buffer, &cell, PAST) == 0);
	vcore_buffer_close(buffer);
	vcore_buffer_done(buffer, cell);
	check(vcore_buffer_take(buffer, &cell, VCORE_NEVER) == -EPIPE);
	vcore_buffer_deallocate(buffer);
}
