/*
 * Blocks: what include/vcore/space.h promises of them, one promise to a test.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "spaces.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

TestSuite(block, .timeout = 100);

TestEverywhere(block, its_size_is_whole_pages)
{
	static const size_t extra[] = {1, 2, 100};
	struct vcore_block *block;

	for (size_t i = 0; i < 3; i++) {
		check(vcore_block_allocate(&block, page_size() + extra[i]) == 0);
		check(vcore_block_size(block) == 2 * page_size());
		block_gone(block);
	}
	check(vcore_block_allocate(&block, page_size()) == 0);
	check(vcore_block_size(block) == page_size());
	block_gone(block);
}

TestEverywhere(block, ids_are_different_and_grow)
{
	uint64_t last = 0;

	for (int i = 0; i < 100; i++) {
		struct vcore_block *block = block_of(1);

		check(vcore_block_id(block) > last);
		last = vcore_block_id(block);
		block_gone(block);
	}
}

Test(block, the_first_one_is_number_1)
{
	struct vcore_block *block = block_of(1);

	cr_assert_eq(vcore_block_id(block), 1);
	block_gone(block);
}

TestEverywhere(block, a_new_one_is_all_zero_whatever_others_held)
{
	struct vcore_space *space = space_of(VCORE_SPACE_GUARDED);

	for (int i = 0; i < 20; i++) {
		struct vcore_block *block = block_of(3);
		char *at = map(space, block, VCORE_PROTECT_READ_WRITE);

		check(consists_of(at, 0, 3 * page_size()));
		memset(at, 0x55, 3 * page_size());
		unmap(space, at);
		block_gone(block);
	}
	space_gone(space);
}

TestEverywhere(block, what_was_written_stays_in_it)
{
	struct vcore_space *space = space_of(VCORE_SPACE_GUARDED);
	struct vcore_block *block = block_of(2);
	char *at = map(space, block, VCORE_PROTECT_READ_WRITE);

	strcpy(at + page_size() - 3, "across the pages");
	unmap(space, at);
	at = map(space, block, VCORE_PROTECT_READ);
	check(strcmp(at + page_size() - 3, "across the pages") == 0);
	space_gone(space);
	block_gone(block);
}

TestEverywhere(block, no_bytes_or_too_many_are_invalid)
{
	struct vcore_block *block = (struct vcore_block *)&block;

	check(vcore_block_allocate(&block, 0) == -EINVAL);
	check(vcore_block_allocate(&block, SIZE_MAX) == -EINVAL);
	check(vcore_block_allocate(&block, ((size_t)1 << 47) + 1) == -EINVAL);
	check(vcore_block_allocate_huge(&block, 0) == -EINVAL);
	check(vcore_block_allocate_huge(&block, SIZE_MAX) == -EINVAL);
	check(block == (struct vcore_block *)&block);
}

TestEverywhere(block, a_large_one_takes_memory_as_it_is_touched)
{
	const size_t large = (size_t)1 << 40;
	struct vcore_space_options options = {.bytes = large + page_size()};
	struct vcore_space *space;
	struct vcore_block *block;
	long before;
	char *at;

	check(vcore_space_create(&space, &options) == 0);
	check(vcore_block_allocate(&block, large) == 0);
	before = shared_pages();
	at = map_at(space, block, 0);
	at[0] = 1;
	at[large - 1] = 1;
	check(shared_pages() == before + 2);
	unmap(space, at);
	block_gone(block);
	check(shared_pages() == before);
	space_gone(space);
}

TestEverywhere(block, one_that_is_mapped_is_not_freed)
{
	struct vcore_space *space = space_of(VCORE_SPACE_GUARDED);
	struct vcore_block *block = block_of(1);
	char *once = map(space, block, VCORE_PROTECT_READ_WRITE);
	char *twice = map(space, block, VCORE_PROTECT_READ_WRITE);

	strcpy(once, "there");
	check(vcore_block_free(block) == -EBUSY);
	unmap(space, once);
	check(vcore_block_free(block) == -EBUSY);
	check(strcmp(twice, "there") == 0);
	unmap(space, twice);
	block_gone(block);
	space_gone(space);
}

TestEverywhere(block, to_free_none_has_no_effect)
{
	check(vcore_block_free(NULL) == 0);
}

Test(block, all_have_one_descriptor)
{
	struct vcore_block *blocks[100];
	unsigned before = entries_of("/proc/self/fd");

	for (int i = 0; i < 100; i++) {
		blocks[i] = block_of(1);
	}
	cr_assert_eq(entries_of("/proc/self/fd"), before + 1);
	for (int i = 0; i < 100; i++) {
		block_gone(blocks[i]);
	}
	cr_assert_eq(entries_of("/proc/self/fd"), before + 1);
}

/* --- huge ones ---------------------------------------------------------------------------- */

static size_t huge_size(void)
{
	return page_size() / 8 * page_size();
}

TestEverywhere(block, a_huge_one_is_mapped_on_the_boundary_of_huge_pages)
{
	struct vcore_space *space = space_of(VCORE_SPACE_GUARDED);
	struct vcore_block *small = block_of(1);
	struct vcore_block *block;
	char *at;

	map(space, small, VCORE_PROTECT_READ);
	check(vcore_block_allocate_huge(&block, huge_size() + 1) == 0);
	check(vcore_block_size(block) == 2 * huge_size());
	at = map(space, block, VCORE_PROTECT_READ_WRITE);
	check((uintptr_t)at % huge_size() == 0);
	check(consists_of(at, 0, 2 * huge_size()));
	memset(at, 1, 2 * huge_size());
	check(try_map(space, block, 8 * huge_size() + page_size(), VCORE_PROTECT_READ) == -EINVAL);
	check(consists_of(map_at(space, block, 8 * huge_size()), 1, 2 * huge_size()));
	space_gone(space);
	block_gone(block);
	block_gone(small);
}

TestEverywhere(block, a_huge_one_takes_its_memory_at_once)
{
	struct vcore_block *first = block_of(1);
	long before = shared_pages();
	struct vcore_block *block;

	check(vcore_block_allocate_huge(&block, huge_size()) == 0);
	check(shared_pages() == before + (long)(huge_size() / page_size()));
	block_gone(block);
	check(shared_pages() == before);
	block_gone(first);
}

/* What the kernel says of the mapping that begins there: kB in huge pages. */
static long huge_kib(const void *address)
{
	FILE *maps = fopen("/proc/self/smaps", "re");
	char line[256];
	bool here = false;
	long kib = -1;

	check(maps != NULL);
	while (kib < 0 && fgets(line, sizeof(line), maps) != NULL) {
		unsigned long from, to;

		if (sscanf(line, "%lx-%lx ", &from, &to) == 2) {
			here = from == (uintptr_t)address;
		} else if (here && strncmp(line, "ShmemPmdMapped:", 15) == 0) {
			kib = strtol(line + 15, NULL, 10);
		}
	}
	fclose(maps);
	return kib;
}

TestEverywhere(block, it_says_whether_its_pages_are_huge)
{
	struct vcore_space *space = space_of(VCORE_SPACE_GUARDED);
	struct vcore_block *small = block_of(1);
	struct vcore_block *block;
	char *at;

	check(!vcore_block_is_huge(small));
	check(vcore_block_allocate_huge(&block, huge_size()) == 0);
	at = map(space, block, VCORE_PROTECT_READ_WRITE);
	at[0] = 1;
	check(!vcore_block_is_huge(block) || huge_kib(at) == (long)(huge_size() >> 10));
	space_gone(space);
	block_gone(block);
	block_gone(small);
}

/* --- misuse --------------------------------------------------------------------------- */

static void allocate_to_nowhere(void)
{
	vcore_block_allocate(NULL, 1);
}

static void allocate_huge_to_nowhere(void)
{
	vcore_block_allocate_huge(NULL, 1);
}

static void size_of_none(void)
{
	vcore_block_size(NULL);
}

static void id_of_none(void)
{
	vcore_block_id(NULL);
}

static void is_none_huge(void)
{
	vcore_block_is_huge(NULL);
}

static void snapshot_of_none(void)
{
	struct vcore_block *copy;

	vcore_block_snapshot(NULL, &copy);
}

static void snapshot_to_nowhere(void)
{
	vcore_block_snapshot(block_of(1), NULL);
}

Test(block, null_panics)
{
	cr_assert(panics_with(allocate_to_nowhere, "vcore_block_allocate"));
	cr_assert(panics_with(allocate_huge_to_nowhere, "vcore_block_allocate_huge"));
	cr_assert(panics_with(size_of_none, "vcore_block_size"));
	cr_assert(panics_with(id_of_none, "vcore_block_id"));
	cr_assert(panics_with(is_none_huge, "vcore_block_is_huge"));
	cr_assert(panics_with(snapshot_of_none, "vcore_block_snapshot"));
	cr_assert(panics_with(snapshot_to_nowhere, "vcore_block_snapshot"));
}
