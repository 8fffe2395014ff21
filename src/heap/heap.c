/*
 * Heaps: see vcore/heap.h.  A heap is an arena of jemalloc's whose extents lie in the
 * space (extents.c), and what is needed to end it.
 *
 * No thread cache: one that belongs to a kernel thread would serve the heaps of all
 * spaces from one list, and keep memory of a space past the end of its heap; one for
 * each heap and kernel thread costs about 20 KiB, and all of them would have to be
 * found, and be out of use, when a heap is deleted.  So each call takes a lock of
 * the arena's.
 *
 * A mutex of jemalloc's belongs to a kernel thread.  Its own text is foreign to ticks,
 * and so is this library's, in a program into which it is linked too: a thread may be
 * let go here, with its kernel thread, but is not switched or ended.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <vcore/preempt.h>
#include <vcore/runtime.h>

#include "heap/heap.h"

struct vcore_heap {
	struct vci_extents extents;
	const char *from; /* of the space */
	size_t bytes;
	unsigned arena;
	int flags; /* of each call */
};

/* What jemalloc takes for experimental.arenas_create_ext, and declares nowhere. */
struct arena_config {
	extent_hooks_t *hooks;
	bool metadata_use_hooks;
};

#define PANIC_IF(condition, breach)                                                                \
	do {                                                                                       \
		if (__builtin_expect(condition, 0)) {                                              \
			vcore_panic(__func__, breach);                                             \
		}                                                                                  \
	} while (0)

/* --- text -------------------------------------------------------------------------- */

/* All of it, by the linker: see heap.ld. */
extern const char text_start[] __asm__("__start_vcore_heap_text")
	__attribute__((visibility("hidden")));
extern const char text_stop[] __asm__("__stop_vcore_heap_text")
	__attribute__((visibility("hidden")));

/* Each time: what the program has allowed since may contain it. */
static int be_foreign_text(void)
{
	return vcore_preempt_forbid(text_start, text_stop);
}

/* --- arenas -------------------------------------------------------------------------- */

/* Arenas that jemalloc can number; it has some of its own, for all of malloc. */
#define ARENAS_MAX 4095u

static unsigned n_arenas; /* atomic; of heaps */

/*
 * At its limit jemalloc 5.3 writes past a table before it refuses: so it is not
 * driven there.
 */
static bool count_arena(void)
{
	unsigned own = 0;
	size_t size = sizeof own;

	(void)mallctl("opt.narenas", &own, &size, NULL, 0);
	if (__atomic_add_fetch(&n_arenas, 1, __ATOMIC_RELAXED) + own + 1 < ARENAS_MAX) {
		return true;
	}
	__atomic_fetch_sub(&n_arenas, 1, __ATOMIC_RELAXED);
	return false;
}

static void uncount_arena(void)
{
	__atomic_fetch_sub(&n_arenas, 1, __ATOMIC_RELAXED);
}

/* The name of something of the heap's arena, as jemalloc's calls want it. */
struct name {
	char text[64];
};

static struct name name_of(const struct vcore_heap *heap, const char *group, const char *what)
{
	struct name name;

	(void)snprintf(name.text, sizeof name.text, "%s.%u.%s", group, heap->arena, what);
	return name;
}

static int destroy_arena(struct vcore_heap *heap)
{
	int error = mallctl(name_of(heap, "arena", "destroy").text, NULL, NULL, NULL, 0);

	if (error == 0) {
		uncount_arena();
	}
	return error;
}

/* First for its metadata, then for what is allocated. */
static int create_arena(struct vcore_heap *heap)
{
	struct arena_config outside = {&vci_outside_hooks, true};
	extent_hooks_t *inside = &heap->extents.hooks;
	size_t size = sizeof heap->arena;

	if (!count_arena()) {
		return -EAGAIN;
	}
	if (mallctl("experimental.arenas_create_ext", &heap->arena, &size, &outside,
		    sizeof outside) != 0) {
		uncount_arena();
		return -EAGAIN;
	}
	if (mallctl(name_of(heap, "arena", "extent_hooks").text, NULL, NULL, (void *)&inside,
		    sizeof(void *)) != 0) {
		(void)destroy_arena(heap);
		return -EAGAIN;
	}
	heap->flags = MALLOCX_ARENA((int)heap->arena) | MALLOCX_TCACHE_NONE;
	return 0;
}

/* --- the calls -------------------------------------------------------------------------- */

static bool is_lost(const struct vcore_heap *heap)
{
	return vci_extents_are_lost(&heap->extents);
}

static int create_in(struct vcore_heap **heap, struct vcore_space *space)
{
	struct vcore_heap *made = malloc(sizeof *made);
	int error;

	if (made == NULL) {
		return -ENOMEM;
	}
	vci_extents_open(&made->extents, space);
	made->from = vcore_space_base(space);
	made->bytes = vcore_space_size(space);
	error = create_arena(made);
	if (error != 0) {
		vci_extents_close(&made->extents);
		free(made);
		return error;
	}
	*heap = made;
	return 0;
}

int vcore_heap_create(struct vcore_heap **heap, struct vcore_space *space)
{
	int error;

	PANIC_IF(heap == NULL || space == NULL, "heap or space is NULL");
	error = be_foreign_text();
	if (error != 0) {
		return error;
	}
	vci_forks_watch();
	error = vcore_space_hold(space);
	if (error != 0) {
		return error;
	}
	error = create_in(heap, space);
	if (error != 0) {
		vcore_space_release(space);
	}
	return error;
}

int vcore_heap_delete(struct vcore_heap *heap)
{
	struct vcore_space *space;

	if (heap == NULL) {
		return 0;
	}
	PANIC_IF(destroy_arena(heap) != 0, "the heap's arena is in use by other means");
	space = heap->extents.space;
	vci_extents_close(&heap->extents);
	free(heap);
	vcore_space_release(space);
	return 0;
}

/* Smaller ones would be aligned to 8 bytes. */
#define SMALLEST 16

void *vcore_heap_allocate(struct vcore_heap *heap, size_t size)
{
	void *memory;
	unsigned ended;

	PANIC_IF(heap == NULL, "heap is NULL");
	if (size == 0) {
		errno = EINVAL;
		return NULL;
	}
	do {
		ended = vci_forks_ended();
		memory = is_lost(heap) ? NULL
				       : mallocx(size < SMALLEST ? SMALLEST : size, heap->flags);
	} while (memory == NULL && vci_forks_were_since(ended));
	if (memory == NULL) {
		errno = ENOMEM;
	}
	return memory;
}

void vcore_heap_free(struct vcore_heap *heap, void *memory)
{
	PANIC_IF(heap == NULL, "heap is NULL");
	if (memory == NULL) {
		return;
	}
	PANIC_IF((size_t)((const char *)memory - heap->from) >= heap->bytes,
		 "the memory is not in the heap's space");
	if (!is_lost(heap)) {
		dallocx(memory, heap->flags);
	}
}

/* As of the last epoch. */
static size_t allocated_in(const struct vcore_heap *heap, const char *what)
{
	size_t bytes = 0;
	size_t size = sizeof bytes;

	(void)mallctl(name_of(heap, "stats.arenas", what).text, &bytes, &size, NULL, 0);
	return bytes;
}

void vcore_heap_statistics(struct vcore_heap *heap, struct vcore_heap_statistics *statistics)
{
	struct vcore_heap_statistics found = {.size = sizeof found};
	uint64_t epoch = 1;

	PANIC_IF(heap == NULL || statistics == NULL, "heap or statistics is NULL");
	if (!is_lost(heap)) {
		(void)mallctl("epoch", NULL, NULL, &epoch, sizeof epoch);
		found.allocated = allocated_in(heap, "small.allocated") +
				  allocated_in(heap, "large.allocated");
		found.mapped = __atomic_load_n(&heap->extents.bytes, __ATOMIC_RELAXED);
	}
	if (statistics->size < found.size) {
		found.size = statistics->size;
	}
	memcpy(statistics, &found, found.size);
}
