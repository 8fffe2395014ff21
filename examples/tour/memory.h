/*
 * Memory that is there: the tour ends when it gets none.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef TOUR_MEMORY_H
#define TOUR_MEMORY_H

#include <err.h>
#include <stdlib.h>

/* The exit status of a tour that could not be made at all. */
#define EXIT_TROUBLE 2

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

#endif /* TOUR_MEMORY_H */
