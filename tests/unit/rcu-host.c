/*
 * Read-copy update for pthreads, servers, and after fork: what
 * include/vcore/rcu.h promises them, one promise to a test.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "support.h"

#include <unistd.h>

#define A_WHILE (20 * MILLISECOND)

static bool is_held_up(void)
{
	return vcore_rcu_synchronize(vcore_after(A_WHILE)) == -ETIMEDOUT;
}

static bool ends_soon(void)
{
	return vcore_rcu_synchronize(vcore_after(30 * SECOND)) == 0;
}

/* --- pthreads ------------------------------------------------------------------------------- */

static atomic_bool inside, leave;

static void *read_until_told(void *unused)
{
	check(vcore_rcu_register() == 0);
	check(vcore_rcu_register() == 0); /* once more does no harm */
	vcore_rcu_read_lock();
	set_flag(&inside);
	while (!atomic_load(&leave)) {
	}
	vcore_rcu_read_unlock();
	return unused;
}

Test(rcu, a_section_of_a_pthread_holds_a_grace_period_up)
{
	pthread_t reader = start_pthread(read_until_told, NULL);

	until(atomic_load(&inside));
	check(is_held_up());
	set_flag(&leave);
	check(ends_soon());
	finish_pthread(reader);
}

static void *read_and_compute(void *unused)
{
	check(vcore_rcu_register() == 0);
	vcore_rcu_read_lock();
	vcore_rcu_read_unlock();
	set_flag(&inside);
	(void)occupy(&leave);
	return unused;
}

Test(rcu, a_pthread_between_two_sections_holds_nothing_up)
{
	pthread_t reader = start_pthread(read_and_compute, NULL);

	until(atomic_load(&inside));
	check(ends_soon());
	set_flag(&leave);
	finish_pthread(reader);
}

static void *read_and_end(void *unused)
{
	check(vcore_rcu_register() == 0);
	vcore_rcu_read_lock();
	vcore_rcu_read_unlock();
	return unused;
}

/* What liburcu knows of it lies in memory that the next one may get. */
Test(rcu, a_pthread_that_ends_is_unregistered)
{
	for (int i = 0; i < 20; i++) {
		finish_pthread(start_pthread(read_and_end, NULL));
		check(ends_soon());
	}
}

static void read_unregistered(void)
{
	vcore_rcu_read_lock();
}

static void read_unregistered_again(void)
{
	check(vcore_rcu_register() == 0);
	vcore_rcu_unregister();
	vcore_rcu_unregister();
	vcore_rcu_read_lock();
}

Test(rcu, a_section_of_a_pthread_that_is_not_registered_panics)
{
	check(panics_with(read_unregistered, "has not called vcore_rcu_register"));
	check(panics_with(read_unregistered_again, "has not called vcore_rcu_register"));
}

static void unregister_inside(void)
{
	check(vcore_rcu_register() == 0);
	vcore_rcu_read_lock();
	vcore_rcu_unregister();
}

static void *return_inside(void *unused)
{
	check(vcore_rcu_register() == 0);
	vcore_rcu_read_lock();
	return unused;
}

static void end_inside(void)
{
	finish_pthread(start_pthread(return_inside, NULL));
}

Test(rcu, a_pthread_must_not_leave_in_a_section)
{
	check(panics_with(unregister_inside, "vcore_rcu_unregister: the caller is in a read"));
	check(panics_with(end_inside, "pthread_exit: the pthread ends in a read section"));
}

/* --- servers ---------------------------------------------------------------------------------- */

static void *read_a_little(void *unused)
{
	for (int i = 0; i < 10; i++) {
		vcore_rcu_read_lock();
		vcore_rcu_read_unlock();
		vcore_yield();
	}
	return unused;
}

static void serve_a_reader(void)
{
	struct vcore_thread_options options = {.flags = VCORE_THREAD_PINNED, .processor = 1};
	struct vcore_thread *thread;

	runtime_start(&(struct vcore_runtime_options){
		.processors = 1, .servers = 1, .quantum = VCORE_QUANTUM_OFF});
	thread = spawn_with(options, read_a_little, NULL);
	do {
		(void)vcore_runtime_serve(runtime, PAST);
		check(ends_soon()); /* whatever the thread has read in its turn */
	} while (vcore_thread_join(thread, NULL, PAST) == -ETIMEDOUT);
	runtime_finish();
}

Test(rcu, a_server_that_has_gone_home_holds_nothing_up)
{
	serve_a_reader();
}

static void *find_it_held_up(void *unused)
{
	check(is_held_up());
	return unused;
}

/* The service takes nothing from it. */
Test(rcu, a_registered_pthread_may_serve_and_stays_registered)
{
	check(vcore_rcu_register() == 0);
	serve_a_reader();
	vcore_rcu_read_lock();
	finish_pthread(start_pthread(find_it_held_up, NULL));
	vcore_rcu_read_unlock();
	check(ends_soon());
}

static void serve_inside(void)
{
	runtime_start(&(struct vcore_runtime_options){.processors = 1, .servers = 1});
	check(vcore_rcu_register() == 0);
	vcore_rcu_read_lock();
	(void)vcore_runtime_serve(runtime, PAST);
}

Test(rcu, serving_in_a_section_panics)
{
	check(panics_with(serve_inside, "vcore_runtime_serve: the caller is in a read section"));
}

/* --- fork ----------------------------------------------------------------------------- */

static atomic_int made;

static void count(struct vcore_rcu_head *head)
{
	(void)head;
	atomic_fetch_add(&made, 1);
}

static struct vcore_rcu_head heads[3];

static void *use_it_all(void *unused)
{
	check(vcore_rcu_register() == 0);
	vcore_rcu_read_lock();
	vcore_rcu_read_unlock();
	check(vcore_rcu_defer(&heads[2], count) == 0);
	check(vcore_rcu_synchronize(VCORE_NEVER) == 0);
	check(vcore_rcu_barrier(VCORE_NEVER) == 0);
	return unused;
}

static void use_it_all_in_child(void)
{
	alarm(20);
	use_it_all(NULL);
	check(vcore_run(NULL, use_it_all, NULL, NULL) == 0);
	check(ends_soon());
	_exit(42);
}

static struct outcome outcome;

/* The section of a pthread that does not exist in the child holds up nothing there. */
Test(rcu, a_child_may_use_it_all)
{
	pthread_t reader;

	use_it_all(NULL);
	reader = start_pthread(read_until_told, NULL);
	until(atomic_load(&inside));
	run_child(&outcome, use_it_all_in_child);
	cr_assert(exited_with(&outcome, 42), "%s", outcome.text);
	set_flag(&leave);
	finish_pthread(reader);
	check(ends_soon());
}

static void fork_inside(void)
{
	use_it_all(NULL);
	run_child(&outcome, use_it_all_in_child);
	check(exited_with(&outcome, 42));
	use_it_all(NULL);
}

Test(rcu, a_child_of_a_thread_may_use_it_all)
{
	run_inside(1, fork_inside);
	run_inside(2, fork_inside);
}

static void fork_once(struct vcore_rcu_head *unused)
{
	(void)unused;
	set_flag(&inside);
	until(atomic_load(&leave));
}

static void use_it_in_child(void)
{
	alarm(20);
	check(atomic_load(&made) == 0);
	use_it_all(NULL);
	check(atomic_load(&made) == 2); /* that before the fork, and its own */
	_exit(42);
}

/* One is under way, and is the parent's; the next waits behind it. */
Test(rcu, calls_that_were_not_begun_are_made_in_the_child_too)
{
	check(vcore_rcu_defer(&heads[0], fork_once) == 0);
	until(atomic_load(&inside));
	check(vcore_rcu_defer(&heads[1], count) == 0);
	run_child(&outcome, use_it_in_child);
	cr_assert(exited_with(&outcome, 42), "%s", outcome.text);
	set_flag(&leave);
	check(vcore_rcu_barrier(VCORE_NEVER) == 0);
	check(atomic_load(&made) == 1);
}
