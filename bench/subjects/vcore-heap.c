/*
 * The subject vcore-heap: memory in a space.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "store.h"

#include <vcore/heap.h>
#include <vcore/space.h>

static struct vcore_space *space;

static void *get(void *heap, size_t size)
{
	return vcore_heap_allocate(heap, size);
}

static void put(void *heap, void *object)
{
	vcore_heap_free(heap, object);
}

static const struct bench_store calls = {.get = get, .put = put};

static void *open_heap(const struct bench *bench)
{
	struct vcore_heap *heap;

	(void)bench;
	bench_check(vcore_space_create(&space, NULL) == 0, "create a space");
	bench_check(vcore_heap_create(&heap, space) == 0, "create");
	return heap;
}

static void close_heap(void *heap)
{
	bench_check(vcore_heap_delete(heap) == 0, "delete");
	bench_check(vcore_space_delete(space) == 0, "delete the space");
}

static const struct bench_crew *kernel_threads(const struct bench *bench)
{
	(void)bench;
	return &bench_pinned_threads;
}

BENCH_STORE_RUN(calls, kernel_threads, open_heap, close_heap)

static const struct bench_workload workloads[] = {
	BENCH_STORE_HEAPS,
	{NULL, NULL},
};

int main(int argc, char **argv)
{
	return bench_main(workloads, argc, argv);
}
