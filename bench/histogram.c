/*
 * The histogram of histogram.h: from values to counters and back.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "histogram.h"

#define VALUE_LIMIT (UINT64_C(1) << HISTOGRAM_VALUE_BITS)

/* By how many bits values are shortened that share a power of two. */
static unsigned shift_of(uint64_t value)
{
	unsigned bits = 64 - (unsigned)__builtin_clzll(value | 1);

	return bits > HISTOGRAM_HALF_BITS + 1 ? bits - HISTOGRAM_HALF_BITS - 1 : 0;
}

/* What remains of a shortened value is in [HALF, 2 × HALF): no gaps. */
static unsigned counter_of(uint64_t value)
{
	unsigned shift = shift_of(value);

	return shift * HISTOGRAM_HALF + (unsigned)(value >> shift);
}

/* The largest value that a counter counts. */
static uint64_t largest_in(unsigned counter)
{
	unsigned shift = counter < 2 * HISTOGRAM_HALF ? 0 : counter / HISTOGRAM_HALF - 1;
	uint64_t shortened = counter - shift * HISTOGRAM_HALF;

	return ((shortened + 1) << shift) - 1;
}

void histogram_record(struct histogram *histogram, uint64_t value)
{
	uint64_t counted = value < VALUE_LIMIT ? value : VALUE_LIMIT - 1;

	histogram->counters[counter_of(counted)]++;
	histogram->count++;
	if (value > histogram->max) {
		histogram->max = value;
	}
}

/* How many values `percent` of them are, rounded up, and at least one. */
static uint64_t rank_of(const struct histogram *histogram, double percent)
{
	double exact = percent / 100 * (double)histogram->count;
	uint64_t rank = (uint64_t)exact;

	if ((double)rank < exact || rank == 0) {
		rank++;
	}
	return rank < histogram->count ? rank : histogram->count;
}

uint64_t histogram_percentile(const struct histogram *histogram, double percent)
{
	uint64_t rank = rank_of(histogram, percent);
	uint64_t seen = histogram->counters[0];
	unsigned counter = 0;

	while (seen < rank && counter + 1 < HISTOGRAM_COUNTERS) {
		seen += histogram->counters[++counter];
	}
	uint64_t largest = largest_in(counter);

	return largest < histogram->max ? largest : histogram->max;
}
