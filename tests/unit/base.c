/*
 * Time: what include/vcore/base.h promises, one promise to a test.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "support.h"

#include <time.h>

TestSuite(base, .timeout = 100);

static vcore_instant monotonic(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * SECOND + now.tv_nsec;
}

TestEverywhere(base, now_is_the_monotonic_clock_in_nanoseconds)
{
	vcore_instant before = monotonic();
	vcore_instant now = vcore_now();

	check(before <= now && now <= monotonic());
}

TestEverywhere(base, now_never_goes_back)
{
	vcore_instant last = vcore_now();

	for (int i = 0; i < 100000; i++) {
		vcore_instant now = vcore_now();

		check(now >= last);
		last = now;
	}
}

TestEverywhere(base, after_is_that_many_nanoseconds_from_now)
{
	vcore_instant before = vcore_now();
	vcore_instant then = vcore_after(5 * SECOND);

	check(before + 5 * SECOND <= then && then <= vcore_now() + 5 * SECOND);
}

Test(base, after_a_negative_time_lies_in_the_past)
{
	vcore_instant before = vcore_now();
	vcore_instant then = vcore_after(-MILLISECOND);

	cr_assert(before - MILLISECOND <= then && then <= vcore_now() - MILLISECOND);
}

Test(base, after_saturates_at_never)
{
	cr_assert_eq(vcore_after(INT64_MAX), VCORE_NEVER);
	cr_assert_eq(vcore_after(INT64_MAX - 1), VCORE_NEVER);
	cr_assert_eq(vcore_after(VCORE_NEVER - vcore_now()), VCORE_NEVER);
}

Test(base, after_comes_close_to_never_without_being_it)
{
	cr_assert_lt(vcore_after(VCORE_NEVER - vcore_now() - 3600 * SECOND), VCORE_NEVER);
}

Test(base, after_saturates_at_the_beginning_of_time)
{
	cr_assert_eq(vcore_after(INT64_MIN), 0);
	cr_assert_eq(vcore_after(-vcore_now() - SECOND), 0);
}
