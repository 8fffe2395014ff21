/*
 * The subject Concurrency Kit, its rwlock: spinning, writers first.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "ck-locks.h"

#include <ck_rwlock.h>

CK_READERS_AND_WRITERS(ck_rwlock)

static ck_rwlock_t lock BENCH_APART = CK_RWLOCK_INITIALIZER;

CK_SUBJECT("rwlock", functions, lock)
