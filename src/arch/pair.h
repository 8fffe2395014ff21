/*
 * Two words that are compared and swapped together.
 *
 * By __sync: with __atomic the compilers call libatomic for 16 bytes, which is
 * slower on x86-64 and a lock on AArch64.  They make it cmpxchg16b, casp, or a
 * loop of ldxp and stlxp.
 *
 * Where the processor cannot, a lock guards the pair (pair.c).  Given up then:
 * that some thread always makes progress, calls from a signal handler, and in a
 * child of fork a pair whose lock was held by a thread that is not there.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef VCI_PAIR_H
#define VCI_PAIR_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Its words may be loaded one by one, atomically, and are changed by the
 * function below alone.
 */
struct vci_pair {
	uint64_t low, high;
} __attribute__((aligned(16)));

bool vci_pair_compare_exchange_locked(struct vci_pair *pair, struct vci_pair expected,
				      struct vci_pair desired);

/* A full barrier if it succeeds; false: the pair is not as expected. */
static inline bool vci_pair_compare_exchange(struct vci_pair *pair, struct vci_pair expected,
					     struct vci_pair desired)
{
#ifdef __GCC_HAVE_SYNC_COMPARE_AND_SWAP_16
	typedef unsigned __int128 __attribute__((may_alias)) whole;

	return __sync_bool_compare_and_swap((whole *)pair,
					    (whole)expected.high << 64 | expected.low,
					    (whole)desired.high << 64 | desired.low);
#else
	return vci_pair_compare_exchange_locked(pair, expected, desired);
#endif
}

#endif /* VCI_PAIR_H */
