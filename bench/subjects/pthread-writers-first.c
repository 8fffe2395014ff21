/*
 * The subject pthread with the other preference of its rwlock.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "pthread-locks.h"

#include <pthread.h>

static void run_rwlock(struct bench *bench)
{
	bench_pthread_rwlock(bench, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
}

static const struct bench_workload workloads[] = {
	{"rwlock", run_rwlock},
	{NULL, NULL},
};

int main(int argc, char **argv)
{
	return bench_main(workloads, argc, argv);
}
