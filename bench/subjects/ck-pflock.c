/*
 * The subject Concurrency Kit, its phase-fair lock: spinning, readers and writers in turn.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "ck-locks.h"

#include <ck_pflock.h>

CK_READERS_AND_WRITERS(ck_pflock)

static ck_pflock_t lock BENCH_APART = CK_PFLOCK_INITIALIZER;

CK_SUBJECT("rwlock", functions, lock)
