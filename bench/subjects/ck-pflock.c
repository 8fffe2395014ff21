/*
 * The subject Concurrency Kit, its phase-fair lock: spinning, readers and writers in turn.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "ck-locks.h"

#include <ck_pflock.h>

CK_OF_LOCK(acquire, ck_pflock_write_lock)
CK_OF_LOCK(release, ck_pflock_write_unlock)
CK_OF_LOCK(acquire_read, ck_pflock_read_lock)
CK_OF_LOCK(release_read, ck_pflock_read_unlock)

static const struct bench_lock functions = {
	.acquire = acquire,
	.release = release,
	.acquire_read = acquire_read,
	.release_read = release_read,
};

static ck_pflock_t lock BENCH_APART = CK_PFLOCK_INITIALIZER;

CK_SUBJECT("rwlock", functions, lock)
