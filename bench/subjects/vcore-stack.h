/*
 * The workload of the stack of libvcore: see lifo.h.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BENCH_VCORE_STACK_H
#define BENCH_VCORE_STACK_H

#include "bench.h"

void run_stack(struct bench *bench);

#endif /* BENCH_VCORE_STACK_H */
