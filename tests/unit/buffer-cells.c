/*
 * Buffers of many senders and receivers, of which several cells are reserved or
 * taken at a time: what include/vcore/buffer.h promises, one promise to a test;
 * see buffers.h.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "buffers.h"

enum { CAPACITY = 7 };

TestEverywhere(buffer, what_is_behind_a_reserved_cell_cannot_be_received)
{
	struct vcore_buffer *buffer = make_buffer_of_numbers(CAPACITY);
	uint64_t *cell = reserve_now(buffer), numbers[CAPACITY];

	put(buffer, 2);
	put(buffer, 3);
	check(refuses_to_receive(buffer));
	check(vcore_buffer_receive_many(buffer, numbers, CAPACITY, PAST) == -ETIMEDOUT);
	*cell = 1;
	vcore_buffer_commit(buffer, cell);
	check(vcore_buffer_count(buffer) == 3);
	for (uint64_t i = 1; i <= 3; i++) {
		check(get(buffer) == i);
	}
	vcore_buffer_deallocate(buffer);
}

TestEverywhere(buffer, what_is_behind_a_cancelled_cell_can_be_received)
{
	struct vcore_buffer *buffer = make_buffer_of_numbers(CAPACITY);
	void *cell = reserve_now(buffer);

	put(buffer, 2);
	put(buffer, 3);
	check(refuses_to_receive(buffer));
	vcore_buffer_cancel(buffer, cell);
	check(get(buffer) == 2);
	check(get(buffer) == 3);
	check_is_empty_with_room(buffer, CAPACITY);
	vcore_buffer_deallocate(buffer);
}

TestEverywhere(buffer, a_batch_ends_before_a_reserved_cell)
{
	struct vcore_buffer *buffer = make_buffer_of_numbers(CAPACITY);
	uint64_t numbers[CAPACITY];
	void *cell;

	put(buffer, 1);
	put(buffer, 2);
	cell = reserve_now(buffer);
	put(buffer, 3);
	check(vcore_buffer_receive_many(buffer, numbers, CAPACITY, PAST) == 2);
	check(numbers[0] == 1 && numbers[1] == 2);
	vcore_buffer_cancel(buffer, cell);
	check(get(buffer) == 3);
	vcore_buffer_deallocate(buffer);
}

TestEverywhere(buffer, cells_are_received_as_they_were_reserved_whichever_is_committed_first)
{
	static const int orders[][3] = {{0, 1, 2}, {2, 1, 0}, {1, 0, 2}, {1, 2, 0}};
	struct vcore_buffer *buffer = make_buffer_of_numbers(CAPACITY);

	for (size_t i = 0; i < COUNT_OF(orders); i++) {
		uint64_t *cells[3];

		for (uint64_t j = 0; j < 3; j++) {
			cells[j] = reserve_now(buffer);
			*cells[j] = j;
		}
		for (int j = 0; j < 3; j++) {
			vcore_buffer_commit(buffer, cells[orders[i][j]]);
		}
		for (uint64_t j = 0; j < 3; j++) {
			check(get(buffer) == j);
		}
	}
	vcore_buffer_deallocate(buffer);
}

TestEverywhere(buffer, taken_cells_may_be_done_in_any_order)
{
	static const int orders[][3] = {{0, 1, 2}, {2, 1, 0}, {1, 0, 2}, {1, 2, 0}};
	struct vcore_buffer *buffer = make_buffer_of_numbers(3);

	for (size_t i = 0; i < COUNT_OF(orders); i++) {
		uint64_t *cells[3];

		for (uint64_t j = 0; j < 3; j++) {
			put(buffer, j);
		}
		for (uint64_t j = 0; j < 3; j++) {
			cells[j] = take_now(buffer);
			check(*cells[j] == j);
		}
		check(refuses_to_send(buffer));
		for (int j = 0; j < 3; j++) {
			vcore_buffer_done(buffer, cells[orders[i][j]]);
		}
		check_is_empty_with_room(buffer, 3);
	}
	vcore_buffer_deallocate(buffer);
}

TestEverywhere(buffer, all_its_cells_may_be_reserved)
{
	struct vcore_buffer *buffer = make_buffer_of_numbers(CAPACITY);
	void *cells[CAPACITY], *none;

	for (int i = 0; i < CAPACITY; i++) {
		cells[i] = reserve_now(buffer);
	}
	check(vcore_buffer_reserve(buffer, &none, PAST) == -ETIMEDOUT);
	check(refuses_to_send(buffer));
	for (int i = 0; i < CAPACITY; i++) {
		vcore_buffer_cancel(buffer, cells[i]);
	}
	check_is_empty_with_room(buffer, CAPACITY);
	vcore_buffer_deallocate(buffer);
}

TestEverywhere(buffer, who_waits_for_room_is_woken_by_a_cancel)
{
	for (enum call call = SEND; call <= RESERVE; call++) {
		struct client client = {
			.call = call, .buffer = make_buffer_of_numbers(1), .number = 5};
		void *cell = reserve_now(client.buffer);

		client_start(&client);
		check(client_waits(&client));
		vcore_buffer_cancel(client.buffer, cell);
		check(client_finish(&client) == 0);
		check(get(client.buffer) == 5);
		vcore_buffer_deallocate(client.buffer);
	}
}

/* The next message is there, and waits for the first cell only. */
TestEverywhere(buffer, who_waits_for_what_is_behind_a_reserved_cell_is_woken_by_its_cancel)
{
	for (enum call call = RECEIVE; call <= TAKE; call++) {
		struct client client = {.call = call, .buffer = make_buffer_of_numbers(CAPACITY)};
		void *cell = reserve_now(client.buffer);

		put(client.buffer, 5);
		client_start(&client);
		check(client_waits(&client));
		vcore_buffer_cancel(client.buffer, cell);
		check(client_finish(&client) == 0);
		check(client.number == 5);
		vcore_buffer_deallocate(client.buffer);
	}
}

TestEverywhere(buffer, all_who_wait_behind_a_reserved_cell_are_woken_by_its_commit)
{
	struct vcore_buffer *buffer = make_buffer_of_numbers(CAPACITY);
	uint64_t *cell = reserve_now(buffer), sum = 0;
	struct client clients[3];

	for (int i = 0; i < 3; i++) {
		clients[i] = (struct client){.call = RECEIVE, .buffer = buffer};
		client_start(&clients[i]);
	}
	put(buffer, 20);
	put(buffer, 300);
	for (int i = 0; i < 3; i++) {
		until(client_waits(&clients[i])); /* it may look, and wait on */
	}
	*cell = 1;
	vcore_buffer_commit(buffer, cell);
	for (int i = 0; i < 3; i++) {
		check(client_finish(&clients[i]) == 0);
		sum += clients[i].number;
	}
	check(sum == 321);
	vcore_buffer_deallocate(buffer);
}

TestEverywhere(buffer, all_who_wait_for_room_are_woken_when_what_is_taken_is_done)
{
	struct vcore_buffer *buffer = make_buffer_of_numbers(3);
	struct client clients[3];
	void *cells[3];

	for (uint64_t i = 0; i < 3; i++) {
		put(buffer, i);
	}
	for (int i = 0; i < 3; i++) {
		cells[i] = take_now(buffer);
	}
	for (int i = 0; i < 3; i++) {
		clients[i] = (struct client){.call = SEND, .buffer = buffer, .number = 1};
		client_start(&clients[i]);
	}
	for (int i = 2; i >= 0; i--) {
		vcore_buffer_done(buffer, cells[i]);
	}
	for (int i = 0; i < 3; i++) {
		check(client_finish(&clients[i]) == 0);
		check(get(buffer) == 1);
	}
	vcore_buffer_deallocate(buffer);
}

TestEverywhere(buffer, all_who_wait_for_room_are_woken_when_what_is_reserved_is_cancelled)
{
	struct vcore_buffer *buffer = make_buffer_of_numbers(3);
	struct client clients[3];
	void *cells[3];

	for (int i = 0; i < 3; i++) {
		cells[i] = reserve_now(buffer);
	}
	for (int i = 0; i < 3; i++) {
		clients[i] = (struct client){.call = SEND, .buffer = buffer, .number = 1};
		client_start(&clients[i]);
	}
	for (int i = 2; i >= 0; i--) {
		vcore_buffer_cancel(buffer, cells[i]);
	}
	for (int i = 0; i < 3; i++) {
		check(client_finish(&clients[i]) == 0);
	}
	check(vcore_buffer_count(buffer) == 3);
	vcore_buffer_deallocate(buffer);
}

TestEverywhere(buffer, close_wakes_all_who_wait_for_cells_that_are_taken)
{
	struct client client = {.call = SEND, .buffer = make_buffer_of_numbers(1)};
	void *cell;

	put(client.buffer, 1);
	cell = take_now(client.buffer);
	client_start(&client);
	vcore_buffer_close(client.buffer);
	check(client_finish(&client) == -EPIPE);
	vcore_buffer_done(client.buffer, cell);
	vcore_buffer_deallocate(client.buffer);
}

/* The head is received, and behind it is one that was cancelled: there is room for two. */
TestEverywhere(buffer, who_waits_for_room_is_told_of_a_cancelled_cell_behind_the_head)
{
	for (int in_place = 0; in_place < 2; in_place++) {
		struct vcore_buffer *buffer = make_buffer_of_numbers(2);
		struct client clients[2];
		void *cell;

		put(buffer, 7);
		cell = reserve_now(buffer);
		for (int i = 0; i < 2; i++) {
			clients[i] = (struct client){.call = SEND, .buffer = buffer, .number = 1};
			client_start(&clients[i]);
		}
		vcore_buffer_cancel(buffer, cell);
		if (in_place) {
			cell = take_now(buffer);
			check(*(uint64_t *)cell == 7);
			vcore_buffer_done(buffer, cell);
		} else {
			check(get(buffer) == 7);
		}
		check(client_finish(&clients[0]) == 0);
		check(client_finish(&clients[1]) == 0);
		vcore_buffer_deallocate(buffer);
	}
}

/* There is one message for three. */
TestEverywhere(buffer, in_a_closed_one_all_who_wait_for_a_reserved_cell_are_told)
{
	struct vcore_buffer *buffer = make_buffer_of_numbers(1);
	struct client clients[3];
	void *cell = reserve_now(buffer);
	int received = 0;

	vcore_buffer_close(buffer);
	for (int i = 0; i < 3; i++) {
		clients[i] = (struct client){.call = RECEIVE, .buffer = buffer};
		client_start(&clients[i]);
	}
	*(uint64_t *)cell = 7;
	vcore_buffer_commit(buffer, cell);
	for (int i = 0; i < 3; i++) {
		int result = client_finish(&clients[i]);

		check(result == 0 || result == -EPIPE);
		received += result == 0;
	}
	check(received == 1);
	vcore_buffer_deallocate(buffer);
}

/* --- how many are woken --------------------------------------------------------------------- */

enum { QUEUE = 10 };

static uint64_t switches_of(struct client *clients)
{
	uint64_t switches = 0;

	for (int i = 0; i < QUEUE; i++) {
		switches += info_of(clients[i].peer.thread).switches;
	}
	return switches;
}

TestInTurns(buffer, a_message_that_is_committed_wakes_one_of_those_who_wait)
{
	struct vcore_buffer *buffer = make_buffer_of_numbers(QUEUE);
	struct client clients[QUEUE];
	uint64_t before;

	for (int i = 0; i < QUEUE; i++) {
		clients[i] = (struct client){.call = RECEIVE, .buffer = buffer};
		client_start(&clients[i]);
	}
	before = switches_of(clients);
	for (uint64_t i = 0; i < QUEUE; i++) {
		void *cell = reserve_now(buffer);

		*(uint64_t *)cell = i;
		vcore_buffer_commit(buffer, cell);
		until(atomic_load(&clients[i].over));
		check(clients[i].number == i);
		vcore_yield();
		check(switches_of(clients) <= before + 2 * (i + 1));
	}
	for (int i = 0; i < QUEUE; i++) {
		check(client_finish(&clients[i]) == 0);
	}
	vcore_buffer_deallocate(buffer);
}

TestInTurns(buffer, a_cell_that_is_done_wakes_one_of_those_who_wait)
{
	struct vcore_buffer *buffer = make_buffer_of_numbers(QUEUE);
	struct client clients[QUEUE];
	uint64_t before;

	for (int i = 0; i < QUEUE; i++) {
		clients[i] = (struct client){.call = SEND, .buffer = buffer, .number = 1};
		client_start(&clients[i]);
	}
	before = switches_of(clients);
	for (uint64_t i = 0; i < QUEUE; i++) {
		vcore_buffer_done(buffer, take_now(buffer));
		until(atomic_load(&clients[i].over));
		vcore_yield();
		check(switches_of(clients) <= before + 2 * (i + 1));
	}
	for (int i = 0; i < QUEUE; i++) {
		check(client_finish(&clients[i]) == 0);
	}
	vcore_buffer_deallocate(buffer);
}

/* --- memory --------------------------------------------------------------------------------- */

TestInShortage(buffer, without_memory_to_note_it_no_cell_is_reserved_or_taken_and_that_is_told)
{
	struct vcore_buffer *buffer = make_buffer_of_numbers(QUEUE);
	void *cells[QUEUE];
	int n = 0, result = 0;

	vcore_buffer_cancel(buffer, reserve_now(buffer)); /* a pthread's first */
	begin_shortage();
	while (n < QUEUE && (result = vcore_buffer_reserve(buffer, &cells[n], VCORE_NEVER)) == 0) {
		n++;
	}
	check(n > 0 && n < QUEUE && result == -ENOMEM);
	put(buffer, 7);
	check(vcore_buffer_take(buffer, &cells[n], PAST) == -ENOMEM);
	end_shortage();
	for (int i = 0; i < n; i++) {
		vcore_buffer_cancel(buffer, cells[i]);
	}
	check(get(buffer) == 7);
	check_is_empty_with_room(buffer, QUEUE);
	vcore_buffer_deallocate(buffer);
}
