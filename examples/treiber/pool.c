/*
 * The first remedy: cells from a type-stable pool.
 *
 * A cell that was put back stays readable, and a cell, until the pool is deleted:
 * a thread in pop that comes too late reads an old link, or that of a cell that
 * is in use again, and the count makes its swap fail.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <vcore/pool.h>

#include "../check.h"
#include "stack.h"

static struct vcore_pool *pool;

void cells_open(void)
{
	check(vcore_pool_create(&pool, sizeof(struct cell)), "vcore_pool_create");
}

void cells_close(void)
{
	check(vcore_pool_delete(pool), "vcore_pool_delete");
}

struct cell *cell_allocate(void)
{
	struct cell *cell = vcore_pool_get(pool);

	check(cell != NULL ? 0 : -ENOMEM, "vcore_pool_get");
	return cell;
}

void cell_free(struct cell *cell)
{
	vcore_pool_put(pool, cell);
}

void cells_enter(void)
{
}

void cells_leave(void)
{
}
