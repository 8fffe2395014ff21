/*
 * Each call that libvcore and libvcore-heap make for memory fails in turn: to create a
 * heap fails with a promised error, to allocate returns NULL, and a heap can be deleted
 * whatever fails; nothing is left behind, and the next attempt works.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "../stress/process.h"
#include "../stress/stress.h"
#include "inject.h"

#include <vcore/heap.h>
#include <vcore/space.h>

#define MOST_CALLS 200
#define LARGE      ((size_t)3 << 20) /* which takes a block of its own */
#define SLACK_MAPS 2                 /* neighbours merge or do not */

static struct vcore_space *space;

static size_t mappings(void)
{
	struct vcore_space_statistics statistics = {.size = sizeof statistics};

	vcore_space_statistics(space, &statistics);
	return statistics.mappings;
}

static void use(struct vcore_heap *heap, size_t bytes)
{
	char *memory = vcore_heap_allocate(heap, bytes);

	if (CHECK(memory != NULL)) {
		memset(memory, 1, bytes);
		vcore_heap_free(heap, memory);
	}
}

static void end(struct vcore_heap *heap)
{
	CHECK_IS(vcore_heap_delete(heap), 0);
	CHECK_IS(mappings(), 0);
}

/* A heap that was made as if nothing had failed. */
static void make_and_end(void)
{
	struct vcore_heap *heap;

	if (CHECK_IS(vcore_heap_create(&heap, space), 0)) {
		use(heap, LARGE);
		use(heap, 100);
		end(heap);
	}
}

static bool create_failing(long n)
{
	struct vcore_heap *heap;
	int result;
	bool fired;

	inject_arm(n);
	result = vcore_heap_create(&heap, space);
	fired = inject_disarm();
	CHECK(result == 0 || result == -EAGAIN || result == -ENOMEM);
	if (result == 0) {
		use(heap, 100);
		end(heap);
	}
	return fired;
}

static void check_allocated(const void *memory)
{
	CHECK(memory != NULL || errno == ENOMEM);
}

static bool allocate_failing(long n)
{
	struct vcore_heap *heap;
	void *large, *small;
	bool fired;

	if (!CHECK_IS(vcore_heap_create(&heap, space), 0)) {
		return false;
	}
	inject_arm(n);
	large = vcore_heap_allocate(heap, LARGE);
	check_allocated(large);
	small = vcore_heap_allocate(heap, 100);
	check_allocated(small);
	fired = inject_disarm();
	vcore_heap_free(heap, large);
	vcore_heap_free(heap, small);
	use(heap, LARGE);
	use(heap, 100);
	end(heap);
	return fired;
}

/* What cannot be unmapped goes with the space. */
static bool delete_failing(long n)
{
	struct vcore_heap *heap;
	bool fired;

	if (!CHECK_IS(vcore_heap_create(&heap, space), 0)) {
		return false;
	}
	use(heap, LARGE);
	use(heap, 100);
	inject_arm(n);
	CHECK_IS(vcore_heap_delete(heap), 0);
	fired = inject_disarm();
	if (mappings() != 0) {
		CHECK_IS(vcore_space_delete(space), 0);
		CHECK_IS(vcore_space_create(&space, NULL), 0);
	}
	return fired;
}

static void sweep(const char *what, bool (*attempt)(long n))
{
	long mapped, descriptors;
	long n = 0;

	make_and_end(); /* what is done once is done now */
	mapped = process_mappings();
	descriptors = process_descriptors();
	do {
		n++;
	} while (attempt(n) && CHECK(n < MOST_CALLS));
	make_and_end();
	CHECK(process_mappings() <= mapped + SLACK_MAPS);
	CHECK_IS(process_descriptors(), descriptors);
	CHECK(n > 1);
	tap_case("%s: each of %ld calls fails in turn", what, n - 1);
}

int main(int argc, char **argv)
{
	stress_begin(argc, argv);
	CHECK_IS(vcore_space_create(&space, NULL), 0);
	sweep("create", create_failing);
	sweep("allocate", allocate_failing);
	sweep("delete", delete_failing);
	CHECK_IS(vcore_space_delete(space), 0);
	return tap_done();
}
