/*
 * A semaphore: a count of permits, of which each acquire takes one and waits
 * if there is none.
 *
 *	static struct vcore_semaphore slots = VCORE_SEMAPHORE_INITIALIZER(4);
 *
 *	vcore_semaphore_acquire(&slots);
 *	...	// at most four threads are here
 *	vcore_semaphore_release(&slots, 1);
 *
 * Permits have no owner: who acquires need not be who releases.  Those who wait
 * are served in the order in which they came; nobody overtakes them.
 *
 * All-zero bytes are a semaphore of no permits.  It may be freed as soon as the
 * last acquire has returned, if nobody will release it: a release that let
 * somebody in does not touch it afterwards.  A release that lets thousands in
 * takes about 0.25 µs for each, and no tick comes meanwhile.
 *
 *				acquire, acquire_until	try_acquire,	release
 *							read
 *	from a vcore thread	yes			yes		yes
 *	from a pthread		yes			yes		yes
 *	from a signal handler	no			no		no
 *	may switch threads	yes			no		no
 *	acts on destroy		yes (1)			no		no
 *	orders memory		acquire			acquire (2)	release
 *
 *	(1) before it has a permit.	(2) if true.
 *
 * Source: E. W. Dijkstra, Cooperating sequential processes (1965): P and V.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef VCORE_SEMAPHORE_H
#define VCORE_SEMAPHORE_H

#include <vcore/base.h>

#ifdef __cplusplus
extern "C" {
#endif

struct vcore_semaphore {
	uint64_t word_; /* private: see src/sync/semaphore.c */
	void *waiters_; /* private */
};

#define VCORE_SEMAPHORE_MAX 2147483647

/* With `count` permits, a constant from 0 to VCORE_SEMAPHORE_MAX. */
/* clang-format off */
#define VCORE_SEMAPHORE_INITIALIZER(count) {(uint64_t)(count) << 32, 0}
/* clang-format on */

/*
 * Waits until there is a permit, and takes it.
 *
 * Requires: there is memory for a pthread's first wait (checked: panics).
 */
VCORE_API void vcore_semaphore_acquire(struct vcore_semaphore *semaphore);

/*
 * The same, but not longer than to the deadline.  A permit that is there is
 * taken even if the deadline has passed.
 *
 * Returns: 0.  Errors: -ETIMEDOUT; -ENOMEM: there is no memory for a pthread's
 *	first wait.
 */
VCORE_API int vcore_semaphore_acquire_until(struct vcore_semaphore *semaphore,
					    vcore_instant deadline);

/* Takes a permit if there is one.  Returns: whether it did. */
VCORE_API bool vcore_semaphore_try_acquire(struct vcore_semaphore *semaphore);

/*
 * Gives n permits back, or new ones, and lets as many in who wait.
 *
 * Requires: with the permits there are, n is at most VCORE_SEMAPHORE_MAX
 *	(checked: panics).
 */
VCORE_API void vcore_semaphore_release(struct vcore_semaphore *semaphore, uint32_t n);

/* The permits there are now. */
VCORE_API uint32_t vcore_semaphore_read(const struct vcore_semaphore *semaphore);

#ifdef __cplusplus
}
#endif
#endif /* VCORE_SEMAPHORE_H */
