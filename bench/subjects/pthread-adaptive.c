/*
 * The subject pthread with its other mutex, which spins for a while.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "pthread-locks.h"

#include <pthread.h>

static void run_mutex(struct bench *bench)
{
	bench_pthread_mutex(bench, PTHREAD_MUTEX_ADAPTIVE_NP);
}

static const struct bench_workload workloads[] = {
	{"mutex", run_mutex},
	{NULL, NULL},
};

int main(int argc, char **argv)
{
	return bench_main(workloads, argc, argv);
}
