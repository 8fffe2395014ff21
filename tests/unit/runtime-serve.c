/*
 * Serving: what include/vcore/runtime.h promises to kernel threads that lend
 * themselves to a runtime, one promise to a test.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "support.h"

#include <errno.h>
#include <sys/resource.h>
#include <unistd.h>

/* One processor of its own, so that the first server is number 1. */
/* No ticks: who occupies the processor is to stay there (preempt_serve has them). */
static void start_with_servers(unsigned servers)
{
	runtime_start(&(struct vcore_runtime_options){
		.processors = 1,
		.servers = servers,
		.quantum = VCORE_QUANTUM_OFF,
	});
}

static struct vcore_thread *spawn_pinned(unsigned processor, void *(*entry)(void *), void *argument)
{
	struct vcore_thread_options options = {
		.flags = VCORE_THREAD_PINNED,
		.processor = processor,
	};

	return spawn_with(options, entry, argument);
}

static struct vcore_statistics statistics_now(void)
{
	struct vcore_statistics statistics = {.size = sizeof(statistics)};

	check(vcore_inspect_runtime(runtime, &statistics) == 0);
	return statistics;
}

static unsigned servers_now(void)
{
	return statistics_now().servers;
}

static void *tell_kernel_thread(void *unused)
{
	(void)unused;
	check(vcore_thread_self() != NULL);
	return (void *)(uintptr_t)thread_id_of_kernel();
}

static void *this_kernel_thread(void)
{
	return (void *)(uintptr_t)thread_id_of_kernel();
}

Test(runtime, a_server_runs_threads_pinned_to_it)
{
	struct vcore_thread *thread;

	start_with_servers(0);
	thread = spawn_pinned(1, tell_kernel_thread, NULL);
	cr_assert_eq(vcore_runtime_serve(runtime, PAST), 0);
	cr_assert_eq(finish(thread), this_kernel_thread());
	cr_assert_null(vcore_thread_self());
	runtime_finish();
}

Test(runtime, a_thread_pinned_to_a_server_waits_until_somebody_serves)
{
	struct vcore_thread *thread;

	start_with_servers(0);
	thread = spawn_pinned(1, do_nothing, NULL);
	cr_assert_eq(vcore_thread_join(thread, NULL, vcore_after(20 * MILLISECOND)), -ETIMEDOUT);
	cr_assert_eq(vcore_runtime_serve(runtime, PAST), 0);
	cr_assert_eq(vcore_thread_join(thread, NULL, PAST), 0);
	runtime_finish();
}

static atomic_int ignored;

static void *count_and_yield(void *steps)
{
	for (int i = 0; i < 3; i++) {
		atomic_fetch_add((atomic_int *)steps, 1);
		vcore_yield();
	}
	return NULL;
}

Test(runtime, with_a_deadline_in_the_past_each_runnable_thread_runs_once)
{
	atomic_int steps[2] = {0, 0};
	struct vcore_thread *threads[2];

	start_with_servers(0);
	threads[0] = spawn_pinned(1, count_and_yield, &steps[0]);
	threads[1] = spawn_pinned(1, count_and_yield, &steps[1]);
	for (int i = 1; i <= 3; i++) {
		cr_assert_eq(vcore_runtime_serve(runtime, PAST), 0);
		cr_assert_eq(steps[0], i);
		cr_assert_eq(steps[1], i);
	}
	cr_assert_eq(vcore_runtime_serve(runtime, PAST), 0);
	finish(threads[0]);
	finish(threads[1]);
	runtime_finish();
}

Test(runtime, with_a_deadline_in_the_past_a_lower_priority_has_its_turn_too)
{
	enum { PRIORITIES = 3 };
	atomic_int steps[PRIORITIES] = {0};
	struct vcore_thread *threads[PRIORITIES];

	start_with_servers(0);
	for (int p = 0; p < PRIORITIES; p++) {
		struct vcore_thread_options options = {
			.flags = VCORE_THREAD_PINNED,
			.processor = 1,
			.priority = p,
		};

		threads[p] = spawn_with(options, count_and_yield, &steps[p]);
	}
	for (int i = 1; i <= 3; i++) {
		cr_assert_eq(vcore_runtime_serve(runtime, PAST), 0);
		for (int p = 0; p < PRIORITIES; p++) {
			cr_assert_eq(steps[p], i);
		}
	}
	cr_assert_eq(vcore_runtime_serve(runtime, PAST), 0);
	for (int p = 0; p < PRIORITIES; p++) {
		finish(threads[p]);
	}
	runtime_finish();
}

Test(runtime, with_a_deadline_in_the_past_and_nothing_to_run_serve_returns_at_once)
{
	start_with_servers(0);
	cr_assert_eq(vcore_runtime_serve(runtime, PAST), 0);
	cr_assert_eq(servers_now(), 0);
	runtime_finish();
}

Test(runtime, serve_returns_at_the_deadline_and_not_before)
{
	vcore_instant deadline;

	start_with_servers(0);
	deadline = vcore_after(20 * MILLISECOND);
	cr_assert_eq(vcore_runtime_serve(runtime, deadline), 0);
	cr_assert_geq(vcore_now(), deadline);
	runtime_finish();
}

Test(runtime, serve_returns_at_the_deadline_while_threads_yield)
{
	atomic_bool go = false;
	struct vcore_thread *thread;
	vcore_instant deadline;

	start_with_servers(0);
	thread = spawn_pinned(1, yield_until, &go);
	deadline = vcore_after(20 * MILLISECOND);
	cr_assert_eq(vcore_runtime_serve(runtime, deadline), 0);
	cr_assert_geq(vcore_now(), deadline);
	set_flag(&go);
	cr_assert_eq(vcore_runtime_serve(runtime, PAST), 0);
	finish(thread);
	runtime_finish();
}

static bool is_running(struct vcore_thread *thread)
{
	struct vcore_thread_info info;

	return look_at(vcore_thread_id(thread), &info) && info.state == VCORE_THREAD_RUNNING;
}

/* From here on the processor takes nothing else, until it goes. */
static struct vcore_thread *spawn_busy(atomic_bool *go)
{
	struct vcore_thread *busy = spawn_pinned(0, occupy, go);

	until(is_running(busy));
	return busy;
}

Test(runtime, a_server_runs_free_threads_too)
{
	struct vcore_thread *busy, *thread;
	atomic_bool go = false;
	struct vcore_exit exit;

	start_with_servers(0);
	busy = spawn_busy(&go);
	thread = spawn(tell_kernel_thread, NULL);
	do {
		cr_assert_eq(vcore_runtime_serve(runtime, vcore_after(5 * MILLISECOND)), 0);
	} while (vcore_thread_join(thread, &exit, PAST) != 0 && !atomic_load(&go));
	cr_assert_eq(exit.result, this_kernel_thread());
	set_flag(&go);
	finish(busy);
	runtime_finish();
}

static void *sleep_a_little(void *argument)
{
	vcore_sleep(vcore_after(5 * MILLISECOND));
	return argument;
}

Test(runtime, a_server_wakes_sleepers_that_are_pinned_to_it)
{
	struct vcore_thread *thread;

	start_with_servers(0);
	thread = spawn_pinned(1, sleep_a_little, &runtime);
	cr_assert_eq(vcore_runtime_serve(runtime, vcore_after(500 * MILLISECOND)), 0);
	cr_assert_eq(vcore_thread_join(thread, NULL, PAST), 0);
	runtime_finish();
}

/* The processor is busy: nobody but the server looks at the time. */
Test(runtime, with_a_deadline_in_the_past_those_whose_time_has_come_are_woken)
{
	struct vcore_thread *busy, *thread;
	atomic_bool go = false;

	start_with_servers(0);
	busy = spawn_pinned(0, occupy, &go);
	thread = spawn_pinned(1, sleep_a_little, NULL);
	cr_assert_eq(vcore_runtime_serve(runtime, PAST), 0);
	usleep(20000);
	cr_assert_eq(vcore_runtime_serve(runtime, PAST), 0);
	cr_assert_eq(vcore_thread_join(thread, NULL, PAST), 0);
	set_flag(&go);
	finish(busy);
	runtime_finish();
}

/* A free thread that falls asleep on a server, which then leaves for good. */
struct guest {
	atomic_bool go; /* for who kept the processor busy until it was here */
	bool let_idle;
};

static void *sleep_as_a_guest(void *argument)
{
	struct guest *guest = argument;
	void *here = this_kernel_thread();

	set_flag(&guest->go);
	while (guest->let_idle && statistics_now().idle == 0) {
	}
	usleep(10000); /* as long as it takes to park */
	vcore_sleep(vcore_after(10 * MILLISECOND));
	return here;
}

/* Whether the processor idles by then or not, it is to wake the guest. */
static void leave_a_guest_asleep(struct guest *guest)
{
	struct vcore_thread *busy = spawn_busy(&guest->go);
	struct vcore_thread *thread = spawn(sleep_as_a_guest, guest);
	struct vcore_exit exit;

	cr_assert_eq(vcore_runtime_serve(runtime, PAST), 0);
	cr_assert_eq(vcore_thread_join(thread, &exit, vcore_after(20 * SECOND)), 0);
	cr_assert_eq(exit.result, this_kernel_thread());
	finish(busy);
}

Test(runtime, an_idle_processor_wakes_those_who_sleep_on_a_server_that_left)
{
	struct guest guest = {.let_idle = true};

	start_with_servers(0);
	leave_a_guest_asleep(&guest);
	runtime_finish();
}

Test(runtime, a_busy_processor_wakes_those_who_sleep_on_a_server_that_left)
{
	struct guest guest = {.let_idle = false};
	atomic_bool over = false;
	struct vcore_thread *yielding[2];

	start_with_servers(0);
	yielding[0] = spawn_pinned(0, yield_until, &over);
	yielding[1] = spawn_pinned(0, yield_until, &over);
	leave_a_guest_asleep(&guest);
	set_flag(&over);
	finish(yielding[0]);
	finish(yielding[1]);
	runtime_finish();
}

static void *await_first(void *event)
{
	check(vcore_eventcount_await(event, 0, VCORE_NEVER) == 0);
	return (void *)(uintptr_t)thread_id_of_kernel();
}

static void *sleep_and_advance(void *event)
{
	vcore_sleep(vcore_after(5 * MILLISECOND));
	vcore_eventcount_advance(event);
	return NULL;
}

Test(runtime, a_server_that_idles_is_woken_for_its_threads)
{
	struct vcore_eventcount event = {0};
	struct vcore_thread *thread, *waker;

	start_with_servers(0);
	thread = spawn_pinned(1, await_first, &event);
	waker = spawn(sleep_and_advance, &event);
	cr_assert_eq(vcore_runtime_serve(runtime, vcore_after(SECOND)), 0);
	cr_assert_eq(vcore_thread_join(thread, NULL, PAST), 0);
	finish(waker);
	runtime_finish();
}

static void *serve_until(void *deadline)
{
	return (void *)(intptr_t)vcore_runtime_serve(runtime, *(vcore_instant *)deadline);
}

Test(runtime, servers_get_the_lowest_free_numbers)
{
	vcore_instant brief = vcore_after(SECOND), late = vcore_after(3 * SECOND);
	pthread_t first, second;
	struct vcore_thread *thread;

	start_with_servers(3);
	first = start_pthread(serve_until, &brief);
	until(servers_now() == 1);
	second = start_pthread(serve_until, &late);
	until(servers_now() == 2);
	cr_assert_eq(vcore_runtime_serve(runtime, PAST), 0); /* as number 3 */
	finish_pthread(first);
	thread = spawn_pinned(1, tell_kernel_thread, NULL);
	cr_assert_eq(vcore_thread_join(thread, NULL, vcore_after(20 * MILLISECOND)), -ETIMEDOUT);
	cr_assert_eq(vcore_runtime_serve(runtime, PAST), 0); /* as number 1 */
	cr_assert_eq(finish(thread), this_kernel_thread());
	finish_pthread(second);
	runtime_finish();
}

Test(runtime, servers_serve_at_the_same_time)
{
	vcore_instant deadline;
	struct vcore_eventcount event = {0};
	struct vcore_thread *threads[4];
	pthread_t servers[4];
	void *kernel_threads[4];

	start_with_servers(4);
	for (unsigned i = 0; i < 4; i++) {
		threads[i] = spawn_pinned(1 + i, await_first, &event);
	}
	deadline = vcore_after(2 * SECOND);
	for (int i = 0; i < 4; i++) {
		servers[i] = start_pthread(serve_until, &deadline);
	}
	until(servers_now() == 4);
	vcore_eventcount_advance(&event);
	for (int i = 0; i < 4; i++) {
		kernel_threads[i] = finish(threads[i]);
		for (int j = 0; j < i; j++) {
			cr_assert_neq(kernel_threads[i], kernel_threads[j]);
		}
	}
	for (int i = 0; i < 4; i++) {
		cr_assert_null(finish_pthread(servers[i]));
	}
	runtime_finish();
}

Test(runtime, a_server_too_many_is_refused)
{
	vcore_instant deadline = vcore_after(2 * SECOND);
	pthread_t server;

	start_with_servers(1);
	server = start_pthread(serve_until, &deadline);
	until(servers_now() == 1);
	cr_assert_eq(vcore_runtime_serve(runtime, PAST), -EBUSY);
	cr_assert_null(finish_pthread(server));
	cr_assert_eq(vcore_runtime_serve(runtime, PAST), 0);
	runtime_finish();
}

Test(runtime, by_default_four_may_serve)
{
	vcore_instant deadline = vcore_after(2 * SECOND);
	pthread_t servers[4];

	start_with_servers(0);
	for (int i = 0; i < 4; i++) {
		servers[i] = start_pthread(serve_until, &deadline);
	}
	until(servers_now() == 4);
	cr_assert_eq(vcore_runtime_serve(runtime, PAST), -EBUSY);
	for (int i = 0; i < 4; i++) {
		cr_assert_null(finish_pthread(servers[i]));
	}
	runtime_finish();
}

Test(runtime, servers_need_not_come_again_when_a_stopped_runtime_is_empty)
{
	start_with_servers(0);
	cr_assert_eq(vcore_runtime_stop(runtime), 0);
	cr_assert_eq(vcore_runtime_serve(runtime, VCORE_NEVER), -ESHUTDOWN);
	cr_assert_eq(vcore_runtime_serve(runtime, PAST), -ESHUTDOWN);
	runtime_finish();
}

Test(runtime, servers_need_not_come_again_when_a_closing_runtime_is_empty)
{
	struct vcore_thread *thread;

	start_with_servers(0);
	thread = spawn_pinned(1, count_and_yield, &ignored);
	cr_assert_eq(vcore_runtime_close(runtime, PAST), -ETIMEDOUT);
	cr_assert_eq(vcore_runtime_serve(runtime, VCORE_NEVER), -ESHUTDOWN);
	finish(thread);
	runtime_finish();
}

Test(runtime, an_idle_server_is_sent_home_by_stop)
{
	vcore_instant deadline = VCORE_NEVER;
	pthread_t server;

	start_with_servers(0);
	server = start_pthread(serve_until, &deadline);
	until(servers_now() == 1);
	usleep(10000);
	cr_assert_eq(vcore_runtime_stop(runtime), 0);
	cr_assert_eq(finish_pthread(server), (void *)(intptr_t)-ESHUTDOWN);
	runtime_finish();
}

TestInside(runtime, serving_on_a_vcore_thread_panics, .signal = SIGABRT)
{
	vcore_runtime_serve(runtime, PAST);
}

Test(runtime, a_server_keeps_its_errno_and_its_signal_mask)
{
	sigset_t before, after;
	struct vcore_thread *thread;

	start_with_servers(0);
	cr_assert_eq(pthread_sigmask(SIG_SETMASK, NULL, &before), 0);
	thread = spawn_pinned(1, count_and_yield, &ignored);
	write_errno(77);
	for (int i = 0; i < 4; i++) {
		cr_assert_eq(vcore_runtime_serve(runtime, PAST), 0);
	}
	cr_assert_eq(read_errno(), 77);
	cr_assert_eq(pthread_sigmask(SIG_SETMASK, NULL, &after), 0);
	for (int number = 1; number < NSIG; number++) {
		cr_assert_eq(sigismember(&before, number), sigismember(&after, number));
	}
	finish(thread);
	runtime_finish();
}

static void serve_without_timers(void)
{
	struct rlimit none = {0, RLIM_INFINITY};

	runtime_start(&(struct vcore_runtime_options){.processors = 1, .servers = 1});
	check(getrlimit(RLIMIT_SIGPENDING, &none) == 0);
	none.rlim_cur = 0; /* each timer is a signal that may be pending */
	check(setrlimit(RLIMIT_SIGPENDING, &none) == 0);
	check(vcore_runtime_serve(runtime, vcore_after(SECOND)) == -EAGAIN);
	runtime_finish();
	check(vcore_thread_self() == NULL);
}

Test(runtime, a_serve_that_gets_no_timers_says_so_and_leaves_the_pthread_alone)
{
	static struct outcome outcome;

	run_child(&outcome, serve_without_timers);
	cr_assert(exited_with(&outcome, 0), "%s", outcome.text);
}
