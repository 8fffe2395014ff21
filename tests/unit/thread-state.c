/*
 * What belongs to a thread wherever it runs: errno, the floating-point
 * control words, its processor.  What include/vcore/thread.h promises, one
 * promise to a test.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "support.h"

#include <fenv.h>
#include <unistd.h>

enum { THREADS = 8, TURNS = 100 };

static void *keep_errno(void *argument)
{
	int mine = *(int *)argument;

	check(read_errno() == 0);
	write_errno(mine);
	for (int i = 0; i < TURNS; i++) {
		if (i % 10 == 0) {
			vcore_sleep(vcore_after(MILLISECOND / 10));
		}
		vcore_yield();
		check(read_errno() == mine);
	}
	return NULL;
}

TestAround(thread, errno_stays_with_the_thread)
{
	struct vcore_thread *threads[THREADS];
	int values[THREADS];

	for (int i = 0; i < THREADS; i++) {
		values[i] = 1000 + i;
		threads[i] = spawn(keep_errno, &values[i]);
	}
	for (int i = 0; i < THREADS; i++) {
		finish(threads[i]);
	}
}

/*
 * A thread that is moved: it yields on one processor, which then stays busy,
 * until the other has taken it.
 */
static void *keep_errno_until_moved(void *flag)
{
	pid_t before = thread_id_of_kernel();

	write_errno(4321);
	until(thread_id_of_kernel() != before);
	check(read_errno() == 4321);
	set_flag(flag);
	return NULL;
}

/* Whichever processor runs the mover gets a thread that stays. */
static void move_with_errno(void)
{
	struct vcore_thread_options pinned = {.flags = VCORE_THREAD_PINNED};
	atomic_bool moved = false;
	struct vcore_thread *mover = spawn(keep_errno_until_moved, &moved);

	while (!atomic_load(&moved)) {
		atomic_bool done = false;
		struct vcore_thread *busy = spawn_with(pinned, occupy, &done);

		vcore_sleep(vcore_after(2 * MILLISECOND));
		set_flag(&done);
		finish(busy);
		pinned.processor = (pinned.processor + 1) % 3;
	}
	finish(mover);
}

Test(thread, errno_moves_with_the_thread_to_another_kernel_thread)
{
	run_inside(3, move_with_errno);
}

static void *round_upward(void *unused)
{
	(void)unused;
	fesetround(FE_UPWARD);
	for (int i = 0; i < TURNS; i++) {
		vcore_yield();
		check(fegetround() == FE_UPWARD);
	}
	return NULL;
}

static void *round_to_nearest(void *unused)
{
	(void)unused;
	for (int i = 0; i < TURNS; i++) {
		check(fegetround() == FE_TONEAREST);
		vcore_yield();
	}
	return NULL;
}

static void *round_downward(void *unused)
{
	(void)unused;
	fesetround(FE_DOWNWARD);
	for (int i = 0; i < TURNS; i++) {
		vcore_yield();
		check(fegetround() == FE_DOWNWARD);
	}
	return NULL;
}

TestAround(thread, rounding_travels_with_threads_that_ask_for_it)
{
	struct vcore_thread_options options = {.flags = VCORE_THREAD_FPENV};
	struct vcore_thread *threads[3];

	threads[0] = spawn_with(options, round_upward, NULL);
	threads[1] = spawn_with(options, round_to_nearest, NULL);
	threads[2] = spawn_with(options, round_downward, NULL);
	for (int i = 0; i < 3; i++) {
		finish(threads[i]);
	}
}

TestInside(thread, rounding_of_a_thread_that_asks_for_it_stays_away_from_others)
{
	struct vcore_thread_options options = {.flags = VCORE_THREAD_FPENV};
	struct vcore_thread *own = spawn_with(options, round_upward, NULL);
	struct vcore_thread *plain = spawn(round_to_nearest, NULL);

	finish(plain);
	finish(own);
	check(fegetround() == FE_TONEAREST);
}

/* A division that is not exact traps where exceptions are not masked. */
static void *divide_downward(void *unused)
{
	volatile double one = 1, three = 3;

	check(fegetround() == FE_TONEAREST);
	check(one / three > 0.3 && one / three < 0.4);
	fesetround(FE_DOWNWARD);
	return unused;
}

/* The second has the stack, and what is left there, of the first. */
TestInside(thread, one_that_asks_for_it_begins_with_the_runtimes_rounding_and_traps)
{
	struct vcore_thread_options options = {.flags = VCORE_THREAD_FPENV};

	finish(spawn_with(options, divide_downward, NULL));
	finish(spawn_with(options, divide_downward, NULL));
}

struct pinned {
	unsigned processor;
	pid_t kernel_thread;
};

static void *stay(void *argument)
{
	struct pinned *pinned = argument;

	pinned->kernel_thread = thread_id_of_kernel();
	for (int i = 0; i < TURNS; i++) {
		struct vcore_thread_info info;

		check(look_at(vcore_thread_id(vcore_thread_self()), &info));
		check(info.processor == pinned->processor);
		check(thread_id_of_kernel() == pinned->kernel_thread);
		if (i % 10 == 0) {
			vcore_sleep(vcore_after(MILLISECOND / 10));
		}
		vcore_yield();
	}
	return NULL;
}

static void pin_to(unsigned processors)
{
	struct vcore_thread *threads[2 * 5];
	struct pinned pinned[2 * 5];

	for (unsigned i = 0; i < 2 * processors; i++) {
		struct vcore_thread_options options = {
			.flags = VCORE_THREAD_PINNED,
			.processor = i % processors,
		};

		pinned[i].processor = i % processors;
		threads[i] = spawn_with(options, stay, &pinned[i]);
	}
	for (unsigned i = 0; i < 2 * processors; i++) {
		finish(threads[i]);
	}
	for (unsigned i = 0; i < processors; i++) {
		check(pinned[i].kernel_thread == pinned[i + processors].kernel_thread);
		check(i == 0 || pinned[i].kernel_thread != pinned[i - 1].kernel_thread);
	}
}

/* Without ticks, which may leave it to another kernel thread. */
Test(thread, a_pinned_thread_runs_on_its_processor_only)
{
	runtime_start(&(struct vcore_runtime_options){
		.processors = 3,
		.quantum = VCORE_QUANTUM_OFF,
	});
	pin_to(3);
	runtime_finish();
}

static void *processor_of_self(void *unused)
{
	struct vcore_thread_info info;

	(void)unused;
	check(look_at(vcore_thread_id(vcore_thread_self()), &info));
	return (void *)(uintptr_t)info.processor;
}

static void pin_beside_a_busy_one(void)
{
	struct vcore_thread_options options = {.flags = VCORE_THREAD_PINNED, .processor = 1};
	struct vcore_thread *thread = spawn_with(options, processor_of_self, NULL);

	/* This processor waits; but it must not take what is pinned. */
	check(finish(thread) == (void *)1);
}

Test(thread, a_pinned_thread_is_not_stolen)
{
	for (int i = 0; i < 200; i++) {
		run_inside(2, pin_beside_a_busy_one);
	}
}
