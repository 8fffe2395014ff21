/*
 * Threads that have cells of a buffer of many senders and receivers, and end, or
 * give back another's: what include/vcore/buffer.h promises, one promise to
 * a test; see buffers.h.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "buffers.h"

enum { CAPACITY = 7 };

/* --- panics ------------------------------------------------------------------------------- */

struct neighbour {
	struct vcore_buffer *buffer;
	void *(*have)(struct vcore_buffer *buffer);
	void *cell;
	atomic_bool has_cell;
};

static void *have_cell_and_wait(void *argument)
{
	struct neighbour *neighbour = argument;

	neighbour->cell = neighbour->have(neighbour->buffer);
	set_flag(&neighbour->has_cell);
	vcore_sleep(VCORE_NEVER);
	return NULL;
}

/* And has one of its own. */
static void have_two(struct neighbour *neighbour)
{
	neighbour->buffer = make_buffer_of_numbers(3);
	if (neighbour->have == take_now) {
		put(neighbour->buffer, 1);
		put(neighbour->buffer, 2);
	}
	peer_start(have_cell_and_wait, neighbour);
	until(atomic_load(&neighbour->has_cell));
	neighbour->have(neighbour->buffer);
}

static void commit_the_neighbours(void)
{
	struct neighbour neighbour = {.have = reserve_now};

	have_two(&neighbour);
	vcore_buffer_commit(neighbour.buffer, neighbour.cell);
}

static void be_done_with_the_neighbours(void)
{
	struct neighbour neighbour = {.have = take_now};

	have_two(&neighbour);
	vcore_buffer_done(neighbour.buffer, neighbour.cell);
}

static void commit_the_neighbours_inside(void)
{
	run_inside(2, commit_the_neighbours);
}

Test(buffer, to_give_back_a_neighbours_cell_panics)
{
	check(panics_with(commit_the_neighbours, "has not reserved this cell"));
	check(panics_with(commit_the_neighbours_inside, "has not reserved this cell"));
	check(panics_with(be_done_with_the_neighbours, "has not taken this cell"));
}

/* --- threads that end --------------------------------------------------------------------- */

enum { MANY = 200 };

struct harvest {
	struct vcore_buffer *buffer;
	int n;
};

static void *reserve_many_and_end(void *argument)
{
	const struct harvest *harvest = argument;

	for (int i = 0; i < harvest->n; i++) {
		reserve_now(harvest->buffer);
	}
	return NULL;
}

static void *take_many_and_end(void *argument)
{
	const struct harvest *harvest = argument;

	for (int i = 0; i < harvest->n; i++) {
		take_now(harvest->buffer);
	}
	return NULL;
}

TestEverywhere(buffer, a_thread_that_ends_cancels_all_that_it_has_reserved)
{
	static const int all[] = {1, 3, MANY};
	struct vcore_buffer *buffer = make_buffer_of_numbers(MANY);

	for (size_t i = 0; i < COUNT_OF(all); i++) {
		struct harvest harvest = {buffer, all[i]};

		peer_finish(peer_start(reserve_many_and_end, &harvest));
		finish_pthread(start_pthread(reserve_many_and_end, &harvest));
		check_is_empty_with_room(buffer, MANY);
	}
	vcore_buffer_deallocate(buffer);
}

TestEverywhere(buffer, a_thread_that_ends_is_done_with_all_that_it_has_taken)
{
	static const int all[] = {1, 3, MANY};
	struct vcore_buffer *buffer = make_buffer_of_numbers(MANY);

	for (size_t i = 0; i < COUNT_OF(all); i++) {
		struct harvest harvest = {buffer, all[i]};

		for (int j = 0; j < all[i]; j++) {
			put(buffer, 1);
		}
		peer_finish(peer_start(take_many_and_end, &harvest));
		for (int j = 0; j < all[i]; j++) {
			put(buffer, 1);
		}
		finish_pthread(start_pthread(take_many_and_end, &harvest));
		check_is_empty_with_room(buffer, MANY);
	}
	vcore_buffer_deallocate(buffer);
}

static void *reserve_of_two_and_end(void *argument)
{
	struct vcore_buffer **buffers = argument;

	for (int i = 0; i < 10; i++) {
		void *cell = reserve_now(buffers[i % 2]);

		if (i % 4 == 1) {
			*(uint64_t *)cell = (uint64_t)i;
			vcore_buffer_commit(buffers[1], cell);
		}
	}
	return NULL;
}

TestEverywhere(buffer, what_a_thread_that_ends_has_committed_is_sent)
{
	struct vcore_buffer *buffers[] = {make_buffer_of_numbers(CAPACITY),
					  make_buffer_of_numbers(CAPACITY)};

	peer_finish(peer_start(reserve_of_two_and_end, buffers));
	for (uint64_t i = 1; i < 10; i += 4) {
		check(get(buffers[1]) == i);
	}
	for (int i = 0; i < 2; i++) {
		check_is_empty_with_room(buffers[i], CAPACITY);
		vcore_buffer_deallocate(buffers[i]);
	}
}

TestEverywhere(buffer, who_waits_behind_a_cell_whose_thread_ends_gets_the_next_message)
{
	struct client client = {.call = RECEIVE, .buffer = make_buffer_of_numbers(CAPACITY)};
	struct harvest harvest = {client.buffer, 1};

	peer_finish(peer_start(reserve_many_and_end, &harvest));
	client_start(&client);
	put(client.buffer, 5);
	check(client_finish(&client) == 0);
	check(client.number == 5);
	vcore_buffer_deallocate(client.buffer);
}
