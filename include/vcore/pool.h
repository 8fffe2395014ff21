/*
 * A pool: objects of one size, for those who get and put many of them.
 *
 *	struct vcore_pool *jobs;
 *
 *	vcore_pool_create(&jobs, sizeof(struct job));
 *	struct job *job = vcore_pool_get(jobs);		// NULL: no memory
 *	...
 *	vcore_pool_put(jobs, job);
 *	...
 *	vcore_pool_delete(jobs);
 *
 * It is type-stable: the memory of an object that was put stays an object of
 * the same pool, and readable, until the pool is deleted.  So lock-free code may
 * look at an object that another thread has put meanwhile, as pop of a stack
 * does (stack.h).
 *
 * The pool never touches the objects.  One that was never got before is zero;
 * one that comes back is as it was put: what was made in it once, a lock say,
 * need not be made again.
 *
 * Each processor keeps some free objects for itself: mostly, get and put touch
 * nothing that others do, and take no lock and no atomic operation.  Beyond
 * that batches of free objects lie in a lock-free stack.  Memory is asked for
 * when there is none: after warm-up no call is a system call.
 *
 * Plain pthreads, and threads that were let go, share a few caches with short
 * spin locks.  What the processors of a closed runtime kept waits for those of
 * the next.  A child of fork has the pool, less what processors kept.
 *
 *				create, delete	get	put	outstanding
 *	from a vcore thread	yes		yes	yes	yes
 *	from a pthread		yes		yes	yes	yes
 *	from a signal handler	no		no	no	no
 *	may switch threads	no		no	no	no
 *	orders memory		-		acquire	release	no
 *
 *	What happened before a put is seen after the get that returns the object.
 *
 * Source: J. Bonwick and J. Adams, Magazines and Vmem (2001); type stability:
 * M. Greenwald and D. Cheriton, The synergy between non-blocking
 * synchronization and operating system structure (1996).
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef VCORE_POOL_H
#define VCORE_POOL_H

#include <vcore/base.h>

#ifdef __cplusplus
extern "C" {
#endif

struct vcore_pool;

/*
 * Makes a pool of objects of `object_size` bytes, aligned to 16 (those of at
 * most 8 bytes: to 8).
 *
 * Requires: object_size ≥ 1 (checked: panics).
 * Returns: 0.
 * Errors: -ENOMEM.
 */
VCORE_API int vcore_pool_create(struct vcore_pool **pool, size_t object_size);

/*
 * Returns all memory.  NULL: no effect.
 *
 * Requires: no other call on it is under way.
 * Returns: 0.
 * Errors: -EBUSY: objects are outstanding; nothing has happened.
 */
VCORE_API int vcore_pool_delete(struct vcore_pool *pool);

/* Returns: an object; NULL: there is no memory for one. */
VCORE_API void *vcore_pool_get(struct vcore_pool *pool);

/*
 * Puts an object back.  NULL: no effect.
 *
 * Requires: get has returned it, and it was not put since.  (That is checked
 *	where there would be more objects than there are: panics.  Else one that
 *	is put twice is got twice.)
 */
VCORE_API void vcore_pool_put(struct vcore_pool *pool, void *object);

/*
 * How many objects were got and not put: exact while nobody gets or puts.
 */
VCORE_API size_t vcore_pool_outstanding(const struct vcore_pool *pool);

#ifdef __cplusplus
}
#endif
#endif /* VCORE_POOL_H */
