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

#include "platform/annotate.h"

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

/* Of a pause, in rounds: 0.5 to 2 µs at first, then twice as long each time. */
#define VCI_PAUSE_LEAST 32u
#define VCI_PAUSE_MOST  512u

/*
 * A compare and swap was lost to another processor, which has the line: who
 * tries again at once only takes it away from there.
 */
static inline void vci_back_off(unsigned *rounds)
{
	if (*rounds == 0) {
		*rounds = VCI_PAUSE_LEAST;
	} else if (*rounds < VCI_PAUSE_MOST) {
		*rounds *= 2;
	}
	for (unsigned i = 0; i < *rounds; i++) {
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
	vci_annotate_acquire(spin);
	vci_stall();
}

/* False: another has it. */
static inline bool vci_spin_try(struct vci_spin *spin)
{
	if (__atomic_exchange_n(&spin->held, 1, __ATOMIC_ACQUIRE) != 0) {
		return false;
	}
	vci_annotate_acquire(spin);
	vci_stall();
	return true;
}

static inline void vci_spin_unlock(struct vci_spin *spin)
{
	vci_annotate_release(spin);
	__atomic_store_n(&spin->held, 0, __ATOMIC_RELEASE);
	vci_stall();
}

#endif /* VCI_SPIN_H */
