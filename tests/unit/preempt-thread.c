/*
 * Preemption: what include/vcore/thread.h and runtime.h promise of it, one
 * promise to a test.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "ticking.h"

#include <link.h>
#include <stdlib.h>
#include <unistd.h>

static void *compute_forever(void *unused)
{
	for (;;) {
		occupy_for(1000);
	}
	return unused;
}

TestTicking(thread, destroy_anywhere_ends_an_endless_loop)
{
	struct vcore_thread_options options = {.flags = VCORE_THREAD_DESTROY_ANYWHERE};
	struct vcore_thread *thread = spawn_with(options, compute_forever, NULL);

	vcore_sleep(vcore_after(5 * MILLISECOND));
	vcore_thread_destroy(thread);
	check(fate(thread) == VCORE_DESTROYED);
}

static void *compute_with_a_cleanup(void *flag)
{
	struct vcore_cleanup cleanup;

	vcore_cleanup_push(&cleanup, set_flag, flag);
	compute_forever(NULL);
	return NULL;
}

TestTicking(thread, destroy_anywhere_runs_cleanups)
{
	struct vcore_thread_options options = {.flags = VCORE_THREAD_DESTROY_ANYWHERE};
	atomic_bool cleaned = false;
	struct vcore_thread *thread = spawn_with(options, compute_with_a_cleanup, &cleaned);

	vcore_sleep(vcore_after(5 * MILLISECOND));
	vcore_thread_destroy(thread);
	check(fate(thread) == VCORE_DESTROYED);
	check(cleaned);
}

static void *stay_enabled(void *flag)
{
	vcore_destroy_disable();
	occupy(flag);
	vcore_destroy_enable();
	return flag;
}

TestTicking(thread, destroy_anywhere_does_not_act_while_destruction_is_disabled)
{
	struct vcore_thread_options options = {.flags = VCORE_THREAD_DESTROY_ANYWHERE};
	atomic_bool done = false;
	struct vcore_thread *thread = spawn_with(options, stay_enabled, &done);

	vcore_sleep(vcore_after(5 * MILLISECOND));
	vcore_thread_destroy(thread);
	check(vcore_thread_join(thread, NULL, vcore_after(20 * MILLISECOND)) == -ETIMEDOUT);
	atomic_store(&done, true);
	check(fate(thread) == VCORE_DESTROYED);
}

TestTicking(thread, without_anywhere_a_thread_computes_on)
{
	atomic_bool done = false;
	struct vcore_thread *thread = spawn(occupy, &done);

	vcore_sleep(vcore_after(5 * MILLISECOND));
	vcore_thread_destroy(thread);
	check(vcore_thread_join(thread, NULL, vcore_after(20 * MILLISECOND)) == -ETIMEDOUT);
	atomic_store(&done, true);
	fate(thread);
}

TestTicking(thread, a_thread_of_higher_priority_gets_the_processor_of_one_that_computes)
{
	atomic_bool done = false;
	struct vcore_thread *low =
		spawn_with((struct vcore_thread_options){.priority = -1}, occupy, &done);

	vcore_sleep(vcore_after(5 * MILLISECOND));
	atomic_store(&done, true);
	finish(low);
}

static void *run_once(void *flag)
{
	set_flag(flag);
	return NULL;
}

TestTicking(thread, one_of_lower_priority_has_a_turn_though_one_above_computes_on)
{
	atomic_bool done = false;
	struct vcore_thread_options above = {.priority = 1}, below = {.priority = -1};
	struct vcore_thread *computes = spawn_with(above, occupy, &done);
	struct vcore_thread *ends = spawn_with(below, run_once, &done);

	finish(ends);
	finish(computes);
}

/* In a callback of the loader's, which has its lock. */
static int occupy_the_loader(struct dl_phdr_info *module, size_t size, void *flags)
{
	(void)module;
	(void)size;
	atomic_store(&((atomic_bool *)flags)[0], true);
	occupy(&((atomic_bool *)flags)[1]);
	return 1;
}

static void *look_at_modules(void *flags)
{
	(void)dl_iterate_phdr(occupy_the_loader, flags);
	return NULL;
}

static void *release_later(void *flag)
{
	vcore_sleep(vcore_after(20 * MILLISECOND));
	set_flag(flag);
	return NULL;
}

TestTicking(runtime, one_may_be_opened_while_the_holder_of_the_loaders_lock_is_put_off)
{
	atomic_bool flags[2] = {false, false};
	struct vcore_thread *holder = spawn(look_at_modules, flags);
	struct vcore_thread *releaser;
	struct vcore_runtime *other;

	while (!atomic_load(&flags[0])) {
	}
	releaser = spawn(release_later, &flags[1]);
	check(vcore_runtime_open(&other, NULL) == 0);
	check(vcore_runtime_close(other, VCORE_NEVER) == 0);
	finish(holder);
	finish(releaser);
}

static void compute_without_ticks(void)
{
	atomic_bool ran = false;
	struct vcore_thread *other = spawn(run_once, &ran);

	occupy_for(50000000);
	check(!ran);
	finish(other);
	check(ran);
	check(statistics_now().preemptions == 0 && statistics_now().hand_overs == 0);
}

/* The one spare that there is is not for threads that have not begun. */
static void compute_and_call(void)
{
	static struct vcore_lock lock;
	static atomic_bool over;
	struct vcore_thread *other =
		spawn_with((struct vcore_thread_options){.name = "other"}, yield_until, &over);
	unsigned calls = 0;

	while (info_of(other).switches == 0) {
		occupy_for(1000000);
		vcore_lock_acquire(&lock);
		vcore_lock_release(&lock);
		calls++;
	}
	check(calls < 100); /* a few, unless what is due is forgotten after each tick */
	set_flag(&over);
	finish(other);
}

Test(thread, what_a_tick_cannot_do_for_want_of_spares_the_next_call_does)
{
	struct vcore_runtime_options options = ticking;

	options.processors = 1;
	options.spares = 1;
	run_inside_with(&options, compute_and_call);
}

Test(runtime, with_the_quantum_off_nobody_is_preempted)
{
	run_inside_with(
		&(struct vcore_runtime_options){.processors = 1, .quantum = VCORE_QUANTUM_OFF},
		compute_without_ticks);
}

Test(runtime, the_quantum_is_10_milliseconds_or_that_of_the_environment)
{
	unsetenv("VCORE_QUANTUM");
	runtime_start(NULL);
	cr_assert_eq(statistics_now().quantum, 10 * MILLISECOND);
	runtime_finish();
	setenv("VCORE_QUANTUM", "500", 1);
	runtime_start(NULL);
	cr_assert_eq(statistics_now().quantum, 500000);
	runtime_finish();
	setenv("VCORE_QUANTUM", "off", 1);
	runtime_start(NULL);
	cr_assert_eq(statistics_now().quantum, VCORE_QUANTUM_OFF);
	runtime_finish();
}

static struct sigaction alarm_now(void)
{
	struct sigaction action;

	check(sigaction(SIGALRM, NULL, &action) == 0);
	return action;
}

static atomic_int alarms;

static void count_alarms(int number)
{
	(void)number;
	atomic_fetch_add(&alarms, 1);
}

Test(runtime, close_restores_what_the_program_had_for_sigalrm)
{
	signal(SIGALRM, count_alarms);
	runtime_start(NULL);
	runtime_finish();
	cr_assert_eq(alarm_now().sa_handler, count_alarms);
}

Test(runtime, sigalrms_that_are_no_ticks_go_to_the_programs_handler)
{
	signal(SIGALRM, count_alarms);
	runtime_start(NULL);
	raise(SIGALRM);
	cr_assert_eq(alarms, 1);
	runtime_finish();
}
