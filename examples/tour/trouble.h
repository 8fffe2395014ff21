/*
 * What the tour does when there is no memory, or a call of the library fails: it
 * ends.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef TOUR_TROUBLE_H
#define TOUR_TROUBLE_H

#include <err.h>
#include <errno.h>
#include <stdlib.h>

/* The exit status of a tour that could not be made at all. */
#define EXIT_TROUBLE 2

/* Ends the program if a call of the library returned an error, -E... */
static inline void check(int result, const char *call)
{
	if (result < 0) {
		errno = -result;
		err(EXIT_TROUBLE, "%s", call);
	}
}

/* Returns `bytes` bytes, all zero; at least one. */
static inline void *allocate(size_t bytes)
{
	void *memory = calloc(1, bytes > 0 ? bytes : 1);

	if (memory == NULL) {
		err(EXIT_TROUBLE, "%zu bytes", bytes);
	}
	return memory;
}

/* Returns `memory` with its size changed. */
static inline void *reallocate(void *memory, size_t bytes)
{
	memory = realloc(memory, bytes);
	if (memory == NULL) {
		err(EXIT_TROUBLE, "%zu bytes", bytes);
	}
	return memory;
}

#endif /* TOUR_TROUBLE_H */
