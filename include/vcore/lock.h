/*
 * A lock: at most one thread owns it at any instant.
 *
 *	struct account {
 *		struct vcore_lock lock;
 *		long balance;		// guarded by lock
 *	};
 *
 *	vcore_lock_acquire(&account->lock);
 *	account->balance += amount;
 *	vcore_lock_release(&account->lock);
 *
 * All-zero bytes are a free lock.  A lock owns no other memory: to forget a
 * free lock is to destroy it, and who acquires it may free the memory that it
 * lies in as soon as its own release has returned, if nobody will come to
 * acquire it: an earlier owner's release, still on its way, does not touch it.
 *
 * Who finds it owned looks for some µs whether it comes free, but a thread only
 * while the owner runs on another processor (a pthread cannot see that); then it
 * waits, and costs nothing.  A release wakes one who waits, that of the highest
 * priority, of one priority who came first; and not another before that one has
 * run.  A thread that runs may overtake one that was woken: that makes the lock
 * fast with many threads.  But who is woken, finds it owned and has waited for
 * 1 ms by then is overtaken no more, but by who waits at a higher priority: the
 * next releases hand the lock over.  Where order matters use vcore_ticketlock,
 * where most only read vcore_rwlock.
 *
 *				acquire	  acquire_until	try_acquire  release
 *	from a vcore thread	yes	  yes		yes	     owner only
 *	from a pthread		yes	  yes		yes	     owner only
 *	from a signal handler	no	  no		no	     no
 *	recovered, is_held: as release.
 *	may switch threads	yes	  yes		no	     no
 *	acts on destroy		yes (1)	  yes (1)	no	     no
 *	orders memory		acquire	  acquire if it	acquire if   release
 *					  owns it	true
 *
 *	(1) before it owns the lock.
 *
 * A thread that ends while it owns a lock leaves what the lock guards half
 * changed, perhaps.  The next owner is told: acquire_until returns -EOWNERDEAD,
 * and the lock is the caller's.  Having put things right it says so with
 * vcore_lock_recovered.  If it releases the lock without, nobody can ever
 * acquire it again: -ENOTRECOVERABLE.  Acquire and try_acquire, which cannot
 * tell, panic in both cases; in a thread that has been asked to end they end it
 * instead.
 *
 * In a child of fork a pthread that owned locks owns them still, and nobody waits
 * for them: it may release them there.  Locks that other threads owned stay
 * owned, also those of a vcore thread that called fork, which is none there.
 * Other objects that somebody waited for or worked on are not to be used in the
 * child before they have been made anew.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef VCORE_LOCK_H
#define VCORE_LOCK_H

#include <vcore/base.h>

#ifdef __cplusplus
extern "C" {
#endif

struct vcore_lock {
	uint64_t word_; /* private: see src/sync/mutex.h */
	void *waiters_; /* private */
};

/* clang-format off */
#define VCORE_LOCK_INITIALIZER {0, 0}
/* clang-format on */

/*
 * Waits until the lock is free, then owns it.
 *
 * Requires: the caller does not own it; no owner has ended without releasing
 *	it; there is memory, as below (all checked: panics).
 */
VCORE_API void vcore_lock_acquire(struct vcore_lock *lock);

/*
 * The same, but not longer than to the deadline.  A lock that is free is
 * acquired even if the deadline has passed.
 *
 * Requires: the caller does not own it (checked: panics).
 * Returns: 0, or -EOWNERDEAD: the caller owns it, but the owner before has
 *	ended without releasing it.
 * Errors, not owning it: -ETIMEDOUT; -ENOTRECOVERABLE: it was released
 *	without having been recovered; -ENOMEM: there is no memory for a
 *	pthread's first call, or to note so many locks held at once.
 */
VCORE_API int vcore_lock_acquire_until(struct vcore_lock *lock, vcore_instant deadline);

/*
 * Owns the lock if it is free.
 *
 * Requires: as acquire; but it may be the caller's own: then false.
 * Returns: whether it is the caller's now.
 */
VCORE_API bool vcore_lock_try_acquire(struct vcore_lock *lock);

/*
 * Gives the lock up; wakes one who waits, or hands it over.
 *
 * Requires: the caller owns it (checked: panics).
 */
VCORE_API void vcore_lock_release(struct vcore_lock *lock);

/*
 * After -EOWNERDEAD: what the lock guards is in order again.  Otherwise without
 * effect.
 *
 * Requires: the caller owns it (checked: panics).
 */
VCORE_API void vcore_lock_recovered(struct vcore_lock *lock);

/* Whether the caller owns it: for assertions. */
VCORE_API bool vcore_lock_is_held(const struct vcore_lock *lock);

#ifdef __cplusplus
}
#endif
#endif /* VCORE_LOCK_H */
