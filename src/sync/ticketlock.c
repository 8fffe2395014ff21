/*
 * Ticket locks: see vcore/ticketlock.h, and mutex.h for how they work.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <vcore/ticketlock.h>

#include "sync/mutex.h"

_Static_assert(sizeof(struct vcore_ticketlock) == 16, "part of the ABI");

void vcore_ticketlock_acquire(struct vcore_ticketlock *lock)
{
	VCI_PANIC_IF(lock == NULL, "lock is NULL");
	if (unlikely(!vci_mutex_acquire_at_once(VCI_WAITERS_OF(lock), true))) {
		vci_mutex_acquire_surely(__func__, VCI_WAITERS_OF(lock), true);
	}
}

int vcore_ticketlock_acquire_until(struct vcore_ticketlock *lock, vcore_instant deadline)
{
	VCI_PANIC_IF(lock == NULL, "lock is NULL");
	if (likely(vci_mutex_acquire_at_once(VCI_WAITERS_OF(lock), true))) {
		return 0;
	}
	return vci_mutex_acquire(__func__, VCI_WAITERS_OF(lock), deadline, true);
}

bool vcore_ticketlock_try_acquire(struct vcore_ticketlock *lock)
{
	VCI_PANIC_IF(lock == NULL, "lock is NULL");
	return vci_mutex_try_acquire(__func__, VCI_WAITERS_OF(lock), true);
}

void vcore_ticketlock_release(struct vcore_ticketlock *lock)
{
	VCI_PANIC_IF(lock == NULL, "lock is NULL");
	vci_mutex_release(__func__, VCI_WAITERS_OF(lock), true);
}

void vcore_ticketlock_recovered(struct vcore_ticketlock *lock)
{
	VCI_PANIC_IF(lock == NULL, "lock is NULL");
	if (!vci_mutex_recover(VCI_WAITERS_OF(lock), true)) {
		vci_mutex_refuse(__func__, VCI_WAITERS_OF(lock));
	}
}

bool vcore_ticketlock_is_held(const struct vcore_ticketlock *lock)
{
	VCI_PANIC_IF(lock == NULL, "lock is NULL");
	return vci_mutex_is_held(VCI_WAITERS_OF(lock), true);
}
