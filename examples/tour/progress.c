/*
 * The progress of the tour: see progress.h.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "progress.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

void progress_expect(struct progress *progress, const struct tour *tour)
{
	progress->wanted = isatty(STDERR_FILENO) == 1;
	for (int64_t i = 0; i < tour->n_files; i++) {
		struct stat status;

		if (stat(tour->files[i].name, &status) == 0 && S_ISREG(status.st_mode)) {
			progress->bytes_expected += status.st_size;
		}
	}
}

void progress_show(struct progress *progress, const struct tour *tour)
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

void progress_clear(const struct progress *progress)
{
	if (progress->shown) {
		fputs("\r\033[K", stderr);
	}
}
