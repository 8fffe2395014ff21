/*
 * The subject libvcore, its pools used by plain pthreads, which share a few caches.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "store.h"
#include "vcore-pool.h"

static const struct bench_crew *kernel_threads(const struct bench *bench)
{
	(void)bench;
	return &bench_pinned_threads;
}

const struct bench_crew *(*const pool_crew)(const struct bench *bench) = kernel_threads;

static const struct bench_workload workloads[] = {
	BENCH_STORE_WORKLOADS,
	{NULL, NULL},
};

int main(int argc, char **argv)
{
	return bench_main(workloads, argc, argv);
}
