/*
 * Locks and ticketlocks whose waiters are destroyed, of which there are many, and
 * that are freed: what include/vcore/lock.h promises, one promise to a test; see
 * mutex.h.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "mutex.h"
#include "pages.h"

/* --- destroy ---------------------------------------------------------------------------- */

TestMutex(TestAround, a_destroyed_waiter_ends_where_it_waits)
{
	struct mutex lock = {0};
	struct contender contender = {.lock = &lock, .deadline = VCORE_NEVER};

	mutex_acquire(&lock);
	contender_start(&contender);
	destroy(contender.peer.thread);
	check(mutex_is_held(&lock));
	mutex_release(&lock);
	check(mutex_try_acquire(&lock));
	mutex_release(&lock);
}

TestMutex(TestAround, a_destroyed_waiter_takes_no_release_from_others)
{
	struct mutex lock = {0};
	struct contender contenders[3];

	mutex_acquire(&lock);
	contenders_start(contenders, 3, &lock, NULL);
	vcore_thread_destroy(contenders[0].peer.thread);
	vcore_thread_destroy(contenders[1].peer.thread);
	mutex_release(&lock);
	check(contender_finish(&contenders[2]) == 0);
	check(fate(contenders[0].peer.thread) == VCORE_DESTROYED);
	check(fate(contenders[1].peer.thread) == VCORE_DESTROYED);
}

static void *acquire_undestroyably(void *lock)
{
	vcore_destroy_disable();
	mutex_acquire(lock);
	mutex_release(lock);
	vcore_destroy_enable();
	return NULL;
}

TestMutex(TestAround, a_wait_with_destroy_disabled_is_waited_to_its_end)
{
	struct mutex lock = {0};
	struct vcore_thread *thread;

	mutex_acquire(&lock);
	thread = spawn(acquire_undestroyably, &lock);
	until(is_waiting_for(thread, MUTEX_WAIT));
	vcore_thread_destroy(thread);
	check(is_waiting_for(thread, MUTEX_WAIT));
	mutex_release(&lock);
	check(fate(thread) == VCORE_DESTROYED);
	check(mutex_acquire_until(&lock, VCORE_NEVER) == 0);
	mutex_release(&lock);
}

static void acquire(void *lock)
{
	mutex_acquire(lock);
}

TestMutex(Test, acquire_acts_on_destroy_before_it_owns_it)
{
	struct mutex lock = {0};

	check(!survives(acquire, &lock));
	check(mutex_acquire_until(&lock, PAST) == 0);
	mutex_release(&lock);
}

static void try_and_release(void *lock)
{
	check(mutex_try_acquire(lock));
	mutex_release(lock);
}

TestMutex(Test, try_acquire_and_release_do_not_act_on_destroy)
{
	struct mutex lock = {0};

	check(survives(try_and_release, &lock));
	check(mutex_try_acquire(&lock));
	mutex_release(&lock);
}

static void release(void *lock)
{
	mutex_release(lock);
}

static void *sleep_with_a_cleanup(void *argument)
{
	struct holder *holder = argument;
	struct vcore_cleanup cleanup;

	mutex_acquire(holder->lock);
	vcore_cleanup_push(&cleanup, release, holder->lock);
	atomic_store(&holder->holds, true);
	vcore_sleep(VCORE_NEVER);
	vcore_cleanup_pop(&cleanup, true);
	return NULL;
}

TestMutex(TestAround, a_cleanup_of_a_destroyed_owner_may_release_it)
{
	struct mutex lock = {0};
	struct holder holder = {.lock = &lock};
	struct vcore_thread *thread = spawn(sleep_with_a_cleanup, &holder);

	until(atomic_load(&holder.holds));
	destroy(thread);
	check(mutex_acquire_until(&lock, PAST) == 0);
	mutex_release(&lock);
}

/* --- many ------------------------------------------------------------------------------- */

enum { MANY = 1300 };

TestMutex(TestEverywhere, many_are_released_in_any_order)
{
	static struct mutex locks[MANY];

	for (int i = 0; i < MANY; i++) {
		mutex_acquire(&locks[i]);
	}
	for (int i = 0; i < MANY; i++) { /* 7 and MANY have no common divisor */
		check(mutex_is_held(&locks[i * 7 % MANY]));
		mutex_release(&locks[i * 7 % MANY]);
		check(!mutex_is_held(&locks[i * 7 % MANY]));
	}
	for (int i = 0; i < MANY; i++) {
		check(mutex_try_acquire(&locks[i]));
		mutex_release(&locks[i]);
	}
}

/* --- freeing ---------------------------------------------------------------------------- */

struct shared {
	struct mutex lock;
	int users; /* guarded by lock */
};

static void prepare(void *page)
{
	((struct shared *)page)->users = PAGE_USERS;
}

static bool use(void *page)
{
	struct shared *shared = page;
	bool is_last;

	mutex_acquire(&shared->lock);
	occupy_for(20000); /* so that the others come to wait */
	is_last = --shared->users == 0;
	mutex_release(&shared->lock);
	return is_last;
}

TestMutex(TestAround, the_last_user_may_free_it_after_its_release)
{
	pages_share(1000, prepare, use);
}
