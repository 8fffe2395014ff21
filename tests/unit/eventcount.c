/*
 * Eventcounts and sequencers: what include/vcore/eventcount.h promises of
 * counting, of order and of memory, one promise to a test.  Waiting together
 * with destroy, signals and other runtimes is in eventcount-wait.c.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "support.h"

#include <stdlib.h>

TestSuite(eventcount, .timeout = 100);

TestEverywhere(eventcount, zero_bytes_have_count_zero)
{
	struct vcore_eventcount event;

	memset(&event, 0, sizeof(event));
	check(vcore_eventcount_read(&event) == 0);
	check(vcore_eventcount_await(&event, 0, PAST) == -ETIMEDOUT);
}

TestEverywhere(eventcount, the_initializer_has_count_zero)
{
	struct vcore_eventcount event = VCORE_EVENTCOUNT_INITIALIZER;

	check(vcore_eventcount_read(&event) == 0);
}

TestEverywhere(eventcount, advance_counts_one_and_returns_the_new_count)
{
	struct vcore_eventcount event = {0};

	check(vcore_eventcount_advance(&event) == 1);
	check(vcore_eventcount_advance(&event) == 2);
	check(vcore_eventcount_read(&event) == 2);
}

TestEverywhere(eventcount, advance_by_counts_n_and_returns_the_new_count)
{
	struct vcore_eventcount event = {0};

	check(vcore_eventcount_advance_by(&event, 41) == 41);
	check(vcore_eventcount_advance_by(&event, 1) == 42);
	check(vcore_eventcount_read(&event) == 42);
}

TestEverywhere(eventcount, advance_by_zero_counts_nothing)
{
	struct vcore_eventcount event = {0};

	vcore_eventcount_advance(&event);
	check(vcore_eventcount_advance_by(&event, 0) == 1);
	check(vcore_eventcount_await(&event, 1, PAST) == -ETIMEDOUT);
}

Test(eventcount, advance_by_less_than_nothing_panics, .signal = SIGABRT)
{
	struct vcore_eventcount event = {0};

	vcore_eventcount_advance_by(&event, -1);
}

Test(eventcount, advancing_beyond_the_greatest_count_panics, .signal = SIGABRT)
{
	const int64_t greatest = (INT64_C(1) << 62) - 1;
	struct vcore_eventcount event = {0};

	check(vcore_eventcount_advance_by(&event, greatest) == greatest);
	vcore_eventcount_advance_by(&event, 1);
}

TestEverywhere(eventcount, counts_beyond_32_bits_are_exact)
{
	struct vcore_eventcount event = {0};
	int64_t much = INT64_C(1) << 60;

	check(vcore_eventcount_advance_by(&event, much) == much);
	check(vcore_eventcount_advance(&event) == much + 1);
	check(vcore_eventcount_await(&event, much, PAST) == 0);
	check(vcore_eventcount_await(&event, much + 1, PAST) == -ETIMEDOUT);
}

TestEverywhere(eventcount, a_count_that_exceeds_the_value_is_not_waited_for)
{
	struct vcore_eventcount event = {0};

	vcore_eventcount_advance_by(&event, 3);
	check(vcore_eventcount_await(&event, 2, PAST) == 0);
	check(vcore_eventcount_await(&event, 2, VCORE_NEVER) == 0);
}

TestEverywhere(eventcount, a_count_that_equals_the_value_does_not_exceed_it)
{
	struct vcore_eventcount event = {0};

	vcore_eventcount_advance_by(&event, 3);
	check(vcore_eventcount_await(&event, 3, PAST) == -ETIMEDOUT);
}

TestEverywhere(eventcount, any_count_exceeds_a_negative_value)
{
	struct vcore_eventcount event = {0};

	check(vcore_eventcount_await(&event, -1, PAST) == 0);
	check(vcore_eventcount_await(&event, INT64_MIN, VCORE_NEVER) == 0);
}

TestEverywhere(eventcount, await_times_out_at_the_deadline_and_not_before)
{
	struct vcore_eventcount event = {0};
	vcore_instant deadline = vcore_after(20 * MILLISECOND);

	check(vcore_eventcount_await(&event, 0, deadline) == -ETIMEDOUT);
	check(vcore_now() >= deadline);
}

static void finish_all(struct vcore_thread *threads[], int n)
{
	for (int i = 0; i < n; i++) {
		finish(threads[i]);
	}
}

struct meeting {
	struct vcore_eventcount event;
	atomic_int arrived, left;
};

static void *meet(void *argument)
{
	struct meeting *meeting = argument;

	atomic_fetch_add(&meeting->arrived, 1);
	check(vcore_eventcount_await(&meeting->event, 0, VCORE_NEVER) == 0);
	atomic_fetch_add(&meeting->left, 1);
	return NULL;
}

TestEverywhere(eventcount, one_advance_wakes_all_who_waited_for_it)
{
	struct meeting meeting = {0};
	struct peer peers[200];

	for (int i = 0; i < 200; i++) {
		peers[i] = peer_start(meet, &meeting);
	}
	until(meeting.arrived == 200);
	check(meeting.left == 0);
	vcore_eventcount_advance(&meeting.event);
	for (int i = 0; i < 200; i++) {
		peer_finish(peers[i]);
	}
	check(meeting.left == 200);
}

struct goal {
	struct vcore_eventcount *event;
	int64_t value;
	struct journal *journal;
	atomic_bool *reached;
	char letter;
};

static void *reach(void *argument)
{
	const struct goal *goal = argument;

	check(vcore_eventcount_await(goal->event, goal->value, VCORE_NEVER) == 0);
	check(vcore_eventcount_read(goal->event) > goal->value);
	if (goal->journal != NULL) {
		note(goal->journal, goal->letter);
	}
	if (goal->reached != NULL) {
		atomic_store(goal->reached, true);
	}
	return NULL;
}

TestEverywhere(eventcount, an_advance_wakes_only_those_whose_value_it_exceeds)
{
	struct vcore_eventcount event = {0};
	atomic_bool reached[3] = {false, false, false};
	struct goal goals[3];
	struct peer peers[3];

	for (int i = 0; i < 3; i++) {
		goals[i] = (struct goal){&event, i * 10, NULL, &reached[i], 0};
		peers[i] = peer_start(reach, &goals[i]);
	}
	vcore_sleep(vcore_after(10 * MILLISECOND));
	vcore_eventcount_advance_by(&event, 11);
	peer_finish(peers[0]);
	peer_finish(peers[1]);
	vcore_sleep(vcore_after(10 * MILLISECOND));
	check(!reached[2]);
	vcore_eventcount_advance_by(&event, 10);
	peer_finish(peers[2]);
}

/*
 * Five come and wait, "a" first, for the values given by digits; then all are
 * woken by one advance.  Whether they ran in that order.
 */
static bool wakes_in_order(const char *values, const char *order)
{
	struct vcore_eventcount event = {0};
	struct journal journal = {0};
	struct vcore_thread *threads[5];
	struct goal goals[5];

	for (int i = 0; i < 5; i++) {
		goals[i] = (struct goal){&event, values[i] - '0', &journal, NULL, (char)('a' + i)};
		threads[i] = spawn(reach, &goals[i]);
		until(is_waiting(threads[i]));
	}
	vcore_eventcount_advance_by(&event, 10);
	finish_all(threads, 5);
	return strcmp(journal.text, order) == 0;
}

static bool lowest_value_first(void)
{
	return wakes_in_order("31402", "dbeac");
}

static bool who_came_first_first(void)
{
	return wakes_in_order("11011", "cabde");
}

TestInside(eventcount, the_lowest_value_is_woken_first)
{
	mostly(lowest_value_first);
}

TestInside(eventcount, of_one_value_who_came_first_is_woken_first)
{
	mostly(who_came_first_first);
}

/* The same when the advance comes from outside of the runtime. */
Test(eventcount, a_pthread_wakes_in_the_same_order)
{
	runtime_start(&(struct vcore_runtime_options){.processors = 1});
	mostly(lowest_value_first);
	mostly(who_came_first_first);
	runtime_finish();
}

enum { CROWD = 1000 };

static int64_t last_value;

static void *come_in_order(void *argument)
{
	const struct goal *goal = argument;

	check(vcore_eventcount_await(goal->event, goal->value, VCORE_NEVER) == 0);
	check(goal->value > last_value);
	last_value = goal->value;
	return NULL;
}

/*
 * One advance a value, so that the order of waking is the order of running
 * although every 61st choice of a processor is another.
 */
TestInside(eventcount, a_thousand_values_in_any_order_come_out_ascending)
{
	static struct goal goals[CROWD];
	static struct vcore_thread *threads[CROWD];
	struct vcore_eventcount event = {0};

	last_value = -1;
	for (int i = 0; i < CROWD; i++) {
		goals[i] = (struct goal){&event, i * 617 % CROWD, NULL, NULL, 0};
		threads[i] = spawn(come_in_order, &goals[i]);
	}
	until(is_waiting(threads[0]));
	for (int i = 0; i < CROWD; i++) {
		vcore_eventcount_advance(&event);
		until(last_value == i);
	}
	finish_all(threads, CROWD);
}

/* More than one batch, and the last of them may free the eventcount. */
TestAround(eventcount, one_advance_wakes_ten_thousand)
{
	enum { MANY = 10000 };
	static struct vcore_thread *threads[MANY];
	struct meeting meeting = {0};

	for (int i = 0; i < MANY; i++) {
		threads[i] = spawn(meet, &meeting);
	}
	until(meeting.arrived == MANY);
	vcore_eventcount_advance(&meeting.event);
	finish_all(threads, MANY);
	check(meeting.left == MANY);
}

TestEverywhere(eventcount, a_waiter_that_timed_out_takes_no_wake_from_others)
{
	struct meeting meeting = {0};
	struct peer peer = peer_start(meet, &meeting);

	check(vcore_eventcount_await(&meeting.event, 0, vcore_after(5 * MILLISECOND)) ==
	      -ETIMEDOUT);
	vcore_eventcount_advance(&meeting.event);
	peer_finish(peer);
	check(meeting.left == 1);
}

struct pair {
	struct vcore_eventcount left, awaited;
};

static void *advance_both(void *argument)
{
	struct pair *pair = argument;

	vcore_sleep(vcore_after(10 * MILLISECOND));
	vcore_eventcount_advance(&pair->left);
	vcore_sleep(vcore_after(10 * MILLISECOND));
	vcore_eventcount_advance(&pair->awaited);
	return NULL;
}

TestEverywhere(eventcount, an_eventcount_that_was_left_at_a_timeout_does_not_wake_any_more)
{
	struct pair pair = {0};
	struct peer peer;

	check(vcore_eventcount_await(&pair.left, 0, vcore_after(MILLISECOND)) == -ETIMEDOUT);
	peer = peer_start(advance_both, &pair);
	check(vcore_eventcount_await(&pair.awaited, 0, VCORE_NEVER) == 0);
	check(vcore_eventcount_read(&pair.awaited) == 1);
	peer_finish(peer);
}

enum { ROUNDS = 2000, UNTOUCHED = 0xa5 };

static void *spoil_after_await(void *argument)
{
	check(vcore_eventcount_await(argument, 0, VCORE_NEVER) == 0);
	memset(argument, UNTOUCHED, sizeof(struct vcore_eventcount));
	return NULL;
}

TestEverywhere(eventcount, advance_does_not_touch_it_after_those_it_woke_may_free_it)
{
	unsigned char untouched[sizeof(struct vcore_eventcount)];
	struct vcore_eventcount event;

	memset(untouched, UNTOUCHED, sizeof(untouched));
	for (int i = 0; i < ROUNDS; i++) {
		struct peer peer;

		memset(&event, 0, sizeof(event));
		peer = peer_start(spoil_after_await, &event);
		if (i % 2 == 0) {
			vcore_yield();
		}
		vcore_eventcount_advance(&event);
		peer_finish(peer);
		check(memcmp(&event, untouched, sizeof(event)) == 0);
	}
}

TestEverywhere(eventcount, zero_bytes_are_a_sequencer_whose_next_ticket_is_zero)
{
	struct vcore_sequencer sequencer;

	memset(&sequencer, 0, sizeof(sequencer));
	check(vcore_sequencer_read(&sequencer) == 0);
	check(vcore_sequencer_ticket(&sequencer) == 0);
	check(vcore_sequencer_ticket(&sequencer) == 1);
	check(vcore_sequencer_ticket(&sequencer) == 2);
	check(vcore_sequencer_read(&sequencer) == 3);
}

TestEverywhere(eventcount, the_initializer_is_a_sequencer_whose_next_ticket_is_zero)
{
	struct vcore_sequencer sequencer = VCORE_SEQUENCER_INITIALIZER;

	check(vcore_sequencer_ticket(&sequencer) == 0);
}

enum { TAKERS = 4, TICKETS_EACH = 5000 };

struct counter {
	struct vcore_sequencer sequencer;
	atomic_uchar taken[TAKERS * TICKETS_EACH];
};

static void *take_tickets(void *argument)
{
	struct counter *counter = argument;
	int64_t last = -1;

	for (int i = 0; i < TICKETS_EACH; i++) {
		int64_t ticket = vcore_sequencer_ticket(&counter->sequencer);

		check(ticket > last && ticket < TAKERS * TICKETS_EACH);
		check(atomic_fetch_add(&counter->taken[ticket], 1) == 0);
		last = ticket;
	}
	return NULL;
}

TestEverywhere(eventcount, every_ticket_is_given_to_one_caller_only)
{
	struct counter *counter = calloc(1, sizeof(*counter));
	struct peer peers[TAKERS];

	for (int i = 0; i < TAKERS; i++) {
		peers[i] = peer_start(take_tickets, counter);
	}
	for (int i = 0; i < TAKERS; i++) {
		peer_finish(peers[i]);
	}
	check(vcore_sequencer_read(&counter->sequencer) == TAKERS * TICKETS_EACH);
	free(counter);
}

/* The bounded buffer of the header, with several senders. */
enum { CELLS = 3, SENDERS = 3, MESSAGES = 1500 };

struct buffer {
	struct vcore_eventcount in, out;
	struct vcore_sequencer turn;
	int64_t cell[CELLS];
};

static void *send_messages(void *argument)
{
	struct buffer *buffer = argument;

	for (int i = 0; i < MESSAGES; i++) {
		int64_t turn = vcore_sequencer_ticket(&buffer->turn);

		check(vcore_eventcount_await(&buffer->out, turn - CELLS, VCORE_NEVER) == 0);
		check(vcore_eventcount_await(&buffer->in, turn - 1, VCORE_NEVER) == 0);
		buffer->cell[turn % CELLS] = turn;
		vcore_eventcount_advance(&buffer->in);
	}
	return NULL;
}

TestEverywhere(eventcount, the_buffer_of_the_header_loses_and_mixes_nothing)
{
	struct buffer buffer = {0};
	struct peer senders[SENDERS];

	for (int i = 0; i < SENDERS; i++) {
		senders[i] = peer_start(send_messages, &buffer);
	}
	for (int64_t i = 0; i < SENDERS * MESSAGES; i++) {
		check(vcore_eventcount_await(&buffer.in, i, VCORE_NEVER) == 0);
		check(buffer.cell[i % CELLS] == i);
		vcore_eventcount_advance(&buffer.out);
	}
	for (int i = 0; i < SENDERS; i++) {
		peer_finish(senders[i]);
	}
}

struct relay {
	struct vcore_eventcount event;
	int plain; /* ordered by event alone */
};

static void *write_then_advance(void *argument)
{
	struct relay *relay = argument;

	for (int i = 1; i <= ROUNDS; i++) {
		until(vcore_eventcount_read(&relay->event) == 2 * i - 2);
		relay->plain = i;
		vcore_eventcount_advance(&relay->event);
	}
	return NULL;
}

TestEverywhere(eventcount, what_happened_before_an_advance_is_seen_after_the_read_that_saw_it)
{
	struct relay relay = {0};
	struct peer writer = peer_start(write_then_advance, &relay);

	for (int i = 1; i <= ROUNDS; i++) {
		until(vcore_eventcount_read(&relay.event) == 2 * i - 1);
		check(relay.plain == i);
		vcore_eventcount_advance(&relay.event);
	}
	peer_finish(writer);
}
