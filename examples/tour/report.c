/*
 * What the tour prints.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tour.h"

enum { TOP = 20, WIDTH = 40 /* columns for a word in the top list */ };

void report_all(const struct tour *tour)
{
	struct word *sorted = words_sort(&tour->words);

	for (size_t i = 0; i < tour->words.distinct; i++) {
		printf("%" PRIu64 " %s\n", sorted[i].count, sorted[i].text);
	}
	free(sorted);
}

void report_top(const struct tour *tour)
{
	struct word *sorted = words_sort(&tour->words);

	for (size_t i = 0; i < tour->words.distinct && i < TOP; i++) {
		const struct word *word = &sorted[i];

		printf("%12" PRIu64 "  %.*s%s\n", word->count, WIDTH, word->text,
		       word->length > WIDTH ? "..." : "");
	}
	if (tour->words.distinct > TOP) {
		printf("%12s  and %zu more words (--all prints them)\n", "",
		       tour->words.distinct - TOP);
	}
	free(sorted);
}

static const char *plural(int64_t n)
{
	return n == 1 ? "" : "s";
}

static void report_input(const struct tour *tour, int64_t nanoseconds)
{
	int64_t files = 0;
	int64_t bytes = 0;
	uint64_t words = 0;

	for (int64_t i = 0; i < tour->n_files; i++) {
		files += tour->files[i].error == 0;
		bytes += tour->files[i].bytes;
	}
	for (size_t i = 0; i < tour->words.slots; i++) {
		words += tour->words.slot[i].count;
	}
	printf("%" PRId64 " file%s, %" PRId64 " byte%s, %" PRIu64 " word%s, %zu of them distinct\n",
	       files, plural(files), bytes, plural(bytes), words, plural((int64_t)words),
	       tour->words.distinct);
	/* Bytes a microsecond are megabytes a second. */
	printf("%.3f s, %.1f MB/s\n", (double)nanoseconds / 1e9,
	       (double)bytes * 1e3 / (double)(nanoseconds > 0 ? nanoseconds : 1));
}

void report_summary(const struct tour *tour, const struct summary *summary)
{
	const struct vcore_statistics *runtime = &summary->runtime;
	int64_t messages = vcore_eventcount_read(&tour->empty.in) +
			   vcore_eventcount_read(&tour->full.in) +
			   vcore_eventcount_read(&tour->tables.in);

	putchar('\n');
	report_input(tour, summary->nanoseconds);
	printf("%u processor%s, %" PRId64 " threads: %" PRId64 " to read, %" PRId64
	       " to count, 1 to merge\n",
	       runtime->processors, plural(runtime->processors), tour->readers + tour->counters + 1,
	       tour->readers, tour->counters);
	printf("%" PRId64 " messages through 3 buffers, %" PRIu64 " switches, %" PRIu64 " steals\n",
	       messages, runtime->switches, runtime->steals);
}
