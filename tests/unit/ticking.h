/*
 * What the tests of preemption share: bodies on one processor with a short
 * quantum, and computing.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef TESTS_UNIT_TICKING_H
#define TESTS_UNIT_TICKING_H

#include "support.h"

/* A test whose body is the first thread of a runtime with a quantum of 1 ms. */
#define TestTicking(suite, name, ...)                                                              \
	static void suite##_##name##_body(void);                                                   \
	Test(suite, name, .timeout = 100, ##__VA_ARGS__)                                           \
	{                                                                                          \
		run_inside_with(&ticking, suite##_##name##_body);                                  \
	}                                                                                          \
	static void suite##_##name##_body(void)

extern const struct vcore_runtime_options ticking;

/* Computes for so many steps, of about a nanosecond. */
void occupy_for(uint64_t steps);

/* Two threads that wait for each other without a call: only ticks let them. */
void let_two_take_turns(unsigned flags);

struct vcore_thread_info info_of(struct vcore_thread *thread);
struct vcore_statistics statistics_now(void);

#endif /* TESTS_UNIT_TICKING_H */
