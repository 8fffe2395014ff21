/*
 * A condition: threads wait until somebody says that what they wait for may
 * have come true.
 *
 *	vcore_lock_acquire(&queue->lock);
 *	while (queue->length == 0) {
 *		vcore_condition_wait(&queue->filled, &queue->lock, VCORE_NEVER);
 *	}
 *	item = take(queue);
 *	vcore_lock_release(&queue->lock);
 *
 * What is waited for is a predicate over data that a vcore_lock guards; who
 * makes it true signals, mostly with the lock held.  Between a signal and the
 * return of the wait the predicate may have become false again, and a wait
 * may return without a signal that was meant for it: ask again, always.
 *
 * To wait and to release the lock is one step: no signal given after the lock
 * was released is missed.  A signal wakes who has waited longest.  A signal is
 * not lost on somebody whose deadline passes, or who is destroyed, at the same
 * time: either that wait returns 0, or another is woken.
 *
 * Who is signalled needs the lock.  If it is owned, the waiter is moved from
 * here into the lock's line, without being woken: a broadcast to a thousand
 * threads wakes one, and each release the next.
 *
 * All-zero bytes are a condition for which nobody waits.  It may be freed as
 * soon as every wait has returned; a wait that was signalled counts as
 * returned, unless it has a deadline that may pass, or its thread may be
 * destroyed, at that very moment.  An eventcount (eventcount.h) does the same
 * without a lock, where what is waited for can be counted.
 *
 *				wait		signal	broadcast
 *	from a vcore thread	lock's owner	yes	yes
 *	from a pthread		lock's owner	yes	yes
 *	from a signal handler	no		no	no
 *	may switch threads	yes		no	yes
 *	acts on destroy		yes (1)		no	no
 *	orders memory		(2)		no	no
 *
 *	(1) the thread acquires the lock first, and its cleanups run with it.
 *	(2) as a release and an acquire of the lock.
 *
 * Source: C. A. R. Hoare's condition (1974), with the rules of Mesa (Lampson
 * and Redell 1980).
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef VCORE_CONDITION_H
#define VCORE_CONDITION_H

#include <vcore/lock.h>

#ifdef __cplusplus
extern "C" {
#endif

struct vcore_condition {
	uint64_t word_; /* private: see src/sync/condition.c */
	void *waiters_; /* private */
};

/* clang-format off */
#define VCORE_CONDITION_INITIALIZER {0, 0}
/* clang-format on */

/*
 * Releases the lock, waits for a signal, and acquires the lock again; also where
 * the deadline has passed before.
 *
 * Requires: the caller owns the lock; all who wait on the condition at one
 *	time name the same lock (both checked: panics).
 * Returns: 0.  -ETIMEDOUT if the deadline passed without a signal: the lock is
 *	the caller's all the same, however long that took.  -EOWNERDEAD: the
 *	lock is the caller's, but an owner has ended meanwhile (lock.h).
 * Errors: -ENOTRECOVERABLE: the lock cannot be acquired, and is not the
 *	caller's.
 */
VCORE_API int vcore_condition_wait(struct vcore_condition *condition, struct vcore_lock *lock,
				   vcore_instant deadline);

/* Ends the wait of who has waited longest, if anybody waits. */
VCORE_API void vcore_condition_signal(struct vcore_condition *condition);

/* Ends the waits of all who wait. */
VCORE_API void vcore_condition_broadcast(struct vcore_condition *condition);

#ifdef __cplusplus
}
#endif
#endif /* VCORE_CONDITION_H */
