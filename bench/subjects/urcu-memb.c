/*
 * The subject liburcu with its "memb" flavour, whose readers need not say that
 * they are quiescent.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "urcu-readers.h"

#include <stddef.h>

static const struct bench_workload workloads[] = {
	{"rcu", bench_read_only},
	{NULL, NULL},
};

int main(int argc, char **argv)
{
	return bench_main(workloads, argc, argv);
}
