/*
 * Cells from malloc, to free: the textbook's form.  A thread in pop may read a
 * cell that is freed.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <err.h>
#include <stdlib.h>

#include "stack.h"

void cells_open(void)
{
}

void cells_close(void)
{
}

struct cell *cell_allocate(void)
{
	struct cell *cell = malloc(sizeof(*cell));

	if (cell == NULL) {
		err(EXIT_FAILURE, "a cell");
	}
	return cell;
}

void cell_free(struct cell *cell)
{
	free(cell);
}

void cells_enter(void)
{
}

void cells_leave(void)
{
}
