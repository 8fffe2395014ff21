/*
 * The workloads of pools that the subjects of libvcore have in common.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BENCH_VCORE_POOL_H
#define BENCH_VCORE_POOL_H

#include "contest.h"

/* Given by the subject: whose threads get and put. */
extern const struct bench_crew *(*const pool_crew)(const struct bench *bench);

#endif /* BENCH_VCORE_POOL_H */
