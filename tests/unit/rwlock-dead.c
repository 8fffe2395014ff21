/*
 * Holders of reader-writer locks that end: what include/vcore/rwlock.h promises,
 * one promise to a test.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "visitor.h"

/* --- readers ---------------------------------------------------------------------------- */

TestPolicies(TestEverywhere, a_reader_that_ends_is_as_one_that_released_it)
{
	end_holding(lock, false);
	check(vcore_rwlock_acquire_write_until(lock, PAST) == 0);
	vcore_rwlock_release_write(lock);
}

TestPolicies(TestEverywhere, a_reader_that_ends_lets_in_who_waits)
{
	struct visitor reader = {.lock = lock, .stays = true, .dies = true}, writer;

	visitor_start(&reader);
	line_start(&writer, lock, "w", false);
	check(visitor_finish(&reader) == 0);
	check(visitor_finish(&writer) == 0);
}

TestPolicies(TestAround, a_reader_that_is_destroyed_lets_in_who_waits)
{
	struct visitor visitors[2];

	line_start(visitors, lock, "rw", true);
	destroy(visitors[0].peer.thread);
	check(visitor_finish(&visitors[1]) == 0);
}

TestPolicies(TestAround, a_pthread_that_ends_reading_lets_in_a_vcore_thread)
{
	struct visitor reader = {.lock = lock, .stays = true, .dies = true}, writer;

	visitor_start_pthread(&reader);
	line_start(&writer, lock, "w", false);
	check(visitor_finish(&reader) == 0);
	check(visitor_finish(&writer) == 0);
}

/* --- writers ---------------------------------------------------------------------------- */

TestPolicies(TestEverywhere, the_next_holders_are_told_that_a_writer_ended_until_one_recovers)
{
	end_holding(lock, true);
	for (int i = 0; i < 2; i++) { /* a reader leaves it so */
		check(vcore_rwlock_acquire_read_until(lock, VCORE_NEVER) == -EOWNERDEAD);
		vcore_rwlock_release_read(lock);
	}
	check(vcore_rwlock_acquire_write_until(lock, PAST) == -EOWNERDEAD);
	vcore_rwlock_recovered(lock);
	vcore_rwlock_release_write(lock);
	check(vcore_rwlock_acquire_read_until(lock, PAST) == 0);
	vcore_rwlock_release_read(lock);
	check(vcore_rwlock_try_acquire_write(lock));
	vcore_rwlock_release_write(lock);
}

TestPolicies(TestEverywhere, who_was_told_holds_it)
{
	struct visitor reader = {.lock = lock, .stays = true};

	end_holding(lock, true);
	visitor_start(&reader);
	check(vcore_rwlock_acquire_write_until(lock, PAST) == -ETIMEDOUT);
	check(visitor_finish(&reader) == -EOWNERDEAD);
}

TestPolicies(TestEverywhere, readers_that_wait_are_told_that_the_writer_ended)
{
	struct visitor writer = {.lock = lock, .write = true, .stays = true, .dies = true};
	struct visitor readers[2];

	visitor_start(&writer);
	line_start(readers, lock, "rr", false);
	check(visitor_finish(&writer) == 0);
	check(visitor_finish(&readers[0]) == -EOWNERDEAD);
	check(visitor_finish(&readers[1]) == -EOWNERDEAD);
}

TestPolicies(TestEverywhere, what_was_not_recovered_cannot_be_held_any_more)
{
	end_holding(lock, true);
	check(vcore_rwlock_acquire_write_until(lock, PAST) == -EOWNERDEAD);
	vcore_rwlock_release_write(lock);
	for (int write = 0; write < 2; write++) {
		check(acquire_until(lock, write, VCORE_NEVER) == -ENOTRECOVERABLE);
		check(acquire_until(lock, write, PAST) == -ENOTRECOVERABLE);
	}
}

TestPolicies(TestEverywhere, all_who_wait_are_told_that_it_was_not_recovered)
{
	struct visitor visitors[4];

	end_holding(lock, true);
	check(vcore_rwlock_acquire_write_until(lock, PAST) == -EOWNERDEAD);
	line_start(visitors, lock, "rwrw", false);
	vcore_rwlock_release_write(lock);
	for (int i = 0; i < 4; i++) {
		check(visitor_finish(&visitors[i]) == -ENOTRECOVERABLE);
	}
}

TestPolicies(TestAround, a_writer_that_is_destroyed_has_ended)
{
	struct visitor writer;

	line_start(&writer, lock, "w", true);
	destroy(writer.peer.thread);
	check(vcore_rwlock_acquire_write_until(lock, PAST) == -EOWNERDEAD);
	vcore_rwlock_recovered(lock);
	vcore_rwlock_release_write(lock);
}

TestPolicies(TestAround, a_vcore_thread_is_told_of_a_pthread_that_ended)
{
	struct visitor writer = {.lock = lock, .write = true, .stays = true, .dies = true};
	struct visitor reader = {.lock = lock};

	visitor_start_pthread(&writer);
	visitor_start(&reader);
	check(visitor_finish(&writer) == 0);
	check(visitor_finish(&reader) == -EOWNERDEAD);
}

TestPolicies(TestEverywhere, recovered_has_no_effect_where_nobody_ended)
{
	vcore_rwlock_acquire_write(lock);
	vcore_rwlock_recovered(lock);
	vcore_rwlock_release_write(lock);
	check(vcore_rwlock_acquire_write_until(lock, PAST) == 0);
	vcore_rwlock_release_write(lock);
}

/* Beside locks of another kind, in any order. */
static void *end_holding_many(void *argument)
{
	struct vcore_rwlock *locks = argument;

	for (int i = 0; i < 20; i++) {
		check(try_acquire(&locks[i], i % 2 != 0));
	}
	release(&locks[3], true);
	release(&locks[10], false);
	return NULL;
}

TestEverywhere(rwlock, all_that_a_thread_held_are_given_up_when_it_ends)
{
	struct vcore_rwlock locks[20] = {0};

	peer_finish(peer_start(end_holding_many, locks));
	for (int i = 0; i < 20; i++) {
		check(vcore_rwlock_acquire_write_until(&locks[i], PAST) ==
		      (i % 2 == 0 || i == 3 ? 0 : -EOWNERDEAD));
		vcore_rwlock_recovered(&locks[i]);
		vcore_rwlock_release_write(&locks[i]);
	}
}
