/*
 * What include/vcore/lock.h and include/vcore/ticketlock.h both promise, one
 * promise to a test: see mutex.h.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "mutex.h"

#include <unistd.h>

TestSuite(MUTEX, .timeout = 100);

TestMutex(TestEverywhere, zero_bytes_are_a_free_one)
{
	static struct mutex lock;

	check(mutex_try_acquire(&lock));
	mutex_release(&lock);
	mutex_acquire(&lock);
	mutex_release(&lock);
}

TestMutex(TestEverywhere, it_is_the_callers_until_it_is_released)
{
	struct mutex lock = {0};

	check(!mutex_is_held(&lock));
	mutex_acquire(&lock);
	check(mutex_is_held(&lock));
	mutex_release(&lock);
	check(!mutex_is_held(&lock));
}

TestMutex(TestEverywhere, what_another_owns_is_not_held_by_the_caller)
{
	struct mutex lock = {0};
	struct holder holder;

	holder_start(&holder, &lock);
	check(!mutex_is_held(&lock));
	holder_finish(&holder);
}

TestMutex(TestEverywhere, try_of_what_another_owns_is_false)
{
	struct mutex lock = {0};
	struct holder holder;

	holder_start(&holder, &lock);
	check(!mutex_try_acquire(&lock));
	holder_finish(&holder);
	check(mutex_try_acquire(&lock));
	mutex_release(&lock);
}

TestMutex(TestEverywhere, try_of_ones_own_is_false)
{
	struct mutex lock = {0};

	mutex_acquire(&lock);
	check(!mutex_try_acquire(&lock));
	check(mutex_is_held(&lock));
	mutex_release(&lock);
}

/* --- at most one owner ------------------------------------------------------------------ */

enum { ROUNDS = 1000, OWNERS = 4 };

struct counter {
	struct mutex lock;
	volatile long count; /* guarded by lock */
};

static void *count(void *argument)
{
	struct counter *counter = argument;

	for (int i = 0; i < ROUNDS; i++) {
		long before;

		mutex_acquire(&counter->lock);
		before = counter->count;
		if (i % 16 == 0) {
			vcore_yield();
		}
		counter->count = before + 1;
		mutex_release(&counter->lock);
	}
	return NULL;
}

TestMutex(TestEverywhere, at_most_one_thread_owns_it)
{
	struct counter counter = {0};
	struct peer peers[OWNERS];

	for (int i = 0; i < OWNERS; i++) {
		peers[i] = peer_start(count, &counter);
	}
	for (int i = 0; i < OWNERS; i++) {
		peer_finish(peers[i]);
	}
	check(counter.count == OWNERS * ROUNDS);
}

TestMutex(TestAround, vcore_threads_and_pthreads_exclude_each_other)
{
	struct counter counter = {0};
	struct vcore_thread *threads[2];
	pthread_t pthreads[2];

	for (int i = 0; i < 2; i++) {
		threads[i] = spawn(count, &counter);
		pthreads[i] = start_pthread(count, &counter);
	}
	for (int i = 0; i < 2; i++) {
		finish(threads[i]);
		finish_pthread(pthreads[i]);
	}
	check(counter.count == 4 * ROUNDS);
}

TestMutex(TestAround, threads_of_two_runtimes_exclude_each_other)
{
	struct vcore_thread_options options = {0};
	struct counter counter = {0};
	struct vcore_thread *there;

	check(vcore_runtime_open(&options.runtime, NULL) == 0);
	check(vcore_thread_allocate(&there, &options, count, &counter) == 0);
	count(&counter);
	finish(there);
	check(vcore_runtime_close(options.runtime, VCORE_NEVER) == 0);
	check(counter.count == 2 * ROUNDS);
}

/* --- waiting ---------------------------------------------------------------------------- */

TestMutex(TestEverywhere, who_waits_owns_it_after_the_release)
{
	struct mutex lock = {0};
	struct holder holder;
	struct contender contender = {.lock = &lock, .deadline = VCORE_NEVER};

	holder_start(&holder, &lock);
	contender_start(&contender);
	holder_finish(&holder);
	check(contender_finish(&contender) == 0);
}

TestMutex(TestAround, a_pthread_waits_for_a_vcore_thread_and_it_for_the_pthread)
{
	struct mutex lock = {0};
	struct contender pthread = {.lock = &lock, .deadline = VCORE_NEVER};
	struct holder holder;

	mutex_acquire(&lock);
	contender_start_pthread(&pthread);
	mutex_release(&lock);
	check(contender_finish(&pthread) == 0);

	holder = (struct holder){.lock = &lock};
	holder.peer = (struct peer){.pthread = start_pthread(hold, &holder)};
	until(atomic_load(&holder.holds));
	pthread = (struct contender){.lock = &lock, .deadline = VCORE_NEVER};
	contender_start(&pthread);
	holder_finish(&holder);
	check(contender_finish(&pthread) == 0);
}

TestMutex(TestEverywhere, a_free_one_is_acquired_after_the_deadline_too)
{
	struct mutex lock = {0};

	check(mutex_acquire_until(&lock, PAST) == 0);
	check(mutex_is_held(&lock));
	mutex_release(&lock);
}

TestMutex(TestEverywhere, with_a_deadline_that_has_passed_nobody_waits)
{
	struct mutex lock = {0};
	struct holder holder;

	holder_start(&holder, &lock);
	check(mutex_acquire_until(&lock, PAST) == -ETIMEDOUT);
	check(mutex_acquire_until(&lock, vcore_now() - 1) == -ETIMEDOUT);
	check(!mutex_is_held(&lock));
	holder_finish(&holder);
}

TestMutex(TestEverywhere, a_wait_ends_at_its_deadline_and_not_before)
{
	struct mutex lock = {0};
	vcore_instant deadline;
	struct holder holder;

	holder_start(&holder, &lock);
	deadline = vcore_after(5 * MILLISECOND);
	check(mutex_acquire_until(&lock, deadline) == -ETIMEDOUT);
	check(vcore_now() >= deadline);
	check(!mutex_is_held(&lock));
	holder_finish(&holder);
}

TestMutex(TestEverywhere, a_release_before_the_deadline_is_in_time)
{
	struct mutex lock = {0};
	struct holder holder;
	struct contender contender = {.lock = &lock, .deadline = vcore_after(3600 * SECOND)};

	holder_start(&holder, &lock);
	contender_start(&contender);
	holder_finish(&holder);
	check(contender_finish(&contender) == 0);
}

TestMutex(TestEverywhere, who_gave_up_is_not_waited_for)
{
	struct mutex lock = {0};
	struct contender impatient = {.lock = &lock}, patient;

	mutex_acquire(&lock);
	impatient.deadline = vcore_after(5 * MILLISECOND);
	impatient.peer = peer_start(contend, &impatient);
	check(contender_finish(&impatient) == -ETIMEDOUT);
	patient = (struct contender){.lock = &lock, .deadline = VCORE_NEVER};
	contender_start(&patient);
	mutex_release(&lock);
	check(contender_finish(&patient) == 0);
}

static void *ask_twice(void *argument)
{
	struct contender *contender = argument;

	check(mutex_acquire_until(contender->lock, vcore_after(2 * MILLISECOND)) == -ETIMEDOUT);
	return contend(contender);
}

TestMutex(TestEverywhere, who_gave_up_may_ask_again)
{
	struct mutex lock = {0};
	struct contender contenders[3];

	mutex_acquire(&lock);
	for (int i = 0; i < 3; i++) {
		contenders[i] = (struct contender){.lock = &lock, .deadline = VCORE_NEVER};
		contenders[i].peer = peer_start(ask_twice, &contenders[i]);
	}
	for (int i = 0; i < 3; i++) { /* the second time, for which they set it */
		until(atomic_load(&contenders[i].tid) != 0 && contender_waits(&contenders[i]));
	}
	mutex_release(&lock);
	for (int i = 0; i < 3; i++) {
		check(contender_finish(&contenders[i]) == 0);
	}
}

TestMutex(TestInTurns, who_waits_leaves_the_processor_to_others)
{
	struct mutex lock = {0};
	struct contender contender = {.lock = &lock, .deadline = VCORE_NEVER};

	mutex_acquire(&lock);
	contender_start(&contender);
	check(finish(spawn(do_nothing, &lock)) == &lock);
	check(contender_waits(&contender));
	mutex_release(&lock);
	check(contender_finish(&contender) == 0);
}

/* The owner waits, too. */
TestMutex(Test, while_threads_wait_their_processors_are_idle)
{
	struct mutex lock = {0};
	struct holder holder = {.lock = &lock};
	struct contender contender = {.lock = &lock, .deadline = VCORE_NEVER};

	runtime_start(&(struct vcore_runtime_options){.processors = 2});
	holder.peer.thread = spawn(hold, &holder);
	until(atomic_load(&holder.holds));
	contender.peer.thread = spawn(contend, &contender);
	until(contender_waits(&contender) && statistics_now().idle == 2);
	usleep(5000);
	check(contender_waits(&contender) && statistics_now().idle == 2);
	holder_finish(&holder);
	check(contender_finish(&contender) == 0);
	runtime_finish();
}

static void *compute_owning(void *argument)
{
	struct holder *holder = argument;

	mutex_acquire(holder->lock);
	atomic_store(&holder->holds, true);
	while (vcore_eventcount_read(&holder->go) == 0) {
	}
	mutex_release(holder->lock);
	return NULL;
}

TestMutex(Test, who_waits_for_an_owner_that_computes_leaves_its_processor_idle)
{
	struct mutex lock = {0};
	struct holder holder = {.lock = &lock};
	struct contender contender = {.lock = &lock, .deadline = VCORE_NEVER};

	runtime_start(&(struct vcore_runtime_options){.processors = 2});
	holder.peer.thread = spawn(compute_owning, &holder);
	until(atomic_load(&holder.holds));
	contender.peer.thread = spawn(contend, &contender);
	until(contender_waits(&contender) && statistics_now().idle == 1);
	holder_finish(&holder);
	check(contender_finish(&contender) == 0);
	runtime_finish();
}

TestMutex(TestTicking, who_waits_for_an_owner_that_was_put_off_waits)
{
	struct mutex lock = {0};
	struct holder holder = {.lock = &lock};
	struct contender contender = {.lock = &lock, .deadline = VCORE_NEVER};

	holder.peer.thread = spawn(compute_owning, &holder);
	until(info_of(holder.peer.thread).kept);
	contender_start(&contender);
	check(info_of(contender.peer.thread).owner == vcore_thread_id(holder.peer.thread));
	holder_finish(&holder);
	check(contender_finish(&contender) == 0);
}

/* --- memory ----------------------------------------------------------------------------- */

enum { MANY = 10 };

/* What is held beyond a few takes memory to note. */
TestMutex(TestInShortage, without_memory_to_note_it_it_is_not_acquired_and_that_is_told)
{
	struct mutex locks[MANY] = {{0}};
	int result = 0, n = 0;

	mutex_acquire(&locks[0]); /* a pthread's first call takes memory too */
	mutex_release(&locks[0]);
	begin_shortage();
	while (n < MANY && (result = mutex_acquire_until(&locks[n], VCORE_NEVER)) == 0) {
		n++;
	}
	end_shortage();
	check(n > 0 && n < MANY && result == -ENOMEM);
	check(!mutex_is_held(&locks[n]));
	check(mutex_acquire_until(&locks[n], PAST) == 0);
	for (int i = 0; i <= n; i++) {
		mutex_release(&locks[i]);
	}
}
