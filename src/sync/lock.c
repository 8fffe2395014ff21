/*
 * Locks: see vcore/lock.h, and mutex.h for how they work.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <vcore/lock.h>

#include "sync/mutex.h"

_Static_assert(sizeof(struct vcore_lock) == 16, "part of the ABI");

void vcore_lock_acquire(struct vcore_lock *lock)
{
	VCI_PANIC_IF(lock == NULL, "lock is NULL");
	if (unlikely(!vci_mutex_acquire_at_once(VCI_WAITERS_OF(lock), false))) {
		vci_mutex_acquire_surely(__func__, VCI_WAITERS_OF(lock), false);
	}
}

int vcore_lock_acquire_until(struct vcore_lock *lock, vcore_instant deadline)
{
	VCI_PANIC_IF(lock == NULL, "lock is NULL");
	if (likely(vci_mutex_acquire_at_once(VCI_WAITERS_OF(lock), false))) {
		return 0;
	}
	return vci_mutex_acquire(__func__, VCI_WAITERS_OF(lock), deadline, false);
}

bool vcore_lock_try_acquire(struct vcore_lock *lock)
{
	VCI_PANIC_IF(lock == NULL, "lock is NULL");
	return vci_mutex_try_acquire(__func__, VCI_WAITERS_OF(lock), false);
}

void vcore_lock_release(struct vcore_lock *lock)
{
	VCI_PANIC_IF(lock == NULL, "lock is NULL");
	vci_mutex_release(__func__, VCI_WAITERS_OF(lock), false);
}

void vcore_lock_recovered(struct vcore_lock *lock)
{
	VCI_PANIC_IF(lock == NULL, "lock is NULL");
	if (!vci_mutex_recover(VCI_WAITERS_OF(lock), false)) {
		vci_mutex_refuse(__func__, VCI_WAITERS_OF(lock));
	}
}

bool vcore_lock_is_held(const struct vcore_lock *lock)
{
	VCI_PANIC_IF(lock == NULL, "lock is NULL");
	return vci_mutex_is_held(VCI_WAITERS_OF(lock), false);
}
