/*
 * The subject libvcore with another policy of its rwlock: fair.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "vcore-locks.h"

#include <stddef.h>

static const struct bench_workload workloads[] = {
	{"rwlock", run_fair},
	{NULL, NULL},
};

int main(int argc, char **argv)
{
	return vcore_main(workloads, argc, argv);
}
