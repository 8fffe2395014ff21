/*
 * Select among others who wait for the same: what include/vcore/select.h and
 * buffer.h promise, one promise to a test; see cases.h.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "cases.h"

/* A buffer in the state in which the call waits; a case that is the same call. */
static struct vcore_buffer *buffer_for(enum call call)
{
	struct vcore_buffer *buffer = make_buffer_of_numbers(1);

	if (is_sent_by(call)) {
		fill(buffer);
	}
	return buffer;
}

static struct vcore_case case_of(enum call call, struct vcore_buffer *buffer, uint64_t *number)
{
	return is_sent_by(call) ? sending(buffer, number) : receiving(buffer, number);
}

/* Now one such call can be done. */
static void enable(enum call call, struct vcore_buffer *buffer)
{
	if (is_sent_by(call)) {
		get(buffer);
	} else {
		put(buffer, 5);
	}
}

static const enum call calls[] = {SEND, RECEIVE};

TestEverywhere(select, who_selects_stands_in_line_with_those_who_do_not)
{
	for (size_t i = 0; i < COUNT_OF(calls); i++) {
		struct vcore_buffer *buffer = buffer_for(calls[i]);
		uint64_t number = 1;
		struct vcore_case cases[] = {case_of(calls[i], buffer, &number)};
		struct client first = {.call = calls[i], .buffer = buffer};
		struct chooser second = {.cases = cases, .n = 1};
		struct client third = {.call = calls[i], .buffer = buffer};

		client_start(&first);
		chooser_start(&second);
		client_start(&third);
		enable(calls[i], buffer);
		check(client_finish(&first) == 0);
		check(!atomic_load(&second.over) && !atomic_load(&third.over));
		enable(calls[i], buffer);
		check(chooser_finish(&second) == 0);
		check(!atomic_load(&third.over));
		enable(calls[i], buffer);
		check(client_finish(&third) == 0);
		vcore_buffer_deallocate(buffer);
	}
}

/*
 * It is woken for the first buffer, and before it has run the second one can be
 * used too: who waits for the first alone would otherwise be left asleep.
 */
static void be_woken_for_one_of_two(enum call call)
{
	struct vcore_buffer *buffers[] = {buffer_for(call), buffer_for(call)};
	uint64_t numbers[] = {1, 1};
	struct vcore_case cases[] = {case_of(call, buffers[1], &numbers[1]),
				     case_of(call, buffers[0], &numbers[0])};
	struct chooser chooser = {.cases = cases, .n = 2};
	struct client client = {.call = call, .buffer = buffers[0]};

	chooser_start(&chooser);
	client_start(&client);
	enable(call, buffers[0]);
	enable(call, buffers[1]);
	check(chooser_finish(&chooser) == 1);
	check(client_waits(&client));
	enable(call, buffers[0]);
	check(client_finish(&client) == 0);
	vcore_buffer_deallocate(buffers[0]);
	vcore_buffer_deallocate(buffers[1]);
}

TestInTurns(select, who_was_woken_for_a_buffer_tries_that_first)
{
	for (size_t i = 0; i < COUNT_OF(calls); i++) {
		for (int round = 0; round < 20; round++) {
			be_woken_for_one_of_two(calls[i]);
		}
	}
}

TestInTurns(select, it_does_so_though_the_event_that_it_awaits_has_come_too)
{
	for (size_t i = 0; i < COUNT_OF(calls); i++) {
		for (int round = 0; round < 20; round++) {
			struct vcore_buffer *buffer = buffer_for(calls[i]);
			struct vcore_eventcount event = {0};
			uint64_t number = 1;
			struct vcore_case cases[] = {awaiting(&event, 0),
						     case_of(calls[i], buffer, &number)};
			struct chooser chooser = {.cases = cases, .n = 2};
			struct client client = {.call = calls[i], .buffer = buffer};

			chooser_start(&chooser);
			client_start(&client);
			enable(calls[i], buffer);
			vcore_eventcount_advance(&event);
			check(chooser_finish(&chooser) == 1);
			check(client_waits(&client));
			enable(calls[i], buffer);
			check(client_finish(&client) == 0);
			vcore_buffer_deallocate(buffer);
		}
	}
}

/* Many that select once each: one case is not always the same. */
TestInTurns(select, threads_that_select_for_the_first_time_choose_one_case_or_the_other)
{
	enum { THREADS = 100 };
	static struct chooser choosers[THREADS];
	static struct vcore_case cases[THREADS][2];
	struct vcore_eventcount event = {0};
	int second = 0;

	vcore_eventcount_advance(&event);
	for (int i = 0; i < THREADS; i++) {
		cases[i][0] = cases[i][1] = awaiting(&event, 0);
		choosers[i] = (struct chooser){.cases = cases[i], .n = 2};
		chooser_start(&choosers[i]);
	}
	for (int i = 0; i < THREADS; i++) {
		second += chooser_finish(&choosers[i]);
	}
	check(second > 10 && second < 90);
}

/* It is woken in vain, for another is faster, and waits again. */
static void overtake(enum call call, struct vcore_buffer *buffer, const struct chooser *chooser)
{
	enable(call, buffer);
	if (is_sent_by(call)) {
		put(buffer, 9);
	} else {
		get(buffer);
	}
	until(is_waiting(chooser->peer.thread));
	vcore_yield();
}

/* One whose place was taken by a faster one comes before those who came later. */
TestInTurns(select, who_was_overtaken_waits_on_before_all_others)
{
	for (size_t i = 0; i < COUNT_OF(calls); i++) {
		struct vcore_buffer *buffer = buffer_for(calls[i]);
		uint64_t number = 1;
		struct vcore_case cases[] = {case_of(calls[i], buffer, &number)};
		struct chooser first = {.cases = cases, .n = 1};
		struct client second = {.call = calls[i], .buffer = buffer};

		chooser_start(&first);
		client_start(&second);
		overtake(calls[i], buffer, &first);
		enable(calls[i], buffer);
		check(chooser_finish(&first) == 0);
		check(client_waits(&second));
		enable(calls[i], buffer);
		check(client_finish(&second) == 0);
		vcore_buffer_deallocate(buffer);
	}
}

TestInTurns(select, who_was_overtaken_at_one_buffer_overtakes_nobody_at_another)
{
	for (size_t i = 0; i < COUNT_OF(calls); i++) {
		struct vcore_buffer *buffers[] = {buffer_for(calls[i]), buffer_for(calls[i])};
		uint64_t numbers[] = {1, 1};
		struct vcore_case cases[] = {case_of(calls[i], buffers[0], &numbers[0]),
					     case_of(calls[i], buffers[1], &numbers[1])};
		struct client first = {.call = calls[i], .buffer = buffers[1]};
		struct chooser second = {.cases = cases, .n = 2};

		client_start(&first);
		chooser_start(&second);
		overtake(calls[i], buffers[0], &second);
		enable(calls[i], buffers[1]);
		check(client_finish(&first) == 0);
		check(!atomic_load(&second.over));
		enable(calls[i], buffers[0]);
		check(chooser_finish(&second) == 0);
		vcore_buffer_deallocate(buffers[0]);
		vcore_buffer_deallocate(buffers[1]);
	}
}

/* Woken, but destroyed, or too late, before it has run. */
static void pass_on(enum call call, bool is_destroyed)
{
	vcore_instant deadline = is_destroyed ? VCORE_NEVER : vcore_after(200 * MILLISECOND);
	struct vcore_buffer *buffer = buffer_for(call);
	uint64_t number = 1;
	struct vcore_case cases[] = {case_of(call, buffer, &number)};
	struct chooser chooser = {.cases = cases, .n = 1, .deadline = deadline};
	struct client client = {.call = call, .buffer = buffer};

	chooser_start(&chooser);
	client_start(&client);
	enable(call, buffer);
	if (is_sent_by(call)) { /* in vain: another is faster */
		put(buffer, 9);
	} else {
		get(buffer);
	}
	if (is_destroyed) {
		vcore_thread_destroy(chooser.peer.thread);
	}
	while (!is_destroyed && vcore_now() < deadline) {
	}
	until(info_of(chooser.peer.thread).state == VCORE_THREAD_ENDED);
	enable(call, buffer);
	check(client_finish(&client) == 0);
	check(is_destroyed ? fate(chooser.peer.thread) == VCORE_DESTROYED
			   : chooser_finish(&chooser) == -ETIMEDOUT);
	vcore_buffer_deallocate(buffer);
}

TestInTurns(select, who_was_woken_and_gives_up_takes_no_turn_from_others)
{
	for (size_t i = 0; i < COUNT_OF(calls); i++) {
		pass_on(calls[i], false);
		pass_on(calls[i], true);
	}
}

/* What a destroyed one could have done, if it was woken for it, the next one does. */
TestAround(select, who_is_destroyed_takes_no_turn_from_others)
{
	for (size_t i = 0; i < COUNT_OF(calls); i++) {
		for (int round = 0; round < 50; round++) {
			struct vcore_buffer *buffer = buffer_for(calls[i]);
			uint64_t number = 1;
			struct vcore_case cases[] = {case_of(calls[i], buffer, &number)};
			struct chooser chooser = {.cases = cases, .n = 1};
			struct client client = {.call = calls[i], .buffer = buffer};
			size_t before = vcore_buffer_count(buffer);

			chooser_start(&chooser);
			client_start(&client);
			enable(calls[i], buffer);
			vcore_thread_destroy(chooser.peer.thread);
			fate(chooser.peer.thread);
			if (cases[0].status == 0) { /* it was done before */
				enable(calls[i], buffer);
			}
			check(client_finish(&client) == 0);
			check(vcore_buffer_count(buffer) == before);
			vcore_buffer_deallocate(buffer);
		}
	}
}

/* --- many ----------------------------------------------------------------------------------- */

enum { TRADERS = 4, TRADES = 2000 };

struct market {
	struct vcore_buffer *buffers[2];
	struct vcore_eventcount stop;
	atomic_int traders, sold, bought;
};

/* Each other one sends where the others receive. */
static void *trade(void *argument)
{
	struct market *market = argument;
	int way = atomic_fetch_add(&market->traders, 1) % 2;
	uint64_t sent = 1, received = 0;
	struct vcore_case cases[] = {sending(market->buffers[way], &sent),
				     receiving(market->buffers[1 - way], &received),
				     awaiting(&market->stop, 0)};
	int done;

	while ((done = vcore_select(cases, 3, VCORE_NEVER)) != 2) {
		check(done == 0 || done == 1);
		check(received == (uint64_t)done);
		received = 0;
		atomic_fetch_add(done == 0 ? &market->sold : &market->bought, 1);
	}
	return NULL;
}

TestEverywhere(select, many_may_select_the_same_in_any_order)
{
	struct market market = {.buffers = {make_buffer_of_numbers(1), make_buffer_of_numbers(3)}};
	struct peer peers[TRADERS];

	for (int i = 0; i < TRADERS; i++) {
		peers[i] = i < 2 ? peer_start(trade, &market)
				 : (struct peer){.pthread = start_pthread(trade, &market)};
	}
	until(atomic_load(&market.bought) > TRADES);
	vcore_eventcount_advance(&market.stop);
	for (int i = 0; i < TRADERS; i++) {
		peer_finish(peers[i]);
	}
	check((size_t)(market.sold - market.bought) ==
	      vcore_buffer_count(market.buffers[0]) + vcore_buffer_count(market.buffers[1]));
	vcore_buffer_deallocate(market.buffers[0]);
	vcore_buffer_deallocate(market.buffers[1]);
}
