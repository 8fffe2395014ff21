/*
 * Locks after fork and at the end of a pthread: what include/vcore/lock.h
 * promises of them, one promise to a test.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "support.h"

#include <sys/wait.h>
#include <unistd.h>

#include <vcore/lock.h>
#include <vcore/rwlock.h>
#include <vcore/ticketlock.h>

static struct outcome outcome;
static struct vcore_lock lock;
static struct vcore_ticketlock ticketlock;

static void *acquire_both(void *unused)
{
	vcore_lock_acquire(&lock);
	vcore_lock_release(&lock);
	vcore_ticketlock_acquire(&ticketlock);
	vcore_ticketlock_release(&ticketlock);
	return unused;
}

static void *own_forever(void *event)
{
	vcore_lock_acquire(&lock);
	vcore_eventcount_await(event, 0, VCORE_NEVER);
	vcore_lock_release(&lock);
	return NULL;
}

/* Who waited in the parent is not there; who waits here is served. */
static void release_in_child(void)
{
	pthread_t other;

	check(vcore_lock_is_held(&lock));
	vcore_lock_release(&lock);
	check(vcore_ticketlock_is_held(&ticketlock));
	vcore_ticketlock_release(&ticketlock);
	vcore_lock_acquire(&lock);
	vcore_ticketlock_acquire(&ticketlock);
	other = start_pthread(acquire_both, NULL);
	usleep(10000);
	vcore_lock_release(&lock);
	vcore_ticketlock_release(&ticketlock);
	finish_pthread(other);
	_exit(42);
}

Test(lock, in_a_child_a_pthread_owns_what_it_owned_and_nobody_waits_for_it)
{
	struct vcore_thread *waits;
	pthread_t waits_too;

	runtime_start(NULL);
	vcore_lock_acquire(&lock);
	vcore_ticketlock_acquire(&ticketlock);
	waits = spawn(acquire_both, NULL);
	until(is_waiting(waits));
	waits_too = start_pthread(acquire_both, NULL);
	usleep(10000);
	run_child(&outcome, release_in_child);
	vcore_lock_release(&lock);
	vcore_ticketlock_release(&ticketlock);
	finish(waits);
	finish_pthread(waits_too);
	runtime_finish();
	cr_assert(exited_with(&outcome, 42), "%s", outcome.text);
}

/* --- reader-writer locks ------------------------------------------------------------------ */

static struct vcore_rwlock rwlock = VCORE_RWLOCK_FAIR;

static void *write_once(void *unused)
{
	vcore_rwlock_acquire_write(&rwlock);
	vcore_rwlock_release_write(&rwlock);
	return unused;
}

static void release_rwlock_in_child(void)
{
	pthread_t other;

	vcore_rwlock_release_read(&rwlock);
	vcore_rwlock_acquire_write(&rwlock);
	other = start_pthread(write_once, NULL);
	usleep(10000);
	vcore_rwlock_release_write(&rwlock);
	finish_pthread(other);
	_exit(42);
}

Test(lock, in_a_child_a_pthread_holds_the_rwlocks_that_it_held_and_nobody_waits_for_them)
{
	pthread_t waits;

	vcore_rwlock_acquire_read(&rwlock);
	waits = start_pthread(write_once, NULL);
	usleep(10000);
	run_child(&outcome, release_rwlock_in_child);
	vcore_rwlock_release_read(&rwlock);
	finish_pthread(waits);
	cr_assert(exited_with(&outcome, 42), "%s", outcome.text);
}

/* --- one who was woken, and is not there ---------------------------------------------------- */

/* It is on the way to the lock, which is the forking pthread's. */
Test(lock, in_a_child_nobody_waits_for_one_who_was_on_the_way, .timeout = 100)
{
	struct vcore_thread *waits;

	runtime_start(&without_ticks);
	for (int i = 0; i < 20; i++) {
		vcore_lock_acquire(&lock);
		vcore_ticketlock_acquire(&ticketlock);
		waits = spawn(acquire_both, NULL);
		until(is_waiting(waits));
		vcore_lock_release(&lock);
		vcore_lock_acquire(&lock);
		run_child(&outcome, release_in_child);
		vcore_lock_release(&lock);
		vcore_ticketlock_release(&ticketlock);
		finish(waits);
		cr_assert(exited_with(&outcome, 42), "%s", outcome.text);
	}
	runtime_finish();
}

/* The first thread of the child's first runtime, as the owner was the parent's. */
static void *ask_for_it(void *unused)
{
	check(!vcore_lock_is_held(&lock));
	check(vcore_lock_acquire_until(&lock, PAST) == -ETIMEDOUT);
	return unused;
}

static void open_in_child(void)
{
	struct vcore_exit exit;

	check(vcore_run(NULL, ask_for_it, NULL, &exit) == 0);
	_exit(exit.how == VCORE_RETURNED ? 42 : 1);
}

Test(lock, in_a_child_no_thread_is_taken_for_an_owner_in_the_parent)
{
	struct vcore_eventcount event = {0};
	struct vcore_thread *owner;

	runtime_start(NULL);
	owner = spawn(own_forever, &event);
	until(is_waiting(owner));
	run_child(&outcome, open_in_child);
	vcore_eventcount_advance(&event);
	finish(owner);
	runtime_finish();
	cr_assert(exited_with(&outcome, 42), "%s", outcome.text);
}

/* The library's own end comes first: it knew the pthread before the key did. */
static void release_it(void *owned)
{
	vcore_lock_release(owned);
}

static void *leave_it_to_a_destructor(void *key)
{
	vcore_lock_acquire(&lock);
	check(pthread_setspecific(*(pthread_key_t *)key, &lock) == 0);
	return NULL;
}

Test(lock, destructors_of_a_pthread_may_release_what_it_owns)
{
	pthread_key_t key;

	cr_assert(vcore_lock_try_acquire(&lock)); /* so the library makes its key */
	vcore_lock_release(&lock);
	cr_assert_eq(pthread_key_create(&key, release_it), 0);
	finish_pthread(start_pthread(leave_it_to_a_destructor, &key));
	cr_assert_eq(vcore_lock_acquire_until(&lock, PAST), 0);
	vcore_lock_release(&lock);
	cr_assert_eq(pthread_key_delete(key), 0);
}
