/*
 * fork: what include/vcore/runtime.h promises to the child, one promise to a
 * test.  Every child's checks end it with a status of their own.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "support.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

static struct outcome outcome;

/* Of the parent's runtime, for the children to try. */
static struct vcore_thread *lost_thread;
static struct vcore_eventcount lost_event;

static void start_with_a_thread(void)
{
	runtime_start(NULL);
	lost_thread = spawn(await_forever, &lost_event);
	until(is_waiting(lost_thread));
}

static void finish_with_the_thread(void)
{
	vcore_thread_destroy(lost_thread);
	check(fate(lost_thread) == VCORE_DESTROYED);
	runtime_finish();
}

/* As from a pthread. */
static void fork_from_a_pthread(void (*child)(void))
{
	start_with_a_thread();
	run_child(&outcome, child);
	finish_with_the_thread();
}

/* As from a vcore thread; bodies are functions, hence the static. */
static void (*child_of_thread)(void);

static void *fork_in_thread(void *unused)
{
	run_child(&outcome, child_of_thread);
	return unused;
}

static void fork_from_a_thread(void (*child)(void))
{
	struct vcore_thread_options options = {.name = "forker", .stack_size = 1 << 20};

	start_with_a_thread();
	child_of_thread = child;
	finish(spawn_with(options, fork_in_thread, NULL));
	finish_with_the_thread();
}

static void exit_at_once(void)
{
	_exit(42);
}

Test(runtime, the_child_of_a_pthread_may_exit)
{
	fork_from_a_pthread(exit_at_once);
	cr_assert(exited_with(&outcome, 42), "%s", outcome.text);
}

Test(runtime, the_child_of_a_vcore_thread_may_exit)
{
	fork_from_a_thread(exit_at_once);
	cr_assert(exited_with(&outcome, 42), "%s", outcome.text);
}

static void become_another_program(void)
{
	execl("/bin/sh", "sh", "-c", "exit 43", NULL);
}

Test(runtime, the_child_of_a_pthread_may_exec)
{
	fork_from_a_pthread(become_another_program);
	cr_assert(exited_with(&outcome, 43), "%s", outcome.text);
}

Test(runtime, the_child_of_a_vcore_thread_may_exec)
{
	fork_from_a_thread(become_another_program);
	cr_assert(exited_with(&outcome, 43), "%s", outcome.text);
}

static void end_by_a_signal(void)
{
	raise(SIGTERM);
}

Test(runtime, signals_reach_the_child_of_a_vcore_thread)
{
	fork_from_a_thread(end_by_a_signal);
	cr_assert(killed_by(&outcome, SIGTERM), "%s", outcome.text);
}

/* Around each fork, from a pthread that has not waited before. */
static struct vcore_lock around_fork;

static void lock_around_fork(void)
{
	vcore_lock_acquire(&around_fork);
}

static void unlock_around_fork(void)
{
	vcore_lock_release(&around_fork);
}

Test(runtime, handlers_of_the_program_around_fork_may_use_the_library, .timeout = 100)
{
	pthread_atfork(lock_around_fork, unlock_around_fork, unlock_around_fork);
	run_child(&outcome, exit_at_once);
	cr_assert(exited_with(&outcome, 42), "%s", outcome.text);
}

static int no_callback(const struct vcore_thread_info *info, void *argument)
{
	(void)info;
	(void)argument;
	return 0;
}

/* Each call that returns an int and needs the lost processors. */
static void use_the_lost_runtime(void)
{
	struct vcore_thread_options options = {.runtime = runtime};
	struct vcore_statistics statistics = {.size = sizeof(statistics)};

	check(vcore_thread_allocate(NULL, &options, do_nothing, NULL) == -ESHUTDOWN);
	check(vcore_runtime_stop(runtime) == -ESHUTDOWN);
	check(vcore_runtime_close(runtime, VCORE_NEVER) == -ESHUTDOWN);
	check(vcore_inspect_runtime(runtime, &statistics) == -ESHUTDOWN);
	check(vcore_inspect_threads(runtime, no_callback, NULL) == -ESHUTDOWN);
	check(vcore_dump(runtime, STDERR_FILENO) == -ESHUTDOWN);
	check(vcore_thread_join(lost_thread, NULL, VCORE_NEVER) == -ESHUTDOWN);
	check(vcore_thread_destroy_id(runtime, vcore_thread_id(lost_thread)) == -ESHUTDOWN);
	check(vcore_thread_destroy(lost_thread) == -ESHUTDOWN);
}

Test(runtime, in_the_child_of_a_pthread_calls_on_the_lost_runtime_say_so)
{
	fork_from_a_pthread(use_the_lost_runtime);
	cr_assert(exited_with(&outcome, 0), "%s", outcome.text);
}

Test(runtime, in_the_child_of_a_vcore_thread_calls_on_the_lost_runtime_say_so)
{
	fork_from_a_thread(use_the_lost_runtime);
	cr_assert(exited_with(&outcome, 0), "%s", outcome.text);
}

static void serve_the_lost_runtime(void)
{
	check(vcore_runtime_serve(runtime, PAST) == -ESHUTDOWN);
}

Test(runtime, in_the_child_of_a_pthread_the_lost_runtime_cannot_be_served)
{
	fork_from_a_pthread(serve_the_lost_runtime);
	cr_assert(exited_with(&outcome, 0), "%s", outcome.text);
}

static void allocate_as_a_lost_thread(void)
{
	struct vcore_thread *thread;

	check(vcore_thread_allocate(&thread, NULL, do_nothing, NULL) == -ESHUTDOWN);
}

Test(runtime, in_the_child_a_lost_thread_cannot_allocate_in_its_runtime)
{
	fork_from_a_thread(allocate_as_a_lost_thread);
	cr_assert(exited_with(&outcome, 0), "%s", outcome.text);
}

static void exit_as_a_lost_thread(void)
{
	vcore_thread_exit(NULL);
}

Test(runtime, in_the_child_a_lost_thread_that_exits_panics)
{
	fork_from_a_thread(exit_as_a_lost_thread);
	cr_assert(killed_by(&outcome, SIGABRT));
	cr_assert(strstr(outcome.text, "vcore_thread_exit") != NULL, "%s", outcome.text);
}

static void open_a_runtime_of_its_own(void)
{
	struct vcore_exit exit;

	check(vcore_run(NULL, do_nothing, &exit, &exit) == 0);
	check(exit.result == &exit);
}

Test(runtime, the_child_of_a_pthread_may_open_runtimes_of_its_own)
{
	fork_from_a_pthread(open_a_runtime_of_its_own);
	cr_assert(exited_with(&outcome, 0), "%s", outcome.text);
}

Test(runtime, the_child_of_a_vcore_thread_may_open_runtimes_of_its_own)
{
	fork_from_a_thread(open_a_runtime_of_its_own);
	cr_assert(exited_with(&outcome, 0), "%s", outcome.text);
}

static void wait_as_a_pthread(void)
{
	struct vcore_eventcount event = {0};
	vcore_instant deadline = vcore_after(10 * MILLISECOND);

	check(vcore_eventcount_await(&event, 0, deadline) == -ETIMEDOUT);
	check(vcore_now() >= deadline);
	check(vcore_sleep(vcore_after(MILLISECOND)) == 0);
	vcore_yield();
	vcore_eventcount_advance(&event);
	check(vcore_eventcount_await(&event, 0, VCORE_NEVER) == 0);
}

Test(runtime, the_child_of_a_pthread_may_wait)
{
	fork_from_a_pthread(wait_as_a_pthread);
	cr_assert(exited_with(&outcome, 0), "%s", outcome.text);
}

/* Nothing of this needs the lost processors. */
Test(runtime, the_child_of_a_vcore_thread_may_wait)
{
	fork_from_a_thread(wait_as_a_pthread);
	cr_assert(exited_with(&outcome, 0), "%s", outcome.text);
}

static void run_and_fork_again(void)
{
	static struct outcome inner;

	run_child(&inner, open_a_runtime_of_its_own);
	check(exited_with(&inner, 0));
	open_a_runtime_of_its_own();
}

Test(runtime, the_child_may_fork_again)
{
	fork_from_a_pthread(run_and_fork_again);
	cr_assert(exited_with(&outcome, 0), "%s", outcome.text);
}

/* Children made while the processors are in the middle of everything. */
static void *churn(void *stop)
{
	while (!atomic_load((atomic_bool *)stop)) {
		finish(spawn(do_nothing, NULL));
		vcore_sleep(vcore_after(MILLISECOND / 100));
	}
	return NULL;
}

Test(runtime, a_fork_finds_the_library_usable_at_any_moment)
{
	atomic_bool stop = false;
	struct vcore_thread *threads[4];

	runtime_start(&(struct vcore_runtime_options){.processors = 2});
	for (int i = 0; i < 4; i++) {
		threads[i] = spawn(churn, &stop);
	}
	for (int i = 0; i < 40; i++) {
		run_child(&outcome, open_a_runtime_of_its_own);
		cr_assert(exited_with(&outcome, 0), "%s", outcome.text);
	}
	set_flag(&stop);
	for (int i = 0; i < 4; i++) {
		finish(threads[i]);
	}
	runtime_finish();
}
