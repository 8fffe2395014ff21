/*
 * Three threads share one processor, and never call the library.
 *
 * Each computes until the time is over.  Nobody yields or waits: they take
 * turns because ticks make them.  The main program, a pthread, is their clock:
 * it counts columns of time, and in each a thread notes how much it did.
 *
 * Shows: preemption, and how inspection tells of it.
 * Prints: a row for each thread, in which # is a column in which it did more
 *	than the others, and + one in which it did something; then how often
 *	it was preempted.  VCORE_QUANTUM sets the quantum, in microseconds;
 *	with VCORE_QUANTUM=off the first to run keeps the processor.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <inttypes.h>
#include <stdio.h>
#include <vcore/vcore.h>

#include "check.h"

enum { THREADS = 3, COLUMNS = 72 };

static const int64_t column_time = 2500000; /* nanoseconds */

struct worker {
	const char *name;
	unsigned long work[COLUMNS]; /* rounds made in each */
	uint64_t preemptions;
};

static struct worker workers[THREADS] = {{.name = "red"}, {.name = "green"}, {.name = "blue"}};

/* The column that it is now. */
static int now;

static void *compute(void *argument)
{
	struct worker *worker = argument;
	int column;

	while ((column = __atomic_load_n(&now, __ATOMIC_RELAXED)) < COLUMNS) {
		worker->work[column]++;
	}
	return NULL;
}

/* A column may be longer, as everything that waits for a CPU may be late. */
static void keep_time(void)
{
	for (int column = 1; column <= COLUMNS; column++) {
		vcore_sleep(vcore_after(column_time));
		__atomic_store_n(&now, column, __ATOMIC_RELAXED);
	}
}

static int note_preemptions(const struct vcore_thread_info *info, void *argument)
{
	const uint64_t *ids = argument;

	for (int i = 0; i < THREADS; i++) {
		if (info->id == ids[i]) {
			workers[i].preemptions = info->preemptions;
		}
	}
	return 0;
}

/* Lets all compute until the time is over. */
static void run(struct vcore_runtime *runtime)
{
	struct vcore_thread_options options = {.size = sizeof(options), .runtime = runtime};
	struct vcore_thread *threads[THREADS];
	uint64_t ids[THREADS];

	for (int i = 0; i < THREADS; i++) {
		options.name = workers[i].name;
		check(vcore_thread_allocate(&threads[i], &options, compute, &workers[i]),
		      "vcore_thread_allocate");
		ids[i] = vcore_thread_id(threads[i]);
	}
	keep_time();
	/* A thread that nobody has joined can be looked at, even if it has ended. */
	check(vcore_inspect_threads(runtime, note_preemptions, ids), "vcore_inspect_threads");
	for (int i = 0; i < THREADS; i++) {
		check(vcore_thread_join(threads[i], NULL, VCORE_NEVER), "vcore_thread_join");
	}
}

static char mark(const struct worker *worker, int column)
{
	unsigned long all = 0;

	for (int i = 0; i < THREADS; i++) {
		all += workers[i].work[column];
	}
	if (worker->work[column] == 0) {
		return ' ';
	}
	return worker->work[column] > all / 2 ? '#' : '+';
}

static void print_rows(void)
{
	for (int i = 0; i < THREADS; i++) {
		printf("%-6s|", workers[i].name);
		for (int column = 0; column < COLUMNS; column++) {
			putchar(mark(&workers[i], column));
		}
		printf("| preemptions: %" PRIu64 "\n", workers[i].preemptions);
	}
}

int main(void)
{
	struct vcore_runtime_options options = {.size = sizeof(options), .processors = 1};
	struct vcore_statistics statistics = {.size = sizeof(statistics)};
	struct vcore_runtime *runtime;

	check(vcore_runtime_open(&runtime, &options), "vcore_runtime_open");
	check(vcore_inspect_runtime(runtime, &statistics), "vcore_inspect_runtime");
	if (statistics.unpreemptive != NULL) {
		printf("no preemption (%s)", statistics.unpreemptive);
	} else {
		printf("quantum %.1f ms", (double)statistics.quantum / 1e6);
	}
	printf(", a column is %.1f ms\n", (double)column_time / 1e6);
	run(runtime);
	print_rows();
	check(vcore_runtime_close(runtime, VCORE_NEVER), "vcore_runtime_close");
	return 0;
}
