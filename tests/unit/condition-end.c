/*
 * Conditions whose waiters or lock's owners end, or give up, at the time of a
 * signal: what include/vcore/condition.h promises, one promise to a test.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "pages.h"
#include "sleeper.h"

/* --- destroy ---------------------------------------------------------------------------- */

static atomic_bool cleaned;

/* A cleanup: has the lock, and releases it. */
static void release(void *lock)
{
	check(vcore_lock_is_held(lock));
	atomic_store(&cleaned, true);
	vcore_lock_release(lock);
}

static void *sleep_with_a_cleanup(void *argument)
{
	struct sleeper *sleeper = argument;
	struct bed *bed = sleeper->bed;
	struct vcore_cleanup cleanup;

	vcore_lock_acquire(&bed->lock);
	vcore_cleanup_push(&cleanup, release, &bed->lock);
	atomic_store(&sleeper->prepared, true);
	vcore_condition_wait(&bed->condition, &bed->lock, VCORE_NEVER);
	atomic_store(&sleeper->woken, true);
	vcore_cleanup_pop(&cleanup, true);
	return NULL;
}

static struct vcore_thread *start_with_a_cleanup(struct sleeper *sleeper, struct bed *bed)
{
	struct vcore_thread *thread;

	*sleeper = (struct sleeper){.bed = bed};
	atomic_store(&cleaned, false);
	thread = spawn(sleep_with_a_cleanup, sleeper);
	until(is_waiting_for(thread, VCORE_WAIT_CONDITION));
	return thread;
}

TestAround(condition, the_cleanups_of_a_destroyed_waiter_run_with_the_lock)
{
	struct bed bed = {0};
	struct sleeper sleeper;

	destroy(start_with_a_cleanup(&sleeper, &bed));
	check(cleaned);
	check(vcore_lock_acquire_until(&bed.lock, PAST) == 0);
	vcore_lock_release(&bed.lock);
}

TestAround(condition, a_destroyed_waiter_waits_for_the_lock_before_it_ends)
{
	struct bed bed = {0};
	struct sleeper sleeper;
	struct vcore_thread *thread = start_with_a_cleanup(&sleeper, &bed);

	vcore_lock_acquire(&bed.lock);
	vcore_thread_destroy(thread);
	until(is_waiting_for(thread, VCORE_WAIT_LOCK));
	check(!atomic_load(&cleaned));
	vcore_lock_release(&bed.lock);
	check(fate(thread) == VCORE_DESTROYED);
	check(cleaned);
}

TestAround(condition, who_was_signalled_and_is_destroyed_then_ends_with_the_lock_too)
{
	struct bed bed = {0};
	struct sleeper sleeper;
	struct vcore_thread *thread = start_with_a_cleanup(&sleeper, &bed);

	vcore_lock_acquire(&bed.lock);
	vcore_condition_signal(&bed.condition);
	vcore_thread_destroy(thread);
	check(is_waiting_for(thread, VCORE_WAIT_LOCK));
	check(!atomic_load(&cleaned));
	vcore_lock_release(&bed.lock);
	vcore_thread_join(thread, NULL, VCORE_NEVER);
	check(cleaned);
	check(vcore_lock_acquire_until(&bed.lock, PAST) == 0);
	vcore_lock_release(&bed.lock);
}

static void wait_with_a_cleanup(void *argument)
{
	struct bed *bed = argument;
	struct vcore_cleanup cleanup;

	check(vcore_lock_try_acquire(&bed->lock)); /* it does not act on destroy */
	vcore_cleanup_push(&cleanup, release, &bed->lock);
	vcore_condition_wait(&bed->condition, &bed->lock, VCORE_NEVER);
	check(false);
}

Test(condition, a_wait_acts_on_destroy_before_it_begins)
{
	struct bed bed = {0};

	check(!survives(wait_with_a_cleanup, &bed));
	check(cleaned);
	check(vcore_lock_acquire_until(&bed.lock, PAST) == 0);
	vcore_lock_release(&bed.lock);
}

static void signal_and_broadcast(void *condition)
{
	vcore_condition_signal(condition);
	vcore_condition_broadcast(condition);
}

Test(condition, signal_and_broadcast_do_not_act_on_destroy)
{
	struct bed bed = {0};
	struct sleeper sleepers[3];

	sleepers_start(sleepers, 3, &bed);
	check(survives(signal_and_broadcast, &bed.condition));
	sleepers_finish(sleepers, 3);
}

/* --- signals that are not lost ---------------------------------------------------------- */

/* It has been destroyed, and has not run: the signal finds it leaving. */
TestInTurns(condition, a_signal_is_not_lost_on_who_is_destroyed_before_it)
{
	struct sleeper sleepers[2];
	struct bed bed = {0};
	struct vcore_thread *victim = start_with_a_cleanup(&sleepers[0], &bed);

	sleepers_start(&sleepers[1], 1, &bed);
	vcore_thread_destroy(victim);
	vcore_condition_signal(&bed.condition);
	check(sleeper_finish(&sleepers[1]) == 0);
	check(fate(victim) == VCORE_DESTROYED);
}

/*
 * A signal at the time of a deadline, over and over, a little earlier or later:
 * either that wait returns 0, or another's does.
 */
static void race_with_a_deadline(int64_t offset)
{
	struct bed bed = {0};
	struct sleeper sleepers[2] = {{.bed = &bed}, {.bed = &bed}};

	sleepers[0].deadline = vcore_after(300000);
	sleeper_start(&sleepers[0]);
	sleeper_start(&sleepers[1]);
	while (vcore_now() < sleepers[0].deadline + offset) {
		vcore_yield();
	}
	vcore_condition_signal(&bed.condition);
	if (sleeper_finish(&sleepers[0]) == 0) {
		check(!atomic_load(&sleepers[1].woken));
		vcore_condition_signal(&bed.condition);
	} else {
		check(sleepers[0].result == -ETIMEDOUT);
	}
	check(sleeper_finish(&sleepers[1]) == 0);
}

enum { RACES = 100 };

TestEverywhere(condition, a_signal_is_not_lost_on_a_wait_that_reaches_its_deadline)
{
	for (int i = 0; i < RACES; i++) {
		race_with_a_deadline((i - RACES / 2) * 2000);
	}
}

static void *destroy_it(void *thread)
{
	vcore_thread_destroy(thread);
	return NULL;
}

/* The same with a destroy, by somebody else. */
static void race_with_a_destroy(void)
{
	struct sleeper sleepers[2];
	struct bed bed = {0};
	struct vcore_thread *victim = start_with_a_cleanup(&sleepers[0], &bed);
	struct vcore_thread *destroyer;

	sleepers_start(&sleepers[1], 1, &bed);
	destroyer = spawn(destroy_it, victim);
	vcore_yield();
	vcore_condition_signal(&bed.condition);
	finish(destroyer);
	(void)fate(victim);
	if (atomic_load(&sleepers[0].woken)) {
		check(!atomic_load(&sleepers[1].woken));
		vcore_condition_signal(&bed.condition);
	}
	check(sleeper_finish(&sleepers[1]) == 0);
}

TestAround(condition, a_signal_is_not_lost_on_who_is_destroyed_meanwhile)
{
	for (int i = 0; i < RACES; i++) {
		race_with_a_destroy();
	}
}

/* --- owners that end -------------------------------------------------------------------- */

static void *die_owning(void *lock)
{
	check(vcore_lock_acquire_until(lock, VCORE_NEVER) == 0);
	return NULL;
}

TestEverywhere(condition, a_wait_tells_that_an_owner_has_ended_meanwhile)
{
	struct bed bed = {0};
	struct sleeper sleeper;

	sleepers_start(&sleeper, 1, &bed);
	peer_finish(peer_start(die_owning, &bed.lock));
	vcore_condition_signal(&bed.condition);
	check(sleeper_finish(&sleeper) == -EOWNERDEAD); /* and owns it */
	check(vcore_lock_acquire_until(&bed.lock, PAST) == 0);
	vcore_lock_release(&bed.lock);
}

static void *signal_and_die(void *argument)
{
	struct bed *bed = argument;

	vcore_lock_acquire(&bed->lock);
	vcore_condition_broadcast(&bed->condition);
	return NULL;
}

TestEverywhere(condition, one_who_is_in_the_line_is_told_that_the_owner_has_ended)
{
	struct sleeper sleepers[2];
	struct bed bed = {0};
	int told = 0;

	sleepers_start(sleepers, 2, &bed);
	peer_finish(peer_start(signal_and_die, &bed));
	for (int i = 0; i < 2; i++) {
		told += sleeper_finish(&sleepers[i]) == -EOWNERDEAD;
	}
	check(told == 1);
}

TestEverywhere(condition, if_the_lock_was_not_recovered_a_wait_returns_without_it)
{
	struct bed bed = {0};
	struct sleeper sleepers[2] = {{.bed = &bed}, {.bed = &bed}};

	sleeper_start(&sleepers[0]);
	sleepers[1].deadline = vcore_after(200 * MILLISECOND);
	sleeper_start(&sleepers[1]);
	peer_finish(peer_start(die_owning, &bed.lock));
	if (vcore_lock_acquire_until(&bed.lock, PAST) == -EOWNERDEAD) {
		vcore_lock_release(&bed.lock); /* or the machine is slow */
		vcore_condition_signal(&bed.condition);
		check(sleeper_finish(&sleepers[0]) == -ENOTRECOVERABLE);
		check(sleeper_finish(&sleepers[1]) == -ENOTRECOVERABLE);
		return;
	}
	vcore_condition_signal(&bed.condition);
	sleeper_finish(&sleepers[0]);
	sleeper_finish(&sleepers[1]);
}

/* --- freeing ---------------------------------------------------------------------------- */

/* A condition in a page of its own, and whether its page is freed by the last. */
struct tenant {
	struct vcore_condition *condition;
	struct vcore_lock lock;
	int waiting; /* guarded by lock */
	bool last_frees;
};

static void *wait_there(void *argument)
{
	struct tenant *tenant = argument;

	vcore_lock_acquire(&tenant->lock);
	tenant->waiting++;
	check(vcore_condition_wait(tenant->condition, &tenant->lock, VCORE_NEVER) == 0);
	if (--tenant->waiting == 0 && tenant->last_frees) {
		page_free(tenant->condition);
	}
	vcore_lock_release(&tenant->lock);
	return NULL;
}

enum { TENANTS = 3 };

/* Returns with the lock owned, and all of them waiting. */
static void tenants_start(struct tenant *tenant, struct peer *peers, bool last_frees)
{
	*tenant = (struct tenant){.condition = page_allocate(), .last_frees = last_frees};
	for (int i = 0; i < TENANTS; i++) {
		peers[i] = peer_start(wait_there, tenant);
	}
	vcore_lock_acquire(&tenant->lock);
	while (tenant->waiting < TENANTS) {
		vcore_lock_release(&tenant->lock);
		vcore_yield();
		vcore_lock_acquire(&tenant->lock);
	}
}

static void tenants_finish(struct peer *peers)
{
	for (int i = 0; i < TENANTS; i++) {
		peer_finish(peers[i]);
	}
}

TestEverywhere(condition, it_may_be_freed_as_soon_as_all_who_waited_were_signalled)
{
	for (int i = 0; i < 50; i++) {
		struct peer peers[TENANTS];
		struct tenant tenant;

		tenants_start(&tenant, peers, false);
		vcore_condition_broadcast(tenant.condition);
		page_free(tenant.condition);
		vcore_lock_release(&tenant.lock);
		tenants_finish(peers);
	}
}

TestEverywhere(condition, it_may_be_freed_as_soon_as_every_wait_has_returned)
{
	for (int i = 0; i < 100; i++) {
		struct peer peers[TENANTS];
		struct tenant tenant;

		tenants_start(&tenant, peers, true);
		vcore_lock_release(&tenant.lock);
		vcore_condition_broadcast(tenant.condition);
		tenants_finish(peers);
	}
}
