/*
 * Time stamps that are taken without a call, so that a tick finds the program
 * itself wherever it finds it.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BENCH_STAMP_H
#define BENCH_STAMP_H

#include "bench.h"

/* The processor's own clock, the same on all CPUs. */
static inline uint64_t bench_stamp(void)
{
#if defined __x86_64__
	return __builtin_ia32_rdtsc();
#elif defined __aarch64__
	uint64_t count;

	__asm__ volatile("mrs %0, cntvct_el0" : "=r"(count));
	return count;
#else
	return (uint64_t)bench_now();
#endif
}

#endif /* BENCH_STAMP_H */
