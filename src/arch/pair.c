/*
 * Two words that are compared and swapped together, with a lock: see pair.h.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "arch/arch.h"

/* Pairs share locks; a prime number of them, so that neighbours do not. */
#define LOCKS 61

static uint32_t locks[LOCKS];

/* Who loads a word outside of the lock sees what happened before it was stored. */
bool vci_pair_compare_exchange_locked(struct vci_pair *pair, struct vci_pair expected,
				      struct vci_pair desired)
{
	uint32_t *lock = &locks[(uintptr_t)pair / sizeof(*pair) % LOCKS];
	bool equal;

	while (__atomic_exchange_n(lock, 1, __ATOMIC_SEQ_CST) != 0) {
		vci_relax();
	}
	equal = pair->low == expected.low && pair->high == expected.high;
	if (equal) {
		__atomic_store_n(&pair->low, desired.low, __ATOMIC_RELEASE);
		__atomic_store_n(&pair->high, desired.high, __ATOMIC_RELEASE);
	}
	__atomic_store_n(lock, 0, __ATOMIC_RELEASE);
	return equal;
}
