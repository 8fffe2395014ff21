/*
 * Spaces: what include/vcore/space.h promises of creating, deleting and counting
 * them, one promise to a test.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "spaces.h"

#include <stdint.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

TestSuite(space, .timeout = 100);

static int create_with(struct vcore_space_options options)
{
	struct vcore_space *space = (struct vcore_space *)&space;
	int result = vcore_space_create(&space, &options);

	if (result == 0) {
		space_gone(space);
	} else {
		check(space == (struct vcore_space *)&space); /* written on success only */
	}
	return result;
}

/* The level that is got. */
static int level_with(enum vcore_space_level least, enum vcore_space_level most)
{
	const struct vcore_space_options options = {.least = least, .most = most};
	struct vcore_space *space;
	int level;

	check(vcore_space_create(&space, &options) == 0);
	level = (int)vcore_space_level(space);
	space_gone(space);
	return level;
}

/* --- create -------------------------------------------------------------------------------- */

TestEverywhere(space, without_options_it_is_guarded_and_has_64_gib_and_no_name)
{
	struct vcore_space *space;

	check(vcore_space_create(&space, NULL) == 0);
	check(vcore_space_level(space) == VCORE_SPACE_GUARDED);
	check(vcore_space_size(space) == (size_t)64 << 30);
	check(strcmp(vcore_space_name(space), "") == 0);
	space_gone(space);
}

TestEverywhere(space, the_level_is_the_highest_that_is_allowed)
{
	check(level_with(VCORE_SPACE_NAMED, VCORE_SPACE_NAMED) == VCORE_SPACE_NAMED);
	check(level_with(0, VCORE_SPACE_NAMED) == VCORE_SPACE_NAMED);
	check(level_with(VCORE_SPACE_NAMED, 0) == VCORE_SPACE_GUARDED);
	check(level_with(VCORE_SPACE_GUARDED, 0) == VCORE_SPACE_GUARDED);
	check(level_with(VCORE_SPACE_NAMED, VCORE_SPACE_EXCLUSIVE) == VCORE_SPACE_EXCLUSIVE);
	check(level_with(VCORE_SPACE_EXCLUSIVE, 0) == VCORE_SPACE_EXCLUSIVE);
}

TestEverywhere(space, levels_that_make_no_sense_are_invalid)
{
	check(create_with((struct vcore_space_options){.least = VCORE_SPACE_EXCLUSIVE,
						       .most = VCORE_SPACE_GUARDED}) == -EINVAL);
	check(create_with((struct vcore_space_options){.least = 4}) == -EINVAL);
	check(create_with((struct vcore_space_options){.most = 4}) == -EINVAL);
	check(create_with((struct vcore_space_options){.most = (enum vcore_space_level) - 1}) ==
	      -EINVAL);
}

TestEverywhere(space, options_of_another_release)
{
	struct {
		struct vcore_space_options known;
		size_t later;
	} options = {.known = {.size = sizeof(options)}};
	struct vcore_space *space;

	check(vcore_space_create(&space, &options.known) == 0);
	space_gone(space);
	options.later = 1;
	check(vcore_space_create(&space, &options.known) == -E2BIG);
	options.known.size = 1;
	check(vcore_space_create(&space, &options.known) == -EINVAL);
}

TestEverywhere(space, its_size_is_whole_pages)
{
	const struct vcore_space_options options = {.bytes = page_size() + 1};
	struct vcore_space *space;

	check(vcore_space_create(&space, &options) == 0);
	check(vcore_space_size(space) == 2 * page_size());
	space_gone(space);
}

TestEverywhere(space, more_addresses_than_there_are_are_not_to_be_had)
{
	check(create_with((struct vcore_space_options){.bytes = SIZE_MAX}) == -ENOMEM);
	check(create_with((struct vcore_space_options){.bytes = (size_t)1 << 47}) == -ENOMEM);
}

TestEverywhere(space, its_name_is_copied_and_cut)
{
	char name[] = "a name that is longer than thirty-one bytes";
	struct vcore_space_options options = {.name = name};
	struct vcore_space *space;

	check(vcore_space_create(&space, &options) == 0);
	name[0] = 'X';
	check(strcmp(vcore_space_name(space), "a name that is longer than thir") == 0);
	space_gone(space);
}

TestEverywhere(space, ids_are_different_and_grow)
{
	uint64_t last = 0;

	for (int i = 0; i < 10; i++) {
		struct vcore_space *space = space_of(VCORE_SPACE_NAMED);

		check(vcore_space_id(space) > last);
		last = vcore_space_id(space);
		space_gone(space);
	}
}

Test(space, the_first_one_is_number_1)
{
	struct vcore_space *space = space_of(VCORE_SPACE_NAMED);

	cr_assert_eq(vcore_space_id(space), 1);
	space_gone(space);
}

TestEverywhere(space, two_do_not_touch)
{
	struct vcore_space *spaces[10];

	for (int i = 0; i < 10; i++) {
		spaces[i] = space_of(VCORE_SPACE_GUARDED);
	}
	for (int i = 0; i < 10; i++) {
		char *base = vcore_space_base(spaces[i]);

		check((uintptr_t)base % page_size() == 0);
		for (int j = 0; j < 10; j++) {
			char *other = vcore_space_base(spaces[j]);

			check(i == j || other + vcore_space_size(spaces[j]) < base ||
			      base + vcore_space_size(spaces[i]) < other);
		}
	}
	for (int i = 0; i < 10; i++) {
		space_gone(spaces[i]);
	}
}

TestEverywhere(space, where_nothing_is_mapped_nothing_may_be_touched)
{
	struct vcore_space *space = space_of(VCORE_SPACE_NAMED);
	char *base = vcore_space_base(space);
	size_t size = vcore_space_size(space);

	check(!is_readable(base) && !is_readable(base + size / 2) && !is_readable(base + size - 1));
	check(!is_readable(base - 1) && !is_readable(base + size));
	space_gone(space);
}

/* --- delete --------------------------------------------------------------------------- */

TestEverywhere(space, to_delete_none_has_no_effect)
{
	check(vcore_space_delete(NULL) == 0);
}

TestEverywhere(space, when_it_is_deleted_what_is_mapped_is_unmapped)
{
	struct vcore_space *space = space_of(VCORE_SPACE_GUARDED);
	struct vcore_space *other = space_of(VCORE_SPACE_GUARDED);
	struct vcore_block *block = block_of(1);
	char *there = map(other, block, VCORE_PROTECT_READ_WRITE);

	for (int i = 0; i < 100; i++) {
		map(space, block, VCORE_PROTECT_READ_WRITE)[0] = (char)i;
	}
	check(vcore_block_free(block) == -EBUSY);
	space_gone(space);
	check(there[0] == 99);
	space_gone(other);
	block_gone(block);
}

static long mappings(void)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	long lines = 0;

	check(maps != NULL);
	for (int c; (c = getc(maps)) != EOF;) {
		lines += c == '\n';
	}
	fclose(maps);
	return lines;
}

static void live_once(void)
{
	struct vcore_space *space = space_of(VCORE_SPACE_GUARDED);
	struct vcore_block *block = block_of(4);
	struct vcore_block *copy;
	char *at = map(space, block, VCORE_PROTECT_READ_WRITE);

	at[0] = 1;
	copy = snapshot_of(block);
	at[0] = 2;
	space_gone(space);
	block_gone(block);
	block_gone(copy);
}

/* Between them the kernel may have merged what it did not at first, never more. */
Test(space, ten_thousand_leave_nothing_behind)
{
	unsigned descriptors;
	struct rusage usage, after;
	long before;

	for (int i = 0; i < 100; i++) {
		live_once();
	}
	before = mappings();
	descriptors = entries_of("/proc/self/fd");
	getrusage(RUSAGE_SELF, &usage);
	for (int i = 0; i < 10000; i++) {
		live_once();
	}
	getrusage(RUSAGE_SELF, &after);
	cr_assert_leq(mappings(), before);
	cr_assert_eq(entries_of("/proc/self/fd"), descriptors);
	cr_assert_eq(shared_pages(), 0);
	cr_assert_leq(after.ru_maxrss, usage.ru_maxrss + 1024); /* KiB: what libc has for stdio */
}

/* --- counts --------------------------------------------------------------------------- */

TestEverywhere(space, it_counts_what_is_mapped)
{
	struct vcore_space_statistics statistics = {.size = sizeof(statistics)};
	struct vcore_space *space = space_of(VCORE_SPACE_GUARDED);
	struct vcore_block *block = block_of(3);
	char *at;

	vcore_space_statistics(space, &statistics);
	check(statistics.size == sizeof(statistics));
	check(statistics.mappings == 0 && statistics.bytes == 0 && statistics.threads == 0);
	check(statistics.opened == 0 && statistics.stalls == 0 && statistics.faults == 0);
	map(space, block, VCORE_PROTECT_READ);
	at = map(space, block, VCORE_PROTECT_READ);
	vcore_space_statistics(space, &statistics);
	check(statistics.mappings == 2 && statistics.bytes == 6 * page_size());
	unmap(space, at);
	vcore_space_statistics(space, &statistics);
	check(statistics.mappings == 1 && statistics.bytes == 3 * page_size());
	space_gone(space);
	block_gone(block);
}

TestEverywhere(space, it_counts_for_callers_of_another_release)
{
	struct {
		struct vcore_space_statistics known;
		size_t later;
	} statistics = {.known = {.size = sizeof(statistics)}, .later = 5};
	struct vcore_space *space = space_of(VCORE_SPACE_GUARDED);
	struct vcore_block *block = block_of(1);

	map(space, block, VCORE_PROTECT_READ);
	vcore_space_statistics(space, &statistics.known);
	check(statistics.known.mappings == 1 && statistics.later == 0);
	statistics.known.size = offsetof(struct vcore_space_statistics, bytes);
	statistics.known.mappings = 0;
	statistics.known.bytes = 77;
	vcore_space_statistics(space, &statistics.known);
	check(statistics.known.mappings == 1 && statistics.known.bytes == 77);
	space_gone(space);
	block_gone(block);
}

/* --- misuse --------------------------------------------------------------------------- */

static void create_to_nowhere(void)
{
	vcore_space_create(NULL, NULL);
}

static void level_of_none(void)
{
	vcore_space_level(NULL);
}

static void base_of_none(void)
{
	vcore_space_base(NULL);
}

static void size_of_none(void)
{
	vcore_space_size(NULL);
}

static void id_of_none(void)
{
	vcore_space_id(NULL);
}

static void name_of_none(void)
{
	vcore_space_name(NULL);
}

static void count_none(void)
{
	struct vcore_space_statistics statistics = {.size = sizeof(statistics)};

	vcore_space_statistics(NULL, &statistics);
}

static void count_to_nowhere(void)
{
	vcore_space_statistics(space_of(VCORE_SPACE_NAMED), NULL);
}

static void snapshot_of_none(void)
{
	struct vcore_space *copy;

	vcore_space_snapshot(NULL, &copy);
}

static void snapshot_to_nowhere(void)
{
	vcore_space_snapshot(space_of(VCORE_SPACE_NAMED), NULL);
}

Test(space, null_panics)
{
	cr_assert(panics_with(create_to_nowhere, "vcore_space_create"));
	cr_assert(panics_with(level_of_none, "vcore_space_level"));
	cr_assert(panics_with(base_of_none, "vcore_space_base"));
	cr_assert(panics_with(size_of_none, "vcore_space_size"));
	cr_assert(panics_with(id_of_none, "vcore_space_id"));
	cr_assert(panics_with(name_of_none, "vcore_space_name"));
	cr_assert(panics_with(count_none, "vcore_space_statistics"));
	cr_assert(panics_with(count_to_nowhere, "vcore_space_statistics"));
	cr_assert(panics_with(snapshot_of_none, "vcore_space_snapshot"));
	cr_assert(panics_with(snapshot_to_nowhere, "vcore_space_snapshot"));
}
