/*
 * Who owns a mutex, and who wants it; see mutex.h.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "mutex.h"

void *hold(void *argument)
{
	struct holder *holder = argument;

	mutex_acquire(holder->lock);
	atomic_store(&holder->holds, true);
	check(vcore_eventcount_await(&holder->go, 0, VCORE_NEVER) == 0);
	mutex_release(holder->lock);
	return NULL;
}

void holder_start(struct holder *holder, struct mutex *lock)
{
	memset(holder, 0, sizeof(*holder));
	holder->lock = lock;
	holder->peer = peer_start(hold, holder);
	until(atomic_load(&holder->holds));
}

void holder_finish(struct holder *holder)
{
	vcore_eventcount_advance(&holder->go);
	peer_finish(holder->peer);
}

void *contend(void *argument)
{
	struct contender *contender = argument;

	atomic_store(&contender->tid, thread_id_of_kernel());
	contender->result = mutex_acquire_until(contender->lock, contender->deadline);
	if (contender->result == 0 || contender->result == -EOWNERDEAD) {
		if (contender->journal != NULL) {
			note(contender->journal, contender->letter);
		}
		mutex_release(contender->lock);
	}
	atomic_store(&contender->over, true);
	return NULL;
}

bool contender_waits(struct contender *contender)
{
	pid_t tid = atomic_load(&contender->tid);

	return contender->peer.thread != NULL ? is_waiting_for(contender->peer.thread, MUTEX_WAIT)
					      : tid != 0 && is_asleep(tid);
}

/* On a slow machine its deadline may be over before it is seen. */
static void until_it_waits(struct contender *contender)
{
	until(atomic_load(&contender->over) || contender_waits(contender));
}

void contender_start(struct contender *contender)
{
	atomic_store(&contender->over, false);
	contender->peer = peer_start(contend, contender);
	until_it_waits(contender);
}

void contender_start_pthread(struct contender *contender)
{
	atomic_store(&contender->over, false);
	contender->peer = (struct peer){.pthread = start_pthread(contend, contender)};
	until_it_waits(contender);
}

int contender_finish(struct contender *contender)
{
	peer_finish(contender->peer);
	return contender->result;
}

void contenders_start(struct contender *contenders, unsigned n, struct mutex *lock,
		      struct journal *journal)
{
	for (unsigned i = 0; i < n; i++) {
		contenders[i] = (struct contender){.lock = lock,
						   .deadline = VCORE_NEVER,
						   .journal = journal,
						   .letter = (char)('a' + (int)i)};
		contender_start(&contenders[i]);
	}
}

void *die_owning(void *lock)
{
	mutex_acquire(lock);
	return lock;
}

void *hold_and_die(void *argument)
{
	struct holder *holder = argument;

	mutex_acquire(holder->lock);
	atomic_store(&holder->holds, true);
	check(vcore_eventcount_await(&holder->go, 0, VCORE_NEVER) == 0);
	return NULL;
}

void mortal_start(struct holder *holder, struct mutex *lock)
{
	memset(holder, 0, sizeof(*holder));
	holder->lock = lock;
	holder->peer = peer_start(hold_and_die, holder);
	until(atomic_load(&holder->holds));
}

void leave_dead(struct mutex *lock)
{
	peer_finish(peer_start(die_owning, lock));
}

void leave_lost(struct mutex *lock)
{
	leave_dead(lock);
	check(mutex_acquire_until(lock, PAST) == -EOWNERDEAD);
	mutex_release(lock);
}

void check_is_dead(struct mutex *lock)
{
	check(mutex_acquire_until(lock, PAST) == -EOWNERDEAD);
	mutex_recovered(lock);
	mutex_release(lock);
}
