/*
 * Messages that are made and used in place, in buffers of either kind: what
 * include/vcore/buffer.h promises, one promise to a test; see buffers.h.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "buffers.h"

enum { CAPACITY = 3 };

static void cancel(struct vcore_buffer *buffer)
{
	uint64_t *cell = reserve_now(buffer);

	*cell = 666;
	vcore_buffer_cancel(buffer, cell);
}

TestBuffer(TestEverywhere, a_message_is_made_in_a_cell_and_used_in_it)
{
	static const size_t capacities[] = {1, 2, 3, 7, 64};
	static const size_t sizes[] = {1, 3, 8, 12, 16, 24, 100, 4096, 4097};

	for (size_t i = 0; i < COUNT_OF(capacities); i++) {
		for (size_t j = 0; j < COUNT_OF(sizes); j++) {
			struct vcore_buffer *buffer = make_buffer(capacities[i], sizes[j]);

			for (uint64_t n = 0; n < 2 * ROOM(capacities[i]) + 1; n++) {
				void *cell = reserve_now(buffer);

				make_message(cell, sizes[j], n);
				vcore_buffer_commit(buffer, cell);
				cell = take_now(buffer);
				check(is_message(cell, sizes[j], n));
				vcore_buffer_done(buffer, cell);
			}
			vcore_buffer_deallocate(buffer);
		}
	}
}

/* The greatest power of two that divides it, up to 16. */
static size_t alignment_of(size_t size)
{
	return (size | 16) & -(size | 16);
}

TestBuffer(TestEverywhere, cells_are_aligned_as_their_size_is_up_to_16_bytes)
{
	for (size_t size = 1; size <= 200; size++) {
		struct vcore_buffer *buffer = make_buffer(CAPACITY, size);

		for (int i = 0; i < CAPACITY; i++) {
			void *cell = reserve_now(buffer);

			check((uintptr_t)cell % alignment_of(size) == 0);
			vcore_buffer_commit(buffer, cell);
			cell = take_now(buffer);
			check((uintptr_t)cell % alignment_of(size) == 0);
			vcore_buffer_done(buffer, cell);
		}
		vcore_buffer_deallocate(buffer);
	}
}

TestBuffer(TestEverywhere, what_is_made_in_place_may_be_copied_out_and_the_reverse)
{
	struct vcore_buffer *buffer = make_buffer_of_numbers(CAPACITY);
	uint64_t *cell;

	for (uint64_t i = 0; i < 10; i++) {
		cell = reserve_now(buffer);
		*cell = i;
		vcore_buffer_commit(buffer, cell);
		check(get(buffer) == i);
		put(buffer, ~i);
		cell = take_now(buffer);
		check(*cell == ~i);
		vcore_buffer_done(buffer, cell);
	}
	vcore_buffer_deallocate(buffer);
}

TestBuffer(TestEverywhere, a_reserved_cell_is_received_when_it_is_committed_and_not_before)
{
	struct vcore_buffer *buffer = make_buffer_of_numbers(CAPACITY);
	uint64_t *cell = reserve_now(buffer);

	*cell = 5;
	check(refuses_to_receive(buffer));
	vcore_buffer_commit(buffer, cell);
	check(vcore_buffer_count(buffer) == 1);
	check(get(buffer) == 5);
	vcore_buffer_deallocate(buffer);
}

TestBuffer(TestEverywhere, what_is_before_a_reserved_cell_can_be_received)
{
	struct vcore_buffer *buffer = make_buffer_of_numbers(CAPACITY);
	uint64_t *cell;

	put(buffer, 1);
	cell = reserve_now(buffer);
	*cell = 2;
	check(get(buffer) == 1);
	check(refuses_to_receive(buffer));
	vcore_buffer_commit(buffer, cell);
	check(get(buffer) == 2);
	vcore_buffer_deallocate(buffer);
}

TestBuffer(TestEverywhere, who_waits_behind_a_reserved_cell_is_woken_by_its_commit)
{
	for (enum call call = RECEIVE; call <= TAKE; call++) {
		struct client client = {.call = call, .buffer = make_buffer_of_numbers(CAPACITY)};
		uint64_t *cell = reserve_now(client.buffer);

		client_start(&client);
		check(client_waits(&client));
		*cell = 5;
		vcore_buffer_commit(client.buffer, cell);
		check(client_finish(&client) == 0);
		check(client.number == 5);
		vcore_buffer_deallocate(client.buffer);
	}
}

/* --- cancel ------------------------------------------------------------------------------- */

TestBuffer(TestEverywhere, in_a_cancelled_cell_there_is_no_message)
{
	struct vcore_buffer *buffer = make_buffer_of_numbers(CAPACITY);

	for (size_t i = 0; i < ROOM(10); i++) {
		cancel(buffer);
		check(vcore_buffer_count(buffer) == 0);
		check(refuses_to_receive(buffer));
	}
	check_is_empty_with_room(buffer, CAPACITY);
	vcore_buffer_deallocate(buffer);
}

TestBuffer(TestEverywhere, a_cancelled_cell_is_free_again)
{
	struct vcore_buffer *buffer = make_buffer_of_numbers(1);

	for (uint64_t i = 0; i < 10; i++) {
		cancel(buffer);
		put(buffer, i);
		check(get(buffer) == i);
	}
	vcore_buffer_deallocate(buffer);
}

TestBuffer(TestEverywhere, cancelled_cells_are_skipped)
{
	struct vcore_buffer *buffer = make_buffer_of_numbers(7);
	uint64_t messages[7];

	for (uint64_t i = 0; i < 10; i++) {
		put(buffer, i);
		cancel(buffer);
		put(buffer, i + 1);
		check(get(buffer) == i);
		check(get(buffer) == i + 1);
		check(refuses_to_receive(buffer));
		put(buffer, i);
		cancel(buffer);
		cancel(buffer);
		put(buffer, i + 1);
		for (uint64_t n = 0; n < 2;) {
			ssize_t some = vcore_buffer_receive_many(buffer, messages, 7, PAST);

			check(some == 1 || some == 2);
			for (ssize_t j = 0; j < some; j++) {
				check(messages[j] == i + n++);
			}
		}
	}
	vcore_buffer_deallocate(buffer);
}

TestBuffer(TestEverywhere, who_waits_behind_a_cancelled_cell_gets_the_next_message)
{
	for (enum call call = RECEIVE; call <= TAKE; call++) {
		struct client client = {.call = call, .buffer = make_buffer_of_numbers(1)};
		uint64_t *cell = reserve_now(client.buffer);

		client_start(&client);
		check(client_waits(&client));
		vcore_buffer_cancel(client.buffer, cell);
		until(client_waits(&client)); /* it may look, and wait on */
		put(client.buffer, 5);
		check(client_finish(&client) == 0);
		check(client.number == 5);
		vcore_buffer_deallocate(client.buffer);
	}
}

/* --- take --------------------------------------------------------------------------------- */

TestBuffer(TestEverywhere, a_taken_cell_is_received_and_stays_occupied_until_it_is_done)
{
	struct vcore_buffer *buffer = make_buffer_of_numbers(1);

	for (int i = 0; i < 10; i++) {
		uint64_t *cell;

		fill(buffer);
		cell = take_now(buffer);
		check(refuses_to_send(buffer));
		check(*cell == FILLER);
		vcore_buffer_done(buffer, cell);
		drain(buffer, ROOM(1) - 1);
		check(vcore_buffer_count(buffer) == 0);
	}
	check_is_empty_with_room(buffer, 1);
	vcore_buffer_deallocate(buffer);
}

TestBuffer(TestEverywhere, what_is_taken_stays_as_it_is_while_others_are_sent)
{
	struct vcore_buffer *buffer = make_buffer_of_numbers(CAPACITY);
	uint64_t *cell;

	put(buffer, 1);
	cell = take_now(buffer);
	check(fill(buffer) == ROOM(CAPACITY) - 1);
	check(*cell == 1);
	vcore_buffer_done(buffer, cell);
	put(buffer, 4);
	drain(buffer, ROOM(CAPACITY) - 1);
	check(get(buffer) == 4);
	vcore_buffer_deallocate(buffer);
}

TestBuffer(TestEverywhere, who_waits_for_room_is_woken_when_a_taken_cell_is_done)
{
	for (enum call call = SEND; call <= RESERVE; call++) {
		struct client client = {
			.call = call, .buffer = make_buffer_of_numbers(1), .number = 5};
		void *cell;

		client_start(&client);
		cell = take_now(client.buffer);
		until(client_waits(&client)); /* it may look, and wait on */
		vcore_buffer_done(client.buffer, cell);
		check(client_finish(&client) == 0);
		drain(client.buffer, client.fillers - 1);
		check(get(client.buffer) == 5);
		vcore_buffer_deallocate(client.buffer);
	}
}
