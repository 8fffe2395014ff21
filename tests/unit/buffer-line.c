/*
 * Buffers of many senders and receivers: who stands in line, and what
 * include/vcore/buffer.h promises to them, one promise to a test; see buffers.h.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "buffers.h"

enum { LINE = 4 };

Test(buffer, without_options_many_may_send_and_receive)
{
	struct vcore_buffer *buffer;

	check(vcore_buffer_allocate(&buffer, 2, sizeof(uint64_t), NULL) == 0);
	for (int i = 0; i < 3; i++) {
		struct client sender = {.call = SEND, .buffer = buffer, .number = 7};

		client_start_pthread(&sender);
		client_serve(&sender);
	}
	vcore_buffer_deallocate(buffer);
}

/* --- lines of those who wait ---------------------------------------------------------------- */

/*
 * They come one after the other: lower case letters of the caller's kind, upper
 * case ones as pthreads.  Each sends its place in the line.
 */
static void line_start(struct client *clients, const char *line, enum call call,
		       struct vcore_buffer *buffer)
{
	for (size_t i = 0; line[i] != '\0'; i++) {
		clients[i] = (struct client){.call = call, .buffer = buffer, .number = i};
		if (line[i] < 'a') {
			client_start_pthread(&clients[i]);
		} else {
			client_start(&clients[i]);
		}
	}
}

/* Each is served, and then the next. */
static void line_serve(struct client *clients, int n, enum call call, struct vcore_buffer *buffer)
{
	for (int i = 0; i < n; i++) {
		if (is_sent_by(call)) {
			uint64_t number = get(buffer);

			check(number == (i == 0 ? FILLER : (uint64_t)i - 1));
		} else {
			put(buffer, (uint64_t)i);
		}
		check(client_finish(&clients[i]) == 0);
		check(clients[i].number == (uint64_t)i);
	}
}

static void serve_in_order(const char *line)
{
	for (enum call call = 0; call < CALLS; call++) {
		struct vcore_buffer *buffer = make_buffer_of_numbers(1);
		struct client clients[LINE];

		line_start(clients, line, call, buffer);
		line_serve(clients, LINE, call, buffer);
		check(vcore_buffer_count(buffer) == is_sent_by(call));
		vcore_buffer_deallocate(buffer);
	}
}

TestEverywhere(buffer, those_who_wait_are_served_in_the_order_in_which_they_came)
{
	serve_in_order("abcd");
}

TestAround(buffer, vcore_threads_and_pthreads_stand_in_one_line)
{
	serve_in_order("aBcD");
}

TestInTurns(buffer, a_sender_that_runs_may_overtake_one_that_was_woken)
{
	struct vcore_buffer *buffer = make_buffer_of_numbers(1);
	struct client clients[LINE];

	line_start(clients, "abcd", SEND, buffer);
	drain(buffer, 1); /* wakes a */
	put(buffer, 99);
	for (int i = 0; i < LINE; i++) {
		until(client_waits(&clients[i]));
	}
	check(get(buffer) == 99);
	check(client_finish(&clients[0]) == 0); /* it has waited on before all others */
	for (uint64_t i = 0; i < LINE; i++) {
		check(vcore_buffer_receive(buffer, &(uint64_t){0}, VCORE_NEVER) == 0);
	}
	for (int i = 1; i < LINE; i++) {
		check(client_finish(&clients[i]) == 0);
	}
	vcore_buffer_deallocate(buffer);
}

TestInTurns(buffer, a_receiver_that_runs_may_overtake_one_that_was_woken)
{
	struct vcore_buffer *buffer = make_buffer_of_numbers(1);
	struct client clients[LINE];

	line_start(clients, "abcd", RECEIVE, buffer);
	put(buffer, 99); /* wakes a */
	check(get(buffer) == 99);
	for (int i = 0; i < LINE; i++) {
		until(client_waits(&clients[i]));
	}
	line_serve(clients, LINE, RECEIVE, buffer);
	vcore_buffer_deallocate(buffer);
}

/* The first is woken, but does not go on: the next one does. */
static void pass_on(enum call call, bool is_destroyed)
{
	vcore_instant deadline = is_destroyed ? VCORE_NEVER : vcore_after(200 * MILLISECOND);
	struct vcore_buffer *buffer = make_buffer_of_numbers(1);
	struct client clients[2];

	clients[0] =
		(struct client){.call = call, .buffer = buffer, .number = 1, .deadline = deadline};
	client_start(&clients[0]);
	clients[1] = (struct client){.call = call, .buffer = buffer, .number = 2};
	client_start(&clients[1]);
	clients[1].fillers = 1; /* of the first */
	if (is_sent_by(call)) {
		drain(buffer, 1);
		put(buffer, FILLER);
	} else {
		put(buffer, 3);
		check(get(buffer) == 3);
	}
	if (is_destroyed) {
		vcore_thread_destroy(clients[0].peer.thread);
	}
	while (!is_destroyed && vcore_now() < deadline) {
	}
	until(info_of(clients[0].peer.thread).state == VCORE_THREAD_ENDED);
	client_serve(&clients[1]);
	check(is_destroyed ? fate(clients[0].peer.thread) == VCORE_DESTROYED
			   : client_finish(&clients[0]) == -ETIMEDOUT);
	vcore_buffer_deallocate(buffer);
}

TestInTurns(buffer, who_was_woken_and_whose_deadline_passes_takes_no_turn_from_others)
{
	for (enum call call = 0; call < CALLS; call++) {
		pass_on(call, false);
	}
}

TestInTurns(buffer, who_was_woken_and_is_destroyed_takes_no_turn_from_others)
{
	for (enum call call = 0; call < CALLS; call++) {
		pass_on(call, true);
	}
}

TestAround(buffer, who_is_destroyed_takes_no_turn_from_others)
{
	for (enum call call = 0; call < CALLS; call++) {
		struct vcore_buffer *buffer = make_buffer_of_numbers(1);
		struct client clients[3];

		line_start(clients, "abc", call, buffer);
		vcore_thread_destroy(clients[0].peer.thread);
		vcore_thread_destroy(clients[1].peer.thread);
		clients[2].fillers = 1; /* of the first */
		client_serve(&clients[2]);
		check(fate(clients[0].peer.thread) == VCORE_DESTROYED);
		check(fate(clients[1].peer.thread) == VCORE_DESTROYED);
		check(vcore_buffer_count(buffer) == 0);
		vcore_buffer_deallocate(buffer);
	}
}

TestEverywhere(buffer, close_wakes_all_who_wait)
{
	for (enum call call = 0; call < CALLS; call++) {
		struct vcore_buffer *buffer = make_buffer_of_numbers(1);
		struct client clients[LINE];

		line_start(clients, "aBcD", call, buffer);
		vcore_buffer_close(buffer);
		for (int i = 0; i < LINE; i++) {
			check(client_finish(&clients[i]) == -EPIPE);
		}
		check(vcore_buffer_count(buffer) == is_sent_by(call));
		vcore_buffer_deallocate(buffer);
	}
}

TestEverywhere(buffer, a_batch_wakes_as_many_receivers_as_it_has_messages)
{
	struct vcore_buffer *buffer = make_buffer_of_numbers(LINE);
	struct client clients[LINE];
	uint64_t numbers[] = {10, 11, 12};

	line_start(clients, "abcd", RECEIVE, buffer);
	check(vcore_buffer_send_many(buffer, numbers, 3, PAST) == 3);
	for (int i = 0; i < 3; i++) {
		check(client_finish(&clients[i]) == 0);
	}
	check(clients[0].number + clients[1].number + clients[2].number == 33);
	check(client_waits(&clients[3]));
	put(buffer, 13);
	check(client_finish(&clients[3]) == 0 && clients[3].number == 13);
	vcore_buffer_deallocate(buffer);
}

TestEverywhere(buffer, a_batch_that_is_received_wakes_as_many_senders)
{
	struct vcore_buffer *buffer = make_buffer_of_numbers(3);
	struct client clients[LINE];
	uint64_t numbers[3];

	line_start(clients, "abcd", SEND, buffer);
	check(vcore_buffer_receive_many(buffer, numbers, 3, PAST) == 3);
	for (int i = 0; i < 3; i++) {
		check(client_finish(&clients[i]) == 0);
	}
	check(client_waits(&clients[3]));
	check(vcore_buffer_receive_many(buffer, numbers, 3, PAST) == 3);
	check(numbers[0] + numbers[1] + numbers[2] == 0 + 1 + 2);
	check(client_finish(&clients[3]) == 0);
	check(get(buffer) == 3);
	vcore_buffer_deallocate(buffer);
}

/* --- many ----------------------------------------------------------------------------------- */

enum { SENDERS = 3, RECEIVERS = 3, EACH = 300 };

struct fair {
	struct vcore_buffer *buffer;
	atomic_int senders;
	atomic_uchar received[SENDERS][EACH];
};

/* Of sender s, the i-th: s * EACH + i. */
static void *send_each(void *argument)
{
	struct fair *fair = argument;
	uint64_t first = (uint64_t)atomic_fetch_add(&fair->senders, 1) * EACH;

	for (uint64_t i = 0; i < EACH; i++) {
		uint64_t numbers[] = {first + i, first + i + 1};

		if (i % 7 == 0 && i + 1 < EACH) {
			check(vcore_buffer_send_many(fair->buffer, numbers, 2, VCORE_NEVER) == 2);
			i++;
		} else {
			check(call_with(i % 3 == 0 ? RESERVE : SEND, fair->buffer, numbers,
					VCORE_NEVER) == 0);
		}
	}
	return NULL;
}

static void *receive_in_order(void *argument)
{
	struct fair *fair = argument;
	int64_t last[SENDERS] = {-1, -1, -1};

	for (int i = 0;; i++) {
		enum call call = i % 5 == 0 ? TAKE : i % 5 == 1 ? RECEIVE_MANY : RECEIVE;
		uint64_t number, sender;

		if (call_with(call, fair->buffer, &number, VCORE_NEVER) == -EPIPE) {
			return NULL;
		}
		sender = number / EACH;
		number %= EACH;
		check(sender < SENDERS);
		check((int64_t)number > last[sender]);
		last[sender] = (int64_t)number;
		check(atomic_fetch_add(&fair->received[sender][number], 1) == 0);
	}
}

static void hold_fair(size_t capacity)
{
	struct fair fair = {.buffer = make_buffer_of_numbers(capacity)};
	struct peer senders[SENDERS], receivers[RECEIVERS];

	for (int i = 0; i < SENDERS; i++) {
		senders[i] = i == 0 ? (struct peer){.pthread = start_pthread(send_each, &fair)}
				    : peer_start(send_each, &fair);
	}
	for (int i = 0; i < RECEIVERS; i++) {
		receivers[i] =
			i == 0 ? (struct peer){.pthread = start_pthread(receive_in_order, &fair)}
			       : peer_start(receive_in_order, &fair);
	}
	for (int i = 0; i < SENDERS; i++) {
		peer_finish(senders[i]);
	}
	vcore_buffer_close(fair.buffer);
	for (int i = 0; i < RECEIVERS; i++) {
		peer_finish(receivers[i]);
	}
	for (int i = 0; i < SENDERS * EACH; i++) {
		check(atomic_load(&fair.received[i / EACH][i % EACH]) == 1);
	}
	vcore_buffer_deallocate(fair.buffer);
}

TestEverywhere(buffer, of_many_senders_each_ones_messages_are_received_once_and_in_order)
{
	static const size_t capacities[] = {1, 2, 3, 7, 64};

	for (size_t i = 0; i < COUNT_OF(capacities); i++) {
		hold_fair(capacities[i]);
	}
}
