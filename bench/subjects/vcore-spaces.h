/*
 * The workloads of spaces and faults.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BENCH_VCORE_SPACES_H
#define BENCH_VCORE_SPACES_H

#include "bench.h"

/* A thread faults, its joiner goes on; a fault is mended by protecting, by mapping. */
void run_fault_end(struct bench *bench);
void run_fault_protect(struct bench *bench);
void run_fault_map(struct bench *bench);

void run_map(struct bench *bench);
void run_protect(struct bench *bench);
void run_exclusive(struct bench *bench); /* threads of two exclusive spaces take turns */
void run_snapshot(struct bench *bench);
void run_copy_in(struct bench *bench);
void run_copy_out(struct bench *bench);

/* The same by threads that return, and by threads of no space. */
void run_return(struct bench *bench);
void run_no_space(struct bench *bench);

#endif /* BENCH_VCORE_SPACES_H */
