/*
 * Heaps: what include/vcore/heap.h promises, one promise to a test.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "heap.h"

#include <stdio.h>
#include <stdlib.h>

TestSuite(heap, .timeout = 100);

/* Of all kinds that jemalloc has, and between. */
static const size_t sizes[] = {1,    8,     9,      16,    17,     100,
			       4096, 14337, 100000, 65536, 300000, (size_t)5 << 20};

#define SIZES (sizeof(sizes) / sizeof(sizes[0]))

static bool consists_of(const void *memory, char byte, size_t n)
{
	const char *bytes = memory;

	for (size_t i = 0; i < n; i++) {
		if (bytes[i] != byte) {
			return false;
		}
	}
	return true;
}

TestEverywhere(heap, memory_has_its_size_for_itself)
{
	enum { N = 40 };
	struct place place = place_make(0, 0);
	char *memory[N];

	for (size_t s = 0; s < SIZES; s++) {
		for (int i = 0; i < N; i++) {
			memory[i] = vcore_heap_allocate(place.heap, sizes[s]);
			check(memory[i] != NULL);
			memset(memory[i], i, sizes[s]);
		}
		for (int i = 0; i < N; i++) {
			check(consists_of(memory[i], (char)i, sizes[s]));
			vcore_heap_free(place.heap, memory[i]);
		}
	}
	place_end(&place);
}

TestEverywhere(heap, memory_lies_in_the_space)
{
	struct place place = place_make(0, 0);
	int protection;

	for (size_t s = 0; s < SIZES; s++) {
		char *memory = vcore_heap_allocate(place.heap, sizes[s]);

		check(vcore_space_find(place.space, memory, NULL, NULL, &protection) == 0);
		check(protection == VCORE_PROTECT_READ_WRITE);
		check(vcore_space_find(place.space, memory + sizes[s] - 1, NULL, NULL, NULL) == 0);
	}
	place_end(&place);
}

TestEverywhere(heap, memory_is_aligned_for_any_type)
{
	struct place place = place_make(0, 0);

	for (size_t s = 0; s < SIZES; s++) {
		for (int i = 0; i < 10; i++) {
			void *memory = vcore_heap_allocate(place.heap, sizes[s]);

			check(memory != NULL);
			check((uintptr_t)memory % _Alignof(max_align_t) == 0);
		}
	}
	place_end(&place);
}

TestEverywhere(heap, freed_memory_is_used_again)
{
	struct place place = place_make(0, 0);

	for (size_t s = 0; s < SIZES; s++) {
		struct vcore_heap_statistics before, after;

		vcore_heap_free(place.heap, vcore_heap_allocate(place.heap, sizes[s]));
		before = statistics_of(place.heap);
		for (int i = 0; i < 1000; i++) {
			vcore_heap_free(place.heap, vcore_heap_allocate(place.heap, sizes[s]));
		}
		after = statistics_of(place.heap);
		check(after.mapped == before.mapped);
		check(after.allocated == before.allocated);
	}
	place_end(&place);
}

TestEverywhere(heap, no_bytes_are_invalid)
{
	struct place place = place_make(0, 0);

	write_errno(0);
	check(vcore_heap_allocate(place.heap, 0) == NULL);
	check(read_errno() == EINVAL);
	place_end(&place);
}

TestEverywhere(heap, more_than_there_is_fails_and_leaves_all_as_it_was)
{
	static const size_t huge[] = {(size_t)65 << 30, PTRDIFF_MAX, SIZE_MAX, SIZE_MAX - 4096};
	struct place place = place_make(0, 0);
	char *memory = vcore_heap_allocate(place.heap, 100);

	memset(memory, 7, 100);
	for (size_t i = 0; i < sizeof(huge) / sizeof(huge[0]); i++) {
		write_errno(0);
		check(vcore_heap_allocate(place.heap, huge[i]) == NULL);
		check(read_errno() == ENOMEM);
	}
	check(consists_of(memory, 7, 100));
	check(statistics_of(place.heap).allocated < 1000);
	vcore_heap_free(place.heap, memory);
	place_end(&place);
}

TestEverywhere(heap, success_leaves_errno_as_it_was)
{
	struct place place = place_make(0, 0);

	write_errno(ERANGE);
	for (size_t s = 0; s < SIZES; s++) {
		vcore_heap_free(place.heap, vcore_heap_allocate(place.heap, sizes[s]));
	}
	check(read_errno() == ERANGE);
	place_end(&place);
}

TestEverywhere(heap, null_is_freed_and_deleted_without_effect)
{
	struct place place = place_make(0, 0);

	vcore_heap_free(place.heap, NULL);
	check(vcore_heap_delete(NULL) == 0);
	place_end(&place);
}

/* --- limits --------------------------------------------------------------------- */

/* Pieces of so many bytes until there are no more, linked; how many. */
static size_t fill(struct vcore_heap *heap, size_t bytes, void ***last)
{
	size_t n = 0;
	void **piece;

	for (*last = NULL; (piece = vcore_heap_allocate(heap, bytes)) != NULL; n++) {
		memset(piece, (int)n, bytes);
		*piece = (void *)*last;
		*last = piece;
	}
	check(read_errno() == ENOMEM);
	return n;
}

static void free_all(struct vcore_heap *heap, size_t bytes, size_t n, void **last)
{
	while (last != NULL) {
		void **next = *last;

		check(n-- > 0);
		check(consists_of(last + 1, (char)n, bytes - sizeof *last));
		vcore_heap_free(heap, (void *)last);
		last = next;
	}
	check(n == 0);
}

static const size_t piece_sizes[] = {16, 1000, 20000, 70000};

TestAround(heap, a_small_space_is_used_up_and_stays_sound)
{
	const size_t bytes = (size_t)1 << 20;

	for (size_t s = 0; s < sizeof(piece_sizes) / sizeof(piece_sizes[0]); s++) {
		struct place place = place_make(bytes, 0);
		void **pieces;
		size_t first = fill(place.heap, piece_sizes[s], &pieces);

		check(first * piece_sizes[s] > bytes / 2);
		check(first * piece_sizes[s] <= bytes);
		free_all(place.heap, piece_sizes[s], first, pieces);
		check(fill(place.heap, piece_sizes[s], &pieces) >= first);
		place_end(&place); /* with all of them */
	}
}

TestAround(heap, a_larger_space_is_used_up_to_three_quarters_at_least)
{
	const size_t bytes = (size_t)96 << 20;
	struct place place = place_make(bytes, 0);
	void **pieces;
	size_t n = fill(place.heap, 70000, &pieces);

	check(n * 70000 > bytes / 4 * 3);
	free_all(place.heap, 70000, n, pieces);
	place_end(&place);
}

TestEverywhere(heap, a_space_of_a_page_has_no_room_for_anything)
{
	struct place place = place_make(1, 0);

	check(vcore_heap_allocate(place.heap, 100000) == NULL);
	check(read_errno() == ENOMEM);
	check(statistics_of(place.heap).allocated == 0);
	place_end(&place);
}

TestEverywhere(heap, blocks_of_others_may_lie_between)
{
	struct place place = place_make((size_t)1 << 20, 0);
	struct vcore_block *block;
	void *at;
	void **pieces;

	check(vcore_block_allocate(&block, 4096) == 0);
	check(vcore_space_map(place.space, block, (size_t)512 << 10, VCORE_PROTECT_READ, &at) == 0);
	check(fill(place.heap, 1000, &pieces) > 500);
	check(consists_of(at, 0, 4096));
	check(vcore_heap_delete(place.heap) == 0);
	check(mappings_of(place.space) == 1);
	check(vcore_space_unmap(place.space, at) == 0);
	check(vcore_block_free(block) == 0);
	check(vcore_space_delete(place.space) == 0);
}

/* --- several --------------------------------------------------------------------- */

TestEverywhere(heap, its_space_cannot_be_deleted_before_it)
{
	struct place place = place_make(0, 0);
	struct vcore_heap *other;

	check(vcore_heap_create(&other, place.space) == 0);
	check(vcore_space_delete(place.space) == -EBUSY);
	check(vcore_heap_delete(place.heap) == 0);
	check(vcore_space_delete(place.space) == -EBUSY);
	check(vcore_heap_allocate(other, 10) != NULL); /* as before */
	check(vcore_heap_delete(other) == 0);
	check(vcore_space_delete(place.space) == 0);
}

TestEverywhere(heap, what_was_not_freed_goes_with_it)
{
	struct place place = place_make(0, 0);

	for (size_t s = 0; s < SIZES; s++) {
		for (int i = 0; i < 20; i++) {
			memset(vcore_heap_allocate(place.heap, sizes[s]), i, sizes[s]);
		}
	}
	check(mappings_of(place.space) > 0);
	check(vcore_heap_delete(place.heap) == 0);
	check(mappings_of(place.space) == 0);
	check(vcore_space_delete(place.space) == 0);
}

TestEverywhere(heap, another_heaps_memory_stays_when_one_is_deleted)
{
	struct place place = place_make(0, VCORE_SPACE_NAMED); /* where they may touch */
	struct vcore_heap *other;
	char *memory[100];

	check(vcore_heap_create(&other, place.space) == 0);
	for (int i = 0; i < 100; i++) {
		memory[i] = vcore_heap_allocate(other, 5000);
		memset(memory[i], i, 5000);
		memset(vcore_heap_allocate(place.heap, 5000), -1, 5000);
	}
	check(vcore_heap_delete(place.heap) == 0);
	for (int i = 0; i < 100; i++) {
		check(consists_of(memory[i], (char)i, 5000));
	}
	check(vcore_heap_delete(other) == 0);
	check(vcore_space_delete(place.space) == 0);
}

TestEverywhere(heap, many_are_made_and_deleted)
{
	struct vcore_space *space;
	struct vcore_heap *heap;

	check(vcore_space_create(&space, NULL) == 0);
	for (int i = 0; i < 50; i++) {
		check(vcore_heap_create(&heap, space) == 0);
		check(vcore_heap_allocate(heap, (size_t)i * 1000 + 1) != NULL);
		check(vcore_heap_delete(heap) == 0);
	}
	check(mappings_of(space) == 0);
	check(vcore_space_delete(space) == 0);
}

/* --- misuse --------------------------------------------------------------------------- */

static struct place spoilt;

static void free_elsewhere(void)
{
	spoilt = place_make(0, 0);
	vcore_heap_free(spoilt.heap, malloc(10));
}

static void free_behind_the_end(void)
{
	spoilt = place_make(0, 0);
	vcore_heap_free(spoilt.heap,
			(char *)vcore_space_base(spoilt.space) + vcore_space_size(spoilt.space));
}

Test(heap, to_free_what_is_not_in_the_space_panics)
{
	cr_assert(panics_with(free_elsewhere, "vcore_heap_free: the memory is not in"));
	cr_assert(panics_with(free_behind_the_end, "vcore_heap_free: the memory is not in"));
}

static void create_nowhere(void)
{
	vcore_heap_create(&spoilt.heap, NULL);
}

static void create_nothing(void)
{
	spoilt = place_make(0, 0);
	vcore_heap_create(NULL, spoilt.space);
}

static void allocate_nowhere(void)
{
	vcore_heap_allocate(NULL, 1);
}

static void free_nowhere(void)
{
	vcore_heap_free(NULL, &spoilt);
}

static void count_nothing(void)
{
	vcore_heap_statistics(NULL, &(struct vcore_heap_statistics){.size = 24});
}

static void count_for_nobody(void)
{
	spoilt = place_make(0, 0);
	vcore_heap_statistics(spoilt.heap, NULL);
}

Test(heap, null_panics)
{
	cr_assert(panics_with(create_nowhere, "vcore_heap_create: heap or space is NULL"));
	cr_assert(panics_with(create_nothing, "vcore_heap_create: heap or space is NULL"));
	cr_assert(panics_with(allocate_nowhere, "vcore_heap_allocate: heap is NULL"));
	cr_assert(panics_with(free_nowhere, "vcore_heap_free: heap is NULL"));
	cr_assert(panics_with(count_nothing, "vcore_heap_statistics: heap or statistics"));
	cr_assert(panics_with(count_for_nobody, "vcore_heap_statistics: heap or statistics"));
}
