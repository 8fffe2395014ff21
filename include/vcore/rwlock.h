/*
 * A reader-writer lock: any number of readers hold it at an instant, or one
 * writer.
 *
 *	static struct vcore_rwlock lock = VCORE_RWLOCK_FAIR;
 *
 *	vcore_rwlock_acquire_read(&lock);
 *	value = lookup(key);
 *	vcore_rwlock_release_read(&lock);
 *
 * Who goes first is a question with three classic answers, each chosen by an
 * initialiser and kept for the lock's life:
 *
 *	VCORE_RWLOCK_READERS_FIRST	No reader waits unless a writer holds
 *					the lock: readers enter past waiting
 *					writers.  Writers may starve.  All-zero
 *					bytes are such a lock.
 *	VCORE_RWLOCK_WRITERS_FIRST	No reader enters while a writer waits,
 *					and a release lets a writer in before
 *					readers.  Readers may starve.
 *	VCORE_RWLOCK_FAIR		One line for both.  A release lets in
 *					who is at its head: a writer, or all
 *					readers up to the next writer.  Nobody
 *					starves: who is n-th in the line waits
 *					for at most n holdings to end, where
 *					readers side by side count once.
 *
 * Who waits is in the line once it has looked in vain, for some µs at most,
 * whether the lock comes free.
 *
 * A thread that holds the lock must not acquire it again, for reading neither:
 * with a writer between the two it would wait for itself.  That is detected.
 *
 *				acquire_…	try_acquire_…	release_…, downgrade,
 *								recovered
 *	from a vcore thread	yes		yes		holder only
 *	from a pthread		yes		yes		holder only
 *	from a signal handler	no		no		no
 *	may switch threads	yes		no		no
 *	acts on destroy		yes (1)		no		no
 *	orders memory		acquire (2)	acquire (2)	release
 *
 *	(1) before it holds the lock.
 *	(2) if it holds the lock.  What a writer did before its release is seen by
 *	    all later holders, what readers did before theirs by later writers.
 *
 * A reader that ends without releasing the lock is as one that released it.  Of
 * a writer that did the next holders are told: acquire_read_until and
 * acquire_write_until return -EOWNERDEAD and the lock is held.  A writer puts
 * things right and calls vcore_rwlock_recovered; if it releases the lock
 * without, nobody can ever acquire it again: -ENOTRECOVERABLE.  A reader may
 * only look, and leaves it so for the next.  The other forms panic in both
 * cases.
 *
 * Who frees the memory, and what a child of fork has: as in lock.h.
 *
 * Source: P. J. Courtois, F. Heymans, D. L. Parnas, Concurrent control with
 * "readers" and "writers" (CACM 14, 1971) for the first two.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef VCORE_RWLOCK_H
#define VCORE_RWLOCK_H

#include <vcore/base.h>

#ifdef __cplusplus
extern "C" {
#endif

struct vcore_rwlock {
	uint64_t word_;   /* private: see src/sync/rwlock.c */
	void *waiters_;   /* private */
	uint32_t policy_; /* private */
	uint32_t unused_;
};

/* clang-format off */
#define VCORE_RWLOCK_READERS_FIRST {0, 0, 0, 0}
#define VCORE_RWLOCK_WRITERS_FIRST {0, 0, 1, 0}
#define VCORE_RWLOCK_FAIR          {0, 0, 2, 0}
/* clang-format on */

/*
 * Wait until the lock may be held for reading, or for writing, then hold it.
 *
 * Requires: the caller does not hold it; at most 2^31 readers; no writer has
 *	ended without releasing it; there is memory, as below (all checked:
 *	panics).
 */
VCORE_API void vcore_rwlock_acquire_read(struct vcore_rwlock *lock);
VCORE_API void vcore_rwlock_acquire_write(struct vcore_rwlock *lock);

/*
 * The same, but not longer than to the deadline.  A lock that may be held is
 * acquired even if the deadline has passed.
 *
 * Returns: 0, or -EOWNERDEAD: it is held, but a writer has ended without
 *	releasing it.
 * Errors, not holding it: -ETIMEDOUT, -ENOTRECOVERABLE, -ENOMEM as in lock.h.
 */
VCORE_API int vcore_rwlock_acquire_read_until(struct vcore_rwlock *lock, vcore_instant deadline);
VCORE_API int vcore_rwlock_acquire_write_until(struct vcore_rwlock *lock, vcore_instant deadline);

/*
 * Hold the lock if that needs no waiting.
 *
 * Returns: whether it is held now.
 */
VCORE_API bool vcore_rwlock_try_acquire_read(struct vcore_rwlock *lock);
VCORE_API bool vcore_rwlock_try_acquire_write(struct vcore_rwlock *lock);

/*
 * Give it up, and let in whom the policy says.
 *
 * Requires: the caller holds it so (checked: panics).
 */
VCORE_API void vcore_rwlock_release_read(struct vcore_rwlock *lock);
VCORE_API void vcore_rwlock_release_write(struct vcore_rwlock *lock);

/*
 * The writer becomes a reader; no writer comes between.  Readers that wait are
 * let in with it if the policy lets them past the writers that wait.
 *
 * Requires: the caller holds it for writing, and has recovered it if it was
 *	told -EOWNERDEAD (checked: panics).
 */
VCORE_API void vcore_rwlock_downgrade(struct vcore_rwlock *lock);

/*
 * After -EOWNERDEAD: what the lock guards is in order again.
 *
 * Requires: the caller holds it for writing (checked: panics).
 */
VCORE_API void vcore_rwlock_recovered(struct vcore_rwlock *lock);

#ifdef __cplusplus
}
#endif
#endif /* VCORE_RWLOCK_H */
