/*
 * The subject jemalloc-arena: memory of one arena of jemalloc's, by all threads and
 * without caches of theirs.  What a heap must cost that keeps no memory elsewhere.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "store.h"

#include <jemalloc/jemalloc.h>
#include <stdio.h>

static unsigned arena;
static int flags;

static void *get(void *store, size_t size)
{
	(void)store;
	return mallocx(size, flags);
}

static void put(void *store, void *object)
{
	(void)store;
	dallocx(object, flags);
}

static const struct bench_store calls = {.get = get, .put = put};

static void *open_arena(const struct bench *bench)
{
	size_t size = sizeof(arena);

	(void)bench;
	bench_check(mallctl("arenas.create", &arena, &size, NULL, 0) == 0, "create");
	flags = MALLOCX_ARENA((int)arena) | MALLOCX_TCACHE_NONE;
	return NULL;
}

static void close_arena(void *store)
{
	char name[40];

	(void)store;
	snprintf(name, sizeof(name), "arena.%u.destroy", arena);
	bench_check(mallctl(name, NULL, NULL, NULL, 0) == 0, "destroy");
}

static const struct bench_crew *kernel_threads(const struct bench *bench)
{
	(void)bench;
	return &bench_pinned_threads;
}

BENCH_STORE_RUN(calls, kernel_threads, open_arena, close_arena)

static const struct bench_workload workloads[] = {
	BENCH_STORE_HEAPS,
	{NULL, NULL},
};

int main(int argc, char **argv)
{
	return bench_main(workloads, argc, argv);
}
