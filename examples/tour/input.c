/*
 * What the tour reads.
 *
 * A file that may keep its reader waiting in the kernel is slow: the standard
 * input, the one that comes by the slow line, and whatever is no regular file.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tour.h"
#include "trouble.h"

/* What cannot be looked at is not: its reader will say why. */
static bool may_be_slow(const char *name)
{
	struct stat status;

	return stat(name, &status) == 0 && !S_ISREG(status.st_mode);
}

void input_name(struct tour *tour, char *const *names, size_t n)
{
	bool input_named = false;

	tour->files = allocate(n * sizeof(struct file));
	tour->n_files = (int64_t)n;
	for (size_t i = 0; i < n; i++) {
		struct file *file = &tour->files[i];

		*file = (struct file){.name = names[i], .slow = may_be_slow(names[i]), .fd = -1};
		if (strcmp(names[i], "-") == 0) {
			if (input_named) { /* two readers would share its words */
				errx(EXIT_TROUBLE, "the standard input (-) is named twice");
			}
			input_named = true;
			file->slow = true;
			file->fd = STDIN_FILENO;
		}
	}
}

/* Without it the file is read like others, or its reader says why it cannot be. */
void input_open_line(struct tour *tour)
{
	struct file *file = &tour->files[0];

	if (tour->has_line) {
		file->fd = slow_line_open(&tour->line, file->name);
		tour->has_line = file->fd >= 0;
	}
}

void input_close_line(struct tour *tour)
{
	int error = tour->has_line ? slow_line_close(&tour->line) : 0;

	if (error < 0) {
		tour->files[0].error = -error;
	}
}
