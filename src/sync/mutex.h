/*
 * The mutex: what lock and ticketlock have in common.
 *
 * The word (see waiters.h for LIST and WAITERS)
 *	OWNED	 somebody owns it: the upper half says who (owner.h, as DEAD and
 *		 LOST)
 *	WAKING	 one who waited was woken, and has neither got it nor begun to
 *		 wait again
 *	STARVING one in the line has waited too long: no one may overtake it
 *
 * Invariants
 *	M1  OWNED is set for exactly one, the owner, and cleared by it.
 *	M2  A waiter joins the line only in a step that sees OWNED: the owner's
 *	    release, which then sees WAITERS, takes care of it.
 *	M3  If somebody waits and nobody owns it, WAKING is set: somebody is on
 *	    the way who will acquire it, or wait because another has.  At most
 *	    one is, so that a release does not wake one after the other.
 *	M4  STARVING implies OWNED and WAITERS, and excludes WAKING: each release
 *	    hands the mutex to the first in the line, until the starved one has
 *	    had it, or has left.
 *	M5  fifo: neither WAKING nor STARVING is ever set; every release with
 *	    WAITERS hands over, so that WAITERS implies OWNED, and nobody
 *	    acquires it past those who wait.
 *	M6  Who was handed the mutex finds its own mark in the word when it is
 *	    resumed; it was claimed, so that no deadline and no destroy can
 *	    come between.
 *	M7  LOST excludes OWNED: a release sets it, it is never cleared, and
 *	    nobody acquires the mutex after.
 * Order
 *	Acquiring is an acquire of the word, releasing a release (O1).
 *
 * Models: doc/models/lock.pml, ticketlock.pml.
 *
 * The line: the highest priority first (not fifo); of one priority who waits for the
 * first time goes to the end, who was woken in vain to the front, where nobody
 * else is (M3).
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef VCI_MUTEX_H
#define VCI_MUTEX_H

#include <errno.h>

#include "sched/owner.h"
#include "sync/holds.h"

#define VCI_WAKING   UINT64_C(8)
#define VCI_STARVING UINT64_C(16)

/* Of a wait: it was woken, and not handed the mutex. */
#define VCI_WOKEN_ONLY 1

static inline uintptr_t vci_mutex_note(const struct vci_waiters *mutex, bool fifo)
{
	return vci_hold_note(mutex, fifo ? VCI_HOLD_TICKETLOCK : VCI_HOLD_LOCK);
}

/*
 * What a locked instruction waits for is expensive, first of all a load of the
 * word that the one before it has written.  So neither acquiring nor releasing
 * begins with a look at the word: it is expected to be as the thread saw it
 * last, and what it is instead the failing compare and swap tells.  Of a lock
 * that is either free of waiters, or with one on the way; a ticketlock is not
 * tried at once if others waited.
 */
static inline uint64_t vci_mutex_expected(const struct vci_waiter *self, bool fifo)
{
	return fifo ? 0 : self->holds.seen;
}

static inline bool vci_mutex_is_hopeless(const struct vci_waiter *self, bool fifo)
{
	return fifo && self->holds.crowded;
}

static inline void vci_mutex_expect(struct vci_waiter *self, uint64_t word, bool fifo)
{
	if (fifo) {
		self->holds.crowded = (word & (VCI_OWNED | VCI_WAITERS)) != 0;
	} else {
		self->holds.seen =
			word & VCI_WAKING ? (uint32_t)word & (VCI_WAITERS | VCI_WAKING) : 0;
	}
}

/* Nothing is in the way: neither of the caller, nor of the mutex. */
static inline bool vci_mutex_acquire_at_once(struct vci_waiters *mutex, bool fifo)
{
	struct vci_waiter *self = vci_wait_unhindered();
	uint64_t word;

	if (unlikely(self == NULL || !vci_holds_have_room(self) ||
		     vci_mutex_is_hopeless(self, fifo))) {
		return false;
	}
	word = vci_mutex_expected(self, fifo);
	if (unlikely(!__atomic_compare_exchange_n(&mutex->word, &word, word | vci_owner_mark(self),
						  false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))) {
		vci_mutex_expect(self, word, fifo);
		return false;
	}
	vci_holds_note(self, vci_mutex_note(mutex, fifo));
	return true;
}

/* Otherwise; returns as vcore_lock_acquire_until. */
int vci_mutex_acquire(const char *function, struct vci_waiters *mutex, vcore_instant deadline,
		      bool fifo);

/* The same without deadline; panics instead of returning an error. */
void vci_mutex_acquire_surely(const char *function, struct vci_waiters *mutex, bool fifo);

/*
 * Whether a release need only clear OWNED: it is not handed over, and nobody
 * waits, or somebody is on the way (M3).
 */
static inline bool vci_mutex_is_simple(uint64_t word, bool fifo)
{
	if (word & (VCI_LIST | VCI_STARVING | VCI_DEAD)) {
		return false;
	}
	return !(word & VCI_WAITERS) || (!fifo && (word & VCI_WAKING));
}

static inline bool vci_mutex_replace(struct vci_waiters *mutex, uint64_t from, uint64_t to)
{
	return __atomic_compare_exchange_n(&mutex->word, &from, to, false, __ATOMIC_RELEASE,
					   __ATOMIC_RELAXED);
}

/* Releases it, if that is all there is to do. */
static inline bool vci_mutex_try_release(struct vci_waiters *mutex, bool fifo)
{
	uint64_t word = __atomic_load_n(&mutex->word, __ATOMIC_RELAXED);

	while (likely(vci_mutex_is_simple(word, fifo))) {
		if (likely(__atomic_compare_exchange_n(&mutex->word, &word, vci_owner_clear(word),
						       false, __ATOMIC_RELEASE,
						       __ATOMIC_RELAXED))) {
			return true;
		}
	}
	return false;
}

/* Releases it with LIST set; returns whom to wake, or NULL. */
struct vci_waiter *vci_mutex_drop(struct vci_waiters *mutex, bool fifo);

bool vci_mutex_try_acquire(const char *function, struct vci_waiters *mutex, bool fifo);

void vci_mutex_release_slowly(const char *function, struct vci_waiters *mutex, bool fifo);

static inline void vci_mutex_release(const char *function, struct vci_waiters *mutex, bool fifo)
{
	struct vci_waiter *self = vci_wait_caller();
	uint64_t word;

	if (likely(self != NULL && !vci_mutex_is_hopeless(self, fifo))) {
		word = vci_mutex_expected(self, fifo);
		if (likely(vci_mutex_replace(mutex, vci_owner_mark(self) | word, word))) {
			/* Late: what comes before a locked instruction delays it. */
			(void)vci_holds_strike(self, vci_mutex_note(mutex, fifo));
			return;
		}
	}
	vci_mutex_release_slowly(function, mutex, fifo);
}

/* False: the caller does not own it. */
bool vci_mutex_recover(struct vci_waiters *mutex, bool fifo);
bool vci_mutex_is_held(const struct vci_waiters *mutex, bool fifo);

/* Panics: the caller does not own it, and who does. */
void vci_mutex_refuse(const char *function, const struct vci_waiters *mutex)
	__attribute__((noreturn, cold));

/* --- for conditions ------------------------------------------------------------------- */

/*
 * A claimed waiter is to acquire it next, without fifo: it is handed the mutex,
 * or told that it is lost, and is to be woken (true); or is put into the line.
 */
bool vci_mutex_invite(struct vci_waiters *mutex, struct vci_waiter *waiter);

/* By one that was woken: the result, or VCI_WOKEN_ONLY; and what follows it. */
int vci_mutex_finish(struct vci_waiters *mutex, struct vci_waiter *self, bool fifo);
int vci_mutex_go_on(struct vci_waiters *mutex, struct vci_waiter *self, vcore_instant deadline,
		    int result);

/* By one that was not: leaves the line. */
void vci_mutex_retract(struct vci_waiters *mutex, struct vci_waiter *waiter);

#endif /* VCI_MUTEX_H */
