/*
 * The subject Concurrency Kit, its big-reader lock: spinning, a word for each reader,
 * all of which a writer looks at.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "ck-locks.h"

#include <ck_brlock.h>

CK_OF_LOCK(acquire, ck_brlock_write_lock)
CK_OF_LOCK(release, ck_brlock_write_unlock)
CK_OF_BOTH(acquire_read, ck_brlock_read_lock)
CK_OF_BOTH(enter, ck_brlock_read_register)
CK_OF_BOTH(leave, ck_brlock_read_unregister)

static void release_read(void *lock, void *place)
{
	(void)lock;
	ck_brlock_read_unlock(place);
}

static const struct bench_lock functions = {
	.acquire = acquire,
	.release = release,
	.acquire_read = acquire_read,
	.release_read = release_read,
	.enter = enter,
	.leave = leave,
};

static ck_brlock_t lock BENCH_APART = CK_BRLOCK_INITIALIZER;

CK_SUBJECT("rwlock", functions, lock)
