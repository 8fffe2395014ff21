/*
 * A space with a heap in it: see heap.h.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "heap.h"

struct place place_make(size_t bytes, enum vcore_space_level level)
{
	struct vcore_space_options options = {.bytes = bytes, .least = level, .most = level};
	struct place place = {NULL, NULL};

	check(vcore_space_create(&place.space, &options) == 0);
	check(vcore_heap_create(&place.heap, place.space) == 0);
	check(place.heap != NULL);
	return place;
}

void place_end(struct place *place)
{
	check(vcore_heap_delete(place->heap) == 0);
	check(mappings_of(place->space) == 0);
	check(vcore_space_delete(place->space) == 0);
}

struct vcore_heap_statistics statistics_of(struct vcore_heap *heap)
{
	struct vcore_heap_statistics statistics = {.size = sizeof statistics};

	vcore_heap_statistics(heap, &statistics);
	check(statistics.size == sizeof statistics);
	return statistics;
}

size_t mappings_of(struct vcore_space *space)
{
	struct vcore_space_statistics statistics = {.size = sizeof statistics};

	vcore_space_statistics(space, &statistics);
	return statistics.mappings;
}
