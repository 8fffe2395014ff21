/*
 * Who runs next: what include/vcore/thread.h promises under that heading, one
 * promise to a test.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "support.h"

struct player {
	struct journal *journal;
	char letter;
};

static void *play_once(void *argument)
{
	const struct player *player = argument;

	note(player->journal, player->letter);
	return NULL;
}

static void *play_three_times(void *argument)
{
	for (int i = 0; i < 3; i++) {
		play_once(argument);
		vcore_yield();
	}
	return NULL;
}

enum { PLAYERS = 16 };

/* Players "a", "b", ... allocated in this order, all with one entry. */
struct team {
	struct journal journal;
	struct player players[PLAYERS];
	struct vcore_thread *threads[PLAYERS];
};

static void send_out(struct team *team, int i, int priority, void *(*entry)(void *))
{
	struct vcore_thread_options options = {.priority = priority};

	team->players[i] = (struct player){&team->journal, (char)('a' + i)};
	team->threads[i] = spawn_with(options, entry, &team->players[i]);
}

static void call_home(struct team *team, int n)
{
	for (int i = 0; i < n; i++) {
		finish(team->threads[i]);
	}
}

static bool latest_first(void)
{
	struct team team = {0};

	for (int i = 0; i < 3; i++) {
		send_out(&team, i, 0, play_once);
	}
	call_home(&team, 3);
	return strcmp(team.journal.text, "cba") == 0;
}

TestInside(thread, of_threads_just_allocated_the_latest_runs_first)
{
	mostly(latest_first);
}

static bool taking_turns(void)
{
	struct team team = {0};

	for (int i = 0; i < 3; i++) {
		send_out(&team, i, 0, play_three_times);
	}
	call_home(&team, 3);
	return strcmp(team.journal.text, "cbacbacba") == 0;
}

TestInside(thread, threads_that_yield_take_turns)
{
	mostly(taking_turns);
}

static bool same_first(void)
{
	struct team team = {0};
	bool in_order;

	send_out(&team, 0, 0, play_once);
	vcore_yield();
	in_order = strcmp(team.journal.text, "a") == 0;
	call_home(&team, 1);
	return in_order;
}

TestInside(thread, yield_lets_threads_of_the_same_priority_run_first)
{
	mostly(same_first);
}

static bool higher_first(void)
{
	struct team team = {0};
	bool in_order;

	send_out(&team, 0, 1, play_once);
	send_out(&team, 1, 2, play_once);
	vcore_yield();
	in_order = strcmp(team.journal.text, "ba") == 0;
	call_home(&team, 2);
	return in_order;
}

TestInside(thread, yield_lets_threads_of_a_higher_priority_run_first)
{
	mostly(higher_first);
}

static bool lower_not_first(void)
{
	struct team team = {0};
	bool in_order;

	send_out(&team, 0, -1, play_once);
	vcore_yield();
	in_order = strcmp(team.journal.text, "") == 0;
	call_home(&team, 1);
	return in_order;
}

TestInside(thread, yield_does_not_let_threads_of_a_lower_priority_run_first)
{
	mostly(lower_not_first);
}

Test(thread, yield_on_a_pthread_returns)
{
	vcore_yield();
}

static bool by_priority(void)
{
	struct team team = {0};

	/* 'a' … 'p' are the priorities in the order of i × 5 modulo 16 */
	for (int i = 0; i < PLAYERS; i++) {
		send_out(&team, i, i * 5 % PLAYERS + VCORE_PRIORITY_MIN, play_once);
	}
	call_home(&team, PLAYERS);
	return strcmp(team.journal.text, "dgjmpcfilobehkna") == 0;
}

TestInside(thread, higher_priorities_run_first)
{
	mostly(by_priority);
}

struct ward {
	struct player player;
	struct vcore_eventcount *event;
};

static void *wait_and_play(void *argument)
{
	struct ward *ward = argument;

	vcore_eventcount_await(ward->event, 0, VCORE_NEVER);
	return play_once(&ward->player);
}

static void *yield_and_play(void *argument)
{
	vcore_yield();
	return play_once(argument);
}

static bool woken_allocated_yielded(void)
{
	struct vcore_eventcount event = {0};
	struct team team = {0};
	struct ward ward = {{&team.journal, 'w'}, &event};
	struct vcore_thread *woken = spawn(wait_and_play, &ward);

	until(is_waiting(woken));
	send_out(&team, 0, 0, yield_and_play);
	vcore_yield();
	send_out(&team, 1, 0, play_once);
	vcore_eventcount_advance(&event);
	finish(woken);
	call_home(&team, 2);
	return strcmp(team.journal.text, "wba") == 0;
}

TestInside(thread, the_woken_run_before_the_allocated_and_these_before_those_who_yielded)
{
	mostly(woken_allocated_yielded);
}

static bool allocated_above_woken(void)
{
	struct vcore_eventcount event = {0};
	struct team team = {0};
	struct ward ward = {{&team.journal, 'w'}, &event};
	struct vcore_thread *woken = spawn(wait_and_play, &ward);

	until(is_waiting(woken));
	vcore_eventcount_advance(&event);
	send_out(&team, 0, 1, play_once);
	finish(woken);
	call_home(&team, 1);
	return strcmp(team.journal.text, "aw") == 0;
}

TestInside(thread, a_woken_thread_runs_after_those_of_a_higher_priority)
{
	mostly(allocated_above_woken);
}

/* Allocated from outside while the one processor is busy. */
static bool from_elsewhere_in_order(void)
{
	struct vcore_thread_options busy_options = {.priority = VCORE_PRIORITY_MAX};
	struct team team = {0};
	atomic_bool go = false;
	struct vcore_thread *busy = spawn_with(busy_options, occupy, &go);

	for (int i = 0; i < 5; i++) {
		send_out(&team, i, 0, play_once);
	}
	set_flag(&go);
	finish(busy);
	call_home(&team, 5);
	return strcmp(team.journal.text, "abcde") == 0;
}

Test(thread, those_made_runnable_from_elsewhere_run_in_order)
{
	runtime_start(&(struct vcore_runtime_options){.processors = 1});
	mostly(from_elsewhere_in_order);
	runtime_finish();
}

/*
 * Starvation.  Every 64th choice serves one of the queues of one of the 16
 * priorities; a waiting thread is therefore chosen after a bounded number of
 * choices, and here we grant it a few rounds.
 */
enum { BOUND = 4 * 64 * 16 };

struct contest {
	atomic_bool over;
	struct vcore_eventcount ping, pong;
	atomic_int choices;
};

static void count_choice(struct contest *contest)
{
	check(atomic_fetch_add(&contest->choices, 1) < BOUND);
}

static void *hog_by_yielding(void *argument)
{
	struct contest *contest = argument;

	while (!atomic_load(&contest->over)) {
		count_choice(contest);
		vcore_yield();
	}
	return NULL;
}

static void *end_contest(void *over)
{
	set_flag(over);
	return NULL;
}

TestInside(thread, the_lowest_priority_is_not_starved_by_the_highest)
{
	struct contest contest = {0};
	struct vcore_thread_options high = {.priority = VCORE_PRIORITY_MAX};
	struct vcore_thread_options low = {.priority = VCORE_PRIORITY_MIN};
	struct vcore_thread *hogs[2], *starving = spawn_with(low, end_contest, &contest.over);

	hogs[0] = spawn_with(high, hog_by_yielding, &contest);
	hogs[1] = spawn_with(high, hog_by_yielding, &contest);
	finish(starving);
	finish(hogs[0]);
	finish(hogs[1]);
	check(contest.choices > 2);
}

static void *wake_and_hog(void *argument)
{
	struct contest *contest = argument;

	vcore_eventcount_advance(&contest->ping);
	return hog_by_yielding(contest);
}

static void *await_ping_and_end_contest(void *argument)
{
	struct contest *contest = argument;

	check(vcore_eventcount_await(&contest->ping, 0, VCORE_NEVER) == 0);
	return end_contest(&contest->over);
}

TestInside(thread, a_woken_thread_is_not_starved_by_its_waker_of_a_higher_priority)
{
	struct contest contest = {0};
	struct vcore_thread_options high = {.priority = 1};
	struct vcore_thread *woken = spawn(await_ping_and_end_contest, &contest);
	struct vcore_thread *hog;

	until(is_waiting(woken));
	hog = spawn_with(high, wake_and_hog, &contest);
	finish(woken);
	finish(hog);
}

/* Two kinds of threads below two that yield: each kind is to have turns. */
struct rivals {
	struct contest contest;
	atomic_int turns_of_ready, turns_of_spawned;
};

static void count_turn(struct rivals *rivals, atomic_int *turns)
{
	atomic_fetch_add(turns, 1);
	if (atomic_load(&rivals->turns_of_ready) > 1 &&
	    atomic_load(&rivals->turns_of_spawned) > 1) {
		set_flag(&rivals->contest.over);
	}
}

static void *take_turns_by_yielding(void *argument)
{
	struct rivals *rivals = argument;

	while (!atomic_load(&rivals->contest.over)) {
		count_turn(rivals, &rivals->turns_of_ready);
		vcore_yield();
	}
	return NULL;
}

static void *take_a_turn_and_spawn_the_next(void *argument)
{
	const struct vcore_thread_options low = {.priority = -1};
	struct rivals *rivals = argument;

	if (!atomic_load(&rivals->contest.over)) {
		count_turn(rivals, &rivals->turns_of_spawned);
		check(vcore_thread_allocate(NULL, &low, take_a_turn_and_spawn_the_next, rivals) ==
		      0);
	}
	return NULL;
}

static struct rivals rivals; /* the last of the spawned may outlive the test's body */

TestInside(thread, below_a_busy_priority_neither_the_ready_nor_the_just_allocated_starve)
{
	struct vcore_thread_options low = {.priority = -1};
	struct vcore_thread *hogs[2], *ready;

	hogs[0] = spawn(hog_by_yielding, &rivals.contest);
	hogs[1] = spawn(hog_by_yielding, &rivals.contest);
	ready = spawn_with(low, take_turns_by_yielding, &rivals);
	check(vcore_thread_allocate(NULL, &low, take_a_turn_and_spawn_the_next, &rivals) == 0);
	finish(hogs[0]);
	finish(hogs[1]);
	finish(ready);
}

static void *serve_ping(void *argument)
{
	struct contest *contest = argument;

	for (int64_t i = 0; !atomic_load(&contest->over); i++) {
		vcore_eventcount_advance(&contest->pong);
		count_choice(contest);
		vcore_eventcount_await(&contest->ping, i, VCORE_NEVER);
	}
	vcore_eventcount_advance_by(&contest->pong, BOUND);
	return NULL;
}

static void *return_ping(void *argument)
{
	struct contest *contest = argument;

	for (int64_t i = 0; !atomic_load(&contest->over); i++) {
		vcore_eventcount_advance(&contest->ping);
		count_choice(contest);
		vcore_eventcount_await(&contest->pong, i, VCORE_NEVER);
	}
	vcore_eventcount_advance_by(&contest->ping, BOUND);
	return NULL;
}

static void *yield_and_end_contest(void *over)
{
	vcore_yield();
	set_flag(over);
	return NULL;
}

TestInside(thread, two_threads_that_wake_each_other_do_not_starve_a_third)
{
	struct contest contest = {0};
	struct vcore_thread *third = spawn(yield_and_end_contest, &contest.over);
	struct vcore_thread *one = spawn(serve_ping, &contest);
	struct vcore_thread *other = spawn(return_ping, &contest);

	finish(third);
	finish(one);
	finish(other);
}

static void *spawn_the_next(void *argument)
{
	struct contest *contest = argument;

	if (!atomic_load(&contest->over)) {
		count_choice(contest);
		check(vcore_thread_allocate(NULL, NULL, spawn_the_next, contest) == 0);
	}
	return NULL;
}

TestInside(thread, threads_that_allocate_their_successors_do_not_starve_a_third)
{
	struct contest contest = {0};
	struct vcore_thread *third = spawn(yield_and_end_contest, &contest.over);

	vcore_yield();
	spawn_the_next(&contest);
	finish(third);
	vcore_sleep(vcore_after(5 * MILLISECOND));
}

struct hold {
	struct player player;
	atomic_bool *go;
};

static void *play_and_hold(void *argument)
{
	struct hold *hold = argument;

	play_once(&hold->player);
	while (!atomic_load(hold->go)) {
	}
	return NULL;
}

static void steal_the_oldest(void)
{
	struct journal journal = {0};
	atomic_bool go = false;
	struct vcore_thread *threads[3];
	struct hold holds[3];
	char first;

	for (int i = 0; i < 3; i++) {
		holds[i] = (struct hold){{&journal, (char)('a' + i)}, &go};
		threads[i] = spawn(play_and_hold, &holds[i]);
	}
	/* Keeps this processor: only the other can run one of them. */
	do {
		first = __atomic_load_n(&journal.text[0], __ATOMIC_RELAXED);
	} while (first == '\0'); /* the place is taken before the letter is written */
	check(first == 'a');
	atomic_store(&go, true);
	for (int i = 0; i < 3; i++) {
		finish(threads[i]);
	}
}

Test(thread, an_idle_processor_takes_the_oldest_work_of_another)
{
	run_inside(2, steal_the_oldest);
}

static void *spin_until_all_have_run(void *argument)
{
	const struct journal *journal = argument;
	vcore_instant limit = vcore_after(5 * SECOND);

	while (atomic_load(&journal->length) < PLAYERS) {
		check(vcore_now() < limit);
	}
	return NULL;
}

/* Its processor runs nothing else meanwhile. */
static void *allocate_free_behind_pinned(void *argument)
{
	struct vcore_thread_options pinned = {.flags = VCORE_THREAD_PINNED};
	struct team *team = argument;

	for (int i = 0; i < 300; i++) {
		check(vcore_thread_allocate(NULL, &pinned, do_nothing, NULL) == 0);
	}
	for (int i = 0; i < PLAYERS; i++) {
		send_out(team, i, 0, play_once);
	}
	return spin_until_all_have_run(&team->journal);
}

Test(thread, an_idle_processor_finds_free_threads_behind_hundreds_that_are_pinned)
{
	struct vcore_thread_options pinned = {.flags = VCORE_THREAD_PINNED};
	struct team team = {0};

	runtime_start(&(struct vcore_runtime_options){.processors = 2});
	finish(spawn_with(pinned, allocate_free_behind_pinned, &team));
	call_home(&team, PLAYERS);
	runtime_finish();
}

struct exchange {
	struct vcore_eventcount *mine, *others;
	atomic_bool *over;
};

static void *wake_the_other(void *argument)
{
	const struct exchange *exchange = argument;

	for (int64_t i = 0; !atomic_load(exchange->over); i++) {
		vcore_eventcount_advance(exchange->others);
		vcore_eventcount_await(exchange->mine, i, VCORE_NEVER);
	}
	vcore_eventcount_advance(exchange->others);
	return NULL;
}

static void *tell_how_late(void *unused)
{
	vcore_instant deadline = vcore_after(10 * MILLISECOND);

	(void)unused;
	vcore_sleep(deadline);
	return (void *)(intptr_t)(vcore_now() - deadline);
}

static void sleep_beside_two_that_wake_each_other(void)
{
	struct vcore_eventcount ping = {0}, pong = {0};
	atomic_bool over = false;
	struct exchange one = {&ping, &pong, &over}, other = {&pong, &ping, &over};
	struct vcore_thread *threads[2] = {spawn(wake_the_other, &one),
					   spawn(wake_the_other, &other)};
	struct vcore_thread *sleeper = spawn(tell_how_late, NULL);

	check((intptr_t)finish(sleeper) < SECOND / 2);
	set_flag(&over);
	finish(threads[0]);
	finish(threads[1]);
}

Test(thread, two_threads_that_wake_each_other_do_not_keep_a_sleeper_from_waking)
{
	run_inside(1, sleep_beside_two_that_wake_each_other);
	run_inside(2, sleep_beside_two_that_wake_each_other);
}
