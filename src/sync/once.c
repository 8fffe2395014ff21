/*
 * Once: see vcore/once.h.  A lock, and a word that says that it is done.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <vcore/once.h>

#include "sync/mutex.h"

static bool is_done(const struct vcore_once *once)
{
	return likely(__atomic_load_n(&once->done_, __ATOMIC_ACQUIRE) != 0);
}

static int call_slowly(const char *function, struct vcore_once *once, void (*f)(void *argument),
		       void *argument, vcore_instant deadline)
{
	int result;

	if (vcore_lock_is_held(&once->lock_)) {
		vci_panic(function, "the function calls itself");
	}
	result = vcore_lock_acquire_until(&once->lock_, deadline);
	if (result == -EOWNERDEAD) { /* it was not done: nothing is half changed */
		vcore_lock_recovered(&once->lock_);
		result = 0;
	}
	if (result == 0) {
		if (!is_done(once)) {
			vci_undestroyable_begin();
			f(argument);
			vci_undestroyable_end(); /* not destroyed: the lock is owned */
			__atomic_store_n(&once->done_, 1, __ATOMIC_RELEASE);
		}
		vcore_lock_release(&once->lock_);
	}
	return result;
}

static inline int call(const char *function, struct vcore_once *once, void (*f)(void *argument),
		       void *argument, vcore_instant deadline)
{
	if (unlikely(once == NULL || f == NULL)) {
		vci_panic(function, "once or f is NULL");
	}
	return is_done(once) ? 0 : call_slowly(function, once, f, argument, deadline);
}

void vcore_once_call(struct vcore_once *once, void (*f)(void *argument), void *argument)
{
	int result = call(__func__, once, f, argument, VCORE_NEVER);

	VCI_PANIC_IF(result != 0, "there is no memory for the pthread's first call");
}

int vcore_once_call_until(struct vcore_once *once, void (*f)(void *argument), void *argument,
			  vcore_instant deadline)
{
	return call(__func__, once, f, argument, deadline);
}
