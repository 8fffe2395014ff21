/*
 * Buffers for one sender and one receiver: what include/vcore/buffer.h promises
 * of these alone, one promise to a test; see buffers.h.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "buffers.h"

static struct vcore_buffer *subject;
static enum call call; /* of the second who comes */

static void *call_once(void *unused)
{
	uint64_t message = 1;

	(void)call_with(call, subject, &message, PAST);
	return unused;
}

static void *try_once(void *unused)
{
	uint64_t message = 1;

	(void)(is_sent_by(call) ? vcore_buffer_try_send(subject, &message)
				: vcore_buffer_try_receive(subject, &message));
	return unused;
}

/* The caller is the sender, and the receiver. */
static void know_both_ends(void)
{
	subject = make_buffer_of_numbers(3);
	put(subject, 1);
	check(get(subject) == 1);
	put(subject, 1);
}

static void (*start)(void *(*entry)(void *));
static void *(*second)(void *);

static void start_peer(void *(*entry)(void *))
{
	peer_finish(peer_start(entry, NULL));
}

static void start_a_pthread(void *(*entry)(void *))
{
	finish_pthread(start_pthread(entry, NULL));
}

static void let_second_come(void)
{
	know_both_ends();
	start(second);
}

static void let_second_come_inside(void)
{
	run_inside(2, let_second_come);
}

TestBuffer(Test, a_second_sender_or_receiver_panics)
{
	void (*starts[])(void *(*entry)(void *)) = {start_peer, start_a_pthread};

	for (call = 0; call < CALLS; call++) {
		for (size_t i = 0; i < COUNT_OF(starts); i++) {
			start = starts[i];
			second = call_once;
			check(panics_with(let_second_come, "this is another thread"));
			check(panics_with(let_second_come_inside, "this is another thread"));
			second = try_once;
			check(panics_with(let_second_come, "this is another thread"));
			check(panics_with(let_second_come_inside, "this is another thread"));
		}
	}
}

static void let_second_come_while_the_first_waits(void)
{
	struct client client = {.call = call, .buffer = make_buffer_of_numbers(1)};

	subject = client.buffer;
	client_start(&client);
	try_once(NULL);
}

TestBuffer(Test, a_second_one_panics_while_the_first_waits)
{
	call = SEND;
	check(panics_with(let_second_come_while_the_first_waits, "this is another thread"));
	call = RECEIVE;
	check(panics_with(let_second_come_while_the_first_waits, "this is another thread"));
}

static void *call_wrongly(void *unused)
{
	try_once(NULL);
	return unused;
}

static void end_in_the_hook(void)
{
	know_both_ends();
	for (call = 0; call < CALLS; call++) {
		finish(spawn(call_wrongly, NULL));
		check(vcore_buffer_count(subject) == 1);
	}
	check(get(subject) == 1);
	check_is_empty_with_room(subject, 3);
	vcore_buffer_deallocate(subject);
}

TestBuffer(Test, a_call_of_a_second_one_that_panics_has_changed_nothing)
{
	run_inside_with(&(struct vcore_runtime_options){.panic = exit_from_the_hook},
			end_in_the_hook);
}

static void *count_and_close(void *unused)
{
	check(vcore_buffer_count(subject) == 1);
	vcore_buffer_close(subject);
	return unused;
}

TestBuffer(TestEverywhere, anybody_may_count_and_close)
{
	know_both_ends();
	peer_finish(peer_start(count_and_close, NULL));
	check(get(subject) == 1);
	check(vcore_buffer_receive(subject, &(uint64_t){0}, VCORE_NEVER) == -EPIPE);
	vcore_buffer_deallocate(subject);
}

static void reserve_twice(void)
{
	subject = make_buffer_of_numbers(3);
	reserve_now(subject);
	reserve_now(subject);
}

static void take_twice(void)
{
	know_both_ends();
	put(subject, 1);
	take_now(subject);
	take_now(subject);
}

TestBuffer(Test, to_reserve_or_take_a_second_cell_at_a_time_panics)
{
	check(panics_with(reserve_twice, "vcore_buffer_reserve: the thread has a cell"));
	check(panics_with(take_twice, "vcore_buffer_take: the thread has a cell"));
}

/* Has a cell, while another wants to give it back, and then wants a second one. */
struct greedy {
	struct vcore_buffer *buffer;
	void *cell;
	atomic_bool has_cell, go_on, has_two;
};

static void *be_greedy(void *argument)
{
	struct greedy *greedy = argument;

	greedy->cell = reserve_now(greedy->buffer);
	set_flag(&greedy->has_cell);
	yield_until(&greedy->go_on);
	reserve_now(greedy->buffer);
	set_flag(&greedy->has_two);
	return NULL;
}

static void *commit_wrongly(void *argument)
{
	struct greedy *greedy = argument;

	vcore_buffer_commit(greedy->buffer, greedy->cell);
	return NULL;
}

static void end_both_in_the_hook(void)
{
	struct greedy greedy = {.buffer = make_buffer_of_numbers(3)};
	struct vcore_thread *thread = spawn(be_greedy, &greedy);

	until(atomic_load(&greedy.has_cell));
	finish(spawn(commit_wrongly, &greedy));
	set_flag(&greedy.go_on);
	finish(thread);
	check(!atomic_load(&greedy.has_two));
	vcore_buffer_deallocate(greedy.buffer);
}

TestBuffer(Test, a_cell_that_another_could_not_give_back_is_still_the_only_one)
{
	run_inside_with(&(struct vcore_runtime_options){.panic = exit_from_the_hook},
			end_both_in_the_hook);
}

static void *answer(void *argument)
{
	struct vcore_buffer **buffers = argument;

	for (uint64_t i = 0, number; i < 1000; i++) {
		check(vcore_buffer_receive(buffers[0], &number, VCORE_NEVER) == 0);
		check(number == i);
		check(vcore_buffer_send(buffers[1], &number, VCORE_NEVER) == 0);
	}
	return NULL;
}

TestBuffer(TestEverywhere, two_of_them_carry_questions_and_answers)
{
	struct vcore_buffer *buffers[] = {make_buffer_of_numbers(1), make_buffer_of_numbers(1)};
	struct peer peer = peer_start(answer, buffers);

	for (uint64_t i = 0, number; i < 1000; i++) {
		check(vcore_buffer_send(buffers[0], &i, VCORE_NEVER) == 0);
		check(vcore_buffer_receive(buffers[1], &number, VCORE_NEVER) == 0);
		check(number == i);
	}
	peer_finish(peer);
	vcore_buffer_deallocate(buffers[0]);
	vcore_buffer_deallocate(buffers[1]);
}
