/*
 * What the tour prints.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tour.h"

enum { TOP = 20, WIDTH = 40 /* columns for a word in the top list */ };

void report_all(const struct tour *tour)
{
	struct word *sorted = words_sort(tour->words);

	for (size_t i = 0; i < tour->words->distinct; i++) {
		printf("%" PRIu64 " %s\n", sorted[i].count, sorted[i].text);
	}
	free(sorted);
}

void report_top(const struct tour *tour)
{
	struct word *sorted = words_sort(tour->words);

	for (size_t i = 0; i < tour->words->distinct && i < TOP; i++) {
		const struct word *word = &sorted[i];

		printf("%12" PRIu64 "  %.*s%s\n", word->count, WIDTH, word->text,
		       word->length > WIDTH ? "..." : "");
	}
	if (tour->words->distinct > TOP) {
		printf("%12s  and %zu more words (--all prints them)\n", "",
		       tour->words->distinct - TOP);
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
	for (size_t i = 0; i < tour->words->slots; i++) {
		words += tour->words->slot[i].count;
	}
	printf("%" PRId64 " file%s, %" PRId64 " byte%s, %" PRIu64 " word%s, %zu of them distinct\n",
	       files, plural(files), bytes, plural(bytes), words, plural((int64_t)words),
	       tour->words->distinct);
	/* Bytes a microsecond are megabytes a second. */
	printf("%.3f s, %.1f MB/s\n", (double)nanoseconds / 1e9,
	       (double)bytes * 1e3 / (double)(nanoseconds > 0 ? nanoseconds : 1));
}

static void report_slow_files(const struct tour *tour)
{
	for (int64_t i = 0; i < tour->n_files; i++) {
		const struct file *file = &tour->files[i];

		if (file->slow && file->error == 0) {
			printf("%s came slowly: %" PRId64
			       " bytes had been counted when its end came\n",
			       file->fd == STDIN_FILENO ? "standard input" : file->name,
			       file->counted);
		}
	}
}

static const char *cleanup_of(const struct rogue *rogue)
{
	return rogue->has_cleaned_up ? ", its cleanup ran" : "";
}

static const char *end_of(const struct rogue *rogue)
{
	static const char *const ends[] = {
		[VCORE_RETURNED] = "it went on",
		[VCORE_DESTROYED] = "destroyed in its endless loop",
		[VCORE_FAULTED] = "ended by the fault",
	};

	return ends[rogue->exit.how];
}

static void report_faults(const struct tour *tour)
{
	const struct rogue *spoiler = &tour->rogues[SPOILER];
	const struct rogue *overflower = &tour->rogues[OVERFLOWER];

	if (!spoiler->started) {
		printf("faults end the process here: no client writes to the service's memory, "
		       "or overflows its stack\n");
		return;
	}
	printf("a client wrote to the service's memory: %s%s\n", end_of(spoiler),
	       cleanup_of(spoiler));
	printf("a client overflowed its stack: %s%s\n", end_of(overflower), cleanup_of(overflower));
}

static void report_preemption(const struct tour *tour, const struct summary *summary)
{
	const struct vcore_statistics *runtime = &summary->runtime;
	const struct rogue *runaway = &tour->rogues[RUNAWAY];

	report_slow_files(tour);
	if (runtime->unpreemptive != NULL) {
		printf("no preemption (%s): no client runs away, and a reader that waits for "
		       "input keeps its processor\n",
		       runtime->unpreemptive);
		return;
	}
	printf("readers were let go %" PRIu64 " time%s, as they waited in the kernel\n",
	       summary->readers_let_go, plural((int64_t)summary->readers_let_go));
	printf("a client ran away: preempted %" PRIu64 " time%s, %s%s\n",
	       summary->runaway_preemptions, plural((int64_t)summary->runaway_preemptions),
	       end_of(runaway), cleanup_of(runaway));
}

static int64_t rogues_of(const struct tour *tour)
{
	int64_t n = 0;

	for (int i = 0; i < ROGUES; i++) {
		n += tour->rogues[i].started;
	}
	return n;
}

static void report_work(const struct tour *tour, const struct summary *summary)
{
	const struct vcore_statistics *runtime = &summary->runtime;
	int64_t rogues = rogues_of(tour);

	printf("%u processor%s, %" PRId64 " threads: %" PRId64 " to read, %" PRId64
	       " to count, 1 to merge, and %" PRId64 " with defects\n",
	       runtime->processors, plural(runtime->processors),
	       tour->n_clients + tour->counters + 1 + rogues, tour->n_clients, tour->counters,
	       rogues);
	printf("%" PRId64 " messages through %" PRId64 " buffers, %" PRIu64 " switches, %" PRIu64
	       " steals\n",
	       summary->messages, tour->n_clients + 2, runtime->switches, runtime->steals);
	printf("%" PRId64 " spaces; the service's was opened %" PRIu64 " time%s\n",
	       1 + tour->n_clients + rogues, summary->service.opened,
	       plural((int64_t)summary->service.opened));
}

void report_summary(const struct tour *tour, const struct summary *summary)
{
	putchar('\n');
	report_input(tour, summary->nanoseconds);
	report_work(tour, summary);
	report_faults(tour);
	report_preemption(tour, summary);
}
