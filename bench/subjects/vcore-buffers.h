/*
 * The workloads of buffers that the subjects of libvcore have in common.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BENCH_VCORE_BUFFERS_H
#define BENCH_VCORE_BUFFERS_H

#include "contest.h"

/* With what flags buffers are allocated. */
extern unsigned buffer_flags;

/*
 * Green threads of which each is bound to the processor after that of the one
 * before, and that to a CPU.
 */
const struct bench_crew *pinned_threads(const struct bench *bench);

/* See traffic.h. */
void run_traffic(struct bench *bench);
void run_batches(struct bench *bench);
void run_round_trip(struct bench *bench);
/* Never waiting, each thread on a processor of its own as long as there are some. */
void run_exchange(struct bench *bench);
void run_trying(struct bench *bench);
void run_trying_batches(struct bench *bench);

#endif /* BENCH_VCORE_BUFFERS_H */
