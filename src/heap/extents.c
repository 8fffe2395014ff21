/*
 * Extents: what jemalloc asks of a heap, and where it gets it.
 *
 * jemalloc gets memory from us by hooks, in extents, each of which it may split and
 * merge; one that it needs no longer it keeps ("retains"), since we take none
 * back.  It asks for ever larger ones, so that a heap consists of few blocks: sixty
 * for 32 GiB.  So blocks stay whole, nothing has to be looked up when an extent is
 * split or merged (two that touch belong to the same heap: it does not matter of
 * which block they are), and when a heap is deleted its blocks are all there is to
 * give back.
 *
 * What jemalloc itself keeps of an arena it gets by hooks of its own, outside of the
 * space.  With experimental.arenas_create_ext and metadata_use_hooks = false it would
 * take it from where all its memory is from, but never give it back: an arena that is
 * destroyed leaves 2 MiB of addresses behind there.  So metadata do use the hooks
 * that the arena is created with, those below, and the arena gets those of the heap
 * afterwards, which, in jemalloc 5.3, its metadata do not follow.
 *
 * Hooks run with locks of jemalloc's held, some of them on threads of a runtime.
 * They do not switch threads, and allocate nothing by malloc: libvcore does not, and
 * mmap does not; and they wait for no fork (fork.c).  Their lock is a pthread mutex
 * like jemalloc's own; nothing of this library lies in the application's text, as far
 * as preemption is concerned (heap.c), so that a thread is never put off, or ended, in
 * here.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <unistd.h>

#include "heap/heap.h"

/* So large are blocks, or larger, as long as there is room. */
#define BLOCK_BYTES ((size_t)2 << 20)

/* --- blocks ---------------------------------------------------------------------- */

/* NULL: no room, or no memory. */
static char *add_block(struct vci_extents *extents, size_t bytes)
{
	struct vcore_block *block;
	void *at;

	if (extents->n == VCI_HEAP_BLOCKS || vcore_block_allocate(&block, bytes) != 0) {
		return NULL;
	}
	if (vcore_space_map(extents->space, block, VCORE_ANYWHERE, VCORE_PROTECT_READ_WRITE, &at) !=
	    0) {
		(void)vcore_block_free(block);
		return NULL;
	}
	extents->blocks[extents->n].block = block;
	extents->blocks[extents->n++].at = at;
	__atomic_store_n(&extents->bytes, extents->bytes + vcore_block_size(block),
			 __ATOMIC_RELAXED);
	return at;
}

static size_t larger(size_t a, size_t b)
{
	return a > b ? a : b;
}

/*
 * A block of at least so many bytes, *bytes.  What is asked for at a time may be far
 * less than a block had better be: as long as there is room.
 */
static char *add_large_block(struct vci_extents *extents, size_t least, size_t *bytes)
{
	char *at;

	*bytes = larger(least, extents->usual);
	while ((at = add_block(extents, *bytes)) == NULL && *bytes > least) {
		extents->usual = *bytes / 2;
		*bytes = larger(least, extents->usual);
	}
	if (at != NULL && extents->usual < BLOCK_BYTES) {
		extents->usual *= 2;
	}
	return at;
}

static char *align(char *at, size_t alignment)
{
	return at + (-(uintptr_t)at & (alignment - 1));
}

static bool has_room(const struct vci_extents *extents, size_t bytes, size_t alignment)
{
	size_t skipped = -(uintptr_t)extents->rest & (alignment - 1);
	size_t room = (size_t)(extents->end - extents->rest);

	return skipped <= room && bytes <= room - skipped;
}

/* What is left of the old block, or of the new one, is lost: the smaller of the two. */
static char *take_of_a_new_block(struct vci_extents *extents, size_t bytes, size_t alignment)
{
	size_t got;
	char *block;
	char *at;

	if (bytes + alignment < bytes) {
		return NULL;
	}
	block = add_large_block(extents, bytes + alignment - (size_t)getpagesize(), &got);
	if (block == NULL) {
		return NULL;
	}
	at = align(block, alignment);
	if (block + got - (at + bytes) > extents->end - extents->rest) {
		extents->rest = at + bytes;
		extents->end = block + got;
	}
	return at;
}

static char *take(struct vci_extents *extents, size_t bytes, size_t alignment)
{
	char *at;

	if (!has_room(extents, bytes, alignment)) {
		return take_of_a_new_block(extents, bytes, alignment);
	}
	at = align(extents->rest, alignment);
	extents->rest = at + bytes;
	return at;
}

/* --- the hooks ------------------------------------------------------------------- */

static struct vci_extents *of_hooks(extent_hooks_t *hooks)
{
	return (struct vci_extents *)hooks;
}

/* Each byte of a block is handed out once: it is zero. */
static void *allocate(extent_hooks_t *hooks, void *wanted, size_t bytes, size_t alignment,
		      bool *zero, bool *commit, unsigned arena)
{
	struct vci_extents *extents = of_hooks(hooks);
	void *at;

	(void)arena;
	if (wanted != NULL || vci_extents_are_lost(extents) || !vci_forks_enter()) {
		return NULL;
	}
	pthread_mutex_lock(&extents->lock);
	at = take(extents, bytes, alignment);
	pthread_mutex_unlock(&extents->lock);
	vci_forks_leave();
	*zero = *zero || at != NULL;
	*commit = *commit || at != NULL;
	return at;
}

/*
 * Memory that has been free for a while, ten seconds by default, goes back to the
 * system.  In a space that is closed, and in a block that is a side of a snapshot, it
 * does not.
 */
static bool purge(extent_hooks_t *hooks, void *at, size_t bytes, size_t offset, size_t length,
		  unsigned arena)
{
	(void)bytes;
	(void)arena;
	return vci_extents_are_lost(of_hooks(hooks)) ||
	       !vci_heap_pages_discard((char *)at + offset, length);
}

static bool split(extent_hooks_t *hooks, void *at, size_t bytes, size_t lower, size_t upper,
		  bool committed, unsigned arena)
{
	(void)hooks, (void)at, (void)bytes, (void)lower, (void)upper, (void)committed, (void)arena;
	return false;
}

static bool merge(extent_hooks_t *hooks, void *lower_at, size_t lower, void *upper_at, size_t upper,
		  bool committed, unsigned arena)
{
	(void)hooks, (void)lower_at, (void)lower, (void)upper_at, (void)upper, (void)committed;
	(void)arena;
	return false;
}

static const extent_hooks_t inside = {
	.alloc = allocate,
	.purge_forced = purge,
	.split = split,
	.merge = merge,
};

static void *allocate_outside(extent_hooks_t *hooks, void *wanted, size_t bytes, size_t alignment,
			      bool *zero, bool *commit, unsigned arena)
{
	void *pages = wanted == NULL ? vci_heap_pages_get(bytes, alignment) : NULL;

	(void)hooks;
	(void)arena;
	*zero = *zero || pages != NULL;
	*commit = *commit || pages != NULL;
	return pages;
}

static bool free_outside(extent_hooks_t *hooks, void *pages, size_t bytes, bool committed,
			 unsigned arena)
{
	(void)hooks, (void)committed, (void)arena;
	vci_heap_pages_put(pages, bytes);
	return false;
}

extent_hooks_t vci_outside_hooks = {.alloc = allocate_outside, .dalloc = free_outside};

/* --- making and ending -------------------------------------------------------------- */

void vci_extents_open(struct vci_extents *extents, struct vcore_space *space)
{
	extents->hooks = inside;
	extents->space = space;
	extents->generation = vci_forks_generation();
	(void)pthread_mutex_init(&extents->lock, NULL);
	extents->usual = BLOCK_BYTES;
	extents->rest = NULL;
	extents->end = NULL;
	extents->bytes = 0;
	extents->n = 0;
}

bool vci_extents_are_lost(const struct vci_extents *extents)
{
	return extents->generation != vci_forks_generation();
}

/*
 * Where a block cannot be unmapped, which the system could say for want of memory, its
 * memory goes back nevertheless, and its addresses with the space.
 */
static void give_back(struct vci_extents *extents, struct vcore_block *block, void *at)
{
	size_t bytes = vcore_block_size(block);

	if (vcore_space_unmap(extents->space, at) == 0) {
		(void)vcore_block_free(block);
	} else {
		(void)vci_heap_pages_discard(at, bytes);
	}
}

/* After fork there is nothing to give back. */
void vci_extents_close(struct vci_extents *extents)
{
	for (unsigned i = 0; i < extents->n && !vci_extents_are_lost(extents); i++) {
		give_back(extents, extents->blocks[i].block, extents->blocks[i].at);
	}
	(void)pthread_mutex_destroy(&extents->lock);
}
