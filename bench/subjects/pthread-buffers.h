/*
 * The buffer of the subject pthread: a ring with a mutex and two conditions.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BENCH_PTHREAD_BUFFERS_H
#define BENCH_PTHREAD_BUFFERS_H

#include "bench.h"

void run_traffic(struct bench *bench);
void run_round_trip(struct bench *bench);

#endif /* BENCH_PTHREAD_BUFFERS_H */
