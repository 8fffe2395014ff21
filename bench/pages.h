/*
 * Memory that benchmarks map: its pages are written to, a word each.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BENCH_PAGES_H
#define BENCH_PAGES_H

#include "bench.h"

#include <unistd.h>

static inline long bench_page(void)
{
	return sysconf(_SC_PAGESIZE);
}

/* Without reading it before, which might fault once more. */
static inline void bench_write_word(char *at)
{
	*(volatile long *)(void *)at = 1;
}

/* To every page, or to every so manyth. */
static inline void bench_write_some(char *at, long bytes, long step)
{
	for (long offset = 0; offset < bytes; offset += step * bench_page()) {
		bench_write_word(at + offset);
	}
}

static inline void bench_write_pages(char *at, long bytes)
{
	bench_write_some(at, bytes, 1);
}

/*
 * A snapshot has been taken, since bench_start: writes to what it was taken of.
 * "take": how long that took; "some": to write to every 100th page; "all": to all of
 * them then.  Nanoseconds.
 */
static inline void bench_write_taken(struct bench *bench, char *at)
{
	int64_t taken = bench_now();

	bench_write_some(at, bench->bytes, 100);
	int64_t some = bench_now();

	bench_write_pages(at, bench->bytes);
	bench_stop(bench, 1);
	bench_value(bench, "take", (double)(taken - bench->started));
	bench_value(bench, "some", (double)(some - taken));
	bench_value(bench, "all", (double)(bench->started + bench->elapsed - some));
}

#endif /* BENCH_PAGES_H */
