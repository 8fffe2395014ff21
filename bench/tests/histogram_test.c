/*
 * The histogram: what bench/histogram.h promises, one promise to a test.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "histogram.h"

#include <criterion/criterion.h>

static struct histogram histogram;

/* What a histogram with this one value, and a far larger one, makes of it. */
static uint64_t as_known(uint64_t value)
{
	histogram = (struct histogram){0};
	histogram_record(&histogram, value);
	histogram_record(&histogram, UINT64_MAX);
	return histogram_percentile(&histogram, 50);
}

Test(histogram, an_empty_one_has_zero_percentiles)
{
	cr_assert_eq(histogram_percentile(&histogram, 50), 0);
	cr_assert_eq(histogram_percentile(&histogram, 100), 0);
}

Test(histogram, small_values_are_exact)
{
	for (uint64_t value = 0; value < 2 * HISTOGRAM_HALF; value++) {
		cr_assert_eq(as_known(value), value);
	}
}

Test(histogram, values_are_known_to_one_part_in_64)
{
	uint64_t limit = UINT64_C(1) << HISTOGRAM_VALUE_BITS;

	for (uint64_t value = 1; value < limit; value += value / 37 + 1) {
		uint64_t known = as_known(value);

		cr_assert_geq(known, value);
		cr_assert_leq(known - value, value / HISTOGRAM_HALF);
	}
}

Test(histogram, powers_of_two_fall_apart_from_what_is_just_below)
{
	for (unsigned bit = 1; bit < HISTOGRAM_VALUE_BITS; bit++) {
		uint64_t power = UINT64_C(1) << bit;

		cr_assert_eq(as_known(power - 1), power - 1);
		cr_assert_geq(as_known(power), power);
	}
}

Test(histogram, percentiles_are_the_ranks_of_what_was_recorded)
{
	for (uint64_t value = 1; value <= 100; value++) {
		histogram_record(&histogram, value);
	}
	cr_assert_eq(histogram_percentile(&histogram, 0), 1);
	cr_assert_eq(histogram_percentile(&histogram, 1), 1);
	cr_assert_eq(histogram_percentile(&histogram, 50), 50);
	cr_assert_eq(histogram_percentile(&histogram, 50.5), 51);
	cr_assert_eq(histogram_percentile(&histogram, 99), 99);
	cr_assert_eq(histogram_percentile(&histogram, 100), 100);
}

Test(histogram, no_percentile_exceeds_the_largest_value)
{
	histogram_record(&histogram, 1000001);
	cr_assert_eq(histogram_percentile(&histogram, 99.9), 1000001);
}

Test(histogram, values_beyond_the_range_count_as_its_largest)
{
	uint64_t limit = UINT64_C(1) << HISTOGRAM_VALUE_BITS;

	histogram_record(&histogram, UINT64_MAX);
	cr_assert_eq(histogram_percentile(&histogram, 50), limit - 1);
	cr_assert_eq(histogram.max, UINT64_MAX);
}
