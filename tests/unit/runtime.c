/*
 * Runtimes: what include/vcore/runtime.h promises of opening, running,
 * closing, stopping and of panics, one promise to a test.  Options and the
 * environment are in runtime-options.c, servers in runtime-serve.c, fork in
 * runtime-fork.c.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/timerfd.h>
#include <unistd.h>

TestSuite(runtime, .timeout = 100);

static void *tell_name(void *argument)
{
	strcpy(argument, vcore_thread_name(vcore_thread_self()));
	return argument;
}

Test(runtime, run_runs_the_entry_as_a_thread_named_main)
{
	char name[32] = "";
	struct vcore_exit exit;

	cr_assert_eq(vcore_run(NULL, tell_name, name, &exit), 0);
	cr_assert_eq(exit.how, VCORE_RETURNED);
	cr_assert_eq(exit.result, name);
	cr_assert_str_eq(name, "main");
}

Test(runtime, run_does_not_need_an_exit)
{
	cr_assert_eq(vcore_run(NULL, do_nothing, NULL, NULL), 0);
}

Test(runtime, run_tells_why_a_runtime_could_not_be_opened)
{
	struct vcore_runtime_options options = {.quantum = 1};
	struct vcore_exit exit = {.result = &exit};

	cr_assert_eq(vcore_run(&options, do_nothing, NULL, &exit), -EINVAL);
	cr_assert_eq(exit.result, &exit);
}

static void *destroy_self(void *argument)
{
	vcore_thread_destroy(vcore_thread_self());
	return argument;
}

Test(runtime, run_tells_that_the_first_thread_was_destroyed)
{
	struct vcore_exit exit;

	cr_assert_eq(vcore_run(NULL, destroy_self, NULL, &exit), 0);
	cr_assert_eq(exit.how, VCORE_DESTROYED);
	cr_assert_null(exit.result);
}

static void *sleep_and_set(void *flag)
{
	vcore_sleep(vcore_after(20 * MILLISECOND));
	set_flag(flag);
	return NULL;
}

static void *leave_a_detached_thread(void *flag)
{
	check(vcore_thread_allocate(NULL, NULL, sleep_and_set, flag) == 0);
	return NULL;
}

Test(runtime, run_waits_for_all_threads)
{
	atomic_bool done = false;

	cr_assert_eq(vcore_run(NULL, leave_a_detached_thread, &done, NULL), 0);
	cr_assert(done);
}

static void *leave_a_thread_unjoined(void *flag)
{
	struct vcore_thread *thread;

	check(vcore_thread_allocate(&thread, NULL, sleep_and_set, flag) == 0);
	return NULL;
}

Test(runtime, run_closes_over_threads_that_nobody_joined)
{
	atomic_bool done = false;

	cr_assert_eq(vcore_run(NULL, leave_a_thread_unjoined, &done, NULL), 0);
	cr_assert(done);
}

static void *kernel_thread_of_entry(void *tid)
{
	*(pid_t *)tid = thread_id_of_kernel();
	return NULL;
}

Test(runtime, the_caller_of_run_is_not_a_processor)
{
	pid_t tid = 0;

	cr_assert_eq(vcore_run(NULL, kernel_thread_of_entry, &tid, NULL), 0);
	cr_assert_neq(tid, thread_id_of_kernel());
}

static void *run_another(void *argument)
{
	struct vcore_exit exit;

	check(vcore_run(NULL, do_nothing, argument, &exit) == 0);
	return exit.result;
}

Test(runtime, a_vcore_thread_may_run_another_runtime)
{
	struct vcore_exit exit;

	cr_assert_eq(vcore_run(NULL, run_another, &exit, &exit), 0);
	cr_assert_eq(exit.result, &exit);
}

static void *exit_the_process(void *unused)
{
	exit(23);
	return unused;
}

static void run_exit(void)
{
	vcore_run(NULL, exit_the_process, NULL, NULL);
}

Test(runtime, exit_from_a_thread_ends_the_process)
{
	static struct outcome outcome;

	run_child(&outcome, run_exit);
	cr_assert(exited_with(&outcome, 23));
}

Test(runtime, closing_null_is_allowed)
{
	cr_assert_eq(vcore_runtime_close(NULL, VCORE_NEVER), 0);
}

Test(runtime, an_empty_runtime_closes_even_with_a_deadline_in_the_past)
{
	runtime_start(NULL);
	cr_assert_eq(vcore_runtime_close(runtime, PAST), 0);
}

Test(runtime, close_times_out_and_may_be_called_again)
{
	atomic_bool go = false;
	vcore_instant deadline;

	runtime_start(NULL);
	spawn(yield_until, &go);
	deadline = vcore_after(10 * MILLISECOND);
	cr_assert_eq(vcore_runtime_close(runtime, PAST), -ETIMEDOUT);
	cr_assert_eq(vcore_runtime_close(runtime, deadline), -ETIMEDOUT);
	cr_assert_geq(vcore_now(), deadline);
	set_flag(&go);
	cr_assert_eq(vcore_runtime_close(runtime, VCORE_NEVER), 0);
}

Test(runtime, after_close_began_no_thread_can_be_allocated)
{
	struct vcore_thread_options options = {0};
	struct vcore_thread *waiting;

	runtime_start(NULL);
	options.runtime = runtime;
	waiting = spawn(sleep_forever, NULL);
	cr_assert_eq(vcore_runtime_close(runtime, PAST), -ETIMEDOUT);
	cr_assert_eq(vcore_thread_allocate(NULL, &options, do_nothing, NULL), -ESHUTDOWN);
	vcore_thread_destroy(waiting);
	cr_assert_eq(fate(waiting), VCORE_DESTROYED);
	runtime_finish();
}

static void *allocate_until_refused(void *unused)
{
	int error;

	do {
		error = vcore_thread_allocate(NULL, NULL, do_nothing, NULL);
		vcore_yield();
	} while (error == 0);
	check(error == -ESHUTDOWN);
	return unused;
}

Test(runtime, after_close_began_its_own_threads_cannot_allocate_either)
{
	runtime_start(NULL);
	spawn(allocate_until_refused, NULL);
	cr_assert_eq(vcore_runtime_close(runtime, VCORE_NEVER), 0);
}

TestInside(runtime, closing_ones_own_panics, .signal = SIGABRT)
{
	vcore_runtime_close(runtime, VCORE_NEVER);
}

Test(runtime, close_gives_kernel_threads_and_descriptors_back)
{
	unsigned tasks, descriptors;

	cr_assert_eq(vcore_run(NULL, do_nothing, NULL, NULL), 0);
	tasks = entries_of("/proc/self/task");
	descriptors = entries_of("/proc/self/fd");
	for (int i = 0; i < 20; i++) {
		runtime_start(&(struct vcore_runtime_options){.processors = 5});
		finish(spawn(do_nothing, NULL));
		runtime_finish();
	}
	/* A joined kernel thread may stay in /proc for a moment. */
	until(entries_of("/proc/self/task") == tasks);
	cr_assert_eq(entries_of("/proc/self/fd"), descriptors);
}

Test(runtime, stop_destroys_all_threads_and_close_then_returns)
{
	struct vcore_eventcount event = {0};
	struct vcore_thread *threads[3];

	runtime_start(NULL);
	threads[0] = spawn(sleep_forever, NULL);
	threads[1] = spawn(await_forever, &event);
	threads[2] = spawn(sleep_forever, NULL);
	cr_assert_eq(vcore_runtime_stop(runtime), 0);
	for (int i = 0; i < 3; i++) {
		cr_assert_eq(fate(threads[i]), VCORE_DESTROYED);
	}
	runtime_finish();
}

Test(runtime, after_stop_no_thread_can_be_allocated)
{
	struct vcore_thread_options options = {0};

	runtime_start(NULL);
	options.runtime = runtime;
	cr_assert_eq(vcore_runtime_stop(runtime), 0);
	cr_assert_eq(vcore_thread_allocate(NULL, &options, do_nothing, NULL), -ESHUTDOWN);
	runtime_finish();
}

static void *sleep_disabled(void *flag)
{
	vcore_destroy_disable();
	vcore_sleep(vcore_after(20 * MILLISECOND));
	set_flag(flag);
	vcore_destroy_enable();
	return NULL;
}

Test(runtime, stop_does_not_end_a_thread_that_has_destruction_disabled)
{
	atomic_bool slept = false;
	struct vcore_thread *thread;

	runtime_start(NULL);
	thread = spawn(sleep_disabled, &slept);
	until(is_waiting(thread));
	cr_assert_eq(vcore_runtime_stop(runtime), 0);
	cr_assert_eq(fate(thread), VCORE_DESTROYED);
	cr_assert(slept);
	runtime_finish();
}

static void *stop_own(void *unused)
{
	check(vcore_runtime_stop(runtime) == 0);
	vcore_yield();
	check(false);
	return unused;
}

Test(runtime, stopping_ones_own_destroys_the_caller_like_all_others)
{
	struct vcore_thread *stopper, *other;

	runtime_start(NULL);
	other = spawn(sleep_forever, NULL);
	stopper = spawn(stop_own, NULL);
	cr_assert_eq(fate(stopper), VCORE_DESTROYED);
	cr_assert_eq(fate(other), VCORE_DESTROYED);
	runtime_finish();
}

static void *allocate_children_forever(void *unused)
{
	for (;;) {
		int error = vcore_thread_allocate(NULL, NULL, sleep_forever, NULL);

		check(error == 0 || error == -ESHUTDOWN);
		vcore_yield();
	}
	return unused;
}

Test(runtime, stop_includes_those_who_are_allocated_meanwhile)
{
	runtime_start(&(struct vcore_runtime_options){.processors = 2});
	for (int i = 0; i < 4; i++) {
		spawn(allocate_children_forever, NULL);
	}
	usleep(5000);
	cr_assert_eq(vcore_runtime_stop(runtime), 0);
	runtime_finish();
}

static void *stop_and_close(void *unused)
{
	check(vcore_runtime_stop(runtime) == 0);
	check(vcore_runtime_close(runtime, VCORE_NEVER) == 0);
	return unused;
}

Test(runtime, a_thread_of_another_runtime_may_stop_and_close)
{
	runtime_start(NULL);
	spawn(sleep_forever, NULL);
	cr_assert_eq(vcore_run(NULL, stop_and_close, NULL, NULL), 0);
}

struct nested_run {
	atomic_bool began, ended;
};

static void *nap_in_nested_run(void *argument)
{
	struct nested_run *nested = argument;

	set_flag(&nested->began);
	vcore_sleep(vcore_after(50 * MILLISECOND));
	set_flag(&nested->ended);
	return NULL;
}

static void *run_nested(void *nested)
{
	vcore_run(NULL, nap_in_nested_run, nested, NULL);
	return NULL;
}

Test(runtime, a_thread_that_is_destroyed_during_run_ends_after_it)
{
	struct nested_run nested = {0};
	struct vcore_thread *thread;
	unsigned before;

	runtime_start(NULL);
	before = entries_of("/proc/self/task");
	thread = spawn(run_nested, &nested);
	until(atomic_load(&nested.began));
	vcore_thread_destroy(thread);
	cr_assert_eq(fate(thread), VCORE_DESTROYED);
	cr_assert(atomic_load(&nested.ended));
	until(entries_of("/proc/self/task") == before);
	runtime_finish();
}

static void *signals_blocked(void *set)
{
	check(pthread_sigmask(SIG_SETMASK, NULL, set) == 0);
	return NULL;
}

Test(runtime, kernel_threads_block_all_signals_but_sigalrm_and_the_synchronous_ones)
{
	static const int open[] = {SIGALRM, SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT};
	static const int closed[] = {SIGHUP,  SIGINT,  SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2,
				     SIGCHLD, SIGPIPE, SIGPROF, SIGURG,  SIGIO,   SIGVTALRM};
	sigset_t set;

	cr_assert_eq(vcore_run(NULL, signals_blocked, &set, NULL), 0);
	for (size_t i = 0; i < sizeof(open) / sizeof(open[0]); i++) {
		cr_assert(!sigismember(&set, open[i]), "signal %d", open[i]);
	}
	for (size_t i = 0; i < sizeof(closed) / sizeof(closed[0]); i++) {
		cr_assert(sigismember(&set, closed[i]), "signal %d", closed[i]);
	}
}

static _Atomic pid_t handled_by;

static void note_kernel_thread(int number)
{
	(void)number;
	atomic_store(&handled_by, thread_id_of_kernel());
}

static void *signal_the_process(void *unused)
{
	kill(getpid(), SIGUSR1);
	until(atomic_load(&handled_by) != 0);
	return unused;
}

Test(runtime, the_programs_handlers_run_on_its_own_threads)
{
	signal(SIGUSR1, note_kernel_thread);
	cr_assert_eq(vcore_run(NULL, signal_the_process, NULL, NULL), 0);
	cr_assert_eq(handled_by, thread_id_of_kernel());
}

static void *own_runtime_of(void *unused)
{
	struct vcore_thread *child;

	(void)unused;
	check(vcore_thread_allocate(&child, NULL, do_nothing, NULL) == 0);
	finish(child);
	return NULL;
}

Test(runtime, two_live_side_by_side)
{
	struct vcore_thread_options options = {0};
	struct vcore_thread *there;
	struct vcore_statistics one = {.size = sizeof(one)}, two = {.size = sizeof(two)};

	runtime_start(&(struct vcore_runtime_options){.processors = 1});
	cr_assert_eq(vcore_runtime_open(&options.runtime,
					&(struct vcore_runtime_options){.processors = 2}),
		     0);
	finish(spawn(own_runtime_of, NULL));
	cr_assert_eq(vcore_thread_allocate(&there, &options, own_runtime_of, NULL), 0);
	finish(there);
	cr_assert_eq(vcore_inspect_runtime(runtime, &one), 0);
	cr_assert_eq(vcore_inspect_runtime(options.runtime, &two), 0);
	cr_assert_eq(one.processors, 1);
	cr_assert_eq(two.processors, 2);
	cr_assert_eq(one.allocated, 2);
	cr_assert_eq(two.allocated, 2);
	cr_assert_eq(vcore_runtime_close(options.runtime, VCORE_NEVER), 0);
	finish(spawn(do_nothing, NULL));
	runtime_finish();
}

/* A thread of one runtime joins a thread of another. */
static void *join_from_elsewhere(void *thread)
{
	return finish(thread);
}

Test(runtime, a_thread_joins_a_thread_of_another_runtime)
{
	struct vcore_exit exit;
	atomic_bool go = true;
	struct vcore_thread *thread;

	runtime_start(NULL);
	thread = spawn(yield_until, &go);
	cr_assert_eq(vcore_run(NULL, join_from_elsewhere, thread, &exit), 0);
	cr_assert_eq(exit.how, VCORE_RETURNED);
	runtime_finish();
}

/* --- panics ------------------------------------------------------------------ */

static void *enable_too_often(void *unused)
{
	vcore_destroy_enable();
	return unused;
}

static void panic_by_default(void)
{
	struct vcore_thread_options options = {.name = "careless"};

	runtime_start(NULL);
	finish(spawn_with(options, enable_too_often, NULL));
}

Test(runtime, a_panic_prints_the_call_and_the_thread_and_aborts)
{
	static struct outcome outcome;

	run_child(&outcome, panic_by_default);
	cr_assert(killed_by(&outcome, SIGABRT));
	cr_assert(strstr(outcome.text, "vcore_destroy_enable") != NULL, "%s", outcome.text);
	cr_assert(strstr(outcome.text, "careless") != NULL, "%s", outcome.text);
}

static void panic_on_a_pthread(void)
{
	vcore_thread_exit(NULL);
}

Test(runtime, a_panic_of_a_pthread_prints_the_call_and_aborts)
{
	static struct outcome outcome;

	run_child(&outcome, panic_on_a_pthread);
	cr_assert(killed_by(&outcome, SIGABRT));
	cr_assert(strstr(outcome.text, "vcore_thread_exit") != NULL, "%s", outcome.text);
}

static struct vcore_report seen;
static struct vcore_thread *seen_by;

static void end_the_offender(const struct vcore_report *report)
{
	seen = *report;
	seen_by = vcore_thread_self();
	check(report->recoverable);
	vcore_thread_exit(&seen);
}

Test(runtime, the_hook_gets_the_report_and_may_end_the_offending_thread_alone)
{
	struct vcore_runtime_options options = {.panic = end_the_offender};
	struct vcore_thread *offender;
	uint64_t id;

	runtime_start(&options);
	offender = spawn_with((struct vcore_thread_options){.name = "careless"}, enable_too_often,
			      NULL);
	id = vcore_thread_id(offender);
	cr_assert_eq(finish(offender), &seen);
	cr_assert_eq(seen.size, sizeof(seen));
	cr_assert_str_eq(seen.function, "vcore_destroy_enable");
	cr_assert_gt(strlen(seen.breach), 0);
	cr_assert_eq(seen.thread, id);
	cr_assert_eq(seen_by, offender);
	finish(spawn(do_nothing, NULL));
	runtime_finish();
}

static void *panic_for_a_library(void *unused)
{
	(void)unused;
	vcore_panic("others_call", "it was misused");
}

Test(runtime, a_library_that_is_built_on_this_one_panics_alike)
{
	struct vcore_runtime_options options = {.panic = end_the_offender};

	runtime_start(&options);
	finish(spawn(panic_for_a_library, NULL));
	cr_assert_str_eq(seen.function, "others_call");
	cr_assert_str_eq(seen.breach, "it was misused");
	runtime_finish();
}

static void panic_for_nothing(void)
{
	vcore_panic("others_call", NULL);
}

static void panic_of_a_library(void)
{
	panic_for_a_library(NULL);
}

Test(runtime, a_panic_for_a_library_is_printed_too)
{
	cr_assert(panics_with(panic_of_a_library, "others_call: it was misused"));
	cr_assert(panics_with(panic_for_nothing, "vcore_panic: function or breach is NULL"));
}

static void *advance_by_minus_one(void *event)
{
	vcore_eventcount_advance_by(event, -1);
	return NULL;
}

Test(runtime, after_a_recoverable_panic_no_object_is_half_changed)
{
	struct vcore_runtime_options options = {.panic = end_the_offender};
	struct vcore_eventcount event = {0};

	runtime_start(&options);
	finish(spawn(advance_by_minus_one, &event));
	cr_assert_str_eq(seen.function, "vcore_eventcount_advance_by");
	cr_assert_eq(vcore_eventcount_advance(&event), 1);
	runtime_finish();
}

static void let_it_pass(const struct vcore_report *report)
{
	fprintf(stderr, "hook: %s\n", report->function);
}

static void panic_with_a_hook_that_returns(void)
{
	runtime_start(&(struct vcore_runtime_options){.panic = let_it_pass});
	finish(spawn(enable_too_often, NULL));
}

Test(runtime, a_hook_that_returns_leaves_the_process_to_abort)
{
	static struct outcome outcome;

	run_child(&outcome, panic_with_a_hook_that_returns);
	cr_assert(killed_by(&outcome, SIGABRT));
	cr_assert(strstr(outcome.text, "hook: vcore_destroy_enable") != NULL, "%s", outcome.text);
}

/* --- deadlock: in children, which have no other kernel thread ------------------ */

static atomic_bool cleaned;

static void *await_what_never_comes(void *unused)
{
	struct vcore_eventcount event = {0};
	struct vcore_cleanup cleanup;

	vcore_cleanup_push(&cleanup, set_flag, &cleaned);
	vcore_eventcount_await(&event, 0, VCORE_NEVER);
	vcore_cleanup_pop(&cleanup, false);
	return unused;
}

static void wait_for_nobody(void)
{
	for (unsigned processors = 1; processors <= 2; processors++) {
		struct vcore_runtime_options options = {.processors = processors};
		struct vcore_exit exit;

		atomic_store(&cleaned, false);
		check(vcore_run(&options, await_what_never_comes, NULL, &exit) == -EDEADLK);
		check(exit.how == VCORE_DESTROYED);
		check(atomic_load(&cleaned));
	}
}

Test(runtime, when_all_threads_wait_forever_run_prints_the_dump_and_destroys_them)
{
	static struct outcome outcome;

	run_child(&outcome, wait_for_nobody);
	cr_assert(exited_with(&outcome, 0), "%s", outcome.text);
	cr_assert(strstr(outcome.text, "main") != NULL, "%s", outcome.text);
	cr_assert(strstr(outcome.text, "eventcount") != NULL, "%s", outcome.text);
}

static void run_often(void)
{
	for (unsigned i = 0; i < 1000; i++) {
		struct vcore_runtime_options options = {.processors = 1 + i % 2};
		atomic_bool done = false;

		check(vcore_run(&options, do_nothing, NULL, NULL) == 0);
		if (i % 50 == 0) {
			check(vcore_run(&options, leave_a_detached_thread, &done, NULL) == 0);
		}
	}
}

Test(runtime, threads_that_begin_and_end_are_no_deadlock)
{
	static struct outcome outcome;

	run_child(&outcome, run_often);
	cr_assert(exited_with(&outcome, 0), "%s", outcome.text);
	cr_assert_str_eq(outcome.text, "");
}

static struct vcore_thread *circle[2];

static void *join_the_other(void *other)
{
	vcore_thread_join(*(struct vcore_thread **)other, NULL, VCORE_NEVER);
	return NULL;
}

static void *make_a_circle(void *unused)
{
	struct vcore_thread_options options = {.name = "romeo"};

	check(vcore_thread_allocate(&circle[0], &options, join_the_other, &circle[1]) == 0);
	options.name = "julia";
	check(vcore_thread_allocate(&circle[1], &options, join_the_other, &circle[0]) == 0);
	return unused;
}

static void join_in_a_circle(void)
{
	struct vcore_runtime_options options = {.processors = 1};

	check(vcore_run(&options, make_a_circle, NULL, NULL) == -EDEADLK);
}

Test(runtime, a_circle_of_joins_is_a_deadlock_and_both_are_named)
{
	static struct outcome outcome;

	run_child(&outcome, join_in_a_circle);
	cr_assert(exited_with(&outcome, 0), "%s", outcome.text);
	cr_assert(strstr(outcome.text, "romeo") != NULL, "%s", outcome.text);
	cr_assert(strstr(outcome.text, "julia") != NULL, "%s", outcome.text);
}

static void *advance_after_a_read(void *event)
{
	struct itimerspec soon = {.it_value = {.tv_nsec = 300 * MILLISECOND}};
	int timer = timerfd_create(CLOCK_MONOTONIC, 0);
	uint64_t expirations;

	check(timerfd_settime(timer, 0, &soon, NULL) == 0);
	check(read(timer, &expirations, sizeof(expirations)) == sizeof(expirations));
	close(timer);
	vcore_eventcount_advance(event);
	return NULL;
}

static void *await_one(void *event)
{
	return vcore_eventcount_await(event, 0, VCORE_NEVER) == 0 ? event : NULL;
}

static void wait_for_a_reading_pthread(void)
{
	struct vcore_eventcount event = {0};
	struct vcore_exit exit;
	pthread_t reader = start_pthread(advance_after_a_read, &event);

	check(vcore_run(NULL, await_one, &event, &exit) == 0);
	check(exit.result == &event);
	finish_pthread(reader);
}

Test(runtime, a_pthread_that_blocks_in_read_may_still_wake_somebody)
{
	static struct outcome outcome;

	run_child(&outcome, wait_for_a_reading_pthread);
	cr_assert(exited_with(&outcome, 0), "%s", outcome.text);
	cr_assert_str_eq(outcome.text, "");
}

static void *sleep_as_a_pthread(void *unused)
{
	usleep(100000);
	return unused;
}

/* Nobody in the runtime notices that it ends. */
static void wait_for_a_pthread_that_ends(void)
{
	pthread_detach(start_pthread(sleep_as_a_pthread, NULL));
	alarm(40); /* about 2 s are promised */
	check(vcore_run(NULL, await_what_never_comes, NULL, NULL) == -EDEADLK);
}

Test(runtime, a_deadlock_is_found_after_the_last_pthread_has_ended)
{
	static struct outcome outcome;

	run_child(&outcome, wait_for_a_pthread_that_ends);
	cr_assert(exited_with(&outcome, 0), "%s", outcome.text);
}

static void *await_until_a_deadline(void *event)
{
	check(vcore_eventcount_await(event, 0, vcore_after(300 * MILLISECOND)) == -ETIMEDOUT);
	return NULL;
}

static void wait_with_a_deadline(void)
{
	struct vcore_eventcount event = {0};

	check(vcore_run(NULL, await_until_a_deadline, &event, NULL) == 0);
}

Test(runtime, a_wait_with_a_deadline_is_no_deadlock)
{
	static struct outcome outcome;

	run_child(&outcome, wait_with_a_deadline);
	cr_assert(exited_with(&outcome, 0), "%s", outcome.text);
	cr_assert_str_eq(outcome.text, "");
}

static void *own_runtime(void *unused)
{
	(void)unused;
	return vcore_runtime_self();
}

Test(runtime, a_thread_knows_its_runtime_and_a_pthread_has_none)
{
	struct vcore_exit exit;

	runtime_start(NULL);
	cr_assert_null(vcore_runtime_self());
	cr_assert_eq(vcore_thread_join(spawn(own_runtime, NULL), &exit, VCORE_NEVER), 0);
	cr_assert_eq(exit.result, runtime);
	runtime_finish();
}
