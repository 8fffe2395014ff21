/*
 * Conditions: see vcore/condition.h.
 *
 * The word (see waiters.h): above LIST and WAITERS, how many broadcasts there
 * have been.  A waiter's key is that number when it began to wait: a broadcast
 * concerns those with a lower one than its own, and not who comes meanwhile.
 *
 * A wait has two stages.  In the first the waiter is in this order, and waits
 * for a signal; in the second it is in the lock's line.  Who signals claims it
 * in the first, and puts it into the second (vci_mutex_invite).
 *
 * Invariants
 *	C1  Between the insertion into the order and the release of the lock, as
 *	    between that and the commit, LIST is set: who acquires the lock
 *	    then and signals finds the waiter.
 *	C2  A signal takes effect by the claim.  Who is about to time out, or to
 *	    be destroyed, is claimed by that, and the signal goes to the next.
 *	C3  The second stage has no deadline and cannot be destroyed: who waits
 *	    here returns, or ends, with the lock.
 *	C4  LIST of the condition comes before LIST of the lock.
 *
 * Model: doc/models/condition.pml.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <vcore/condition.h>

#include "sync/mutex.h"

#define ONE_BROADCAST UINT64_C(4)
#define BATCH         64

/* Of a wait, beside those of mutex.h. */
enum { TIMED_OUT = VCI_WOKEN_ONLY + 1, DESTROYED, IMPATIENT };

_Static_assert(sizeof(struct vcore_condition) == 16, "part of the ABI");

static int64_t broadcasts(uint64_t word)
{
	return (int64_t)(word / ONE_BROADCAST);
}

/* --- waiting ----------------------------------------------------------------------- */

/* Whom to wake for it, or NULL; by the waiter, or when it was left. */
static struct vci_waiter *release_for(struct vci_waiter *waiter, struct vci_waiters *mutex)
{
	(void)vci_holds_strike(waiter, vci_mutex_note(mutex, false));
	return likely(vci_mutex_try_release(mutex, false)) ? NULL : vci_mutex_drop(mutex, false);
}

/* Others wait here with another lock: argument says so, to finish. */
static bool is_other_lock(const struct vci_waiters *waiters, struct vci_waiter *waiter)
{
	const struct vci_waiter *first = vci_waiters_first(waiters);

	if (first == NULL || first->argument == waiter->argument) {
		return false;
	}
	waiter->argument = NULL;
	return true;
}

static bool publish(struct vci_waiter *waiter)
{
	struct vci_waiters *waiters = waiter->object;
	uint64_t word = vci_waiters_lock(waiters);
	struct vci_waiter *next;

	if (unlikely(is_other_lock(waiters, waiter))) {
		vci_waiters_unlock(waiters, word);
		return false;
	}
	waiter->node.key = broadcasts(word);
	vci_waiters_insert(waiters, waiter);
	next = release_for(waiter, waiter->argument);
	vci_waiter_commit(waiter);
	vci_waiters_unlock(waiters, word);
	if (next != NULL) {
		vci_waiter_wake(next);
	}
	return true;
}

/* In the second stage a pthread alone: it kept its deadline. */
static int finish_unwoken(struct vci_waiter *waiter, enum vci_claim reason)
{
	if (waiter->kind != VCORE_WAIT_CONDITION) {
		vci_mutex_retract(waiter->object, waiter);
		return IMPATIENT;
	}
	(void)vci_waiters_retract(waiter->object, waiter);
	return reason == VCI_DESTROYED ? DESTROYED : TIMED_OUT;
}

static int finish(struct vci_kthread *m, struct vci_waiter *waiter, enum vci_claim reason)
{
	(void)m;
	if (unlikely(reason != VCI_WOKEN)) {
		return finish_unwoken(waiter, reason);
	}
	if (waiter->argument == NULL) {
		vci_panic("vcore_condition_wait", "others wait on the condition with another lock");
	}
	return vci_mutex_finish(waiter->argument, waiter, false);
}

/* Nothing ends the thread before it has the lock (C3). */
static int acquire_firmly(struct vci_waiter *self, struct vci_waiters *mutex, int result)
{
	vci_undestroyable_begin();
	if (result == VCI_WOKEN_ONLY) {
		result = vci_mutex_go_on(mutex, self, VCORE_NEVER, result);
	} else {
		result = vci_mutex_acquire("vcore_condition_wait", mutex, VCORE_NEVER, false);
	}
	vci_undestroyable_end();
	return result;
}

/* The first stage is over: how the second ends, if it has not. */
static int settle(struct vci_waiter *self, struct vci_waiters *mutex, int how)
{
	int result = how > 0 ? acquire_firmly(self, mutex, how) : how;

	if (how == DESTROYED) {
		vci_wait_destroyed(self);
	}
	return result == 0 && how == TIMED_OUT ? -ETIMEDOUT : result;
}

/* The deadline has passed: others may have the lock in between, that is all. */
static int give_way(struct vci_waiter *self, struct vci_waiters *mutex)
{
	struct vci_waiter *next = release_for(self, mutex);

	if (next != NULL) {
		vci_waiter_wake(next);
	}
	return settle(self, mutex, TIMED_OUT);
}

int vcore_condition_wait(struct vcore_condition *condition, struct vcore_lock *lock,
			 vcore_instant deadline)
{
	struct vci_waiter *self;
	struct vci_waiters *mutex;
	struct vci_kthread *m;

	VCI_PANIC_IF(condition == NULL || lock == NULL, "condition or lock is NULL");
	mutex = VCI_WAITERS_OF(lock);
	if (unlikely(!vci_mutex_is_held(mutex, false))) {
		vci_mutex_refuse(__func__, mutex);
	}
	m = vci_wait_enter();
	self = vci_wait_self(m);
	if (vci_wait_is_over(deadline)) {
		return give_way(self, mutex);
	}
	self->kind = VCORE_WAIT_CONDITION;
	self->object = VCI_WAITERS_OF(condition);
	self->argument = mutex;
	self->publish = publish;
	self->finish = finish;
	return settle(self, mutex, vci_wait(m, self, deadline));
}

/* --- signalling ---------------------------------------------------------------------- */

static void signal_one(struct vci_waiter *waiter)
{
	if (vci_mutex_invite(waiter->argument, waiter)) {
		vci_waiter_wake(waiter);
	}
}

void vcore_condition_signal(struct vcore_condition *condition)
{
	struct vci_waiters *waiters;
	struct vci_waiter *first;
	uint64_t word;

	VCI_PANIC_IF(condition == NULL, "condition is NULL");
	waiters = VCI_WAITERS_OF(condition);
	if (!(__atomic_load_n(&waiters->word, __ATOMIC_RELAXED) & (VCI_LIST | VCI_WAITERS))) {
		return;
	}
	word = vci_waiters_lock(waiters);
	first = vci_waiters_claim_first(waiters);
	vci_waiters_unlock(waiters, word);
	if (first != NULL) {
		signal_one(first);
	}
}

/* With LIST: claims the first that waits since before that broadcast, or NULL. */
static struct vci_waiter *claim_before(struct vci_waiters *waiters, int64_t broadcast)
{
	struct vci_waiter *first;

	do {
		first = vci_waiters_first(waiters);
		if (first == NULL || first->node.key >= broadcast) {
			return NULL;
		}
	} while (!vci_waiters_claim(waiters, first));
	return first;
}

/*
 * One is claimed before the one before it is let go: the condition is there as
 * long as somebody who waits on it has not returned (L4).
 */
void vcore_condition_broadcast(struct vcore_condition *condition)
{
	struct vci_waiters *waiters;
	struct vci_waiter *waiter, *next;
	uint64_t word;
	int64_t broadcast;

	VCI_PANIC_IF(condition == NULL, "condition is NULL");
	waiters = VCI_WAITERS_OF(condition);
	if (!(__atomic_load_n(&waiters->word, __ATOMIC_RELAXED) & (VCI_LIST | VCI_WAITERS))) {
		return;
	}
	word = vci_waiters_lock(waiters) + ONE_BROADCAST;
	broadcast = broadcasts(word);
	waiter = claim_before(waiters, broadcast);
	vci_waiters_unlock(waiters, word);
	for (unsigned n = 1; waiter != NULL; n++, waiter = next) {
		word = vci_waiters_lock(waiters);
		next = claim_before(waiters, broadcast);
		vci_waiters_unlock(waiters, word);
		signal_one(waiter);
		if (n % BATCH == 0 && next != NULL) {
			vci_wait_breathe();
		}
	}
}
