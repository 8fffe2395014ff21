/*
 * Mapping: what include/vcore/space.h promises of map, unmap, protect and find.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "spaces.h"

#include <stdint.h>

TestSuite(space_map, .timeout = 100);

static const enum vcore_space_level levels[] = {VCORE_SPACE_NAMED, VCORE_SPACE_GUARDED,
						VCORE_SPACE_EXCLUSIVE};

enum { LEVELS = 3 };

/* --- map ------------------------------------------------------------------------------------ */

TestEverywhere(space_map, a_block_is_there_at_every_level)
{
	for (int i = 0; i < LEVELS; i++) {
		struct vcore_space *space = space_of(levels[i]);
		struct vcore_block *block = block_of(3);
		char *at = map(space, block, VCORE_PROTECT_READ_WRITE);

		check(at >= (char *)vcore_space_base(space));
		check(at + 3 * page_size() <=
		      (char *)vcore_space_base(space) + vcore_space_size(space));
		memset(at, 'a', 3 * page_size());
		check(consists_of(at, 'a', 3 * page_size()));
		unmap(space, at);
		check(!is_readable(at));
		space_gone(space);
		block_gone(block);
	}
}

TestEverywhere(space_map, two_mappings_of_a_block_share_it)
{
	struct vcore_space *one = space_of(VCORE_SPACE_GUARDED);
	struct vcore_space *other = space_of(VCORE_SPACE_NAMED);
	struct vcore_block *block = block_of(1);
	char *here = map(one, block, VCORE_PROTECT_READ_WRITE);
	char *too = map(one, block, VCORE_PROTECT_READ_WRITE);
	char *there = map(other, block, VCORE_PROTECT_READ_WRITE);

	strcpy(here, "shared");
	check(strcmp(there, "shared") == 0);
	there[0] = 'S';
	check(strcmp(here, "Shared") == 0 && strcmp(too, "Shared") == 0);
	space_gone(one);
	space_gone(other);
	block_gone(block);
}

TestEverywhere(space_map, the_space_chooses_the_lowest_place)
{
	struct vcore_space *space = space_of(VCORE_SPACE_NAMED);
	struct vcore_block *small = block_of(1);
	struct vcore_block *large = block_of(3);
	char *at[6];

	for (size_t i = 0; i < 6; i++) {
		at[i] = map(space, small, VCORE_PROTECT_READ);
		check(at[i] == (char *)vcore_space_base(space) + i * page_size());
	}
	unmap(space, at[1]);
	unmap(space, at[3]);
	unmap(space, at[4]);
	check(map(space, large, VCORE_PROTECT_READ) == at[5] + page_size());
	check(map(space, small, VCORE_PROTECT_READ) == at[1]);
	unmap(space, at[5]);
	unmap(space, at[5] + page_size());
	check(map(space, large, VCORE_PROTECT_READ) == at[3]);
	space_gone(space);
	block_gone(small);
	block_gone(large);
}

TestEverywhere(space_map, from_guarded_on_a_page_without_access_is_on_either_side)
{
	for (int i = 1; i < LEVELS; i++) {
		struct vcore_space *space = space_of(levels[i]);
		struct vcore_block *block = block_of(2);
		char *last = vcore_space_base(space);

		for (int n = 0; n < 10; n++) {
			char *at = map(space, block, VCORE_PROTECT_READ_WRITE);

			check(at == last + page_size());
			check(!is_readable(at - 1) && is_readable(at));
			last = at + 2 * page_size();
			check(is_readable(last - 1) && !is_readable(last));
		}
		space_gone(space);
		block_gone(block);
	}
}

TestEverywhere(space_map, nothing_is_mapped_over_a_guard)
{
	struct vcore_space *space = space_of(VCORE_SPACE_GUARDED);
	struct vcore_block *block = block_of(1);
	size_t page = page_size();
	char *at = map(space, block, VCORE_PROTECT_READ_WRITE);
	size_t offset = (size_t)(at - (char *)vcore_space_base(space));

	check(try_map(space, block, offset + page, VCORE_PROTECT_READ) == -EEXIST);
	check(try_map(space, block, offset - page, VCORE_PROTECT_READ) == -EEXIST);
	check(try_map(space, block, offset, VCORE_PROTECT_READ) == -EEXIST);
	check(try_map(space, block, offset + 2 * page, VCORE_PROTECT_READ) == 0);
	space_gone(space);
	block_gone(block);
}

TestEverywhere(space_map, at_offsets_that_were_chosen_mappings_may_touch)
{
	struct vcore_space *space = space_of(VCORE_SPACE_GUARDED);
	struct vcore_block *one = block_of(2);
	struct vcore_block *other = block_of(2);
	char *first = map_at(space, one, 0);
	char *second = map_at(space, other, 2 * page_size());

	memset(first, 'a', 2 * page_size());
	memset(second, 'b', 2 * page_size());
	check(consists_of(first, 'a', 2 * page_size()));
	check(try_map(space, one, page_size(), VCORE_PROTECT_READ) == -EEXIST);
	check(try_map(space, one, 3 * page_size(), VCORE_PROTECT_READ) == -EEXIST);
	space_gone(space);
	block_gone(one);
	block_gone(other);
}

TestEverywhere(space_map, an_offset_must_be_a_multiple_within_the_space)
{
	const struct vcore_space_options options = {.bytes = 8 * page_size()};
	struct vcore_block *block = block_of(2);
	struct vcore_space *space;

	check(vcore_space_create(&space, &options) == 0);
	check(try_map(space, block, 1, VCORE_PROTECT_READ) == -EINVAL);
	check(try_map(space, block, page_size() + 8, VCORE_PROTECT_READ) == -EINVAL);
	check(try_map(space, block, 7 * page_size(), VCORE_PROTECT_READ) == -EINVAL);
	check(try_map(space, block, 8 * page_size(), VCORE_PROTECT_READ) == -EINVAL);
	check(try_map(space, block, 9 * page_size(), VCORE_PROTECT_READ) == -EINVAL);
	check(try_map(space, block, -2 * page_size(), VCORE_PROTECT_READ) == -EINVAL);
	check(try_map(space, block, 6 * page_size(), VCORE_PROTECT_READ) == 0);
	space_gone(space);
	block_gone(block);
}

TestEverywhere(space_map, without_room_there_is_none)
{
	const struct vcore_space_options options = {.bytes = 8 * page_size()};
	struct vcore_block *small = block_of(1);
	struct vcore_block *large = block_of(7);
	struct vcore_block *fits = block_of(6);
	struct vcore_space *space;

	check(vcore_space_create(&space, &options) == 0);
	check(try_map(space, large, VCORE_ANYWHERE, VCORE_PROTECT_READ) == -ENOSPC);
	check(try_map(space, fits, VCORE_ANYWHERE, VCORE_PROTECT_READ) == 0);
	check(try_map(space, small, VCORE_ANYWHERE, VCORE_PROTECT_READ) == -ENOSPC);
	unmap(space, (char *)vcore_space_base(space) + page_size());
	for (int i = 0; i < 3; i++) {
		check(try_map(space, small, VCORE_ANYWHERE, VCORE_PROTECT_READ) == 0);
	}
	check(try_map(space, small, VCORE_ANYWHERE, VCORE_PROTECT_READ) == -ENOSPC);
	space_gone(space);
	block_gone(small);
	block_gone(large);
	block_gone(fits);
}

/* --- protections ---------------------------------------------------------------------- */

TestEverywhere(space_map, protections_are_enforced_from_guarded_on)
{
	for (int i = 1; i < LEVELS; i++) {
		struct vcore_space *space = space_of(levels[i]);
		struct vcore_block *block = block_of(1);
		char *none = map(space, block, VCORE_PROTECT_NONE);
		char *read = map(space, block, VCORE_PROTECT_READ);
		char *write = map(space, block, VCORE_PROTECT_WRITE);
		char *both = map(space, block, VCORE_PROTECT_READ_WRITE);

		check(!is_readable(none) && !is_writable(none));
		check(is_readable(read) && !is_writable(read));
		check(is_readable(write) && is_writable(write));
		check(is_readable(both) && is_writable(both));
		space_gone(space);
		block_gone(block);
	}
}

TestEverywhere(space_map, protections_are_only_noted_in_a_named_space)
{
	struct vcore_space *space = space_of(VCORE_SPACE_NAMED);
	struct vcore_block *block = block_of(1);
	char *at = map(space, block, VCORE_PROTECT_NONE);
	int protection;

	check(is_readable(at) && is_writable(at));
	check(vcore_space_protect(space, at, VCORE_PROTECT_READ) == 0);
	check(is_writable(at));
	check(vcore_space_find(space, at, NULL, NULL, &protection) == 0);
	check(protection == VCORE_PROTECT_READ);
	space_gone(space);
	block_gone(block);
}

TestEverywhere(space_map, protections_can_be_changed)
{
	struct vcore_space *space = space_of(VCORE_SPACE_GUARDED);
	struct vcore_block *block = block_of(2);
	char *at = map(space, block, VCORE_PROTECT_READ_WRITE);

	strcpy(at, "kept");
	check(vcore_space_protect(space, at + page_size(), VCORE_PROTECT_READ) == 0);
	check(is_readable(at) && !is_writable(at) && !is_writable(at + page_size()));
	check(vcore_space_protect(space, at, VCORE_PROTECT_NONE) == 0);
	check(!is_readable(at) && !is_readable(at + page_size()));
	check(vcore_space_protect(space, at, VCORE_PROTECT_READ_WRITE) == 0);
	check(strcmp(at, "kept") == 0);
	at[0] = 'K';
	space_gone(space);
	block_gone(block);
}

TestEverywhere(space_map, unknown_protections_are_invalid)
{
	static const int bad[] = {16, -1, VCORE_PROTECT_WRITE | VCORE_PROTECT_EXECUTE,
				  VCORE_PROTECT_READ_WRITE | VCORE_PROTECT_EXECUTE};
	struct vcore_space *space = space_of(VCORE_SPACE_GUARDED);
	struct vcore_block *block = block_of(1);
	char *at = map(space, block, VCORE_PROTECT_READ);

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		check(try_map(space, block, VCORE_ANYWHERE, bad[i]) == -EINVAL);
		check(vcore_space_protect(space, at, bad[i]) == -EINVAL);
	}
	check(!is_writable(at));
	space_gone(space);
	block_gone(block);
}

/* A function that returns 42, if we know how to write one. */
#if defined __x86_64__
static const unsigned char function[] = {0xb8, 42, 0, 0, 0, 0xc3};
#elif defined __aarch64__
static const uint32_t function[] = {0x52800540, 0xd65f03c0};
#else
static const unsigned char function[1];
#endif

TestEverywhere(space_map, what_may_be_executed_is)
{
	struct vcore_space *space = space_of(VCORE_SPACE_GUARDED);
	struct vcore_block *block = block_of(1);
	char *at = map(space, block, VCORE_PROTECT_READ_WRITE);
	int (*execute)(void) = (int (*)(void))(void *)at;

	memcpy(at, function, sizeof(function));
	check(vcore_space_protect(space, at, VCORE_PROTECT_READ | VCORE_PROTECT_EXECUTE) == 0);
	check(!is_writable(at));
	__builtin___clear_cache(at, at + sizeof(function));
	check(sizeof(function) == 1 || execute() == 42);
	check(vcore_space_protect(space, at,
				  VCORE_PROTECT_READ_WRITE | VCORE_PROTECT_EXECUTE |
					  VCORE_PROTECT_WRITE_EXECUTE) == 0);
	check(is_writable(at + 64));
	check(sizeof(function) == 1 || execute() == 42);
	space_gone(space);
	block_gone(block);
}

/* --- find, unmap ---------------------------------------------------------------------- */

TestEverywhere(space_map, what_is_mapped_is_found_anywhere_in_it)
{
	struct vcore_space *space = space_of(VCORE_SPACE_GUARDED);
	struct vcore_block *block = block_of(3);
	char *at = map(space, block, VCORE_PROTECT_READ);
	struct vcore_block *found;
	size_t offset;
	int protection;

	for (size_t i = 0; i < 3 * page_size(); i += 777) {
		check(vcore_space_find(space, at + i, &found, &offset, &protection) == 0);
		check(found == block && offset == i && protection == VCORE_PROTECT_READ);
	}
	check(vcore_space_find(space, at, NULL, NULL, NULL) == 0);
	check(vcore_space_find(space, at - 1, &found, NULL, NULL) == -ENOENT);
	check(vcore_space_find(space, at + 3 * page_size(), NULL, NULL, NULL) == -ENOENT);
	check(vcore_space_find(space, NULL, NULL, NULL, NULL) == -ENOENT);
	check(vcore_space_find(space, &space, NULL, NULL, NULL) == -ENOENT);
	check(vcore_space_find(space, (char *)vcore_space_base(space) + vcore_space_size(space),
			       NULL, NULL, NULL) == -ENOENT);
	space_gone(space);
	block_gone(block);
}

TestEverywhere(space_map, it_is_unmapped_by_any_address_in_it)
{
	struct vcore_space *space = space_of(VCORE_SPACE_GUARDED);
	struct vcore_block *block = block_of(3);
	char *at = map(space, block, VCORE_PROTECT_READ);
	char *other = map(space, block, VCORE_PROTECT_READ);

	unmap(space, at + 2 * page_size() + 5);
	check(!is_readable(at) && !is_readable(at + 2 * page_size()));
	check(is_readable(other));
	space_gone(space);
	block_gone(block);
}

TestEverywhere(space_map, where_nothing_is_mapped_there_is_nothing_to_change)
{
	struct vcore_space *space = space_of(VCORE_SPACE_GUARDED);
	struct vcore_block *block = block_of(1);
	char *at = map(space, block, VCORE_PROTECT_READ);
	int inside = 5;

	check(vcore_space_unmap(space, at - 1) == -ENOENT);
	check(vcore_space_unmap(space, at + page_size()) == -ENOENT);
	check(vcore_space_unmap(space, NULL) == -ENOENT);
	check(vcore_space_unmap(space, &inside) == -ENOENT);
	check(vcore_space_protect(space, at - 1, VCORE_PROTECT_READ) == -ENOENT);
	check(vcore_space_protect(space, &inside, VCORE_PROTECT_NONE) == -ENOENT);
	check(inside == 5);
	unmap(space, at);
	check(vcore_space_unmap(space, at) == -ENOENT);
	space_gone(space);
	block_gone(block);
}

TestEverywhere(space_map, where_something_was_something_else_may_be)
{
	struct vcore_space *space = space_of(VCORE_SPACE_GUARDED);
	struct vcore_block *large = block_of(16);
	struct vcore_block *small = block_of(1);
	char *at = map_at(space, large, 0);

	memset(at, 'a', 16 * page_size());
	unmap(space, at);
	for (size_t i = 0; i < 16; i++) {
		check(consists_of(map_at(space, small, i * page_size()), 0, page_size()));
	}
	space_gone(space);
	block_gone(large);
	block_gone(small);
}

/* --- misuse --------------------------------------------------------------------------- */

static void *address;

static void map_in_none(void)
{
	vcore_space_map(NULL, block_of(1), 0, VCORE_PROTECT_READ, &address);
}

static void map_none(void)
{
	vcore_space_map(space_of(VCORE_SPACE_NAMED), NULL, 0, VCORE_PROTECT_READ, &address);
}

static void map_to_nowhere(void)
{
	vcore_space_map(space_of(VCORE_SPACE_NAMED), block_of(1), 0, VCORE_PROTECT_READ, NULL);
}

static void unmap_in_none(void)
{
	vcore_space_unmap(NULL, &address);
}

static void protect_in_none(void)
{
	vcore_space_protect(NULL, &address, VCORE_PROTECT_READ);
}

static void find_in_none(void)
{
	vcore_space_find(NULL, &address, NULL, NULL, NULL);
}

Test(space_map, null_panics)
{
	cr_assert(panics_with(map_in_none, "vcore_space_map"));
	cr_assert(panics_with(map_none, "vcore_space_map"));
	cr_assert(panics_with(map_to_nowhere, "vcore_space_map"));
	cr_assert(panics_with(unmap_in_none, "vcore_space_unmap"));
	cr_assert(panics_with(protect_in_none, "vcore_space_protect"));
	cr_assert(panics_with(find_in_none, "vcore_space_find"));
}
