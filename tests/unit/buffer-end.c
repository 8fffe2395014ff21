/*
 * Threads that end, or are asked to, while they have a cell of a buffer of either
 * kind: what include/vcore/buffer.h promises, one promise to a test; see
 * buffers.h.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "buffers.h"

enum { CAPACITY = 3 };

static void *end_with_a_reserved_cell(void *buffer)
{
	*(uint64_t *)reserve_now(buffer) = 666;
	return NULL;
}

static void *be_destroyed_with_a_reserved_cell(void *buffer)
{
	end_with_a_reserved_cell(buffer);
	return sleep_forever(NULL);
}

static void *exit_with_a_reserved_cell(void *buffer)
{
	end_with_a_reserved_cell(buffer);
	vcore_thread_exit(NULL);
}

static void check_was_cancelled(struct vcore_buffer *buffer)
{
	check(vcore_buffer_count(buffer) == 0);
	check(refuses_to_receive(buffer));
	vcore_buffer_close(buffer);
	check(vcore_buffer_receive(buffer, &(uint64_t){0}, VCORE_NEVER) == -EPIPE);
	vcore_buffer_deallocate(buffer);
}

TestBuffer(TestEverywhere, a_thread_that_returns_cancels_what_it_has_reserved)
{
	struct vcore_buffer *buffer = make_buffer_of_numbers(CAPACITY);

	peer_finish(peer_start(end_with_a_reserved_cell, buffer));
	check_was_cancelled(buffer);
}

TestBuffer(TestAround, a_thread_that_exits_or_is_destroyed_cancels_what_it_has_reserved)
{
	struct vcore_buffer *buffers[] = {make_buffer_of_numbers(CAPACITY),
					  make_buffer_of_numbers(CAPACITY)};
	struct vcore_thread *thread = spawn(be_destroyed_with_a_reserved_cell, buffers[0]);

	until(is_waiting(thread));
	check(refuses_to_receive(buffers[0]));
	destroy(thread);
	check_was_cancelled(buffers[0]);
	finish(spawn(exit_with_a_reserved_cell, buffers[1]));
	check_was_cancelled(buffers[1]);
}

TestBuffer(TestAround, who_waits_behind_a_cell_whose_thread_ends_waits_on)
{
	struct client client = {.call = RECEIVE, .buffer = make_buffer_of_numbers(CAPACITY)};
	struct vcore_thread *thread = spawn(be_destroyed_with_a_reserved_cell, client.buffer);

	until(is_waiting(thread));
	client_start(&client);
	destroy(thread);
	until(client_waits(&client));
	vcore_buffer_close(client.buffer);
	check(client_finish(&client) == -EPIPE);
	vcore_buffer_deallocate(client.buffer);
}

static void *end_with_a_taken_cell(void *buffer)
{
	take_now(buffer);
	return NULL;
}

static void *be_destroyed_with_a_taken_cell(void *buffer)
{
	take_now(buffer);
	return sleep_forever(NULL);
}

TestBuffer(TestEverywhere, a_thread_that_ends_is_done_with_what_it_has_taken)
{
	struct vcore_buffer *buffer = make_buffer_of_numbers(1);

	fill(buffer);
	peer_finish(peer_start(end_with_a_taken_cell, buffer));
	check(fill(buffer) == 1);
	check(vcore_buffer_count(buffer) == ROOM(1));
	vcore_buffer_deallocate(buffer);
}

TestBuffer(TestAround, who_waits_for_room_is_woken_when_the_thread_that_has_taken_it_ends)
{
	struct client client = {.call = SEND, .buffer = make_buffer_of_numbers(1), .number = 5};
	struct vcore_thread *thread;

	client_start(&client);
	thread = spawn(be_destroyed_with_a_taken_cell, client.buffer);
	until(is_waiting_for(thread, VCORE_WAIT_SLEEP));
	until(client_waits(&client)); /* it may look, and wait on */
	destroy(thread);
	check(client_finish(&client) == 0);
	check(vcore_buffer_count(client.buffer) == ROOM(1));
	vcore_buffer_deallocate(client.buffer);
}

/* --- destroy ------------------------------------------------------------------------------ */

/* Has a cell when it is asked to end, and then makes a call. */
struct keeper {
	struct vcore_buffer *buffer;
	void (*give_back)(struct vcore_buffer *buffer, void *cell);
	atomic_bool has_cell, asked, survived;
};

static void *keep(void *argument)
{
	struct keeper *keeper = argument;
	void *cell = keeper->give_back == vcore_buffer_done ? take_now(keeper->buffer)
							    : reserve_now(keeper->buffer);

	set_flag(&keeper->has_cell);
	occupy(&keeper->asked);
	keeper->give_back(keeper->buffer, cell);
	set_flag(&keeper->survived);
	return sleep_forever(NULL);
}

TestBuffer(Test, commit_cancel_and_done_do_not_act_on_destroy)
{
	void (*calls[])(struct vcore_buffer *, void *) = {vcore_buffer_commit, vcore_buffer_cancel,
							  vcore_buffer_done};

	runtime_start(&(struct vcore_runtime_options){.processors = 1});
	for (size_t i = 0; i < COUNT_OF(calls); i++) {
		struct keeper keeper = {.buffer = make_buffer_of_numbers(CAPACITY),
					.give_back = calls[i]};
		struct vcore_thread *thread;

		if (calls[i] == vcore_buffer_done) {
			put(keeper.buffer, 1);
		}
		thread = spawn(keep, &keeper);
		until(atomic_load(&keeper.has_cell));
		vcore_thread_destroy(thread);
		set_flag(&keeper.asked);
		check(fate(thread) == VCORE_DESTROYED);
		check(atomic_load(&keeper.survived));
		vcore_buffer_deallocate(keeper.buffer);
	}
	runtime_finish();
}
