/*
 * A spin lock for sections of a few dozen instructions, none of which waits.
 *
 * Its holder is in library text and so is never preempted by a tick, but the
 * kernel may take its CPU: after some rounds a waiter gives its own away.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef VCI_SPIN_H
#define VCI_SPIN_H

#include "platform/platform.h"

struct vci_spin {
	uint32_t held;
};

/* One round of waiting for what another kernel thread will do very soon. */
static inline void vci_spin_round(unsigned *rounds)
{
	if (++*rounds % 64 == 0) {
		vci_kernel_yield();
	} else {
		vci_relax();
	}
}

static inline void vci_spin_lock(struct vci_spin *spin)
{
	unsigned rounds = 0;

	while (__atomic_exchange_n(&spin->held, 1, __ATOMIC_ACQUIRE) != 0) {
		while (__atomic_load_n(&spin->held, __ATOMIC_RELAXED) != 0) {
			vci_spin_round(&rounds);
		}
	}
}

static inline void vci_spin_unlock(struct vci_spin *spin)
{
	__atomic_store_n(&spin->held, 0, __ATOMIC_RELEASE);
}

#endif /* VCI_SPIN_H */
