/*
 * A ticket lock: a lock whose owners come in the order in which they asked.
 *
 *	vcore_ticketlock_acquire(&lock);
 *	...
 *	vcore_ticketlock_release(&lock);
 *
 * First come, first served, without exception: who finds it owned, or others
 * waiting, goes to the end of the line, and a release hands the lock to the
 * head of it.  Who gives up (a deadline, a destroy) leaves the line, and nobody
 * behind it waits longer for that.
 *
 * A classic ticket lock collapses as soon as there are more threads than
 * processors: the next ticket's thread does not run, and all others spin.  Here
 * nobody spins.  The release wakes exactly the next, on the processor that it
 * runs on itself, where it comes next; between vcore threads that takes no
 * system call.  Still, handing over at each release costs a switch each time:
 * where order does not matter use vcore_lock.
 *
 * In all else it is a vcore_lock, the table and the words about dead owners in
 * lock.h included.
 *
 * Source: the lock of tickets is D. P. Reed and R. K. Kanodia's sequencer with
 * an eventcount (CACM 22, 1979); here the line itself is the ticket, so that a
 * place in it can be given up.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef VCORE_TICKETLOCK_H
#define VCORE_TICKETLOCK_H

#include <vcore/base.h>

#ifdef __cplusplus
extern "C" {
#endif

struct vcore_ticketlock {
	uint64_t word_; /* private: see src/sync/mutex.h */
	void *waiters_; /* private */
};

/* clang-format off */
#define VCORE_TICKETLOCK_INITIALIZER {0, 0}
/* clang-format on */

/*
 * Waits for its turn, then owns the lock.
 *
 * Requires: the caller does not own it; no owner has ended without releasing
 *	it; there is memory, as below (all checked: panics).
 */
VCORE_API void vcore_ticketlock_acquire(struct vcore_ticketlock *lock);

/*
 * The same, but not longer than to the deadline.  A lock that is free is
 * acquired even if the deadline has passed.
 *
 * Requires: the caller does not own it (checked: panics).
 * Returns: 0, or -EOWNERDEAD: the caller owns it, but the owner before has
 *	ended without releasing it.
 * Errors, not owning it: -ETIMEDOUT, -ENOTRECOVERABLE, -ENOMEM as in lock.h.
 */
VCORE_API int vcore_ticketlock_acquire_until(struct vcore_ticketlock *lock, vcore_instant deadline);

/*
 * Owns the lock if it is free and nobody waits.
 *
 * Returns: whether it is the caller's now.
 */
VCORE_API bool vcore_ticketlock_try_acquire(struct vcore_ticketlock *lock);

/*
 * Hands the lock to who has waited longest; if nobody waits it is free.
 *
 * Requires: the caller owns it (checked: panics).
 */
VCORE_API void vcore_ticketlock_release(struct vcore_ticketlock *lock);

/*
 * After -EOWNERDEAD: what the lock guards is in order again.
 *
 * Requires: the caller owns it (checked: panics).
 */
VCORE_API void vcore_ticketlock_recovered(struct vcore_ticketlock *lock);

/* Whether the caller owns it: for assertions. */
VCORE_API bool vcore_ticketlock_is_held(const struct vcore_ticketlock *lock);

#ifdef __cplusplus
}
#endif
#endif /* VCORE_TICKETLOCK_H */
