/*
 * The locks of pthreads, in the kinds that there are of each.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BENCH_PTHREAD_LOCKS_H
#define BENCH_PTHREAD_LOCKS_H

#include "bench.h"

/* type: PTHREAD_MUTEX_… */
void bench_pthread_mutex(struct bench *bench, int type);

/* preference: PTHREAD_RWLOCK_PREFER_… */
void bench_pthread_rwlock(struct bench *bench, int preference);

#endif /* BENCH_PTHREAD_LOCKS_H */
