/*
 * What the tests of heaps share: a space with a heap in it.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef TESTS_UNIT_HEAP_H
#define TESTS_UNIT_HEAP_H

#include "support.h"

#include <vcore/heap.h>
#include <vcore/space.h>

struct place {
	struct vcore_space *space;
	struct vcore_heap *heap;
};

/* Of so many bytes, and of that level; 0: as by default. */
struct place place_make(size_t bytes, enum vcore_space_level level);
void place_end(struct place *place); /* deletes both; nothing else is in the space */

struct vcore_heap_statistics statistics_of(struct vcore_heap *heap);
size_t mappings_of(struct vcore_space *space);

#endif /* TESTS_UNIT_HEAP_H */
