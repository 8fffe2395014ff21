/*
 * The second remedy: cells that are freed by RCU.
 *
 * Pop looks at cells in a read section; a cell that was popped is freed after all
 * read sections have ended that were under way then.  The memory goes back to
 * malloc, which a pool's does not before its end.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <stddef.h>
#include <stdlib.h>
#include <vcore/rcu.h>

#include "../check.h"
#include "stack.h"

void cells_open(void)
{
}

void cells_close(void)
{
	check(vcore_rcu_barrier(VCORE_NEVER), "vcore_rcu_barrier");
}

struct cell *cell_allocate(void)
{
	struct cell *cell = malloc(sizeof(*cell));

	if (cell == NULL) {
		err(EXIT_FAILURE, "a cell");
	}
	return cell;
}

static void free_later(struct vcore_rcu_head *head)
{
	free((char *)head - offsetof(struct cell, rcu));
}

void cell_free(struct cell *cell)
{
	check(vcore_rcu_defer(&cell->rcu, free_later), "vcore_rcu_defer");
}

void cells_enter(void)
{
	vcore_rcu_read_lock();
}

void cells_leave(void)
{
	vcore_rcu_read_unlock();
}
