/*
 * Readers of liburcu's, of the flavour that the build says: sections only.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BENCH_URCU_READERS_H
#define BENCH_URCU_READERS_H

#include "bench.h"

void bench_read_only(struct bench *bench);

#endif /* BENCH_URCU_READERS_H */
