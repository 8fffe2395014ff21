/*
 * Spaces, and memory in them.  Whatever is refused ends the program (trouble.h).
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef TOUR_MEMORY_H
#define TOUR_MEMORY_H

#include <stddef.h>
#include <vcore/space.h>

/* A space of just this level. */
struct vcore_space *memory_open_space(const char *name, enum vcore_space_level level);

/* No thread lives in it, and no memory but other spaces' is mapped. */
void memory_close_space(struct vcore_space *space);

/*
 * A block of whole pages, all zero.  Of 2 MiB or more it is in huge pages, where
 * there are any: with them a space opens and closes in far fewer steps.
 */
struct vcore_block *memory_block(size_t bytes);

/* Such a block, mapped there. */
void *memory_map(struct vcore_space *space, size_t bytes);
void memory_unmap(struct vcore_space *space, void *memory);

/*
 * An arena: pieces of memory that are freed all together.  One thread at a time uses
 * it.  It is all zero, but for its space.
 */
#define ARENA_ALIGNMENT 8

struct arena {
	struct vcore_space *space;
	struct chunk *last;
};

/* All zero, aligned for a word. */
void *arena_allocate(struct arena *arena, size_t bytes);

/* All that was allocated; the arena is empty. */
void arena_free(struct arena *arena);

#endif /* TOUR_MEMORY_H */
