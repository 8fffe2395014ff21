/*
 * Computing in the application's own text: registers only, so that no tool
 * makes a call of it.  For C and C++.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef TESTS_STRESS_COMPUTE_H
#define TESTS_STRESS_COMPUTE_H

#include <stdint.h>

/* So many steps from x on (Marsaglia's xorshift): a nanosecond or two each. */
static inline uint64_t compute(uint64_t x, uint64_t steps)
{
	for (; steps > 0; steps--) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		__asm__ volatile("" : "+r"(x));
	}
	return x;
}

#endif /* TESTS_STRESS_COMPUTE_H */
