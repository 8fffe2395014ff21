/*
 * Owners of locks and ticketlocks that end: what include/vcore/lock.h promises,
 * one promise to a test; see mutex.h.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "mutex.h"

TestMutex(TestEverywhere, the_next_owner_is_told_that_the_last_one_ended)
{
	struct mutex lock = {0};

	leave_dead(&lock);
	check(mutex_acquire_until(&lock, VCORE_NEVER) == -EOWNERDEAD);
	check(mutex_is_held(&lock));
	check(!mutex_try_acquire(&lock));
	mutex_release(&lock);
}

TestMutex(TestEverywhere, what_was_recovered_is_as_before)
{
	struct mutex lock = {0};

	leave_dead(&lock);
	check(mutex_acquire_until(&lock, PAST) == -EOWNERDEAD);
	mutex_recovered(&lock);
	check(mutex_is_held(&lock));
	mutex_release(&lock);
	check(mutex_acquire_until(&lock, PAST) == 0);
	mutex_release(&lock);
	mutex_acquire(&lock);
	mutex_release(&lock);
	check(mutex_try_acquire(&lock));
	mutex_release(&lock);
}

TestMutex(TestEverywhere, recovered_has_no_effect_where_nobody_ended)
{
	struct mutex lock = {0};

	mutex_acquire(&lock);
	mutex_recovered(&lock);
	check(mutex_is_held(&lock));
	mutex_release(&lock);
	check(mutex_acquire_until(&lock, PAST) == 0);
	mutex_release(&lock);
}

TestMutex(TestEverywhere, what_was_not_recovered_cannot_be_acquired_any_more)
{
	struct mutex lock = {0};

	leave_lost(&lock);
	for (int i = 0; i < 2; i++) {
		check(mutex_acquire_until(&lock, VCORE_NEVER) == -ENOTRECOVERABLE);
		check(mutex_acquire_until(&lock, PAST) == -ENOTRECOVERABLE);
		check(!mutex_is_held(&lock));
	}
}

/* --- those who wait --------------------------------------------------------------------- */

enum { CROWD = 5 };

TestMutex(TestEverywhere, of_those_who_wait_one_is_told_and_if_it_does_not_recover_all_others_are)
{
	struct contender contenders[CROWD];
	struct mutex lock = {0};
	struct holder mortal;
	int told = 0, lost = 0;

	mortal_start(&mortal, &lock);
	contenders_start(contenders, CROWD, &lock, NULL);
	holder_finish(&mortal);
	for (int i = 0; i < CROWD; i++) {
		int result = contender_finish(&contenders[i]);

		told += result == -EOWNERDEAD;
		lost += result == -ENOTRECOVERABLE;
	}
	check(told == 1);
	check(lost == CROWD - 1);
}

static void *acquire_and_recover(void *argument)
{
	struct contender *contender = argument;

	atomic_store(&contender->tid, thread_id_of_kernel());
	contender->result = mutex_acquire_until(contender->lock, VCORE_NEVER);
	check(contender->result == 0 || contender->result == -EOWNERDEAD);
	mutex_recovered(contender->lock);
	mutex_release(contender->lock);
	return NULL;
}

TestMutex(TestEverywhere, of_those_who_wait_one_is_told_and_if_it_recovers_no_other_is)
{
	struct contender contenders[CROWD];
	struct mutex lock = {0};
	struct holder mortal;
	int told = 0;

	mortal_start(&mortal, &lock);
	for (int i = 0; i < CROWD; i++) {
		contenders[i] = (struct contender){.lock = &lock};
		contenders[i].peer = peer_start(acquire_and_recover, &contenders[i]);
		until(contender_waits(&contenders[i]));
	}
	holder_finish(&mortal);
	for (int i = 0; i < CROWD; i++) {
		told += contender_finish(&contenders[i]) == -EOWNERDEAD;
	}
	check(told == 1);
}

TestMutex(TestAround, a_vcore_thread_is_told_of_a_pthread_that_ended)
{
	struct mutex lock = {0};
	struct holder mortal = {.lock = &lock};
	struct contender contender = {.lock = &lock, .deadline = VCORE_NEVER};

	mortal.peer = (struct peer){.pthread = start_pthread(hold_and_die, &mortal)};
	until(atomic_load(&mortal.holds));
	contender_start(&contender);
	holder_finish(&mortal);
	check(contender_finish(&contender) == -EOWNERDEAD);
}

TestMutex(TestAround, a_pthread_is_told_of_a_vcore_thread_that_ended)
{
	struct contender contender;
	struct mutex lock = {0};
	struct holder mortal;

	mortal_start(&mortal, &lock);
	contender = (struct contender){.lock = &lock, .deadline = VCORE_NEVER};
	contender_start_pthread(&contender);
	holder_finish(&mortal);
	check(contender_finish(&contender) == -EOWNERDEAD);
}

/* --- how an owner may end --------------------------------------------------------------- */

static void *exit_owning(void *lock)
{
	mutex_acquire(lock);
	vcore_thread_exit(lock);
}

TestMutex(TestAround, an_owner_that_exits_has_ended)
{
	struct mutex lock = {0};

	finish(spawn(exit_owning, &lock));
	check_is_dead(&lock);
}

static void *sleep_owning(void *lock)
{
	mutex_acquire(lock);
	return sleep_forever(lock);
}

TestMutex(TestAround, an_owner_that_is_destroyed_has_ended)
{
	struct mutex lock = {0};
	struct vcore_thread *thread = spawn(sleep_owning, &lock);

	until(is_waiting(thread));
	destroy(thread);
	check_is_dead(&lock);
}

TestMutex(TestAround, an_owner_that_is_stopped_with_its_runtime_has_ended)
{
	struct mutex lock = {0};
	struct holder holder = {.lock = &lock};
	struct vcore_thread_options options = {0};

	check(vcore_runtime_open(&options.runtime, NULL) == 0);
	check(vcore_thread_allocate(NULL, &options, hold, &holder) == 0);
	until(atomic_load(&holder.holds));
	check(vcore_runtime_stop(options.runtime) == 0);
	check(vcore_runtime_close(options.runtime, VCORE_NEVER) == 0);
	check_is_dead(&lock);
}

static void *exit_as_a_pthread(void *lock)
{
	mutex_acquire(lock);
	pthread_exit(lock);
}

TestMutex(Test, a_pthread_that_exits_has_ended)
{
	struct mutex lock = {0};

	finish_pthread(start_pthread(exit_as_a_pthread, &lock));
	check_is_dead(&lock);
}

static void *die_owning_what_was_dead(void *lock)
{
	check(mutex_acquire_until(lock, PAST) == -EOWNERDEAD);
	return lock;
}

TestMutex(TestEverywhere, the_next_owner_may_end_as_well)
{
	struct mutex lock = {0};

	leave_dead(&lock);
	peer_finish(peer_start(die_owning_what_was_dead, &lock));
	check_is_dead(&lock);
}

/* --- many ------------------------------------------------------------------------------- */

/* How many are acquired, and of these every third released. */
struct many {
	struct mutex locks[1100];
	int n;
};

static void *die_owning_many(void *argument)
{
	struct many *many = argument;

	for (int i = 0; i < many->n; i++) {
		mutex_acquire(&many->locks[i]);
	}
	for (int i = 0; i < many->n; i += 3) {
		mutex_release(&many->locks[i]);
	}
	return NULL;
}

static void leave_many_dead(int n)
{
	static struct many many;

	memset(&many, 0, sizeof(many));
	many.n = n;
	peer_finish(peer_start(die_owning_many, &many));
	for (int i = 0; i < n; i++) {
		check(mutex_acquire_until(&many.locks[i], PAST) == (i % 3 == 0 ? 0 : -EOWNERDEAD));
		mutex_recovered(&many.locks[i]);
		mutex_release(&many.locks[i]);
	}
}

TestMutex(TestEverywhere, all_are_dead_that_the_thread_owned_and_no_others)
{
	static const int numbers[] = {2, 5, 6, 7, 512, 513, 1100};

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		leave_many_dead(numbers[i]);
	}
}
