/*
 * The subject libvcore with another policy of its rwlock: writers first.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "vcore-locks.h"

#include <stddef.h>

static const struct bench_workload workloads[] = {
	{"rwlock", run_writers_first},
	{NULL, NULL},
};

int main(int argc, char **argv)
{
	return vcore_main(workloads, argc, argv);
}
