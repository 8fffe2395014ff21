/*
 * A slow line: a file that comes through a pipe in small portions, with pauses
 * between them, as it would from far away.
 *
 * Who reads from it blocks in the kernel most of the time.  It is fed by a plain
 * pthread, which has nothing to do with the runtime.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef TOUR_SLOW_H
#define TOUR_SLOW_H

#include <pthread.h>

struct slow_line {
	pthread_t feeder;
	int from; /* the file */
	int to;   /* the writing end of the pipe */
	int error;
};

/*
 * Returns: the reading end of the pipe, for the caller to close after the end of
 * the file came.  Errors: -E..., why there is no line.
 */
int slow_line_open(struct slow_line *line, const char *name);

/*
 * To be called when the reading end is closed.
 *
 * Returns: 0, or -E..., why the rest of the file did not come.
 */
int slow_line_close(struct slow_line *line);

#endif /* TOUR_SLOW_H */
