/*
 * The subject Concurrency Kit, its spinlock of Mellor-Crummey and Scott (MCS).
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "ck-locks.h"

#include <ck_spinlock.h>

CK_OF_BOTH(acquire, ck_spinlock_mcs_lock)
CK_OF_BOTH(release, ck_spinlock_mcs_unlock)

static const struct bench_lock functions = {
	.acquire = acquire,
	.release = release,
};

static ck_spinlock_mcs_t lock BENCH_APART = CK_SPINLOCK_MCS_INITIALIZER;

CK_SUBJECT("ticket", functions, lock)
