/*
 * The subject TBB, its locks that spin, in no order.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "tbb-locks.h"

#include <tbb/spin_mutex.h>
#include <tbb/spin_rw_mutex.h>

static const struct bench_workload workloads[] = {
	{"mutex", tbb_locks::run_mutex<tbb::spin_mutex>},
	{"rwlock", tbb_locks::run_rwlock<tbb::spin_rw_mutex>},
	{nullptr, nullptr},
};

int main(int argc, char **argv)
{
	return bench_main(workloads, argc, argv);
}
