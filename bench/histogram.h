/*
 * A histogram of durations with a bounded relative error.
 *
 * Values below 2 × HISTOGRAM_HALF have a counter each; above, every power of
 * two is cut into HISTOGRAM_HALF equal parts, so that a value is known to
 * 1/64 of itself over the whole range, in 18 KiB and without a division.
 *
 * Source: the layout is HdrHistogram's (G. Tene), with 7 bits of precision.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef HISTOGRAM_H
#define HISTOGRAM_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define HISTOGRAM_HALF_BITS  6
#define HISTOGRAM_HALF       (1u << HISTOGRAM_HALF_BITS)
#define HISTOGRAM_VALUE_BITS 40 /* 18 minutes in nanoseconds */
#define HISTOGRAM_COUNTERS   ((HISTOGRAM_VALUE_BITS - HISTOGRAM_HALF_BITS + 1) * HISTOGRAM_HALF)

/* All-zero bytes are an empty histogram. */
struct histogram {
	uint64_t counters[HISTOGRAM_COUNTERS];
	uint64_t count;
	uint64_t max; /* exact */
};

/* Counts a value; one beyond the range counts as the largest in it. */
void histogram_record(struct histogram *histogram, uint64_t value);

/*
 * The smallest value, as far as the histogram knows it, that at least
 * `percent` of the values do not exceed; 0 if the histogram is empty.  It is
 * never below the true one and above it by at most 1/64.
 */
uint64_t histogram_percentile(const struct histogram *histogram, double percent);

#ifdef __cplusplus
}
#endif
#endif /* HISTOGRAM_H */
