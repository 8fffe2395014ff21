/*
 * The subject machine: floors that no library gets below, and a reference
 * that tells whether the machine itself ran alike throughout.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "bench.h"

#include <stddef.h>

/* A chain of multiplications: nothing but the clock rate of the CPU. */
static void run_reference(struct bench *bench)
{
	uint64_t x = 1;

	bench_start(bench);
	for (long i = 0; i < bench->n; i++) {
		x *= 6364136223846793005u;
		__asm__ volatile("" : "+r"(x));
	}
	bench_stop(bench, bench->n);
}

static void run_advance(struct bench *bench)
{
	static uint64_t count;

	bench_start(bench);
	for (long i = 0; i < bench->n; i++) {
		__atomic_fetch_add(&count, 1, __ATOMIC_SEQ_CST);
	}
	bench_stop(bench, bench->n);
	bench_note(bench, "an atomic fetch-and-add, inline");
}

static const struct bench_workload workloads[] = {
	{"reference", run_reference},
	{"advance", run_advance},
	{NULL, NULL},
};

int main(int argc, char **argv)
{
	return bench_main(workloads, argc, argv);
}
