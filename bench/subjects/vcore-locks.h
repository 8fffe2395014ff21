/*
 * What the subjects of libvcore have in common: the workloads of locks, threads,
 * and the main function.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BENCH_VCORE_LOCKS_H
#define BENCH_VCORE_LOCKS_H

#include "contest.h"

void run_mutex(struct bench *bench);
void run_ticket(struct bench *bench);
void run_readers_first(struct bench *bench);
void run_writers_first(struct bench *bench);
void run_fair(struct bench *bench);
void run_rcu(struct bench *bench); /* read sections only */

/* Threads with default options. */
extern const struct bench_crew vcore_crew;

/* Threads are to fault: no report is printed. */
extern bool vcore_faults_expected;

/* Measures in a green thread, on as many processors as the arguments say. */
int vcore_main(const struct bench_workload *workloads, int argc, char **argv);

#endif /* BENCH_VCORE_LOCKS_H */
