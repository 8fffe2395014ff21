/*
 * Those who wait for a condition; see sleeper.h.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "sleeper.h"

void *sleep_in(void *argument)
{
	struct sleeper *sleeper = argument;
	struct bed *bed = sleeper->bed;
	vcore_instant deadline = sleeper->deadline != 0 ? sleeper->deadline : VCORE_NEVER;

	vcore_lock_acquire(&bed->lock);
	atomic_store(&sleeper->prepared, true);
	sleeper->result = vcore_condition_wait(&bed->condition, &bed->lock, deadline);
	atomic_store(&sleeper->woken, true);
	if (sleeper->result == -ENOTRECOVERABLE) {
		check(!vcore_lock_is_held(&bed->lock));
		return NULL;
	}
	check(vcore_lock_is_held(&bed->lock));
	note(&bed->journal, sleeper->letter);
	vcore_lock_recovered(&bed->lock);
	vcore_lock_release(&bed->lock);
	return NULL;
}

/* Who has got the lock after it was seen to own it finds it waiting. */
static void find_it_waiting(struct sleeper *sleeper)
{
	until(atomic_load(&sleeper->prepared));
	vcore_lock_acquire(&sleeper->bed->lock);
	vcore_lock_release(&sleeper->bed->lock);
}

void sleeper_start(struct sleeper *sleeper)
{
	sleeper->peer = peer_start(sleep_in, sleeper);
	find_it_waiting(sleeper);
}

void sleeper_start_pthread(struct sleeper *sleeper)
{
	sleeper->peer = (struct peer){.pthread = start_pthread(sleep_in, sleeper)};
	find_it_waiting(sleeper);
}

int sleeper_finish(struct sleeper *sleeper)
{
	peer_finish(sleeper->peer);
	return sleeper->result;
}

void sleepers_start(struct sleeper *sleepers, int n, struct bed *bed)
{
	for (int i = 0; i < n; i++) {
		sleepers[i] = (struct sleeper){.bed = bed, .letter = (char)('a' + i)};
		sleeper_start(&sleepers[i]);
	}
}

void sleepers_finish(struct sleeper *sleepers, int n)
{
	for (int i = 0; i < n; i++) {
		check(sleeper_finish(&sleepers[i]) == 0);
	}
}

void signal_owning(struct bed *bed)
{
	vcore_lock_acquire(&bed->lock);
	vcore_condition_signal(&bed->condition);
	vcore_lock_release(&bed->lock);
}

void broadcast_owning(struct bed *bed)
{
	vcore_lock_acquire(&bed->lock);
	vcore_condition_broadcast(&bed->condition);
	vcore_lock_release(&bed->lock);
}
