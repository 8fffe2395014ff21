/*
 * Reader-writer locks whose waiters leave, and that are freed: what
 * include/vcore/rwlock.h promises, one promise to a test.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "pages.h"
#include "visitor.h"

/* --- destroy ---------------------------------------------------------------------------- */

TestPolicies(TestAround, a_destroyed_waiter_ends_where_it_waits)
{
	struct visitor visitors[3];

	line_start(visitors, lock, "wrw", true);
	destroy(visitors[1].peer.thread);
	destroy(visitors[2].peer.thread);
	check(visitor_finish(&visitors[0]) == 0);
	check(vcore_rwlock_try_acquire_write(lock));
	vcore_rwlock_release_write(lock);
}

struct access {
	struct vcore_rwlock *lock;
	bool write;
};

static void try_and_release(void *argument)
{
	const struct access *access = argument;

	check(try_acquire(access->lock, access->write));
	release(access->lock, access->write);
}

static void acquire(void *argument)
{
	const struct access *access = argument;

	acquire_until(access->lock, access->write, VCORE_NEVER);
}

Test(rwlock, acquire_acts_on_destroy_before_it_holds_it_and_try_and_release_do_not)
{
	for (int write = 0; write < 2; write++) {
		struct vcore_rwlock lock = {0};
		struct access access = {&lock, write};

		check(survives(try_and_release, &access));
		check(!survives(acquire, &access));
		check(vcore_rwlock_acquire_write_until(&lock, PAST) == 0);
		vcore_rwlock_release_write(&lock);
	}
}

/* --- giving up a place ------------------------------------------------------------------ */

/* A writer leaves the line; the reader behind it need not wait for the first. */
static void writer_leaves(struct vcore_rwlock *lock, bool by_destroy)
{
	struct visitor reader, behind;
	struct visitor writer = {.lock = lock, .write = true};

	line_start(&reader, lock, "r", true);
	writer.deadline = by_destroy ? VCORE_NEVER : vcore_after(200 * MILLISECOND);
	visitor_start(&writer);
	behind = (struct visitor){.lock = lock, .stays = true};
	visitor_start(&behind);
	if (by_destroy) {
		destroy(writer.peer.thread);
	} else {
		check(visitor_finish(&writer) == -ETIMEDOUT);
	}
	until(atomic_load(&behind.inside));
	check(visitor_finish(&reader) == 0);
	check(visitor_finish(&behind) == 0);
}

TestPolicies(TestEverywhere, a_writer_whose_deadline_passes_lets_in_who_waits_behind_it)
{
	writer_leaves(lock, false);
}

TestPolicies(TestAround, a_writer_that_is_destroyed_lets_in_who_waits_behind_it)
{
	writer_leaves(lock, true);
}

TestPolicies(TestInTurns, those_who_are_about_to_leave_are_passed_over)
{
	struct visitor visitors[4];

	vcore_rwlock_acquire_write(lock);
	line_start(visitors, lock, "wrwr", false);
	vcore_thread_destroy(visitors[0].peer.thread);
	vcore_thread_destroy(visitors[1].peer.thread);
	vcore_rwlock_release_write(lock);
	check(visitor_finish(&visitors[2]) == 0);
	check(visitor_finish(&visitors[3]) == 0);
	check(fate(visitors[0].peer.thread) == VCORE_DESTROYED);
	check(fate(visitors[1].peer.thread) == VCORE_DESTROYED);
	check(vcore_rwlock_try_acquire_write(lock));
	vcore_rwlock_release_write(lock);
}

/* --- freeing ---------------------------------------------------------------------------- */

struct shared {
	struct vcore_rwlock lock;
	int users; /* guarded by lock */
};

static struct vcore_rwlock pattern;

static void prepare(void *page)
{
	struct shared *shared = page;

	shared->lock = pattern;
	shared->users = PAGE_USERS;
}

static bool use(void *page)
{
	struct shared *shared = page;
	bool is_last;

	vcore_rwlock_acquire_read(&shared->lock);
	check(shared->users > 0);
	vcore_rwlock_release_read(&shared->lock);
	vcore_rwlock_acquire_write(&shared->lock);
	occupy_for(20000); /* so that the others come to wait */
	is_last = --shared->users == 0;
	vcore_rwlock_release_write(&shared->lock);
	return is_last;
}

TestPolicies(TestAround, the_last_user_may_free_it_after_its_release)
{
	pattern = *lock;
	pages_share(300, prepare, use);
}
