/*
 * The subjects malloc (that of libc), jemalloc and tcmalloc: one after the other
 * linked to this, which calls malloc and free.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "store.h"

static void *get(void *store, size_t size)
{
	(void)store;
	return malloc(size);
}

static void put(void *store, void *object)
{
	(void)store;
	free(object);
}

static const struct bench_store calls = {.get = get, .put = put};

static void *no_store(const struct bench *bench)
{
	(void)bench;
	return NULL;
}

static void leave(void *store)
{
	(void)store;
}

static const struct bench_crew *kernel_threads(const struct bench *bench)
{
	(void)bench;
	return &bench_pinned_threads;
}

BENCH_STORE_RUN(calls, kernel_threads, no_store, leave)

static const struct bench_workload workloads[] = {
	BENCH_STORE_WORKLOADS,
	BENCH_STORE_HEAPS,
	{NULL, NULL},
};

int main(int argc, char **argv)
{
	return bench_main(workloads, argc, argv);
}
