/*
 * The subject linux-anonymous: memory that no file holds, which is new, and zeroed,
 * each time that it is mapped.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "linux-map.h"

#include <stddef.h>

static void run_map(struct bench *bench)
{
	map_and_unmap(bench, -1);
}

static const struct bench_workload workloads[] = {
	{"map", run_map},
	{NULL, NULL},
};

int main(int argc, char **argv)
{
	return bench_main(workloads, argc, argv);
}
