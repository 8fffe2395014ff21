/*
 * A tour of libvcore: how often does each word occur in some files?
 *
 * Reading, counting and merging threads work side by side; tour.h says how.
 * The main program, an ordinary pthread, starts them, ends their streams, and
 * shows the progress meanwhile.
 *
 * Shows: a service of many threads, communicating through bounded buffers
 *	that are made from eventcounts and sequencers.
 * Prints: the most frequent words, then what happened; with --all each word
 *	with its count and nothing else, which words.h says how to check.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "tour.h"

#include <err.h>
#include <errno.h>
#include <getopt.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "memory.h"

static const char usage[] =
	"Usage: tour [--all] [FILE...]\n"
	"Counts how often each word occurs in the files.\n"
	"\n"
	"  --all   print every word as \"count word\", the most frequent first\n"
	"  --help  print this\n"
	"\n"
	"A word is a longest run of the letters A-Z and a-z; upper and lower case count\n"
	"as the same.  A FILE of - is the standard input.  Without a FILE it reads the\n"
	"project's own text files.  VCORE_PROCESSORS sets the number of processors.\n"
	"Exit status: 0, 1 if a file could not be read (the others are counted), 2 if\n"
	"nothing could be done.\n";

/* What is read when no file is named: the project's own texts. */
static const char *const own_files[] = {
	TOUR_SOURCE_ROOT "/README.md",
	TOUR_SOURCE_ROOT "/COPYING",
	TOUR_SOURCE_ROOT "/doc/*.md",
	TOUR_SOURCE_ROOT "/include/vcore/*.h",
};

enum {
	THREADS_A_PROCESSOR = 2, /* of each kind: one works while one waits */
	PIECES_A_THREAD = 2,     /* more pieces than readers: see reader.c */
	TABLES = 4,              /* in the buffer before the merger */
};

static const int64_t progress_interval = 250000000; /* nanoseconds */

/* Ends the program if a call of the library returned an error, -E... */
static void check(int result, const char *call)
{
	if (result < 0) {
		errno = -result;
		err(EXIT_TROUBLE, "%s", call);
	}
}

/* Finding the input */

static void set_files(struct tour *tour, char *const *names, size_t n)
{
	bool input_named = false;

	tour->files = allocate(n * sizeof(struct file));
	tour->n_files = (int64_t)n;
	for (size_t i = 0; i < n; i++) {
		tour->files[i].name = names[i];
		if (strcmp(names[i], "-") == 0) {
			if (input_named) { /* two readers would share its words */
				errx(EXIT_TROUBLE, "the standard input (-) is named twice");
			}
			input_named = true;
		}
	}
}

/* The names stay in *names, for the caller to globfree. */
static void find_own_files(struct tour *tour, glob_t *names)
{
	for (size_t i = 0; i < sizeof(own_files) / sizeof(own_files[0]); i++) {
		/* NOLINTNEXTLINE(concurrency-mt-unsafe): no other thread runs yet */
		int error = glob(own_files[i], i > 0 ? GLOB_APPEND : 0, NULL, names);

		if (error != 0 && error != GLOB_NOMATCH) {
			errx(EXIT_TROUBLE, "%s: cannot be searched", own_files[i]);
		}
	}
	if (names->gl_pathc == 0) {
		errx(EXIT_TROUBLE, "no text files in %s: name some", TOUR_SOURCE_ROOT);
	}
	set_files(tour, names->gl_pathv, names->gl_pathc);
}

/* Showing the progress */

struct progress {
	bool wanted; /* there is a person at a terminal */
	bool shown;
	int64_t bytes_expected; /* 0: cannot be told */
};

static void expect(struct progress *progress, const struct tour *tour)
{
	progress->wanted = isatty(STDERR_FILENO) == 1;
	for (int64_t i = 0; i < tour->n_files; i++) {
		struct stat status;

		if (stat(tour->files[i].name, &status) == 0 && S_ISREG(status.st_mode)) {
			progress->bytes_expected += status.st_size;
		}
	}
}

static void show(struct progress *progress, const struct tour *tour)
{
	double counted = (double)vcore_eventcount_read(&tour->bytes_counted) / 1e6;
	double expected = (double)progress->bytes_expected / 1e6;

	if (!progress->wanted) {
		return;
	}
	if (expected >= counted) {
		fprintf(stderr, "\rcounted %.0f of %.0f MB", counted, expected);
	} else {
		fprintf(stderr, "\rcounted %.0f MB", counted);
	}
	progress->shown = true;
}

static void clear(const struct progress *progress)
{
	if (progress->shown) {
		fputs("\r\033[K", stderr);
	}
}

/* Running the threads */

static struct vcore_thread **start(struct vcore_runtime *runtime, const char *name, int64_t n,
				   void *(*entry)(void *), struct tour *tour)
{
	struct vcore_thread_options options = {
		.size = sizeof(options), .name = name, .runtime = runtime};
	struct vcore_thread **threads = allocate((size_t)n * sizeof(struct vcore_thread *));

	for (int64_t i = 0; i < n; i++) {
		check(vcore_thread_allocate(&threads[i], &options, entry, tour),
		      "vcore_thread_allocate");
	}
	return threads;
}

/* Waits for all n threads; whenever that takes long, shows the progress. */
static void join(struct vcore_thread **threads, int64_t n, struct progress *progress,
		 const struct tour *tour)
{
	for (int64_t i = 0; i < n; i++) {
		while (vcore_thread_join(threads[i], NULL, vcore_after(progress_interval)) ==
		       -ETIMEDOUT) {
			show(progress, tour);
		}
	}
	free(threads);
}

/* Tells n receivers that nothing more will come. */
static void end_stream(struct buffer *buffer, int64_t n)
{
	for (int64_t i = 0; i < n; i++) {
		buffer_send(buffer, NULL);
	}
}

static void run_threads(struct tour *tour, struct vcore_runtime *runtime, struct progress *progress)
{
	struct vcore_thread **mergers = start(runtime, "merger", 1, tour_merge, tour);
	struct vcore_thread **counters =
		start(runtime, "counter", tour->counters, tour_count, tour);
	struct vcore_thread **readers = start(runtime, "reader", tour->readers, tour_read, tour);

	join(readers, tour->readers, progress, tour);
	end_stream(&tour->full, tour->counters);
	join(counters, tour->counters, progress, tour);
	end_stream(&tour->tables, 1);
	join(mergers, 1, progress, tour);
	clear(progress);
}

static void choose_sizes(struct tour *tour, unsigned processors)
{
	int64_t threads = (int64_t)processors * THREADS_A_PROCESSOR;

	tour->readers = tour->n_files < threads ? tour->n_files : threads;
	tour->counters = threads;
	tour->pieces = (tour->readers + tour->counters) * PIECES_A_THREAD;
}

/* Opens a runtime, makes the tour in it, and closes it. */
static void run(struct tour *tour, struct summary *summary)
{
	struct vcore_runtime *runtime;
	struct progress progress = {0};
	struct piece *pieces;
	vcore_instant begin = vcore_now();

	check(vcore_runtime_open(&runtime, NULL), "vcore_runtime_open");
	check(vcore_inspect_runtime(runtime, &summary->runtime), "vcore_inspect_runtime");
	choose_sizes(tour, summary->runtime.processors);
	expect(&progress, tour);

	/* With a cell for each piece, no counter ever waits to give one back. */
	buffer_allocate(&tour->empty, tour->pieces);
	buffer_allocate(&tour->full, tour->counters);
	buffer_allocate(&tour->tables, TABLES);
	pieces = allocate((size_t)tour->pieces * sizeof(struct piece));
	for (int64_t i = 0; i < tour->pieces; i++) {
		buffer_send(&tour->empty, &pieces[i]);
	}

	run_threads(tour, runtime, &progress);

	summary->nanoseconds = vcore_now() - begin;
	check(vcore_inspect_runtime(runtime, &summary->runtime), "vcore_inspect_runtime");
	check(vcore_runtime_close(runtime, VCORE_NEVER), "vcore_runtime_close");
	for (int64_t i = 0; i < tour->pieces; i++) {
		free(pieces[i].text);
	}
	free(pieces);
	buffer_deallocate(&tour->empty);
	buffer_deallocate(&tour->full);
	buffer_deallocate(&tour->tables);
}

/* The program */

/* Returns: the exit status. */
static int report(const struct tour *tour, const struct summary *summary, bool all)
{
	int status = EXIT_SUCCESS;

	for (int64_t i = 0; i < tour->n_files; i++) {
		if (tour->files[i].error != 0) {
			errno = tour->files[i].error;
			warn("%s", tour->files[i].name);
			status = EXIT_FAILURE;
		}
	}
	if (all) {
		report_all(tour);
	} else {
		report_top(tour);
		report_summary(tour, summary);
	}
	if (fflush(stdout) != 0 || ferror(stdout)) {
		err(EXIT_TROUBLE, "standard output");
	}
	return status;
}

__attribute__((noreturn)) static void explain(FILE *stream, int status)
{
	fputs(usage, stream);
	exit(status); /* NOLINT(concurrency-mt-unsafe): no other thread runs yet */
}

/* Returns: whether --all was asked for.  May end the program. */
static bool read_options(int argc, char **argv)
{
	static const struct option options[] = {
		{"all", no_argument, NULL, 'a'},
		{"help", no_argument, NULL, 'h'},
		{0},
	};
	bool all = false;
	int option;

	/* NOLINTNEXTLINE(concurrency-mt-unsafe): no other thread runs yet */
	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (option) {
		case 'a':
			all = true;
			break;
		case 'h':
			explain(stdout, EXIT_SUCCESS);
		default:
			explain(stderr, EXIT_TROUBLE);
		}
	}
	return all;
}

int main(int argc, char **argv)
{
	struct tour tour = {0};
	struct summary summary = {.runtime = {.size = sizeof(summary.runtime)}};
	glob_t names = {0};
	bool all = read_options(argc, argv);
	int status;

	if (optind < argc) {
		set_files(&tour, argv + optind, (size_t)(argc - optind));
	} else {
		find_own_files(&tour, &names);
	}
	run(&tour, &summary);
	status = report(&tour, &summary, all);
	words_free(&tour.words);
	free(tour.files);
	globfree(&names);
	return status;
}
