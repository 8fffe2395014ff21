/*
 * Read-copy update: readers that never wait, and writers that wait for them.
 *
 *	reader:	vcore_rcu_read_lock();
 *		route = __atomic_load_n(&routes, __ATOMIC_ACQUIRE);
 *		...	// what it points to stays
 *		vcore_rcu_read_unlock();
 *
 *	writer:	new = copy_with_change(old = routes);		// one writer at a time
 *		__atomic_store_n(&routes, new, __ATOMIC_RELEASE);
 *		vcore_rcu_defer(&old->rcu, free_route);		// or synchronize, and free
 *
 * A read section of a vcore thread costs no atomic operation and no shared memory,
 * one of a pthread two fences.  What a writer
 * has unlinked is freed after a grace period: when every read section that was
 * under way has ended.
 *
 * The readers are those of liburcu's "qsbr" flavour: its data structures for
 * that flavour (rculfhash, say) may be used in read sections of this library.
 *
 * A vcore thread needs no registration.  In a read section it is not preempted,
 * keeps its processor even in foreign code, and is not destroyed: so read
 * sections should be short.  Nothing may wait in one: a call that may switch
 * threads panics there, even if it would not have waited; so do the end of the
 * thread, and fork, which waits for grace periods.  A plain pthread registers
 * once; it is unregistered when it ends.  In its sections too a call that may
 * switch panics.
 *
 * Between its read sections a thread holds up no grace period for longer than
 * about a quantum.  Without ticks one that has read, computes, and calls nothing
 * of the library makes grace periods wait until it does.
 *
 *				read_lock	read_unlock,	synchronize,	register,
 *						defer		barrier		unregister
 *	from a vcore thread	yes		yes		yes (1)		no effect
 *	from a pthread		if registered	yes		yes (1)		yes
 *	from a signal handler	no		no		no		no
 *	may switch threads	outermost (2)	no		yes		no
 *	acts on destroy		no		no		yes		no
 *	orders memory		(3)		(3)		acq+rel		no
 *
 *	(1) outside read sections (checked: panics).
 *	(2) if others are due to run, or the thread had been let go.
 *	(3) what happened in a read section that a grace period has waited for
 *	happened before its end; what happened before a synchronize or a defer
 *	is seen by every read section that its grace period does not wait for.
 *
 * After fork the child may go on with all of this; calls that were deferred
 * before, and not yet begun, are made there too, when it first uses any of them.
 * Readers that the program registered with liburcu itself are its own concern.
 *
 * Source: P. E. McKenney and J. D. Slingwine (1998); M. Desnoyers et al.,
 * User-level implementations of read-copy update (2012).
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef VCORE_RCU_H
#define VCORE_RCU_H

#include <vcore/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A part of what is freed later. */
struct vcore_rcu_head {
	void *private_[2];
};

/*
 * Begins a read section.  Sections nest.
 *
 * Requires: a pthread is registered; the library was built with liburcu (both
 *	checked: panics).
 */
VCORE_API void vcore_rcu_read_lock(void);

/* Ends it.  Requires: it was begun by the calling thread (checked: panics). */
VCORE_API void vcore_rcu_read_unlock(void);

/*
 * Calls f(head) after a grace period, on a kernel thread of the library's own,
 * one call after the other in the order in which they were deferred.  To that
 * thread f is as in a pthread that is not registered; it should not take long,
 * since all other calls wait for it, and grace periods that are asked for
 * meanwhile; it must not wait for anyone who waits for one.  It may defer, but
 * neither synchronize nor barrier.
 *
 * Requires: head is not in use by an earlier call that has not been made yet.
 * Returns: 0.  Errors: -EAGAIN, -ENOMEM: there was no kernel thread, or memory, to
 *	begin with; only before the first call of a process succeeded.  -ENOSYS: the
 *	library was built without liburcu.
 */
VCORE_API int vcore_rcu_defer(struct vcore_rcu_head *head, void (*f)(struct vcore_rcu_head *head));

/*
 * Waits for a grace period: until every read section that was under way has
 * ended.  The processor runs others meanwhile.
 *
 * Returns: 0.  Errors: -ETIMEDOUT; -EAGAIN, -ENOMEM, -ENOSYS as above.
 */
VCORE_API int vcore_rcu_synchronize(vcore_instant deadline);

/*
 * Waits until all calls that were deferred before have returned.
 *
 * Returns, Errors: as vcore_rcu_synchronize.
 */
VCORE_API int vcore_rcu_barrier(vcore_instant deadline);

/*
 * The calling pthread may begin read sections from now on.  Once is enough.
 *
 * Returns: 0.  Errors: -ENOMEM; -ENOSYS as above.
 */
VCORE_API int vcore_rcu_register(void);

/* No longer.  Requires: it is in no read section (checked: panics). */
VCORE_API void vcore_rcu_unregister(void);

#ifdef __cplusplus
}
#endif
#endif /* VCORE_RCU_H */
