/*
 * The pool of libvcore, for threads of which pool_crew says what they are.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "vcore-pool.h"

#include "store.h"

#include <vcore/pool.h>

static void *get(void *pool, size_t size)
{
	(void)size;
	return vcore_pool_get(pool);
}

static void put(void *pool, void *object)
{
	vcore_pool_put(pool, object);
}

static const struct bench_store calls = {.get = get, .put = put};

static void *open_pool(const struct bench *bench)
{
	struct vcore_pool *pool;

	bench_check(vcore_pool_create(&pool, (size_t)bench->bytes) == 0, "create");
	return pool;
}

static void close_pool(void *pool)
{
	bench_check(vcore_pool_delete(pool) == 0, "delete");
}

BENCH_STORE_RUN(calls, pool_crew, open_pool, close_pool)
