/*
 * Eventcounts where they meet other things: destroy, signal handlers, plain
 * pthreads and a second runtime.  What include/vcore/eventcount.h promises,
 * one promise to a test.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "support.h"

#include <unistd.h>

/* In the handler's reach. */
static struct vcore_eventcount shared_event;
static struct vcore_sequencer shared_sequencer;
static atomic_int handled;

static void count_call(int number)
{
	(void)number;
	atomic_fetch_add(&handled, 1);
}

static void read_and_take_ticket(int number)
{
	(void)number;
	if (vcore_eventcount_read(&shared_event) == 1 &&
	    vcore_sequencer_ticket(&shared_sequencer) == 0) {
		atomic_fetch_add(&handled, 1);
	}
}

Test(eventcount, a_signal_handler_may_read_and_take_tickets)
{
	vcore_eventcount_advance(&shared_event);
	signal(SIGUSR1, read_and_take_ticket);
	raise(SIGUSR1);
	cr_assert_eq(handled, 1);
}

static void *await_first(void *event)
{
	check(vcore_eventcount_await(event, 0, VCORE_NEVER) == 0);
	return event;
}

Test(eventcount, signals_do_not_end_the_wait_of_a_pthread)
{
	struct sigaction action = {.sa_handler = count_call}; /* without SA_RESTART */
	pthread_t waiter;

	sigaction(SIGUSR1, &action, NULL);
	waiter = start_pthread(await_first, &shared_event);
	for (int i = 0; i < 20; i++) {
		pthread_kill(waiter, SIGUSR1);
		until(handled == i + 1);
		usleep(500);
	}
	vcore_eventcount_advance(&shared_event);
	cr_assert_eq(finish_pthread(waiter), &shared_event);
}

TestAround(eventcount, a_destroyed_waiter_ends_where_it_waits)
{
	struct vcore_eventcount event = {0};
	struct vcore_thread *waiter = spawn(await_forever, &event);

	until(is_waiting(waiter));
	vcore_thread_destroy(waiter);
	check(fate(waiter) == VCORE_DESTROYED);
}

TestAround(eventcount, a_destroyed_waiter_takes_no_wake_from_others)
{
	struct vcore_eventcount event = {0};
	struct vcore_thread *victim = spawn(await_first, &event);
	struct vcore_thread *heir;

	until(is_waiting(victim));
	heir = spawn(await_first, &event);
	until(is_waiting(heir));
	vcore_thread_destroy(victim);
	check(fate(victim) == VCORE_DESTROYED);
	vcore_eventcount_advance(&event);
	check(finish(heir) == &event);
}

/* More than one batch of them: advance yields in between. */
enum { CROWD = 200 };

struct crowd {
	struct vcore_eventcount event;
	struct vcore_thread *advancing;
	atomic_int woken;
};

static void *await_and_destroy_the_advancing(void *argument)
{
	struct crowd *crowd = argument;

	check(vcore_eventcount_await(&crowd->event, 0, VCORE_NEVER) == 0);
	if (atomic_fetch_add(&crowd->woken, 1) == 0) {
		vcore_thread_destroy(crowd->advancing);
	}
	return NULL;
}

static void *advance_once(void *event)
{
	vcore_eventcount_advance(event);
	return NULL;
}

TestInside(eventcount, an_advance_destroyed_between_batches_wakes_all_who_are_due)
{
	struct crowd crowd = {0};
	struct vcore_thread *waiters[CROWD];

	for (int i = 0; i < CROWD; i++) {
		waiters[i] = spawn(await_and_destroy_the_advancing, &crowd);
	}
	for (int i = 0; i < CROWD; i++) {
		until(is_waiting(waiters[i]));
	}
	crowd.advancing = spawn(advance_once, &crowd.event);
	until(atomic_load(&crowd.woken) == CROWD);
	for (int i = 0; i < CROWD; i++) {
		finish(waiters[i]);
	}
	fate(crowd.advancing);
}

static void *await_and_pass_on(void *argument)
{
	struct vcore_eventcount *events = argument;

	for (int64_t i = 0; i < 300; i++) {
		check(vcore_eventcount_await(&events[0], i, VCORE_NEVER) == 0);
		vcore_eventcount_advance(&events[1]);
	}
	return NULL;
}

static void play(struct vcore_eventcount events[2])
{
	for (int64_t i = 0; i < 300; i++) {
		vcore_eventcount_advance(&events[0]);
		check(vcore_eventcount_await(&events[1], i, VCORE_NEVER) == 0);
	}
}

TestAround(eventcount, a_vcore_thread_and_a_pthread_wait_for_each_other)
{
	struct vcore_eventcount events[2] = {0};
	pthread_t partner = start_pthread(await_and_pass_on, events);

	play(events);
	finish_pthread(partner);
}

TestAround(eventcount, threads_of_two_runtimes_wait_for_each_other)
{
	struct vcore_eventcount events[2] = {0};
	struct vcore_thread_options options = {0};
	struct vcore_thread *partner;

	check(vcore_runtime_open(&options.runtime, NULL) == 0);
	check(vcore_thread_allocate(&partner, &options, await_and_pass_on, events) == 0);
	play(events);
	finish(partner);
	check(vcore_runtime_close(options.runtime, VCORE_NEVER) == 0);
}

Test(eventcount, one_advance_wakes_pthreads_and_threads_of_two_runtimes)
{
	struct vcore_eventcount event = {0};
	struct vcore_thread_options options = {0};
	struct vcore_thread *here, *there;
	pthread_t pthread;

	runtime_start(NULL);
	cr_assert_eq(vcore_runtime_open(&options.runtime, NULL), 0);
	here = spawn(await_first, &event);
	cr_assert_eq(vcore_thread_allocate(&there, &options, await_first, &event), 0);
	pthread = start_pthread(await_first, &event);
	until(is_waiting(here));
	usleep(20000);
	vcore_eventcount_advance(&event);
	cr_assert_eq(finish(here), &event);
	cr_assert_eq(finish(there), &event);
	cr_assert_eq(finish_pthread(pthread), &event);
	cr_assert_eq(vcore_runtime_close(options.runtime, VCORE_NEVER), 0);
	runtime_finish();
}
