/*
 * The subject libvcore without spaces and faults, where others have them: threads
 * that return, and threads of no space.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "vcore-locks.h"
#include "vcore-spaces.h"

#include <stddef.h>

static const struct bench_workload workloads[] = {
	{"fault-end", run_return},
	{"exclusive", run_no_space},
	{NULL, NULL},
};

int main(int argc, char **argv)
{
	return vcore_main(workloads, argc, argv);
}
