/*
 * A tour of libvcore: how often does each word occur in some files?
 *
 * A service of counting threads and its clients, which read the files, work side by
 * side, each in an address space of its own; tour.h says how.  Beside them four
 * troublemakers: one client writes to the service's memory, one overflows its stack, one
 * runs away in an endless loop, and one blocks in the kernel.  The answer is
 * right nevertheless.
 *
 * Shows: address spaces, and a block that is mapped into two; threads that communicate
 *	through bounded buffers; faults that end one thread alone; preemption; a thread
 *	that blocks in the kernel; a thread that is destroyed wherever it is.
 * Prints: the most frequent words, then what happened; with --all each word
 *	with its count and nothing else, which words.h says how to check.  On standard
 *	error the library reports the two faults.
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

#include "trouble.h"

static const char usage[] =
	"Usage: tour [--all] [FILE...]\n"
	"Counts how often each word occurs in the files.\n"
	"\n"
	"  --all   print every word as \"count word\", the most frequent first\n"
	"  --help  print this\n"
	"\n"
	"A word is a longest run of the letters A-Z and a-z; upper and lower case count\n"
	"as the same.  A FILE of - is the standard input.  Without a FILE it reads the\n"
	"project's own text files, the first of them through a slow line.\n"
	"VCORE_PROCESSORS sets the number of processors, VCORE_QUANTUM how long a thread\n"
	"may run while others wait, in microseconds.\n"
	"Exit status: 0, 1 if a file could not be read (the others are counted), 2 if\n"
	"nothing could be done.\n";

/* What is read when no file is named: the project's own texts. */
static const char *const own_files[] = {
	TOUR_SOURCE_ROOT "/README.md",
	TOUR_SOURCE_ROOT "/COPYING",
	TOUR_SOURCE_ROOT "/doc/*.md",
	TOUR_SOURCE_ROOT "/include/vcore/*.h",
};

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
	input_name(tour, names->gl_pathv, names->gl_pathc);
	tour->has_line = true;
	tour->files[0].slow = true;
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
	struct summary summary = {
		.runtime = {.size = sizeof(summary.runtime)},
		.service = {.size = sizeof(summary.service)},
	};
	glob_t names = {0};
	bool all = read_options(argc, argv);
	int status;

	if (optind < argc) {
		input_name(&tour, argv + optind, (size_t)(argc - optind));
	} else {
		find_own_files(&tour, &names);
	}
	run(&tour, &summary);
	status = report(&tour, &summary, all);
	run_close(&tour);
	free(tour.files);
	globfree(&names);
	return status;
}
