/*
 * The subject Concurrency Kit, its rwlock: spinning, writers first.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "ck-locks.h"

#include <ck_rwlock.h>

CK_OF_LOCK(acquire, ck_rwlock_write_lock)
CK_OF_LOCK(release, ck_rwlock_write_unlock)
CK_OF_LOCK(acquire_read, ck_rwlock_read_lock)
CK_OF_LOCK(release_read, ck_rwlock_read_unlock)

static const struct bench_lock functions = {
	.acquire = acquire,
	.release = release,
	.acquire_read = acquire_read,
	.release_read = release_read,
};

static ck_rwlock_t lock BENCH_APART = CK_RWLOCK_INITIALIZER;

CK_SUBJECT("rwlock", functions, lock)
