/*
 * Preemption: what include/vcore/preempt.h promises, one promise to a test.
 * What thread.h and runtime.h promise of it is in preempt-thread.c, what
 * inspect.h tells in preempt-inspect.c.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "ticking.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

TestSuite(preempt, .timeout = 100);

TestTicking(preempt, threads_that_compute_take_turns)
{
	let_two_take_turns(0);
}

/* A thread-local variable of its own, whose address it keeps. */
static _Thread_local int local;

static void *keep_what_is_its_own(void *number)
{
	int *volatile kept = &local; /* on the stack, whatever the compiler keeps */
	int mine = *(int *)number;
	pid_t kernel_thread = thread_id_of_kernel();

	*kept = errno = mine;
	for (int i = 0; i < 10000; i++) {
		check(*kept == mine && errno == mine);
		occupy_for(1000);
	}
	check(thread_id_of_kernel() == kernel_thread);
	return NULL;
}

static void keep_two(unsigned flags)
{
	static int numbers[] = {7, 8};
	struct vcore_thread_options options = {.flags = flags};
	struct vcore_thread *threads[2];

	for (int i = 0; i < 2; i++) {
		threads[i] = spawn_with(options, keep_what_is_its_own, &numbers[i]);
	}
	finish(threads[0]);
	finish(threads[1]);
}

TestTicking(preempt, a_thread_keeps_its_kernel_thread_between_two_calls)
{
	keep_two(0);
}

static int ends[2];

static void *read_one(void *unused)
{
	char c;

	check(read(ends[0], &c, 1) == 1);
	return unused;
}

/* The first blocks in the kernel, the second must run to release it. */
TestTicking(preempt, a_thread_that_blocks_in_the_kernel_lets_others_run)
{
	struct vcore_thread *reader;

	check(pipe(ends) == 0);
	reader = spawn(read_one, NULL);
	vcore_yield();
	check(write(ends[1], "x", 1) == 1);
	finish(reader);
}

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static atomic_bool locked;

static void *lock_and_compute(void *flag)
{
	pthread_mutex_lock(&mutex);
	atomic_store(&locked, true);
	occupy(flag);
	pthread_mutex_unlock(&mutex);
	return NULL;
}

static void *lock_once(void *unused)
{
	while (!atomic_load(&locked)) {
	}
	pthread_mutex_lock(&mutex);
	pthread_mutex_unlock(&mutex);
	return unused;
}

TestTicking(preempt, a_thread_that_waits_for_a_pthread_mutex_lets_its_owner_run)
{
	atomic_bool done = false;
	struct vcore_thread *owner = spawn(lock_and_compute, &done);
	struct vcore_thread *waiter = spawn(lock_once, NULL);

	until(info_of(waiter).let_go);
	atomic_store(&done, true);
	finish(owner);
	finish(waiter);
}

static atomic_int turns_of_other;

static void *count_turns(void *flag)
{
	while (!atomic_load((atomic_bool *)flag)) {
		atomic_fetch_add(&turns_of_other, 1);
	}
	return NULL;
}

/* Until the runtime has refused so many ticks. */
static void compute_through_ticks(void)
{
	uint64_t before = statistics_now().refusals;

	while (statistics_now().refusals < before + 3) {
		occupy_for(100000);
	}
}

TestTicking(preempt, while_preemption_is_disabled_nobody_else_runs)
{
	atomic_bool done = false;
	struct vcore_thread *other;

	vcore_preempt_disable();
	other = spawn(count_turns, &done);
	compute_through_ticks();
	check(turns_of_other == 0);
	vcore_preempt_enable();
	atomic_store(&done, true);
	finish(other);
}

TestTicking(preempt, the_enable_that_evens_lets_others_run_if_a_tick_has_come)
{
	atomic_bool done = false;
	struct vcore_thread *other;

	vcore_preempt_disable();
	vcore_preempt_disable();
	other = spawn(count_turns, &done);
	compute_through_ticks();
	vcore_preempt_enable();
	check(turns_of_other == 0);
	vcore_preempt_enable();
	check(turns_of_other > 0);
	atomic_store(&done, true);
	finish(other);
}

TestTicking(preempt, a_thread_that_waits_with_preemption_disabled_is_switched)
{
	atomic_bool done = false;
	struct vcore_thread *other = spawn(count_turns, &done);

	vcore_preempt_disable();
	vcore_sleep(vcore_after(MILLISECOND));
	check(turns_of_other > 0);
	vcore_preempt_enable();
	atomic_store(&done, true);
	finish(other);
}

static void *write_one(void *unused)
{
	check(write(ends[1], "x", 1) == 1);
	return unused;
}

TestTicking(preempt, a_thread_that_blocks_with_preemption_disabled_is_let_go)
{
	struct vcore_thread *writer;

	check(pipe(ends) == 0);
	vcore_preempt_disable();
	writer = spawn(write_one, NULL);
	read_one(NULL);
	vcore_preempt_enable();
	finish(writer);
}

/* It has been let go, and is back when disable returns. */
static void *read_and_disable(void *unused)
{
	char c;

	check(read(ends[0], &c, 1) == 1);
	vcore_preempt_disable();
	check(!info_of(vcore_thread_self()).let_go);
	vcore_preempt_enable();
	return unused;
}

TestTicking(preempt, a_thread_that_was_let_go_has_a_processor_after_disable)
{
	struct vcore_thread *reader;

	check(pipe(ends) == 0);
	reader = spawn(read_and_disable, NULL);
	until(info_of(reader).let_go);
	check(write(ends[1], "x", 1) == 1);
	finish(reader);
}

TestInside(preempt, an_enable_without_a_disable_panics, .signal = SIGABRT)
{
	vcore_preempt_disable();
	vcore_preempt_enable();
	vcore_preempt_enable();
}

Test(preempt, on_a_pthread_disable_and_enable_have_no_effect)
{
	vcore_preempt_enable();
	vcore_preempt_disable();
}

/* --- the application's own text ------------------------------------------ */

TestEverywhere(preempt, the_program_is_the_applications_own_and_may_be_allowed_again)
{
	check(vcore_preempt_allow((void *)occupy) == 0);
	check(vcore_preempt_allow((void *)occupy) == 0);
}

TestEverywhere(preempt, an_address_in_no_module_is_refused)
{
	int on_the_stack = 0;

	check(vcore_preempt_allow(&on_the_stack) == -EINVAL);
	check(vcore_preempt_forbid(&on_the_stack, NULL) == -EINVAL);
}

Test(preempt, the_c_library_is_refused)
{
	cr_assert_eq(vcore_preempt_allow(dlsym(RTLD_DEFAULT, "getppid")), -ENOTSUP);
}

TestEverywhere(preempt, an_empty_range_is_refused)
{
	static const char code[8];

	check(vcore_preempt_allow_range(code, code) == -EINVAL);
	check(vcore_preempt_allow_range(code + 8, code) == -EINVAL);
	check(vcore_preempt_forbid(code, code) == -EINVAL);
	check(vcore_preempt_forbid(code + 8, code) == -EINVAL);
}

/* In the holes of a reservation, so that no two are neighbours. */
Test(preempt, more_than_256_ranges_are_refused)
{
	enum { MORE = 300, STEP = 64 };
	char *space = mmap(NULL, MORE * STEP, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int allowed = 0, result = 0;

	while (allowed < MORE && result == 0) {
		result = vcore_preempt_allow_range(space + allowed * STEP,
						   space + allowed * STEP + 16);
		allowed += result == 0;
	}
	cr_assert_eq(result, -ENOMEM);
	cr_assert_geq(allowed, 200);
	cr_assert_leq(allowed, 256);
}

TestTicking(preempt, a_thread_in_forbidden_text_is_let_go)
{
	atomic_bool done = false;
	struct vcore_thread *thread, *other;

	check(vcore_preempt_forbid((void *)occupy, NULL) == 0);
	thread = spawn(occupy, &done);
	other = spawn(occupy, &done);
	until(info_of(thread).let_go && info_of(other).let_go);
	check(info_of(thread).preemptions == 0);
	atomic_store(&done, true);
	finish(thread);
	finish(other);
}

TestTicking(preempt, text_that_is_allowed_again_is_preempted)
{
	check(vcore_preempt_forbid((void *)occupy, NULL) == 0);
	check(vcore_preempt_allow((void *)occupy) == 0);
	let_two_take_turns(0);
}

/* --- light --------------------------------------------------------------- */

Test(preempt, a_program_that_is_linked_as_usual_can_have_light_threads)
{
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) && !defined(__clang__)
	cr_assert_null(vcore_preempt_obstacle());
#else
	cr_skip_test("sanitizers may be an obstacle");
#endif
}

TestInside(preempt, where_there_is_an_obstacle_a_light_thread_is_refused)
{
	struct vcore_thread_options options = {.flags = VCORE_THREAD_LIGHT};
	struct vcore_thread *thread;
	int expected = vcore_preempt_obstacle() == NULL ? 0 : -ENOTSUP;

	check(vcore_thread_allocate(&thread, &options, do_nothing, NULL) == expected);
	if (expected == 0) {
		finish(thread);
	}
}

TestTicking(preempt, light_threads_take_turns_on_one_kernel_thread)
{
	if (vcore_preempt_obstacle() == NULL) {
		let_two_take_turns(VCORE_THREAD_LIGHT);
		check(statistics_now().preemptions_light > 0);
	}
}

/* The address of errno, in a register. */
TestTicking(preempt, a_light_thread_that_keeps_an_address_is_put_off)
{
	if (vcore_preempt_obstacle() == NULL) {
		/* Where the machine stands still, no tick need find them running. */
		until((keep_two(VCORE_THREAD_LIGHT), statistics_now().preemptions_fallen > 0));
	}
}
