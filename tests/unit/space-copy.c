/*
 * copy_in, copy_out, and snapshots of spaces: what include/vcore/space.h promises.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "spaces.h"

#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>

TestSuite(space_copy, .timeout = 100);

static struct vcore_space *space;
static struct vcore_block *block;

static char *start(enum vcore_space_level level, size_t pages, int protection)
{
	space = space_of(level);
	block = block_of(pages);
	return map(space, block, protection);
}

static void finish_all(void)
{
	space_gone(space);
	block_gone(block);
}

/* --- copying -------------------------------------------------------------------------- */

TestEverywhere(space_copy, what_is_copied_in_is_copied_out)
{
	for (int level = VCORE_SPACE_NAMED; level <= VCORE_SPACE_EXCLUSIVE; level++) {
		char *at = start((enum vcore_space_level)level, 3, VCORE_PROTECT_READ_WRITE);
		char text[] = "across the pages";
		char back[sizeof(text)] = "";

		check(vcore_space_copy_in(space, at + page_size() - 5, text, sizeof(text)) == 0);
		check(strcmp(at + page_size() - 5, text) == 0);
		check(vcore_space_copy_out(space, back, at + page_size() - 5, sizeof(text)) == 0);
		check(strcmp(back, text) == 0);
		finish_all();
	}
}

TestEverywhere(space_copy, nothing_can_be_copied_from_anywhere)
{
	start(VCORE_SPACE_GUARDED, 1, VCORE_PROTECT_NONE);
	check(vcore_space_copy_in(space, NULL, NULL, 0) == 0);
	check(vcore_space_copy_out(space, NULL, NULL, 0) == 0);
	finish_all();
}

TestEverywhere(space_copy, much_is_copied_across_mappings_that_touch)
{
	const size_t pages = 300;
	const size_t n = 2 * pages * page_size();
	struct vcore_block *other = block_of(pages);
	char *from = malloc(n), *to = malloc(n);
	char *at;

	space = space_of(VCORE_SPACE_GUARDED);
	block = block_of(pages);
	at = map_at(space, block, 0);
	map_at(space, other, pages * page_size());
	for (size_t i = 0; i < n; i++) {
		from[i] = (char)(i * 7 / 3);
	}
	check(vcore_space_copy_in(space, at + 1, from, n - 1) == 0);
	check(memcmp(at + 1, from, n - 1) == 0);
	check(vcore_space_copy_out(space, to, at + 1, n - 1) == 0);
	check(memcmp(to, from, n - 1) == 0);
	free(from);
	free(to);
	finish_all();
	block_gone(other);
}

TestEverywhere(space_copy, the_protection_counts_at_every_level)
{
	char byte = 'x';

	for (int level = VCORE_SPACE_NAMED; level <= VCORE_SPACE_EXCLUSIVE; level++) {
		char *at = start((enum vcore_space_level)level, 1, VCORE_PROTECT_READ);

		check(vcore_space_copy_in(space, at, &byte, 1) == -EFAULT);
		check(vcore_space_copy_out(space, &byte, at, 1) == 0);
		check(vcore_space_protect(space, at, VCORE_PROTECT_WRITE) == 0);
		check(vcore_space_copy_in(space, at, &byte, 1) == 0);
		check(vcore_space_copy_out(space, &byte, at, 1) == 0);
		check(vcore_space_protect(space, at, VCORE_PROTECT_NONE) == 0);
		check(vcore_space_copy_in(space, at, &byte, 1) == -EFAULT);
		check(vcore_space_copy_out(space, &byte, at, 1) == -EFAULT);
		check(vcore_space_protect(space, at, VCORE_PROTECT_EXECUTE) == 0);
		check(vcore_space_copy_out(space, &byte, at, 1) == -EFAULT);
		finish_all();
	}
}

TestEverywhere(space_copy, what_is_not_mapped_is_a_fault_and_what_was_copied_before_stays)
{
	char *at = start(VCORE_SPACE_GUARDED, 1, VCORE_PROTECT_READ_WRITE);
	char text[] = "too long by half";
	char back[sizeof(text)] = "";

	check(vcore_space_copy_in(space, at + page_size() - 8, text, sizeof(text)) == -EFAULT);
	check(memcmp(at + page_size() - 8, "too long", 8) == 0);
	check(vcore_space_copy_out(space, back, at + page_size() - 8, sizeof(text)) == -EFAULT);
	check(strcmp(back, "too long") == 0);
	check(vcore_space_copy_in(space, at - 1, text, 2) == -EFAULT);
	check(vcore_space_copy_in(space, NULL, text, 2) == -EFAULT);
	check(vcore_space_copy_in(space, back, text, 2) == -EFAULT); /* not of the space */
	check(vcore_space_copy_in(space, (char *)SIZE_MAX, text, 2) == -EFAULT);
	check(vcore_space_copy_out(space, back, (char *)vcore_space_base(space) - 1, 1) == -EFAULT);
	check(strcmp(back, "too long") == 0);
	finish_all();
}

/* Of a block, and of a side of a snapshot, which goes another way. */
TestEverywhere(space_copy, what_the_caller_may_not_touch_is_a_fault)
{
	char *closed = mmap(NULL, 2 * page_size(), PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *at = start(VCORE_SPACE_GUARDED, 3, VCORE_PROTECT_READ_WRITE);
	struct vcore_block *copy = NULL;

	check(closed != MAP_FAILED);
	for (int i = 0; i < 2; i++) {
		check(vcore_space_copy_out(space, closed, at, 8) == -EFAULT);
		check(mprotect(closed + page_size(), page_size(), PROT_NONE) == 0);
		check(vcore_space_copy_in(space, at, closed + page_size() - 4, 8) == -EFAULT);
		check(vcore_space_copy_in(space, at, closed + page_size() - 4, 4) == 0);
		check(vcore_space_copy_in(space, at, NULL, 4) == -EFAULT);
		check(vcore_space_copy_out(space, NULL, at, 4) == -EFAULT);
		check(mprotect(closed, 2 * page_size(), PROT_READ) == 0);
		if (copy == NULL) {
			copy = snapshot_of(block);
		}
	}
	munmap(closed, 2 * page_size());
	finish_all();
	block_gone(copy);
}

TestEverywhere(space_copy, a_side_of_a_snapshot_is_written_on_its_side)
{
	char *at = start(VCORE_SPACE_GUARDED, 2, VCORE_PROTECT_READ_WRITE);
	struct vcore_block *copy;
	char *there;
	char back[8];

	strcpy(at, "before");
	copy = snapshot_of(block);
	there = map(space, copy, VCORE_PROTECT_READ_WRITE);
	check(vcore_space_copy_in(space, at, "after", 6) == 0);
	check(strcmp(at, "after") == 0 && strcmp(there, "before") == 0);
	check(vcore_space_copy_out(space, back, at, 6) == 0 && strcmp(back, "after") == 0);
	check(vcore_space_copy_out(space, back, there, 7) == 0 && strcmp(back, "before") == 0);
	check(vcore_space_protect(space, at, VCORE_PROTECT_READ) == 0);
	check(vcore_space_copy_in(space, at, "more", 5) == -EFAULT);
	finish_all();
	block_gone(copy);
}

/* --- snapshots of spaces -------------------------------------------------------------- */

static char *in_copy(struct vcore_space *copy, const char *at)
{
	return (char *)vcore_space_base(copy) + (at - (const char *)vcore_space_base(space));
}

TestEverywhere(space_copy, a_snapshot_of_a_space_is_like_it_elsewhere)
{
	const struct vcore_space_options options = {
		.bytes = 100 * page_size(), .most = VCORE_SPACE_GUARDED, .name = "original"};
	struct vcore_space *copy;
	struct vcore_block *other, *found;
	char *at, *read_only;
	int protection;

	check(vcore_space_create(&space, &options) == 0);
	block = block_of(2);
	other = block_of(1);
	at = map(space, block, VCORE_PROTECT_READ_WRITE);
	read_only = map_at(space, other, 50 * page_size());
	strcpy(at, "one");
	strcpy(read_only, "two");
	check(vcore_space_protect(space, read_only, VCORE_PROTECT_READ) == 0);

	check(vcore_space_snapshot(space, &copy) == 0);
	check(vcore_space_size(copy) == 100 * page_size());
	check(vcore_space_level(copy) == VCORE_SPACE_GUARDED);
	check(strcmp(vcore_space_name(copy), "original") == 0);
	check(vcore_space_id(copy) > vcore_space_id(space));
	check(strcmp(in_copy(copy, at), "one") == 0);
	check(strcmp(in_copy(copy, read_only), "two") == 0);
	check(!is_writable(in_copy(copy, read_only)));
	check(vcore_space_find(copy, in_copy(copy, read_only), &found, NULL, &protection) == 0);
	check(found != other && protection == VCORE_PROTECT_READ);

	strcpy(at, "ONE");
	in_copy(copy, at)[2] = 'E';
	check(strcmp(at, "ONE") == 0 && strcmp(in_copy(copy, at), "onE") == 0);
	space_gone(copy);
	check(strcmp(at, "ONE") == 0);
	finish_all();
	block_gone(other);
}

TestEverywhere(space_copy, the_copies_of_blocks_go_with_the_copy_of_the_space)
{
	char *at = start(VCORE_SPACE_GUARDED, 8, VCORE_PROTECT_READ_WRITE);
	long before;

	memset(at, 'a', 8 * page_size());
	before = shared_pages();
	for (int i = 0; i < 10; i++) {
		struct vcore_space *copy, *second;

		check(vcore_space_snapshot(space, &copy) == 0);
		memset(in_copy(copy, at), 'b', page_size());
		check(vcore_space_snapshot(copy, &second) == 0);
		memset(in_copy(second, at), 'c', page_size());
		space_gone(copy);
		check(in_copy(second, at)[0] == 'c' && in_copy(second, at)[page_size()] == 'a');
		space_gone(second);
		check(at[0] == 'a');
	}
	check(shared_pages() == before);
	finish_all();
}

TestEverywhere(space_copy, a_block_that_is_mapped_twice_has_one_copy_that_is_too)
{
	char *at = start(VCORE_SPACE_GUARDED, 1, VCORE_PROTECT_READ_WRITE);
	char *again = map(space, block, VCORE_PROTECT_READ_WRITE);
	struct vcore_space *copy;

	strcpy(at, "twice");
	check(vcore_space_snapshot(space, &copy) == 0);
	in_copy(copy, at)[0] = 'T';
	check(strcmp(in_copy(copy, again), "Twice") == 0);
	check(strcmp(again, "twice") == 0);
	space_gone(copy);
	finish_all();
}

TestEverywhere(space_copy, a_copy_of_a_block_may_be_freed_before_its_space)
{
	char *at = start(VCORE_SPACE_GUARDED, 1, VCORE_PROTECT_READ_WRITE);
	struct vcore_space *copy;
	struct vcore_block *found;

	check(vcore_space_snapshot(space, &copy) == 0);
	check(vcore_space_find(copy, in_copy(copy, at), &found, NULL, NULL) == 0);
	check(vcore_block_free(found) == -EBUSY);
	unmap(copy, in_copy(copy, at));
	block_gone(found);
	space_gone(copy);
	finish_all();
}

TestEverywhere(space_copy, a_space_whose_copies_are_mapped_elsewhere_is_not_deleted)
{
	char *at = start(VCORE_SPACE_GUARDED, 1, VCORE_PROTECT_READ_WRITE);
	struct vcore_space *copy;
	struct vcore_block *found;
	char *there;

	strcpy(at, "there");
	check(vcore_space_snapshot(space, &copy) == 0);
	check(vcore_space_find(copy, in_copy(copy, at), &found, NULL, NULL) == 0);
	unmap(copy, in_copy(copy, at));
	there = map(space, found, VCORE_PROTECT_READ_WRITE);
	check(vcore_space_delete(copy) == -EBUSY);
	check(strcmp(there, "there") == 0);
	unmap(space, there);
	space_gone(copy);
	finish_all();
}

/* --- misuse --------------------------------------------------------------------------- */

static void copy_in_none(void)
{
	char byte;

	vcore_space_copy_in(NULL, &byte, "", 1);
}

static void copy_out_none(void)
{
	char byte;

	vcore_space_copy_out(NULL, &byte, "", 1);
}

Test(space_copy, null_panics)
{
	cr_assert(panics_with(copy_in_none, "vcore_space_copy_in"));
	cr_assert(panics_with(copy_out_none, "vcore_space_copy_out"));
}
