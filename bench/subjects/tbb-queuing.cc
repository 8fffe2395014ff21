/*
 * The subject TBB, its locks that spin in a queue.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "tbb-locks.h"

#include <tbb/queuing_mutex.h>
#include <tbb/queuing_rw_mutex.h>

static const struct bench_workload workloads[] = {
	{"ticket", tbb_locks::run_mutex<tbb::queuing_mutex>},
	{"rwlock", tbb_locks::run_rwlock<tbb::queuing_rw_mutex>},
	{nullptr, nullptr},
};

int main(int argc, char **argv)
{
	return bench_main(workloads, argc, argv);
}
