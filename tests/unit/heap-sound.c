/*
 * Heaps: what stays sound, whatever happens to the memory; statistics; fork.  One
 * promise to a test.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "heap.h"

#include <jemalloc/jemalloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

TestSuite(heap_sound, .timeout = 100);

enum { N = 1000 };

static char *memory[N];

static void allocate_all(struct vcore_heap *heap, size_t bytes)
{
	for (int i = 0; i < N; i++) {
		memory[i] = vcore_heap_allocate(heap, bytes);
		check(memory[i] != NULL);
		memset(memory[i], i, bytes);
	}
}

static void free_every(struct vcore_heap *heap, int step)
{
	for (int i = 0; i < N; i += step) {
		vcore_heap_free(heap, memory[i]);
		memory[i] = NULL;
	}
}

/* --- the memory is spoilt ---------------------------------------------------------- */

/* All that is mapped at the address, and what was freed there. */
static void spoil_block_of(struct vcore_space *space, char *address)
{
	struct vcore_block *block;
	size_t offset;

	check(vcore_space_find(space, address, &block, &offset, NULL) == 0);
	memset(address - offset, 0xff, vcore_block_size(block));
}

TestEverywhere(heap_sound, who_spoils_the_memory_does_not_spoil_the_allocator)
{
	static const size_t sizes[] = {16, 100, 5000, 100000};
	struct place place = place_make(0, 0);

	for (size_t s = 0; s < sizeof(sizes) / sizeof(sizes[0]); s++) {
		allocate_all(place.heap, sizes[s]);
		free_every(place.heap, 2);
		for (int i = 1; i < N; i += 2) {
			spoil_block_of(place.space, memory[i]);
			i += s > 1 ? 100 : 0;
		}
		for (int i = 0; i < N; i += 2) {
			memory[i] = vcore_heap_allocate(place.heap, sizes[s]);
			memset(memory[i], i, sizes[s]);
		}
		for (int i = 0; i < N; i += 2) {
			check(memory[i][0] == (char)i && memory[i][sizes[s] - 1] == (char)i);
		}
		free_every(place.heap, 1);
	}
	check(statistics_of(place.heap).allocated == 0);
	place_end(&place);
}

/* Nothing of it can be touched meanwhile. */
TestEverywhere(heap_sound, the_allocator_touches_no_memory_of_the_heap)
{
	struct place place = place_make(0, 0);
	struct vcore_block *block;
	size_t offset;

	allocate_all(place.heap, 100);
	for (int i = 0; i < N; i++) {
		check(vcore_space_protect(place.space, memory[i], VCORE_PROTECT_NONE) == 0);
	}
	free_every(place.heap, 2);
	for (int i = 0; i < N; i += 2) {
		memory[i] = vcore_heap_allocate(place.heap, 100);
	}
	check(statistics_of(place.heap).allocated == N * (size_t)112);
	for (int i = 0; i < N; i++) {
		check(vcore_space_protect(place.space, memory[i], VCORE_PROTECT_READ_WRITE) == 0);
	}
	check(vcore_space_find(place.space, memory[0], &block, &offset, NULL) == 0);
	memset(memory[0], 1, 100);
	free_every(place.heap, 1);
	place_end(&place);
}

TestEverywhere(heap_sound, a_heap_is_deleted_whose_memory_is_protected)
{
	struct place place = place_make(0, 0);

	allocate_all(place.heap, 5000);
	for (int i = 0; i < N; i++) {
		check(vcore_space_protect(place.space, memory[i], VCORE_PROTECT_NONE) == 0);
	}
	place_end(&place);
}

/* --- purge --------------------------------------------------------------------------- */

static unsigned arena_of(void *address)
{
	unsigned arena = 0;
	size_t size = sizeof arena;

	check(mallctl("arenas.lookup", &arena, &size, (void *)&address, sizeof address) == 0);
	return arena;
}

static void purge(unsigned arena)
{
	char name[40];

	snprintf(name, sizeof name, "arena.%u.purge", arena);
	check(mallctl(name, NULL, NULL, NULL, 0) == 0);
}

/* Pages that are in memory, of so many bytes at most that are mapped there. */
static size_t pages_at(void *address, size_t bytes)
{
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);
	unsigned char there[4096];
	size_t n = 0;

	check(bytes / page <= sizeof there);
	check(mincore(address, bytes, there) == 0);
	for (size_t i = 0; i < bytes / page; i++) {
		n += there[i] & 1;
	}
	return n;
}

TestEverywhere(heap_sound, purged_memory_goes_back_and_comes_again)
{
	const size_t large = (size_t)1 << 20;
	struct place place = place_make(0, 0);
	char *piece = vcore_heap_allocate(place.heap, large);
	char *kept = vcore_heap_allocate(place.heap, 5000);
	char *start = piece + (-(uintptr_t)piece & 65535);
	unsigned arena = arena_of(kept);

	memset(piece, 1, large);
	memset(kept, 2, 5000);
	check(pages_at(start, large / 2) > 0);
	vcore_heap_free(place.heap, piece);
	purge(arena);
	check(pages_at(start, large / 2) == 0);
	check(kept[0] == 2 && kept[4999] == 2);
	for (int i = 0; i < 20; i++) {
		piece = vcore_heap_allocate(place.heap, large);
		memset(piece, i, large);
		vcore_heap_free(place.heap, piece);
		purge(arena);
	}
	check(kept[0] == 2 && kept[4999] == 2);
	place_end(&place);
}

/* --- statistics ------------------------------------------------------------------------ */

TestEverywhere(heap_sound, statistics_count_what_is_allocated_and_mapped)
{
	struct place place = place_make(0, 0);
	struct vcore_space_statistics of_space = {.size = sizeof of_space};
	struct vcore_heap_statistics now = statistics_of(place.heap);

	check(now.allocated == 0 && now.mapped == 0);
	allocate_all(place.heap, 1024);
	now = statistics_of(place.heap);
	check(now.allocated == N * (size_t)1024);
	vcore_space_statistics(place.space, &of_space);
	check(now.mapped == of_space.bytes && now.mapped >= now.allocated);
	free_every(place.heap, 2);
	check(statistics_of(place.heap).allocated == N / 2 * (size_t)1024);
	free_every(place.heap, 1);
	check(statistics_of(place.heap).allocated == 0);
	place_end(&place);
}

TestEverywhere(heap_sound, a_smaller_structure_is_filled_as_far_as_it_goes)
{
	struct place place = place_make(0, 0);
	struct vcore_heap_statistics statistics = {
		.size = offsetof(struct vcore_heap_statistics, mapped),
		.mapped = 77,
	};

	check(vcore_heap_allocate(place.heap, 64) != NULL);
	vcore_heap_statistics(place.heap, &statistics);
	check(statistics.allocated == 64 && statistics.mapped == 77);
	place_end(&place);
}

/* --- fork ------------------------------------------------------------------------------- */

static struct place parents;
static struct outcome outcome;

static void use_the_parents(void)
{
	check(vcore_heap_allocate(parents.heap, 10) == NULL);
	check(read_errno() == ENOMEM);
	vcore_heap_free(parents.heap, memory[0]);
	check(statistics_of(parents.heap).allocated == 0);
	check(statistics_of(parents.heap).mapped == 0);
	check(vcore_heap_create(&parents.heap, parents.space) == -ESHUTDOWN);
	check(vcore_heap_delete(parents.heap) == 0);
	exit(0);
}

static void use_ones_own(void)
{
	struct place place;

	check(vcore_heap_delete(parents.heap) == 0);
	for (int i = 0; i < 3; i++) {
		place = place_make(0, 0);
		allocate_all(place.heap, 100);
		free_every(place.heap, 3);
		place_end(&place);
	}
	exit(0);
}

static void fork_with_a_heap(void (*child)(void))
{
	parents = place_make(0, 0);
	allocate_all(parents.heap, 100);
	run_child(&outcome, child);
	cr_assert(exited_with(&outcome, 0), "%s", outcome.text);
	for (int i = 0; i < N; i++) {
		check(memory[i][0] == (char)i && memory[i][99] == (char)i);
	}
	free_every(parents.heap, 1);
	check(statistics_of(parents.heap).allocated == 0);
	place_end(&parents);
}

Test(heap_sound, in_a_child_of_fork_a_heap_is_empty)
{
	fork_with_a_heap(use_the_parents);
}

Test(heap_sound, a_child_of_fork_has_heaps_of_its_own)
{
	fork_with_a_heap(use_ones_own);
}
