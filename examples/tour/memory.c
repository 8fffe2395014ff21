/*
 * Spaces, and memory in them: see memory.h.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "memory.h"

#include <unistd.h>

#include "trouble.h"

struct chunk {
	struct chunk *before;
	size_t used, bytes;
	char memory[];
};

/* Beyond 4 KiB a page's huge one is much larger than this, up to 512 MiB. */
#define HUGE_BYTES      ((size_t)2 << 20)
#define HUGE_PAGE_BYTES 4096

/* Addresses, not memory; Valgrind has no more than 128 GiB of them for a process. */
#define SPACE_BYTES ((size_t)8 << 30)

struct vcore_space *memory_open_space(const char *name, enum vcore_space_level level)
{
	struct vcore_space_options options = {
		.size = sizeof(options),
		.bytes = SPACE_BYTES,
		.least = level,
		.most = level,
		.name = name,
	};
	struct vcore_space *space;

	check(vcore_space_create(&space, &options), "vcore_space_create");
	return space;
}

void memory_close_space(struct vcore_space *space)
{
	check(vcore_space_delete(space), "vcore_space_delete");
}

struct vcore_block *memory_block(size_t bytes)
{
	struct vcore_block *block;

	if (bytes >= HUGE_BYTES && sysconf(_SC_PAGESIZE) == HUGE_PAGE_BYTES) {
		check(vcore_block_allocate_huge(&block, bytes), "vcore_block_allocate_huge");
	} else {
		check(vcore_block_allocate(&block, bytes), "vcore_block_allocate");
	}
	return block;
}

void *memory_map(struct vcore_space *space, size_t bytes)
{
	struct vcore_block *block = memory_block(bytes);
	void *memory;

	check(vcore_space_map(space, block, VCORE_ANYWHERE, VCORE_PROTECT_READ_WRITE, &memory),
	      "vcore_space_map");
	return memory;
}

void memory_unmap(struct vcore_space *space, void *memory)
{
	struct vcore_block *block;

	check(vcore_space_find(space, memory, &block, NULL, NULL), "vcore_space_find");
	check(vcore_space_unmap(space, memory), "vcore_space_unmap");
	check(vcore_block_free(block), "vcore_block_free");
}

static void add_chunk(struct arena *arena, size_t least)
{
	size_t bytes = (sizeof(struct chunk) + least + HUGE_BYTES - 1) & ~(HUGE_BYTES - 1);
	struct chunk *chunk = memory_map(arena->space, bytes);

	*chunk = (struct chunk){.before = arena->last, .bytes = bytes - sizeof(*chunk)};
	arena->last = chunk;
}

void *arena_allocate(struct arena *arena, size_t bytes)
{
	struct chunk *chunk = arena->last;

	bytes = (bytes + ARENA_ALIGNMENT - 1) & ~(ARENA_ALIGNMENT - 1);
	if (chunk == NULL || bytes > chunk->bytes - chunk->used) {
		add_chunk(arena, bytes);
		chunk = arena->last;
	}
	chunk->used += bytes;
	return chunk->memory + chunk->used - bytes;
}

void arena_free(struct arena *arena)
{
	while (arena->last != NULL) {
		struct chunk *chunk = arena->last;

		arena->last = chunk->before;
		memory_unmap(arena->space, chunk);
	}
}
