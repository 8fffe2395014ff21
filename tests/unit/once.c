/*
 * Once: what include/vcore/once.h promises, one promise to a test.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "ticking.h"

#include <unistd.h>

TestSuite(once, .timeout = 100);

static void add_one(void *n)
{
	atomic_fetch_add((atomic_int *)n, 1);
}

TestEverywhere(once, the_first_call_does_it_and_no_later_one)
{
	struct vcore_once once = {0};
	atomic_int n = 0;

	vcore_once_call(&once, add_one, &n);
	check(n == 1);
	vcore_once_call(&once, add_one, &n);
	check(vcore_once_call_until(&once, add_one, &n, PAST) == 0);
	check(n == 1);
}

TestEverywhere(once, its_initialiser_is_zero_bytes)
{
	struct vcore_once once = VCORE_ONCE_INITIALIZER, zero = {0};

	check(memcmp(&once, &zero, sizeof(once)) == 0);
}

TestEverywhere(once, after_the_deadline_it_is_done_if_nobody_is_at_it)
{
	struct vcore_once once = {0};
	atomic_int n = 0;

	check(vcore_once_call_until(&once, add_one, &n, PAST) == 0);
	check(n == 1);
}

/* --- several callers -------------------------------------------------------------------- */

/* Something that takes until it is told to go on. */
struct work {
	struct vcore_once once;
	struct vcore_eventcount go;
	atomic_bool begun;
	atomic_int done;
};

static void do_work(void *argument)
{
	struct work *work = argument;

	atomic_store(&work->begun, true);
	check(vcore_eventcount_await(&work->go, 0, VCORE_NEVER) == 0);
	atomic_fetch_add(&work->done, 1);
}

static void *call_it(void *argument)
{
	struct work *work = argument;

	vcore_once_call(&work->once, do_work, work);
	check(atomic_load(&work->done) == 1);
	return NULL;
}

/* Returns when one is at it. */
static struct peer work_start(struct work *work)
{
	struct peer peer;

	memset(work, 0, sizeof(*work));
	peer = peer_start(call_it, work);
	until(atomic_load(&work->begun));
	return peer;
}

TestEverywhere(once, all_who_call_meanwhile_wait_until_it_is_done)
{
	struct work work;
	struct peer peers[4];

	peers[0] = work_start(&work);
	for (int i = 1; i < 4; i++) {
		peers[i] = peer_start(call_it, &work);
	}
	vcore_sleep(vcore_after(MILLISECOND));
	check(atomic_load(&work.done) == 0);
	vcore_eventcount_advance(&work.go);
	for (int i = 0; i < 4; i++) {
		peer_finish(peers[i]);
	}
	check(work.done == 1);
}

TestAround(once, vcore_threads_and_pthreads_wait_for_each_other)
{
	struct work work;
	struct peer first = work_start(&work);
	pthread_t second = start_pthread(call_it, &work);
	struct vcore_thread *third = spawn(call_it, &work);

	until(is_waiting_for(third, VCORE_WAIT_LOCK));
	vcore_eventcount_advance(&work.go);
	peer_finish(first);
	finish_pthread(second);
	finish(third);
}

TestEverywhere(once, a_wait_for_another_ends_at_its_deadline)
{
	struct work work;
	struct peer first = work_start(&work);
	vcore_instant deadline = vcore_after(2 * MILLISECOND);

	check(vcore_once_call_until(&work.once, do_work, &work, PAST) == -ETIMEDOUT);
	check(vcore_once_call_until(&work.once, do_work, &work, deadline) == -ETIMEDOUT);
	check(vcore_now() >= deadline);
	check(work.done == 0);
	vcore_eventcount_advance(&work.go);
	peer_finish(first);
}

/* --- ends ------------------------------------------------------------------------------- */

TestAround(once, who_waits_for_another_may_be_destroyed)
{
	struct work work;
	struct peer first = work_start(&work);
	struct vcore_thread *second = spawn(call_it, &work);

	until(is_waiting_for(second, VCORE_WAIT_LOCK));
	destroy(second);
	vcore_eventcount_advance(&work.go);
	peer_finish(first);
	check(vcore_once_call_until(&work.once, do_work, &work, PAST) == 0);
	check(work.done == 1);
}

static void *call_it_and_yield(void *work)
{
	call_it(work);
	vcore_yield();
	check(false);
	return NULL;
}

TestAround(once, while_it_is_done_destroy_is_disabled)
{
	struct work work = {0};
	struct vcore_thread *thread = spawn(call_it_and_yield, &work);

	until(atomic_load(&work.begun) && is_waiting(thread));
	vcore_thread_destroy(thread);
	check(is_waiting(thread));
	vcore_eventcount_advance(&work.go);
	check(fate(thread) == VCORE_DESTROYED);
	check(work.done == 1);
	check(vcore_once_call_until(&work.once, do_work, &work, PAST) == 0);
	check(work.done == 1);
}

struct sum {
	struct vcore_once once;
	atomic_int n;
};

static void add_one_once(void *argument)
{
	struct sum *sum = argument;

	vcore_once_call(&sum->once, add_one, &sum->n);
}

Test(once, a_call_acts_on_destroy_before_it_does_it)
{
	struct sum sum = {0};

	check(!survives(add_one_once, &sum));
	check(sum.n == 0);
	check(vcore_once_call_until(&sum.once, add_one, &sum.n, PAST) == 0);
	check(sum.n == 1);
}

/* The first to come ends in it: as a vcore thread, or as a pthread. */
static void end_in_it(void *argument)
{
	struct work *work = argument;

	if (!atomic_exchange(&work->begun, true)) {
		check(vcore_eventcount_await(&work->go, 0, VCORE_NEVER) == 0);
		if (vcore_thread_self() != NULL) {
			vcore_thread_exit(NULL);
		}
		pthread_exit(NULL);
	}
	atomic_fetch_add(&work->done, 1);
}

static void *call_and_end_in_it(void *argument)
{
	struct work *work = argument;

	vcore_once_call(&work->once, end_in_it, work);
	return NULL;
}

TestEverywhere(once, if_a_thread_ends_in_it_the_next_caller_does_it)
{
	struct work work = {0};
	struct peer first = peer_start(call_and_end_in_it, &work);

	vcore_eventcount_advance(&work.go);
	peer_finish(first);
	check(work.done == 0);
	vcore_once_call(&work.once, end_in_it, &work);
	check(work.done == 1);
	vcore_once_call(&work.once, end_in_it, &work);
	check(work.done == 1);
}

TestEverywhere(once, if_a_thread_ends_in_it_one_who_waits_does_it)
{
	struct work work = {0};
	struct peer first = peer_start(call_and_end_in_it, &work);
	struct peer others[3];

	until(atomic_load(&work.begun));
	for (int i = 0; i < 3; i++) {
		others[i] = peer_start(call_and_end_in_it, &work);
	}
	vcore_sleep(vcore_after(MILLISECOND));
	check(work.done == 0);
	vcore_eventcount_advance(&work.go);
	peer_finish(first);
	for (int i = 0; i < 3; i++) {
		peer_finish(others[i]);
	}
	check(work.done == 1);
}

/* --- within it -------------------------------------------------------------------------- */

struct nested {
	struct vcore_once outer, inner;
	atomic_int n;
};

static void call_inner(void *argument)
{
	struct nested *nested = argument;

	vcore_once_call(&nested->inner, add_one, &nested->n);
	atomic_fetch_add(&nested->n, 1);
}

TestEverywhere(once, it_may_call_another)
{
	struct nested nested = {0};

	vcore_once_call(&nested.outer, call_inner, &nested);
	check(nested.n == 2);
}

/* --- panics ----------------------------------------------------------------------------- */

static struct vcore_once subject;

static void call_itself(void *with_deadline)
{
	if (with_deadline != NULL) {
		vcore_once_call_until(&subject, call_itself, with_deadline, PAST);
	}
	vcore_once_call(&subject, call_itself, NULL);
}

static void recur(void)
{
	vcore_once_call(&subject, call_itself, NULL);
}

static void recur_with_a_deadline(void)
{
	vcore_once_call(&subject, call_itself, &subject);
}

static void recur_inside(void)
{
	run_inside(1, recur);
}

Test(once, a_function_that_calls_itself_panics)
{
	check(panics_with(recur, "vcore_once_call: the function calls itself"));
	check(panics_with(recur_with_a_deadline, "the function calls itself"));
	check(panics_with(recur_inside, "the function calls itself (thread 1 \"body\")"));
}

static int number;

static void call_without_one(void)
{
	switch (number) {
	case 0:
		vcore_once_call(NULL, add_one, NULL);
		break;
	case 1:
		vcore_once_call(&subject, NULL, NULL);
		break;
	case 2:
		vcore_once_call_until(NULL, add_one, NULL, PAST);
		break;
	default:
		vcore_once_call_until(&subject, NULL, NULL, PAST);
		break;
	}
}

Test(once, null_panics)
{
	for (number = 0; number < 4; number++) {
		check(panics_with(call_without_one, "once or f is NULL"));
	}
}
