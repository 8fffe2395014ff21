/*
 * As many heaps as there can be, and one more: which is refused, and can be had when
 * another has gone.  All of them are heaps.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "stress.h"

#include <vcore/heap.h>
#include <vcore/space.h>

#define MORE_THAN_CAN_BE 5000

static struct vcore_space *space;
static struct vcore_heap *heaps[MORE_THAN_CAN_BE];

static bool can_make(struct vcore_heap **heap)
{
	int error = vcore_heap_create(heap, space);

	CHECK(error == 0 || error == -EAGAIN);
	return error == 0;
}

static void check_heap(struct vcore_heap *heap, int value)
{
	char *memory = vcore_heap_allocate(heap, 100);

	if (CHECK(memory != NULL)) {
		memset(memory, value, 100);
		vcore_heap_free(heap, memory);
	}
}

int main(int argc, char **argv)
{
	size_t n = 0;

	stress_begin(argc, argv);
	if (stress_divisor > 1) {
		return tap_skip_all("four thousand arenas take too long");
	}
	CHECK_IS(vcore_space_create(&space, NULL), 0);
	while (n < MORE_THAN_CAN_BE && can_make(&heaps[n])) {
		n++;
	}
	tap_say("%zu heaps", n);
	CHECK(n > 0 && n < MORE_THAN_CAN_BE);
	tap_case("as many as there can be");

	for (int i = 0; i < 3; i++) {
		CHECK_IS(vcore_heap_create(&heaps[n], space), -EAGAIN);
		CHECK_IS(vcore_heap_delete(heaps[n / 2]), 0);
		CHECK_IS(vcore_heap_create(&heaps[n / 2], space), 0);
	}
	tap_case("one for one that has gone");

	for (size_t i = 0; i < n; i += 37) {
		check_heap(heaps[i], (int)i);
	}
	tap_case("all are heaps");

	for (size_t i = 0; i < n; i++) {
		CHECK_IS(vcore_heap_delete(heaps[i]), 0);
	}
	CHECK_IS(vcore_heap_create(&heaps[0], space), 0);
	check_heap(heaps[0], 1);
	CHECK_IS(vcore_heap_delete(heaps[0]), 0);
	CHECK_IS(vcore_space_delete(space), 0);
	tap_case("all have gone");
	return tap_done();
}
