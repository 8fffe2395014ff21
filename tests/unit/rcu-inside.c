/*
 * In a read section: what include/vcore/rcu.h forbids there, and what a section
 * puts off, one promise to a test.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "ticking.h"

#include <poll.h>
#include <unistd.h>

#define A_WHILE (20 * MILLISECOND)

/* --- calls that may switch ----------------------------------------------------------------- */

static struct vcore_lock lock;
static struct vcore_ticketlock ticketlock;
static struct vcore_rwlock rwlock;
static struct vcore_semaphore semaphore = VCORE_SEMAPHORE_INITIALIZER(1);
static struct vcore_condition condition;
static struct vcore_barrier barrier = VCORE_BARRIER_INITIALIZER(1);
static struct vcore_eventcount event;

static void do_yield(void)
{
	vcore_yield();
}

static void do_sleep(void)
{
	vcore_sleep(PAST);
}

static void do_await(void)
{
	vcore_eventcount_await(&event, -1, VCORE_NEVER);
}

static void do_lock(void)
{
	vcore_lock_acquire(&lock);
}

static void do_ticketlock(void)
{
	vcore_ticketlock_acquire(&ticketlock);
}

static void do_read(void)
{
	vcore_rwlock_acquire_read(&rwlock);
	vcore_rwlock_acquire_write(&rwlock); /* a pthread's first may not notice */
}

static void do_semaphore(void)
{
	vcore_semaphore_acquire(&semaphore);
}

static void do_condition(void)
{
	check(vcore_lock_try_acquire(&lock));
	vcore_condition_wait(&condition, &lock, VCORE_NEVER);
}

static void do_barrier(void)
{
	vcore_barrier_wait(&barrier, VCORE_NEVER);
}

static void do_poll(void)
{
	vcore_poll(NULL, 0, PAST);
}

static void do_synchronize(void)
{
	vcore_rcu_synchronize(VCORE_NEVER);
}

static void do_rcu_barrier(void)
{
	vcore_rcu_barrier(VCORE_NEVER);
}

static void do_send(void)
{
	struct vcore_buffer *buffer;
	char message = 'm';

	check(vcore_buffer_allocate(&buffer, 1, 1, NULL) == 0);
	vcore_buffer_send(buffer, &message, VCORE_NEVER);
}

static void do_fork(void)
{
	_exit(fork() == 0);
}

static const struct {
	void (*call)(void);
	const char *name;
} calls[] = {
	{do_yield, "vcore_yield"},
	{do_sleep, "vcore_sleep"},
	{do_await, "vcore_eventcount_await"},
	{do_lock, "vcore_lock_acquire"},
	{do_ticketlock, "vcore_ticketlock_acquire"},
	{do_read, "vcore_rwlock_acquire_"},
	{do_semaphore, "vcore_semaphore_acquire"},
	{do_condition, "vcore_condition_wait"},
	{do_barrier, "vcore_barrier_wait"},
	{do_poll, "vcore_poll"},
	{do_synchronize, "vcore_rcu_synchronize"},
	{do_rcu_barrier, "vcore_rcu_barrier"},
	{do_send, "vcore_buffer_send"},
	{do_fork, "fork"},
};

static size_t call;

static void call_inside(void)
{
	check(vcore_rcu_register() == 0); /* for a pthread */
	vcore_rcu_read_lock();
	vcore_rcu_read_unlock();
	vcore_rcu_read_lock();
	calls[call].call();
}

static void call_inside_a_thread(void)
{
	run_inside(1, call_inside);
}

Test(rcu, a_call_that_may_switch_panics_in_a_section)
{
	for (call = 0; call < sizeof calls / sizeof calls[0]; call++) {
		check(panics_with(call_inside_a_thread, calls[call].name));
		check(panics_with(call_inside_a_thread,
				  "the caller is in a read section, where nothing may wait "
				  "(thread 1 \"body\")"));
	}
}

Test(rcu, it_does_so_in_a_pthread)
{
	for (call = 0; call < sizeof calls / sizeof calls[0]; call++) {
		check(panics_with(call_inside, calls[call].name));
		check(panics_with(call_inside, "the caller is in a read section"));
	}
}

/* One that has waited before, and so could acquire a lock at once. */
static void call_inside_later(void)
{
	check(vcore_eventcount_await(&event, 0, vcore_after(MILLISECOND)) == -ETIMEDOUT);
	call_inside();
}

Test(rcu, it_does_so_in_a_pthread_that_has_waited_before)
{
	for (call = 0; call < sizeof calls / sizeof calls[0]; call++) {
		check(panics_with(call_inside_later, "the caller is in a read section"));
	}
}

static void *return_inside(void *unused)
{
	vcore_rcu_read_lock();
	return unused;
}

static void end_inside(void)
{
	finish(spawn(return_inside, NULL));
}

static void end_inside_in_a_runtime(void)
{
	run_inside(1, end_inside);
}

Test(rcu, a_thread_that_ends_in_a_section_panics)
{
	check(panics_with(end_inside_in_a_runtime,
			  "vcore_thread_exit: the thread ends in a read section"));
}

static void yield_inside(void *unused)
{
	(void)unused;
	vcore_rcu_read_lock();
	vcore_yield();
}

static void *run_and_survive(void *unused)
{
	yield_inside(NULL);
	return unused;
}

/* Once, and not again for ending in the section. */
Test(rcu, the_hook_may_end_a_thread_that_waits_in_a_section)
{
	runtime_start(&(struct vcore_runtime_options){.panic = exit_from_the_hook});
	check(fate(spawn(run_and_survive, NULL)) == VCORE_RETURNED);
	check(vcore_rcu_synchronize(vcore_after(30 * SECOND)) == 0);
	runtime_finish();
}

/* --- calls that do not --------------------------------------------------------------------- */

TestEverywhere(rcu, in_a_section_what_does_not_wait_may_be_done)
{
	struct vcore_eventcount count = {0};
	struct vcore_lock free_lock = {0};
	struct vcore_semaphore permits = VCORE_SEMAPHORE_INITIALIZER(1);

	check(vcore_rcu_register() == 0);
	vcore_rcu_read_lock();
	check(vcore_lock_try_acquire(&free_lock));
	vcore_lock_release(&free_lock);
	check(vcore_semaphore_try_acquire(&permits));
	vcore_semaphore_release(&permits, 1);
	vcore_eventcount_advance(&count);
	vcore_preempt_disable();
	vcore_preempt_enable();
	vcore_rcu_read_unlock();
	vcore_yield();
	vcore_rcu_unregister();
}

enum { CROWD = 200 };

static void *await_one(void *argument)
{
	check(vcore_eventcount_await(argument, 0, VCORE_NEVER) == 0);
	return NULL;
}

/* So many that it would let others run in between. */
TestAround(rcu, in_a_section_many_may_be_woken)
{
	struct vcore_eventcount count = {0};
	struct vcore_thread *crowd[CROWD];

	for (int i = 0; i < CROWD; i++) {
		crowd[i] = spawn(await_one, &count);
	}
	for (int i = 0; i < CROWD; i++) {
		until(is_waiting(crowd[i]));
	}
	vcore_rcu_read_lock();
	vcore_eventcount_advance(&count);
	vcore_rcu_read_unlock();
	for (int i = 0; i < CROWD; i++) {
		finish(crowd[i]);
	}
}

/* --- misuse ---------------------------------------------------------------------------------- */

static void unlock_twice(void)
{
	vcore_rcu_read_lock();
	vcore_rcu_read_unlock();
	vcore_rcu_read_unlock();
}

static void unlock_twice_inside(void)
{
	run_inside(1, unlock_twice);
}

Test(rcu, an_unlock_without_a_lock_panics)
{
	check(panics_with(vcore_rcu_read_unlock, "vcore_rcu_read_unlock: the caller is in no"));
	check(panics_with(unlock_twice_inside, "vcore_rcu_read_unlock: the caller is in no"));
}

static void defer_nothing(void)
{
	vcore_rcu_defer(NULL, NULL);
}

Test(rcu, null_panics)
{
	check(panics_with(defer_nothing, "vcore_rcu_defer: head or f is NULL"));
}

static void wait_for_oneself(struct vcore_rcu_head *unused)
{
	(void)unused;
	vcore_rcu_barrier(VCORE_NEVER);
}

static void defer_to_wait_for_oneself(void)
{
	struct vcore_rcu_head head;

	vcore_rcu_defer(&head, wait_for_oneself);
	vcore_rcu_barrier(VCORE_NEVER);
}

Test(rcu, a_deferred_call_that_waits_for_itself_panics)
{
	check(panics_with(defer_to_wait_for_oneself, "vcore_rcu_barrier: a deferred call"));
}

/* --- what a section puts off ------------------------------------------------------------------ */

static struct {
	atomic_bool inside, leave, ran;
} section;

static void *compute_inside(void *unused)
{
	vcore_rcu_read_lock();
	set_flag(&section.inside);
	while (!atomic_load(&section.leave)) {
	}
	vcore_rcu_read_unlock();
	occupy(&section.ran);
	return unused;
}

static void wait_for(atomic_bool *flag)
{
	while (!atomic_load(flag)) {
		usleep(100);
	}
}

/* Nor does the processor run others: only after the section. */
static void let_a_section_last(unsigned flags, void *(*entry)(void *))
{
	struct vcore_thread *threads[2];
	struct vcore_thread_options options = {.flags = flags};

	memset(&section, 0, sizeof section);
	runtime_start(&ticking);
	threads[0] = spawn_with(options, entry, NULL);
	wait_for(&section.inside);
	threads[1] = spawn(do_nothing, NULL);
	while (info_of(threads[0]).refusals < 3) {
		usleep(100);
	}
	check(info_of(threads[0]).refusal == VCORE_REFUSAL_RCU);
	check(info_of(threads[1]).switches == 0);
	set_flag(&section.leave);
	finish(threads[1]); /* though the first computes, and makes no call */
	set_flag(&section.ran);
	finish(threads[0]);
	runtime_finish();
}

Test(rcu, in_a_section_a_thread_is_not_preempted)
{
	let_a_section_last(0, compute_inside);
	if (vcore_preempt_obstacle() == NULL) {
		let_a_section_last(VCORE_THREAD_LIGHT, compute_inside);
	}
}

static void *block_inside(void *unused)
{
	vcore_rcu_read_lock();
	set_flag(&section.inside);
	wait_for(&section.leave);
	vcore_rcu_read_unlock();
	occupy(&section.ran);
	return unused;
}

Test(rcu, a_thread_that_blocks_in_a_section_keeps_its_processor)
{
	let_a_section_last(0, block_inside);
}

static void *read_twice(void *unused)
{
	vcore_rcu_read_lock();
	set_flag(&section.inside);
	wait_for(&section.leave);
	vcore_rcu_read_unlock();
	vcore_rcu_read_lock();
	check(atomic_load(&section.ran));
	vcore_rcu_read_unlock();
	return unused;
}

static void *run_too(void *unused)
{
	set_flag(&section.ran);
	return unused;
}

/* Though no tick finds it between the two. */
Test(rcu, before_the_next_section_others_run_who_were_put_off_by_the_last)
{
	struct vcore_thread *threads[2];

	memset(&section, 0, sizeof section);
	runtime_start(&ticking);
	threads[0] = spawn(read_twice, NULL);
	wait_for(&section.inside);
	threads[1] = spawn(run_too, NULL);
	while (info_of(threads[0]).refusals == 0) {
		usleep(100);
	}
	set_flag(&section.leave);
	finish(threads[0]);
	finish(threads[1]);
	runtime_finish();
}

static atomic_bool survived;

static void *be_destroyed_inside(void *unused)
{
	vcore_rcu_read_lock();
	set_flag(&section.inside);
	while (!atomic_load(&section.leave)) {
		vcore_eventcount_advance(&event);
	}
	set_flag(&survived);
	vcore_rcu_read_unlock();
	vcore_destroy_disable(); /* acts on nothing by itself */
	vcore_destroy_enable();
	check(!"it goes on");
	return unused;
}

static void destroy_inside(unsigned flags)
{
	struct vcore_thread *thread;

	memset(&section, 0, sizeof section);
	survived = false;
	runtime_start(&ticking);
	thread = spawn_with((struct vcore_thread_options){.flags = flags}, be_destroyed_inside,
			    NULL);
	wait_for(&section.inside);
	check(vcore_thread_destroy(thread) == 0);
	usleep(A_WHILE / 1000);
	set_flag(&section.leave);
	check(fate(thread) == VCORE_DESTROYED);
	check(survived);
	runtime_finish();
}

Test(rcu, in_a_section_a_thread_is_not_destroyed)
{
	destroy_inside(0);
	destroy_inside(VCORE_THREAD_DESTROY_ANYWHERE);
}
