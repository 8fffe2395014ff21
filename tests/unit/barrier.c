/*
 * Barriers: what include/vcore/barrier.h promises, one promise to a test.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "pages.h"
#include "ticking.h"

TestSuite(barrier, .timeout = 100);

TestEverywhere(barrier, one_for_a_single_thread_does_not_make_it_wait)
{
	struct vcore_barrier barrier = VCORE_BARRIER_INITIALIZER(1);

	for (int i = 0; i < 3; i++) {
		check(vcore_barrier_wait(&barrier, VCORE_NEVER) == 1);
	}
	check(vcore_barrier_wait(&barrier, PAST) == 1);
}

/* --- rounds ----------------------------------------------------------------------------- */

enum { PARTIES = 4, ROUNDS = 200 };

struct party {
	struct vcore_barrier *barrier;
	long *steps; /* of all */
	atomic_int *ones;
	int number;
};

/* Nobody is a step ahead of another, or behind: what each did is seen by all. */
static void *step(void *argument)
{
	const struct party *party = argument;

	for (int i = 0; i < ROUNDS; i++) {
		party->steps[party->number] = i;
		if (vcore_barrier_wait(party->barrier, VCORE_NEVER) == 1) {
			atomic_fetch_add(&party->ones[i], 1);
		}
		for (int j = 0; j < PARTIES; j++) {
			check(party->steps[j] == i);
		}
		check(vcore_barrier_wait(party->barrier, VCORE_NEVER) >= 0);
	}
	return NULL;
}

/* The first few as pthreads. */
static void step_together(int pthreads)
{
	struct vcore_barrier barrier = VCORE_BARRIER_INITIALIZER(PARTIES);
	atomic_int ones[ROUNDS] = {0};
	struct party parties[PARTIES];
	struct peer peers[PARTIES];
	long steps[PARTIES];

	for (int i = 0; i < PARTIES; i++) {
		parties[i] = (struct party){&barrier, steps, ones, i};
		if (i < pthreads) {
			peers[i] = (struct peer){.pthread = start_pthread(step, &parties[i])};
		} else {
			peers[i] = peer_start(step, &parties[i]);
		}
	}
	for (int i = 0; i < PARTIES; i++) {
		peer_finish(peers[i]);
	}
	for (int i = 0; i < ROUNDS; i++) {
		check(ones[i] == 1);
	}
}

TestEverywhere(barrier, all_go_on_together_round_after_round_and_one_of_them_gets_1)
{
	step_together(0);
}

TestAround(barrier, vcore_threads_and_pthreads_wait_for_each_other)
{
	step_together(PARTIES / 2);
}

/* Arrives, and notes what it was told. */
struct arrival {
	struct vcore_barrier *barrier;
	vcore_instant deadline;
	int result;
};

static void *arrive(void *argument)
{
	struct arrival *arrival = argument;

	arrival->result = vcore_barrier_wait(arrival->barrier, arrival->deadline);
	return NULL;
}

TestAround(barrier, the_last_to_arrive_gets_1_and_need_not_wait)
{
	struct vcore_barrier barrier = VCORE_BARRIER_INITIALIZER(2);
	struct arrival arrival = {&barrier, VCORE_NEVER, -1};
	struct vcore_thread *thread = spawn(arrive, &arrival);

	until(is_waiting(thread));
	check(vcore_barrier_wait(&barrier, PAST) == 1);
	finish(thread);
	check(arrival.result == 0);
}

TestInTurns(barrier, who_waits_leaves_the_processor_to_others)
{
	struct vcore_barrier barrier = VCORE_BARRIER_INITIALIZER(2);
	struct arrival arrival = {&barrier, VCORE_NEVER, -1};
	struct vcore_thread *thread = spawn(arrive, &arrival);

	until(is_waiting(thread));
	check(finish(spawn(do_nothing, &barrier)) == &barrier);
	check(is_waiting(thread));
	check(vcore_barrier_wait(&barrier, VCORE_NEVER) == 1);
	finish(thread);
}

/* --- giving up -------------------------------------------------------------------------- */

TestEverywhere(barrier, whose_deadline_has_passed_has_not_arrived)
{
	struct vcore_barrier barrier = VCORE_BARRIER_INITIALIZER(2);
	vcore_instant deadline = vcore_after(2 * MILLISECOND);
	struct arrival arrival = {&barrier, VCORE_NEVER, -1};
	struct peer peer;

	check(vcore_barrier_wait(&barrier, PAST) == -ETIMEDOUT);
	check(vcore_barrier_wait(&barrier, deadline) == -ETIMEDOUT);
	check(vcore_now() >= deadline);
	check(vcore_barrier_wait(&barrier, PAST) == -ETIMEDOUT);
	peer = peer_start(arrive, &arrival);
	check(vcore_barrier_wait(&barrier, VCORE_NEVER) >= 0);
	peer_finish(peer);
	check(arrival.result >= 0);
}

TestAround(barrier, who_was_destroyed_has_not_arrived)
{
	struct vcore_barrier barrier = VCORE_BARRIER_INITIALIZER(3);
	struct arrival arrivals[2] = {{&barrier, VCORE_NEVER, -1}, {&barrier, VCORE_NEVER, -1}};
	struct vcore_thread *threads[2];

	for (int i = 0; i < 2; i++) {
		threads[i] = spawn(arrive, &arrivals[i]);
		until(is_waiting(threads[i]));
	}
	destroy(threads[0]);
	check(vcore_barrier_wait(&barrier, PAST) == -ETIMEDOUT);
	threads[0] = spawn(arrive, &arrivals[0]);
	until(is_waiting(threads[0]));
	check(vcore_barrier_wait(&barrier, PAST) == 1);
	finish(threads[0]);
	finish(threads[1]);
	check(arrivals[0].result == 0 && arrivals[1].result == 0);
}

/* Both have the same deadline: the round is complete for both, or for neither. */
static void race_with_deadlines(vcore_instant deadline)
{
	struct vcore_barrier barrier = VCORE_BARRIER_INITIALIZER(2);
	struct arrival arrival = {&barrier, deadline, -1};
	struct peer peer = peer_start(arrive, &arrival);
	int result;

	while (vcore_now() < deadline - 5000) {
		vcore_yield();
	}
	result = vcore_barrier_wait(&barrier, deadline);
	peer_finish(peer);
	check(result == -ETIMEDOUT ? arrival.result == -ETIMEDOUT : result + arrival.result == 1);
}

TestEverywhere(barrier, with_deadlines_racing_a_round_is_complete_for_all_or_for_none)
{
	for (int i = 0; i < 100; i++) {
		race_with_deadlines(vcore_after(50000 + i * 500));
	}
}

/*
 * The same at its narrowest: the wait was ended by its deadline, and the thread
 * has not run since when the last one arrives.  It is of a lower priority.
 */
static bool complete_for_one_who_is_about_to_leave(void)
{
	struct vcore_barrier barrier = VCORE_BARRIER_INITIALIZER(2);
	struct arrival arrival = {&barrier, vcore_after(5 * MILLISECOND), -1};
	struct vcore_thread *thread =
		spawn_with((struct vcore_thread_options){.priority = -1}, arrive, &arrival);
	bool arrived, completed;

	vcore_sleep(vcore_after(MILLISECOND));
	arrived = is_waiting(thread);
	until(!is_waiting(thread));
	completed = vcore_barrier_wait(&barrier, PAST) == 1;
	finish(thread);
	check(arrival.result == (completed ? 0 : -ETIMEDOUT));
	return arrived && completed;
}

TestInTurns(barrier, a_round_that_is_completed_while_one_is_about_to_leave_is_complete_for_it)
{
	until(complete_for_one_who_is_about_to_leave());
}

static void arrive_without_deadline(void *barrier)
{
	vcore_barrier_wait(barrier, VCORE_NEVER);
}

Test(barrier, wait_acts_on_destroy_and_then_has_not_arrived)
{
	struct vcore_barrier barrier = VCORE_BARRIER_INITIALIZER(2);

	check(!survives(arrive_without_deadline, &barrier));
	check(vcore_barrier_wait(&barrier, PAST) == -ETIMEDOUT);
}

/* --- freeing ---------------------------------------------------------------------------- */

enum { USERS = 3, GENERATIONS = 300 };

/* A barrier of one round, in a page of its own. */
struct once {
	struct vcore_barrier barrier;
};

struct users {
	struct once *rounds[GENERATIONS];
	atomic_int returned[GENERATIONS]; /* with 0 */
};

/* Who is told 1 may still be at it when the last of the others is back. */
static void *arrive_and_free(void *argument)
{
	struct users *users = argument;

	for (int i = 0; i < GENERATIONS; i++) {
		struct once *round = users->rounds[i];

		if (vcore_barrier_wait(&round->barrier, VCORE_NEVER) == 0 &&
		    atomic_fetch_add(&users->returned[i], 1) == USERS - 2) {
			page_free(round);
		}
	}
	return NULL;
}

TestEverywhere(barrier, it_may_be_freed_when_all_but_the_last_to_arrive_have_returned)
{
	static struct users users;
	struct peer peers[USERS];

	memset(&users, 0, sizeof(users));
	for (int i = 0; i < GENERATIONS; i++) {
		users.rounds[i] = page_allocate();
		users.rounds[i]->barrier = (struct vcore_barrier)VCORE_BARRIER_INITIALIZER(USERS);
	}
	for (int i = 0; i < USERS; i++) {
		peers[i] = peer_start(arrive_and_free, &users);
	}
	for (int i = 0; i < USERS; i++) {
		peer_finish(peers[i]);
	}
}

/* --- panics ----------------------------------------------------------------------------- */

static void wait_at_none(void)
{
	vcore_barrier_wait(NULL, PAST);
}

static void wait_at_zero_bytes(void)
{
	struct vcore_barrier barrier = {0};

	vcore_barrier_wait(&barrier, PAST);
}

Test(barrier, null_panics)
{
	check(panics_with(wait_at_none, "vcore_barrier_wait: barrier is NULL"));
}

Test(barrier, one_that_was_not_initialised_panics)
{
	check(panics_with(wait_at_zero_bytes,
			  "vcore_barrier_wait: the barrier was not initialised"));
}
