/*
 * Waiting at buffers of either kind: what include/vcore/buffer.h promises, one
 * promise to a test; see buffers.h.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "buffers.h"

#include <stdio.h>
#include <unistd.h>

TestBuffer(TestSuite, .timeout = 100);

enum { CAPACITY = 3 };

/* A client that waits, at a buffer of its own. */
static void start(struct client *client, enum call call, vcore_instant deadline)
{
	*client = (struct client){.call = call,
				  .buffer = make_buffer_of_numbers(CAPACITY),
				  .number = 7,
				  .deadline = deadline};
	client_start(client);
}

static void serve(struct client *client)
{
	client_serve(client);
	vcore_buffer_deallocate(client->buffer);
}

TestBuffer(TestEverywhere, a_full_one_makes_who_sends_wait_and_an_empty_one_who_receives)
{
	for (enum call call = 0; call < CALLS; call++) {
		struct client client;

		start(&client, call, 0);
		check(client_waits(&client));
		check(vcore_buffer_count(client.buffer) == (is_sent_by(call) ? ROOM(CAPACITY) : 0));
		serve(&client);
	}
}

TestBuffer(TestAround, a_pthread_may_wait)
{
	for (enum call call = 0; call < CALLS; call++) {
		struct client client = {
			.call = call, .buffer = make_buffer_of_numbers(CAPACITY), .number = 7};

		client_start_pthread(&client);
		serve(&client);
	}
}

static atomic_int handled;

static void count_call(int number)
{
	(void)number;
	atomic_fetch_add(&handled, 1);
}

TestBuffer(Test, signals_do_not_end_the_wait_of_a_pthread)
{
	struct sigaction action = {.sa_handler = count_call}; /* without SA_RESTART */

	sigaction(SIGUSR1, &action, NULL);
	for (enum call call = 0; call < CALLS; call++) {
		struct client client;

		start(&client, call, 0);
		for (int i = 0; i < 5; i++) {
			int before = handled;

			pthread_kill(client.peer.pthread, SIGUSR1);
			until(handled == before + 1);
			usleep(500);
		}
		check(!atomic_load(&client.over));
		serve(&client);
	}
}

TestBuffer(TestInTurns, who_waits_leaves_the_processor_to_others)
{
	for (enum call call = 0; call < CALLS; call++) {
		struct client client;

		start(&client, call, 0);
		check(finish(spawn(do_nothing, &client)) == &client);
		check(client_waits(&client));
		serve(&client);
	}
}

static void *send_one_later(void *buffer)
{
	uint64_t number = 5;

	vcore_sleep(vcore_after(MILLISECOND));
	check(vcore_buffer_send(buffer, &number, VCORE_NEVER) == 0);
	return NULL;
}

TestBuffer(TestEverywhere, a_wait_that_is_over_before_its_deadline_is_not_late)
{
	for (enum call call = RECEIVE; call < CALLS; call++) {
		struct vcore_buffer *buffer = make_buffer_of_numbers(CAPACITY);
		struct peer peer = peer_start(send_one_later, buffer);
		uint64_t number;

		check(call_with(call, buffer, &number, vcore_after(10 * SECOND)) == 0);
		check(number == 5);
		peer_finish(peer);
		vcore_buffer_deallocate(buffer);
	}
}

/* --- giving up ---------------------------------------------------------------------------- */

TestBuffer(TestEverywhere, a_wait_ends_at_its_deadline_and_not_before)
{
	for (enum call call = 0; call < CALLS; call++) {
		struct vcore_buffer *buffer = make_buffer_of_numbers(1);
		uint64_t number = 5;
		vcore_instant deadline;

		if (is_sent_by(call)) {
			fill(buffer);
		}
		deadline = vcore_after(2 * MILLISECOND);
		check(call_with(call, buffer, &number, deadline) == -ETIMEDOUT);
		check(vcore_now() >= deadline);
		check(number == 5);
		vcore_buffer_deallocate(buffer);
	}
}

/* Gives up waiting several times, then waits to its end. */
static void *insist(void *argument)
{
	struct client *client = argument;

	if (is_sent_by(client->call)) {
		fill(client->buffer);
	}
	for (int i = 0; i < 3; i++) {
		uint64_t unused = 1;

		check(call_with(client->call, client->buffer, &unused, vcore_after(MILLISECOND)) ==
		      -ETIMEDOUT);
	}
	return be_client(client); /* that finds no room for fillers */
}

TestBuffer(TestEverywhere, who_has_given_up_leaves_no_gap_and_may_wait_again)
{
	for (enum call call = 0; call < CALLS; call++) {
		struct client client = {
			.call = call, .buffer = make_buffer_of_numbers(CAPACITY), .number = 7};

		client.peer = peer_start(insist, &client);
		until(atomic_load(&client.tid) != 0 && client_waits(&client));
		client.fillers = ROOM(CAPACITY);
		client_serve(&client);
		check(vcore_buffer_count(client.buffer) == 0);
		vcore_buffer_deallocate(client.buffer);
	}
}

/* --- destroy ------------------------------------------------------------------------------ */

TestBuffer(TestAround, a_sender_that_is_destroyed_while_it_waits_has_sent_nothing)
{
	for (enum call call = SEND; call <= RESERVE; call++) {
		struct client client;

		start(&client, call, 0);
		destroy(client.peer.thread);
		check(vcore_buffer_count(client.buffer) == ROOM(CAPACITY));
		drain(client.buffer, ROOM(CAPACITY));
		check(refuses_to_receive(client.buffer));
		vcore_buffer_deallocate(client.buffer);
	}
}

TestBuffer(TestAround, a_receiver_that_is_destroyed_while_it_waits_has_received_nothing)
{
	for (enum call call = RECEIVE; call <= TAKE; call++) {
		struct client client;

		start(&client, call, 0);
		destroy(client.peer.thread);
		check(fill(client.buffer) == ROOM(CAPACITY));
		check(vcore_buffer_count(client.buffer) == ROOM(CAPACITY));
		check(refuses_to_send(client.buffer));
		vcore_buffer_deallocate(client.buffer);
	}
}

/* A call that would not have to wait. */
struct attempt {
	enum call call;
	struct vcore_buffer *buffer;
};

static void attempt(void *argument)
{
	const struct attempt *attempt = argument;
	uint64_t number = 5;

	check(call_with(attempt->call, attempt->buffer, &number, VCORE_NEVER) == 0);
}

TestBuffer(Test, who_is_asked_to_end_ends_on_entry_and_has_sent_or_received_nothing)
{
	for (enum call call = 0; call < CALLS; call++) {
		struct attempt it = {call, make_buffer_of_numbers(CAPACITY)};

		if (!is_sent_by(call)) {
			put(it.buffer, 1);
		}
		check(!survives(attempt, &it));
		check(vcore_buffer_count(it.buffer) == (is_sent_by(call) ? 0 : 1));
		vcore_buffer_deallocate(it.buffer);
	}
}

static void try_both_count_and_close(void *buffer)
{
	uint64_t number = 5;

	check(vcore_buffer_try_send(buffer, &number));
	check(vcore_buffer_count(buffer) == 1);
	check(vcore_buffer_try_receive(buffer, &number));
	vcore_buffer_close(buffer);
}

TestBuffer(Test, try_count_and_close_do_not_act_on_destroy)
{
	struct vcore_buffer *buffer = make_buffer_of_numbers(CAPACITY);

	check(survives(try_both_count_and_close, buffer));
	vcore_buffer_deallocate(buffer);
}

static void *be_undestroyable(void *client)
{
	vcore_destroy_disable();
	be_client(client);
	vcore_destroy_enable();
	return NULL;
}

TestBuffer(TestAround, a_wait_with_destroy_disabled_is_waited_to_its_end)
{
	for (enum call call = 0; call < CALLS; call++) {
		struct client client = {
			.call = call, .buffer = make_buffer_of_numbers(1), .number = 7};
		struct vcore_thread *thread = spawn(be_undestroyable, &client);

		until(is_waiting_for(thread, wait_of(call)));
		vcore_thread_destroy(thread);
		check(is_waiting_for(thread, wait_of(call)));
		if (is_sent_by(call)) {
			drain(client.buffer, client.fillers);
		} else {
			put(client.buffer, 7);
		}
		check(fate(thread) == VCORE_DESTROYED);
		check(client.result == 0 && client.number == 7);
		check(vcore_buffer_count(client.buffer) == is_sent_by(call));
		vcore_buffer_deallocate(client.buffer);
	}
}

/* --- inspection --------------------------------------------------------------------------- */

TestBuffer(TestAround, of_who_waits_kind_object_and_deadline_are_told)
{
	for (enum call call = 0; call < CALLS; call++) {
		vcore_instant deadline = vcore_after(3600 * SECOND);
		struct vcore_thread_info info;
		struct client client;
		char what[64];

		start(&client, call, deadline);
		info = info_of(client.peer.thread);
		check(info.wait == wait_of(call));
		check(info.object == client.buffer);
		check(info.deadline == deadline);
		check(info.owner == 0);
		snprintf(what, sizeof(what), " to %s, for buffer %p,",
			 is_sent_by(call) ? "send" : "receive", (void *)client.buffer);
		check(strstr(dumped_line("waiting"), what) != NULL);
		serve(&client);
	}
}

static void *wait_in_vain(void *client)
{
	be_client(client);
	check(!"it has waited");
	return NULL;
}

static void deadlock(void)
{
	for (enum call call = 0; call < CALLS; call++) {
		struct client client = {.call = call, .buffer = make_buffer_of_numbers(1)};

		check(vcore_run(NULL, wait_in_vain, &client, NULL) == -EDEADLK);
		vcore_buffer_deallocate(client.buffer);
	}
}

TestBuffer(Test, threads_that_all_wait_at_buffers_are_in_a_deadlock)
{
	static struct outcome outcome;

	run_child(&outcome, deadlock);
	check(exited_with(&outcome, 0));
	check(strstr(outcome.text, "to send, for buffer") != NULL);
	check(strstr(outcome.text, "to receive, for buffer") != NULL);
}
