/*
 * The panics of locks and ticketlocks: what include/vcore/lock.h promises, one
 * promise to a test; see mutex.h.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "mutex.h"

static struct mutex subject;
static int number;

static void call_without_one(void)
{
	switch (number) {
	case 0:
		mutex_acquire(NULL);
		break;
	case 1:
		mutex_acquire_until(NULL, PAST);
		break;
	case 2:
		mutex_try_acquire(NULL);
		break;
	case 3:
		mutex_release(NULL);
		break;
	case 4:
		mutex_recovered(NULL);
		break;
	default:
		mutex_is_held(NULL);
		break;
	}
}

TestMutex(Test, null_panics)
{
	for (number = 0; number < 6; number++) {
		check(panics_with(call_without_one, "lock is NULL"));
	}
}

static void release_free(void)
{
	mutex_release(&subject);
}

static void recover_free(void)
{
	mutex_recovered(&subject);
}

TestMutex(Test, release_and_recovered_of_a_free_one_panic)
{
	check(panics_with(release_free, "the caller does not own the lock: nobody does"));
	check(panics_with(recover_free, "the caller does not own the lock: nobody does"));
}

static void release_what_olga_owns(void)
{
	struct holder holder = {.lock = &subject};

	spawn_with((struct vcore_thread_options){.name = "olga"}, hold, &holder);
	until(atomic_load(&holder.holds));
	mutex_release(&subject);
}

static void release_what_olga_owns_inside(void)
{
	run_inside(2, release_what_olga_owns);
}

TestMutex(Test, the_panic_of_a_release_by_another_names_both)
{
	check(panics_with(release_what_olga_owns_inside,
			  "_release: the caller does not own the lock: thread 2 \"olga\" does "
			  "(thread 1 \"body\")"));
}

/* The pthread that opens the runtime is none of its threads. */
static void release_what_olga_owns_outside(void)
{
	runtime_start(NULL);
	release_what_olga_owns();
}

TestMutex(Test, the_panic_of_a_release_by_a_pthread_names_the_owner)
{
	check(panics_with(release_what_olga_owns_outside,
			  "thread 1 \"olga\" does (a plain pthread)"));
}

static void release_what_a_pthread_owns(void)
{
	struct holder holder = {.lock = &subject};

	start_pthread(hold, &holder);
	until(atomic_load(&holder.holds));
	mutex_release(&subject);
}

static void release_what_a_pthread_owns_inside(void)
{
	run_inside(1, release_what_a_pthread_owns);
}

TestMutex(Test, release_of_what_a_pthread_owns_panics)
{
	check(panics_with(release_what_a_pthread_owns, "a pthread does (a plain pthread)"));
	check(panics_with(release_what_a_pthread_owns_inside,
			  "a pthread does (thread 1 \"body\")"));
}

static void acquire_twice(void)
{
	mutex_acquire(&subject);
	mutex_acquire(&subject);
}

static void acquire_twice_with_a_deadline(void)
{
	mutex_acquire(&subject);
	mutex_acquire_until(&subject, PAST);
}

static void acquire_twice_inside(void)
{
	run_inside(1, acquire_twice);
}

TestMutex(Test, acquiring_ones_own_panics)
{
	check(panics_with(acquire_twice, "the caller owns the lock already"));
	check(panics_with(acquire_twice_with_a_deadline, "the caller owns the lock already"));
	check(panics_with(acquire_twice_inside,
			  "the caller owns the lock already (thread 1 \"body\")"));
}

/* --- the forms that cannot tell --------------------------------------------------------- */

static void acquire_dead(void)
{
	leave_dead(&subject);
	mutex_acquire(&subject);
}

static void try_acquire_dead(void)
{
	leave_dead(&subject);
	mutex_try_acquire(&subject);
}

static void acquire_lost(void)
{
	leave_lost(&subject);
	mutex_acquire(&subject);
}

static void try_acquire_lost(void)
{
	leave_lost(&subject);
	mutex_try_acquire(&subject);
}

static void *acquire_plainly(void *lock)
{
	mutex_acquire(lock);
	return NULL;
}

static void wait_for_one_who_dies(void)
{
	struct vcore_thread *waiter;
	struct holder mortal;

	mortal_start(&mortal, &subject);
	waiter = spawn(acquire_plainly, &subject);
	until(is_waiting_for(waiter, MUTEX_WAIT));
	holder_finish(&mortal);
	fate(waiter);
}

static void wait_for_one_who_dies_inside(void)
{
	run_inside(2, wait_for_one_who_dies);
}

TestMutex(Test, acquire_panics_if_the_owner_ended)
{
	check(panics_with(acquire_dead, "has ended without releasing it"));
	check(panics_with(wait_for_one_who_dies_inside, "has ended without releasing it"));
}

TestMutex(Test, try_acquire_panics_if_the_owner_ended)
{
	check(panics_with(try_acquire_dead, "has ended without releasing it"));
}

TestMutex(Test, acquire_panics_if_it_was_not_recovered)
{
	check(panics_with(acquire_lost, "was not recovered"));
}

TestMutex(Test, try_acquire_panics_if_it_was_not_recovered)
{
	check(panics_with(try_acquire_lost, "was not recovered"));
}

static void *try_acquire_plainly(void *lock)
{
	mutex_try_acquire(lock);
	return NULL;
}

static void *acquire_twice_plainly(void *lock)
{
	mutex_acquire(lock);
	mutex_acquire(lock);
	return NULL;
}

static void end_in_the_hook(void)
{
	struct mutex lock = {0};

	leave_dead(&lock);
	finish(spawn(acquire_plainly, &lock));
	check_is_dead(&lock);
	leave_dead(&lock);
	finish(spawn(try_acquire_plainly, &lock));
	check_is_dead(&lock);
	finish(spawn(acquire_twice_plainly, &lock));
	check_is_dead(&lock);
	leave_lost(&lock);
	finish(spawn(acquire_plainly, &lock));
	finish(spawn(try_acquire_plainly, &lock));
	check(mutex_acquire_until(&lock, PAST) == -ENOTRECOVERABLE);
}

TestMutex(Test, a_thread_that_a_hook_ends_in_its_panic_leaves_its_own_dead)
{
	run_inside_with(&(struct vcore_runtime_options){.panic = exit_from_the_hook},
			end_in_the_hook);
}

/* --- destroyed -------------------------------------------------------------------------- */

static void try_acquire(void *lock)
{
	mutex_try_acquire(lock);
}

TestMutex(Test, who_has_been_asked_to_end_ends_where_others_panic)
{
	struct mutex lock = {0};

	leave_dead(&lock);
	check(!survives(try_acquire, &lock));
	check_is_dead(&lock);
	leave_lost(&lock);
	check(!survives(try_acquire, &lock));
	check(mutex_acquire_until(&lock, PAST) == -ENOTRECOVERABLE);
}
