/*
 * Slow lines: see slow.h.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "slow.h"

#include <errno.h>
#include <fcntl.h>
#include <time.h>
#include <unistd.h>

enum { PORTION = 512 };

/* Longer than a quantum, so that ticks find the reader waiting. */
static const struct timespec pause_time = {.tv_nsec = 20000000};

/* A portion is less than PIPE_BUF: it is written as a whole. */
static void *feed(void *argument)
{
	struct slow_line *line = argument;
	char portion[PORTION];
	ssize_t n;

	while ((n = read(line->from, portion, sizeof portion)) > 0) {
		nanosleep(&pause_time, NULL);
		if (write(line->to, portion, (size_t)n) < 0) {
			n = -1;
			break;
		}
	}
	line->error = n < 0 ? errno : 0;
	close(line->from);
	close(line->to);
	return NULL;
}

int slow_line_open(struct slow_line *line, const char *name)
{
	int error;
	int ends[2];

	line->from = open(name, O_RDONLY | O_CLOEXEC);
	if (line->from < 0) {
		return -errno;
	}
	if (pipe2(ends, O_CLOEXEC) != 0) {
		error = errno;
		goto close_file;
	}
	line->to = ends[1];
	error = pthread_create(&line->feeder, NULL, feed, line);
	if (error == 0) {
		return ends[0];
	}
	close(ends[0]);
	close(ends[1]);
close_file:
	close(line->from);
	return -error;
}

int slow_line_close(struct slow_line *line)
{
	pthread_join(line->feeder, NULL);
	return -line->error;
}
