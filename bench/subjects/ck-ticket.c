/*
 * The subject Concurrency Kit, its spinlock of tickets.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "ck-locks.h"

#include <ck_spinlock.h>

CK_OF_LOCK(acquire, ck_spinlock_ticket_lock)
CK_OF_LOCK(release, ck_spinlock_ticket_unlock)

static const struct bench_lock functions = {
	.acquire = acquire,
	.release = release,
};

static ck_spinlock_ticket_t lock BENCH_APART = CK_SPINLOCK_TICKET_INITIALIZER;

CK_SUBJECT("ticket", functions, lock)
