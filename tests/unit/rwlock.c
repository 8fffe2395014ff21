/*
 * Reader-writer locks: what include/vcore/rwlock.h promises of all three
 * policies, one promise to a test.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "visitor.h"

#include <unistd.h>

TestSuite(rwlock, .timeout = 100);

TestEverywhere(rwlock, zero_bytes_are_a_free_one_with_readers_first)
{
	static struct vcore_rwlock lock;

	check(memcmp(&lock, &policies[READERS_FIRST], sizeof(lock)) == 0);
	check(vcore_rwlock_try_acquire_write(&lock));
	vcore_rwlock_release_write(&lock);
	check(vcore_rwlock_try_acquire_read(&lock));
	vcore_rwlock_release_read(&lock);
}

TestPolicies(TestEverywhere, it_can_be_held_again_after_the_release)
{
	for (int i = 0; i < 3; i++) {
		vcore_rwlock_acquire_read(lock);
		vcore_rwlock_release_read(lock);
		vcore_rwlock_acquire_write(lock);
		vcore_rwlock_release_write(lock);
	}
}

TestPolicies(TestEverywhere, readers_hold_it_side_by_side)
{
	struct visitor visitors[3];

	line_start(visitors, lock, "rrr", true);
	for (int i = 0; i < 3; i++) {
		check(atomic_load(&visitors[i].inside));
	}
	vcore_rwlock_acquire_read(lock);
	vcore_rwlock_release_read(lock);
	line_finish(visitors, "rrr");
}

TestPolicies(TestEverywhere, readers_keep_writers_out)
{
	struct visitor visitors[2];

	line_start(visitors, lock, "rr", true);
	check(!vcore_rwlock_try_acquire_write(lock));
	check(vcore_rwlock_acquire_write_until(lock, PAST) == -ETIMEDOUT);
	visitor_finish(&visitors[0]);
	check(!vcore_rwlock_try_acquire_write(lock));
	visitor_finish(&visitors[1]);
	check(vcore_rwlock_try_acquire_write(lock));
	vcore_rwlock_release_write(lock);
}

TestPolicies(TestEverywhere, a_writer_keeps_all_others_out)
{
	struct visitor visitor;

	line_start(&visitor, lock, "w", true);
	for (int write = 0; write < 2; write++) {
		check(!try_acquire(lock, write));
		check(acquire_until(lock, write, PAST) == -ETIMEDOUT);
	}
	visitor_finish(&visitor);
	check(vcore_rwlock_try_acquire_read(lock));
	vcore_rwlock_release_read(lock);
}

/* --- readers or one writer -------------------------------------------------------------- */

enum { ROUNDS = 300 };

struct pair {
	struct vcore_rwlock *lock;
	volatile long left, right; /* equal, but for a writer */
};

static void *read_and_write(void *argument)
{
	struct pair *pair = argument;

	for (int i = 0; i < ROUNDS; i++) {
		vcore_rwlock_acquire_read(pair->lock);
		check(pair->left == pair->right);
		vcore_rwlock_release_read(pair->lock);
		vcore_rwlock_acquire_write(pair->lock);
		pair->left++;
		if (i % 16 == 0) {
			vcore_yield();
		}
		pair->right++;
		vcore_rwlock_release_write(pair->lock);
	}
	return NULL;
}

TestPolicies(TestAround, vcore_threads_and_pthreads_exclude_each_other)
{
	struct pair pair = {.lock = lock};
	struct vcore_thread *threads[2];
	pthread_t pthreads[2];

	for (int i = 0; i < 2; i++) {
		threads[i] = spawn(read_and_write, &pair);
		pthreads[i] = start_pthread(read_and_write, &pair);
	}
	for (int i = 0; i < 2; i++) {
		finish(threads[i]);
		finish_pthread(pthreads[i]);
	}
	check(pair.left == 4 * ROUNDS && pair.right == 4 * ROUNDS);
}

/* --- waiting ---------------------------------------------------------------------------- */

TestPolicies(TestEverywhere, who_waits_holds_it_after_the_release)
{
	struct visitor visitors[2];

	line_start(visitors, lock, "wr", true);
	check(visitor_finish(&visitors[0]) == 0);
	check(visitor_finish(&visitors[1]) == 0);
	line_start(visitors, lock, "rw", true);
	check(visitor_finish(&visitors[0]) == 0);
	check(visitor_finish(&visitors[1]) == 0);
	line_start(visitors, lock, "ww", true);
	check(visitor_finish(&visitors[0]) == 0);
	check(visitor_finish(&visitors[1]) == 0);
}

TestPolicies(TestAround, vcore_threads_wait_for_pthreads_and_they_for_them)
{
	for (int write = 0; write < 2; write++) {
		struct visitor first = {.lock = lock, .write = write, .stays = true};
		struct visitor second = {.lock = lock, .write = true};
		struct visitor third = {.lock = lock, .write = write};

		visitor_start_pthread(&first);
		visitor_start(&second);
		visitor_start_pthread(&third);
		check(visitor_waits(&second));
		check(visitor_finish(&first) == 0);
		check(visitor_finish(&second) == 0);
		check(visitor_finish(&third) == 0);
	}
}

TestPolicies(TestEverywhere, a_free_one_is_acquired_after_the_deadline_too)
{
	for (int write = 0; write < 2; write++) {
		check(acquire_until(lock, write, PAST) == 0);
		release(lock, write);
	}
}

TestPolicies(TestEverywhere, a_wait_ends_at_its_deadline_and_not_before)
{
	struct visitor visitor;

	line_start(&visitor, lock, "w", true);
	for (int write = 0; write < 2; write++) {
		vcore_instant deadline = vcore_after(2 * MILLISECOND);

		check(acquire_until(lock, write, deadline) == -ETIMEDOUT);
		check(vcore_now() >= deadline);
	}
	visitor_finish(&visitor);
}

TestPolicies(TestEverywhere, a_release_before_the_deadline_is_in_time)
{
	for (int write = 0; write < 2; write++) {
		struct visitor writer;
		struct visitor visitor = {.lock = lock, .write = write};

		line_start(&writer, lock, "w", true);
		visitor.deadline = vcore_after(3600 * SECOND);
		visitor_start(&visitor);
		check(visitor_finish(&writer) == 0);
		check(visitor_finish(&visitor) == 0);
	}
}

TestPolicies(TestInTurns, who_waits_leaves_the_processor_to_others)
{
	struct visitor visitors[2];

	vcore_rwlock_acquire_write(lock);
	line_start(visitors, lock, "rw", false);
	check(finish(spawn(do_nothing, lock)) == lock);
	check(visitor_waits(&visitors[0]) && visitor_waits(&visitors[1]));
	vcore_rwlock_release_write(lock);
	line_finish(visitors, "rw");
}

/* The writer waits, too. */
Test(rwlock, while_threads_wait_their_processors_are_idle)
{
	struct vcore_rwlock lock = VCORE_RWLOCK_FAIR;
	struct visitor writer = {.lock = &lock, .write = true, .stays = true};
	struct visitor reader = {.lock = &lock};

	runtime_start(&(struct vcore_runtime_options){.processors = 2});
	writer.peer.thread = spawn(visit, &writer);
	until(atomic_load(&writer.inside));
	reader.peer.thread = spawn(visit, &reader);
	until(visitor_waits(&reader) && statistics_now().idle == 2);
	usleep(5000);
	check(visitor_waits(&reader) && statistics_now().idle == 2);
	check(visitor_finish(&writer) == 0);
	check(visitor_finish(&reader) == 0);
	runtime_finish();
}

/* --- downgrade -------------------------------------------------------------------------- */

TestPolicies(TestEverywhere, a_writer_that_downgrades_is_a_reader)
{
	struct visitor reader;

	vcore_rwlock_acquire_write(lock);
	vcore_rwlock_downgrade(lock);
	line_start(&reader, lock, "r", true);
	check(atomic_load(&reader.inside));
	check(visitor_finish(&reader) == 0);
	vcore_rwlock_release_read(lock);
	check(vcore_rwlock_try_acquire_write(lock));
	vcore_rwlock_release_write(lock);
}

TestPolicies(TestEverywhere, downgrade_lets_in_all_readers_if_no_writer_waits)
{
	struct visitor readers[3];

	vcore_rwlock_acquire_write(lock);
	line_start(readers, lock, "rrr", true);
	vcore_rwlock_downgrade(lock);
	for (int i = 0; i < 3; i++) {
		until(atomic_load(&readers[i].inside));
	}
	line_finish(readers, "rrr");
	vcore_rwlock_release_read(lock);
}

TestPolicies(TestEverywhere, at_a_downgrade_no_writer_comes_between)
{
	struct visitor writer;

	vcore_rwlock_acquire_write(lock);
	line_start(&writer, lock, "w", false);
	vcore_rwlock_downgrade(lock);
	vcore_sleep(vcore_after(MILLISECOND));
	check(!atomic_load(&writer.inside));
	check(visitor_waits(&writer));
	vcore_rwlock_release_read(lock);
	check(visitor_finish(&writer) == 0);
}
