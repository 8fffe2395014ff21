/*
 * What panics and inspection tell of reader-writer locks: what
 * include/vcore/rwlock.h promises, one promise to a test.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "visitor.h"

#include <stdio.h>

/* --- panics ----------------------------------------------------------------------------- */

static struct vcore_rwlock subject;
static int number;

/* One of six ways to acquire. */
static void acquire_somehow(struct vcore_rwlock *lock, int way)
{
	if (way < 4) {
		acquire_until(lock, way & 1, way & 2 ? PAST : VCORE_NEVER);
	} else {
		try_acquire(lock, way & 1);
	}
}

static void call_without_one(void)
{
	switch (number) {
	case 6:
		vcore_rwlock_acquire_read(NULL);
		break;
	case 7:
		vcore_rwlock_acquire_write(NULL);
		break;
	case 8:
		vcore_rwlock_release_read(NULL);
		break;
	case 9:
		vcore_rwlock_release_write(NULL);
		break;
	case 10:
		vcore_rwlock_downgrade(NULL);
		break;
	case 11:
		vcore_rwlock_recovered(NULL);
		break;
	default:
		acquire_somehow(NULL, number);
		break;
	}
}

Test(rwlock, null_panics)
{
	for (number = 0; number < 12; number++) {
		check(panics_with(call_without_one, "lock is NULL"));
	}
}

static void use_uninitialised(void)
{
	memset(&subject, 0xff, sizeof(subject));
	acquire_somehow(&subject, number);
}

Test(rwlock, one_that_was_not_initialised_panics)
{
	for (number = 0; number < 6; number++) {
		check(panics_with(use_uninitialised, "the lock was not initialised"));
	}
}

static void read_again(void)
{
	vcore_rwlock_acquire_read(&subject);
	acquire_somehow(&subject, number);
}

static void read_again_inside(void)
{
	run_inside(1, read_again);
}

Test(rwlock, acquiring_what_one_reads_panics)
{
	for (number = 0; number < 6; number++) {
		check(panics_with(read_again, "the caller holds the lock already"));
		check(panics_with(read_again_inside, "the caller holds the lock already (thread "
						     "1 \"body\")"));
	}
}

static void write_again(void)
{
	vcore_rwlock_acquire_write(&subject);
	acquire_somehow(&subject, number);
}

static void downgrade_and_write_again(void)
{
	vcore_rwlock_acquire_write(&subject);
	vcore_rwlock_downgrade(&subject);
	acquire_somehow(&subject, number);
}

Test(rwlock, acquiring_what_one_writes_panics)
{
	for (number = 0; number < 6; number++) {
		check(panics_with(write_again, "the caller holds the lock already"));
		check(panics_with(downgrade_and_write_again, "the caller holds the lock already"));
	}
}

/* What the caller holds, and what it does that needs the other. */
static void do_what_is_not_ones_own(void)
{
	struct visitor other = {.lock = &subject, .write = number % 2 == 0, .stays = true};

	if (number >= 4) { /* somebody else holds it so */
		visitor_start_pthread(&other);
	} else if (number > 0) {
		vcore_rwlock_acquire_read(&subject);
	}
	switch (number % 4) {
	case 0:
	case 1:
		vcore_rwlock_release_write(&subject);
		break;
	case 2:
		vcore_rwlock_downgrade(&subject);
		break;
	default:
		vcore_rwlock_recovered(&subject);
		break;
	}
}

static void read_what_one_writes(void)
{
	vcore_rwlock_acquire_write(&subject);
	vcore_rwlock_release_read(&subject);
}

static void release_what_another_reads(void)
{
	struct visitor other = {.lock = &subject, .stays = true};

	visitor_start_pthread(&other);
	vcore_rwlock_release_read(&subject);
}

Test(rwlock, what_takes_a_writer_panics_if_the_caller_is_none)
{
	for (number = 0; number < 8; number++) {
		check(panics_with(do_what_is_not_ones_own,
				  "the caller does not hold the lock for writing"));
	}
}

Test(rwlock, release_read_panics_if_the_caller_does_not_read)
{
	check(panics_with(read_what_one_writes, "the caller does not hold the lock for reading"));
	check(panics_with(release_what_another_reads,
			  "the caller does not hold the lock for reading"));
}

static void downgrade_dead(void)
{
	end_holding(&subject, true);
	check(vcore_rwlock_acquire_write_until(&subject, PAST) == -EOWNERDEAD);
	vcore_rwlock_downgrade(&subject);
}

Test(rwlock, downgrade_of_what_was_not_recovered_panics)
{
	check(panics_with(downgrade_dead, "was not recovered"));
}

static void acquire_plainly(struct vcore_rwlock *lock)
{
	switch (number) {
	case 0:
		vcore_rwlock_acquire_read(lock);
		break;
	case 1:
		vcore_rwlock_acquire_write(lock);
		break;
	default:
		try_acquire(lock, number == 3);
		break;
	}
}

static void acquire_dead(void)
{
	end_holding(&subject, true);
	acquire_plainly(&subject);
}

static void acquire_lost(void)
{
	end_holding(&subject, true);
	check(vcore_rwlock_acquire_write_until(&subject, PAST) == -EOWNERDEAD);
	vcore_rwlock_release_write(&subject);
	acquire_plainly(&subject);
}

Test(rwlock, the_forms_that_cannot_tell_panic_if_a_writer_ended)
{
	for (number = 0; number < 4; number++) {
		check(panics_with(acquire_dead, "a thread that owned the lock has ended"));
		check(panics_with(acquire_lost, "was not recovered"));
	}
}

static void *downgrade_plainly(void *lock)
{
	check(vcore_rwlock_acquire_write_until(lock, PAST) == -EOWNERDEAD);
	vcore_rwlock_downgrade(lock);
	return NULL;
}

static void end_in_the_hook(void)
{
	struct vcore_rwlock lock = {0};

	end_holding(&lock, true);
	finish(spawn(downgrade_plainly, &lock));
	check(vcore_rwlock_acquire_write_until(&lock, PAST) == -EOWNERDEAD);
	vcore_rwlock_recovered(&lock);
	vcore_rwlock_release_write(&lock);
}

Test(rwlock, a_thread_that_a_hook_ends_in_its_panic_leaves_its_own_dead)
{
	run_inside_with(&(struct vcore_runtime_options){.panic = exit_from_the_hook},
			end_in_the_hook);
}

/* --- inspection ------------------------------------------------------------------------- */

TestPolicies(TestAround, of_who_waits_kind_object_and_writer_are_told)
{
	for (int write = 0; write < 2; write++) {
		struct visitor visitor = {.lock = lock, .write = write};
		struct vcore_thread_info info;

		vcore_rwlock_acquire_write(lock);
		visitor_start(&visitor);
		info = info_of(visitor.peer.thread);
		check(info.wait == (write ? VCORE_WAIT_WRITE : VCORE_WAIT_READ));
		check(info.object == lock);
		check(info.owner == vcore_thread_id(vcore_thread_self()));
		vcore_rwlock_release_write(lock);
		check(visitor_finish(&visitor) == 0);
	}
}

TestPolicies(TestAround, of_a_writer_that_waits_for_readers_no_owner_is_told)
{
	struct visitor visitors[2];

	line_start(visitors, lock, "rw", true);
	check(info_of(visitors[1].peer.thread).owner == 0);
	line_finish(visitors, "rw");
}

TestPolicies(TestAround, the_dump_tells_what_a_thread_waits_for_and_whose_it_is)
{
	struct vcore_thread_options options = {.name = "penelope"};
	struct visitor visitor = {.lock = lock};
	char what[80];

	vcore_rwlock_acquire_write(lock);
	visitor.peer.thread = spawn_with(options, visit, &visitor);
	until(visitor_waits(&visitor));
	snprintf(what, sizeof(what), "to read, for rwlock %p of thread %llu,", (void *)lock,
		 (unsigned long long)vcore_thread_id(vcore_thread_self()));
	check(strstr(dumped_line("penelope"), what) != NULL);
	vcore_rwlock_release_write(lock);
	check(visitor_finish(&visitor) == 0);
}
