/*
 * What include/vcore/inspect.h tells of preemption, one promise to a test.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "ticking.h"

#include <stdio.h>
#include <unistd.h>

/* Two that compute until told to stop, the first as it likes. */
struct two {
	atomic_bool done;
	struct vcore_thread *threads[2];
};

static void start_two(struct two *two, unsigned flags, void *(*entry)(void *))
{
	struct vcore_thread_options options = {.flags = flags};

	atomic_store(&two->done, false);
	two->threads[0] = spawn_with(options, entry, &two->done);
	two->threads[1] = spawn_with(options, occupy, &two->done);
}

static void finish_two(struct two *two)
{
	atomic_store(&two->done, true);
	finish(two->threads[0]);
	finish(two->threads[1]);
}

TestTicking(inspect, a_thread_that_was_put_off_is_runnable_and_kept)
{
	struct vcore_thread_info info;
	struct two two;

	start_two(&two, 0, occupy);
	until((info = info_of(two.threads[0])).kept);
	check(info.state == VCORE_THREAD_RUNNABLE);
	check(!info.let_go);
	check(statistics_now().kept > 0);
	finish_two(&two);
	check(statistics_now().kept == 0);
}

TestTicking(inspect, preemptions_are_counted)
{
	struct vcore_thread_info info;
	struct two two;

	start_two(&two, 0, occupy);
	until((info = info_of(two.threads[0])).preemptions >= 3);
	check(info.hand_overs == 0);
	check(statistics_now().preemptions >= info.preemptions);
	check(statistics_now().ticks >= info.preemptions);
	finish_two(&two);
	check(statistics_now().preemptions_light == 0);
	check(statistics_now().preemptions_fallen == 0);
}

/* Most ticks find them in the library: the next call does what is due, and no tick comes again. */
TestTicking(inspect, threads_that_call_all_the_time_are_interrupted_about_once_a_quantum)
{
	const vcore_instant begin = vcore_now();
	atomic_bool done = false;
	struct vcore_thread *other = spawn(yield_until, &done);
	vcore_instant elapsed;

	while ((elapsed = vcore_now() - begin) < 200 * ticking.quantum) {
		vcore_yield();
	}
	check(statistics_now().ticks <= 20 + 3 * (uint64_t)(elapsed / ticking.quantum));
	atomic_store(&done, true);
	finish(other);
}

static int ends[2];

static void *read_one(void *unused)
{
	char c;

	check(read(ends[0], &c, 1) == 1);
	return unused;
}

TestTicking(inspect, a_thread_that_blocks_is_running_and_let_go)
{
	struct vcore_thread_info info;
	struct two two;

	check(pipe(ends) == 0);
	start_two(&two, 0, read_one);
	until((info = info_of(two.threads[0])).let_go);
	check(info.state == VCORE_THREAD_RUNNING);
	check(!info.kept);
	check(info.hand_overs == 1);
	check(statistics_now().let_go == 1);
	check(statistics_now().hand_overs >= 1);
	check(write(ends[1], "x", 1) == 1);
	finish_two(&two);
	until(statistics_now().let_go == 0);
}

static void *occupy_disabled(void *done)
{
	vcore_preempt_disable();
	occupy(done);
	vcore_preempt_enable();
	return NULL;
}

static struct two refused;

static void *stop_refused(void *unused)
{
	struct vcore_thread_info info;

	do {
		usleep(100);
		info = info_of(refused.threads[0]);
	} while (info.refusals < 3);
	check(info.refusal == VCORE_REFUSAL_DISABLED);
	check(statistics_now().refusals >= info.refusals);
	atomic_store(&refused.done, true);
	return unused;
}

/* A pthread looks: the processor is not to be had. */
TestTicking(inspect, ticks_that_could_do_nothing_are_counted_and_why_is_told)
{
	pthread_t looker;

	start_two(&refused, 0, occupy_disabled);
	looker = start_pthread(stop_refused, NULL);
	finish(refused.threads[0]);
	finish(refused.threads[1]);
	finish_pthread(looker);
}

TestTicking(inspect, a_thread_that_was_never_refused_has_no_reason)
{
	struct vcore_thread *thread = spawn(do_nothing, NULL);

	check(info_of(thread).refusals == 0);
	check(info_of(thread).refusal == VCORE_REFUSAL_NONE);
	finish(thread);
}

TestTicking(inspect, light_preemptions_are_counted)
{
	if (vcore_preempt_obstacle() == NULL) {
		struct two two;

		start_two(&two, VCORE_THREAD_LIGHT, occupy);
		until(statistics_now().preemptions_light > 2);
		check(statistics_now().preemptions >= statistics_now().preemptions_light);
		finish_two(&two);
	}
}

TestTicking(inspect, kernel_threads_beyond_the_processors_are_counted)
{
	struct two two;

	start_two(&two, 0, occupy);
	until(info_of(two.threads[0]).preemptions > 0);
	check(statistics_now().spares > 0);
	check(statistics_now().spares_limit == NULL);
	finish_two(&two);
}

static void *stop_when_short(void *done)
{
	until(statistics_now().spares_short > 0);
	check(strcmp(statistics_now().spares_limit, "spares") == 0);
	check(statistics_now().spares <= 2);
	set_flag(done);
	return NULL;
}

/* A pthread looks: only those that were put off take turns, once there are no more. */
static void run_short_of_spares(void)
{
	struct vcore_thread *threads[10];
	atomic_bool done = false;
	pthread_t looker;

	for (int i = 0; i < 10; i++) {
		threads[i] = spawn(occupy, &done);
	}
	looker = start_pthread(stop_when_short, &done);
	for (int i = 0; i < 10; i++) {
		finish(threads[i]);
	}
	finish_pthread(looker);
}

Test(inspect, that_spares_were_short_is_told_and_why)
{
	struct vcore_runtime_options options = ticking;

	options.spares = 2;
	run_inside_with(&options, run_short_of_spares);
}

TestTicking(inspect, the_quantum_is_told)
{
	check(statistics_now().quantum == MILLISECOND);
	check(statistics_now().unpreemptive == NULL);
}

static void look_at_why(void)
{
	check(statistics_now().quantum == VCORE_QUANTUM_OFF);
	check(strcmp(statistics_now().unpreemptive, "option") == 0);
}

Test(inspect, why_preemption_is_off_is_told)
{
	run_inside_with(&(struct vcore_runtime_options){.quantum = VCORE_QUANTUM_OFF}, look_at_why);
}

/* Nothing is due. */
TestTicking(inspect, a_thread_that_is_alone_has_no_ticks)
{
	uint64_t ticks;

	do { /* again, if one came late that was set while it was not */
		ticks = statistics_now().ticks;
		occupy_for(30000000);
	} while (statistics_now().ticks != ticks);
}

static void dump_kept_and_let_go(void)
{
	struct two two, other;

	check(pipe(ends) == 0);
	start_two(&two, 0, read_one);
	start_two(&other, 0, occupy);
	until(info_of(two.threads[0]).let_go && info_of(other.threads[0]).kept);
	check(vcore_dump(runtime, STDERR_FILENO) == 0);
	check(write(ends[1], "x", 1) == 1);
	finish_two(&two);
	finish_two(&other);
}

static void dump_with_ticks(void)
{
	run_inside_with(&ticking, dump_kept_and_let_go);
}

Test(inspect, the_dump_shows_who_is_kept_and_who_was_let_go)
{
	static struct outcome outcome;

	run_child(&outcome, dump_with_ticks);
	cr_assert(exited_with(&outcome, 0), "%s", outcome.text);
	cr_assert_not_null(strstr(outcome.text, "kept"), "%s", outcome.text);
	cr_assert_not_null(strstr(outcome.text, "let go"), "%s", outcome.text);
}
