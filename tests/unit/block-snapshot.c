/*
 * Snapshots of blocks: what include/vcore/space.h promises of them.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "spaces.h"

#include <stdlib.h>

TestSuite(block_snapshot, .timeout = 100);

enum { PAGES = 8 };

static struct vcore_space *space;
static struct vcore_block *block, *copy;

/* A block of PAGES, mapped, each page full of its letter: a, b, c, … */
static char *start(void)
{
	char *at;

	space = space_of(VCORE_SPACE_GUARDED);
	block = block_of(PAGES);
	at = map(space, block, VCORE_PROTECT_READ_WRITE);
	for (int i = 0; i < PAGES; i++) {
		memset(at + (size_t)i * page_size(), 'a' + i, page_size());
	}
	return at;
}

static void finish_all(void)
{
	space_gone(space);
	block_gone(block);
	block_gone(copy);
}

/* Whether the pages begin with these letters. */
static bool reads(const char *at, const char *letters)
{
	for (size_t i = 0; letters[i] != '\0'; i++) {
		if (at[i * page_size()] != letters[i]) {
			return false;
		}
	}
	return true;
}

static char *view(struct vcore_block *of)
{
	return map(space, of, VCORE_PROTECT_READ_WRITE);
}

TestEverywhere(block_snapshot, it_is_a_block_of_the_same_size_with_an_id_of_its_own)
{
	start();
	copy = snapshot_of(block);
	check(vcore_block_size(copy) == vcore_block_size(block));
	check(vcore_block_id(copy) > vcore_block_id(block));
	finish_all();
}

TestEverywhere(block_snapshot, of_a_mapped_block_neither_side_sees_the_others_writes)
{
	char *at = start();
	char *there;

	copy = snapshot_of(block);
	at[0] = 'X';
	there = view(copy);
	check(reads(there, "abcdefgh"));
	there[page_size()] = 'Y';
	at[2 * page_size()] = 'Z';
	check(reads(at, "XbZdefgh"));
	check(reads(there, "aYcdefgh"));
	finish_all();
}

TestEverywhere(block_snapshot, of_an_unmapped_block_neither_side_sees_the_others_writes)
{
	char *at = start();
	char *there;

	unmap(space, at);
	copy = snapshot_of(block);
	there = view(copy);
	at = view(block);
	at[0] = 'X';
	there[page_size()] = 'Y';
	check(reads(at, "Xbcdefgh"));
	check(reads(there, "aYcdefgh"));
	finish_all();
}

TestEverywhere(block_snapshot, what_nobody_writes_is_not_copied)
{
	char *at = start();
	long before = shared_pages();
	char *there;

	copy = snapshot_of(block);
	there = view(copy);
	at[0] = 'X';
	there[0] = 'Y';
	check(shared_pages() == before);
	check(reads(at, "Xbcdefgh") && reads(there, "Ybcdefgh"));
	finish_all();
	check(shared_pages() == before - PAGES);
}

TestEverywhere(block_snapshot, what_a_side_has_written_stays_in_it)
{
	char *at = start();
	char *there;

	copy = snapshot_of(block);
	there = view(copy);
	at[0] = 'X';
	there[page_size()] = 'Y';
	unmap(space, at);
	unmap(space, there);
	there = view(copy);
	at = view(block);
	check(reads(at, "Xbcdefgh"));
	check(reads(there, "aYcdefgh"));
	finish_all();
}

/* The last one of the two has the frozen pages to itself. */
TestEverywhere(block_snapshot, what_a_side_has_written_stays_in_it_without_the_other)
{
	char *at = start();

	copy = snapshot_of(block);
	at[3 * page_size()] = 'X';
	block_gone(copy);
	unmap(space, at);
	check(reads(view(block), "abcXefgh"));
	check(reads(view(block), "abcXefgh")); /* and twice: it is ordinary again */
	space_gone(space);
	block_gone(block);
}

TestEverywhere(block_snapshot, what_a_side_has_written_stays_in_it_when_its_space_goes)
{
	char *at = start();

	copy = snapshot_of(block);
	at[0] = 'X';
	space_gone(space);
	space = space_of(VCORE_SPACE_GUARDED);
	check(reads(view(block), "Xbcdefgh"));
	check(reads(view(copy), "abcdefgh"));
	finish_all();
}

/* Nobody can read it to save it, but by the way that this tests. */
TestEverywhere(block_snapshot, what_a_side_has_written_stays_in_it_when_it_may_not_be_touched)
{
	char *at = start();

	copy = snapshot_of(block);
	at[0] = 'X';
	check(vcore_space_protect(space, at, VCORE_PROTECT_NONE) == 0);
	unmap(space, at);
	check(reads(view(block), "Xbcdefgh"));
	finish_all();
}

TestEverywhere(block_snapshot, a_side_is_mapped_once_at_a_time)
{
	char *at = start();

	copy = snapshot_of(block);
	check(try_map(space, block, VCORE_ANYWHERE, VCORE_PROTECT_READ) == -EBUSY);
	view(copy);
	check(try_map(space, copy, VCORE_ANYWHERE, VCORE_PROTECT_READ) == -EBUSY);
	unmap(space, at);
	check(reads(view(block), "abcdefgh"));
	check(try_map(space, block, VCORE_ANYWHERE, VCORE_PROTECT_READ) == -EBUSY);
	finish_all();
}

TestEverywhere(block_snapshot, a_side_that_was_written_and_unmapped_is_a_block_like_any_other)
{
	char *at = start();
	char *there;

	copy = snapshot_of(block);
	at[0] = 'X';
	unmap(space, at);
	at = view(block);
	there = view(block);
	at[0] = 'Y';
	check(there[0] == 'Y');
	finish_all();
}

TestEverywhere(block_snapshot, of_a_block_that_is_mapped_twice_it_is_a_copy)
{
	char *at = start();
	char *again = view(block);
	char *there;

	copy = snapshot_of(block);
	at[0] = 'X';
	check(again[0] == 'X'); /* still shared */
	there = view(copy);
	check(reads(there, "abcdefgh"));
	check(reads(view(copy), "abcdefgh")); /* mapped twice too */
	finish_all();
}

TestEverywhere(block_snapshot, of_a_side_that_was_written_it_is_a_copy)
{
	char *at = start();
	struct vcore_block *third;
	char *there;

	copy = snapshot_of(block);
	at[0] = 'X';
	third = snapshot_of(block);
	at[0] = 'Y';
	there = view(third);
	check(reads(there, "Xbcdefgh"));
	check(reads(view(copy), "abcdefgh"));
	check(reads(at, "Ybcdefgh"));
	finish_all();
	block_gone(third);
}

TestEverywhere(block_snapshot, of_a_side_that_was_written_and_may_not_be_touched_too)
{
	char *at = start();
	struct vcore_block *third;

	copy = snapshot_of(block);
	at[0] = 'X';
	check(vcore_space_protect(space, at, VCORE_PROTECT_NONE) == 0);
	third = snapshot_of(block);
	check(reads(view(third), "Xbcdefgh"));
	finish_all();
	block_gone(third);
}

TestEverywhere(block_snapshot, one_block_may_have_many)
{
	enum { MANY = 20 };
	struct vcore_block *copies[MANY];
	char *at = start();

	unmap(space, at);
	for (int i = 0; i < MANY; i++) {
		copies[i] = snapshot_of(block);
	}
	for (int i = 0; i < MANY; i++) {
		char *there = view(copies[i]);

		check(reads(there, "abcdefgh"));
		memset(there, 'z', PAGES * page_size());
		unmap(space, there);
	}
	check(reads(view(block), "abcdefgh"));
	for (int i = 0; i < MANY; i++) {
		block_gone(copies[i]);
	}
	space_gone(space);
	block_gone(block);
}

TestEverywhere(block_snapshot, of_a_protected_block_it_keeps_the_protection)
{
	char *at = start();

	check(vcore_space_protect(space, at, VCORE_PROTECT_READ) == 0);
	copy = snapshot_of(block);
	check(is_readable(at) && !is_writable(at));
	check(vcore_space_protect(space, at, VCORE_PROTECT_READ_WRITE) == 0);
	at[0] = 'X';
	check(reads(view(copy), "abcdefgh"));
	finish_all();
}

/* A checkpoint after each of many changes, each of which is found again. */
TestEverywhere(block_snapshot, of_a_block_that_is_written_on_and_on)
{
	enum { TIMES = 26 };
	struct vcore_block *checkpoints[TIMES];
	char *at = start();

	for (int i = 0; i < TIMES; i++) {
		at[(size_t)(i % PAGES) * page_size()] = (char)('A' + i);
		checkpoints[i] = snapshot_of(block);
	}
	for (int i = 0; i < TIMES; i++) {
		char *there = view(checkpoints[i]);

		check(there[(size_t)(i % PAGES) * page_size()] == 'A' + i);
		check(there[(size_t)((i + 1) % PAGES) * page_size()] ==
		      (i + 1 < PAGES ? 'a' + i + 1 : 'A' + i + 1 - PAGES));
		unmap(space, there);
		block_gone(checkpoints[i]);
	}
	space_gone(space);
	block_gone(block);
}

TestEverywhere(block_snapshot, of_a_huge_block)
{
	const size_t huge = page_size() / 8 * page_size();
	char *at, *there;

	space = space_of(VCORE_SPACE_GUARDED);
	check(vcore_block_allocate_huge(&block, huge) == 0);
	at = view(block);
	memset(at, 'a', huge);
	copy = snapshot_of(block);
	memset(at, 'X', 2 * page_size());
	there = view(copy);
	check(consists_of(there, 'a', huge));
	unmap(space, at);
	at = view(block);
	check(consists_of(at, 'X', 2 * page_size()));
	check(consists_of(at + 2 * page_size(), 'a', huge - 2 * page_size()));
	finish_all();
}

/* Others write meanwhile. */
static void *write_on(void *at)
{
	for (char value = 1; value < 100; value++) {
		for (int i = 0; i < PAGES; i++) {
			memset((char *)at + (size_t)i * page_size(), value, page_size());
		}
		vcore_yield();
	}
	return NULL;
}

TestEverywhere(block_snapshot, while_others_write_no_write_is_lost_nor_seen_on_the_other_side)
{
	char *seen = malloc(PAGES * page_size());

	for (int times = 0; times < 10; times++) {
		char *at = start();
		struct peer writer = peer_start(write_on, at);
		char *there;

		copy = snapshot_of(block);
		there = view(copy);
		memcpy(seen, there, PAGES * page_size());
		peer_finish(writer);
		check(consists_of(at, 99, PAGES * page_size()));
		check(memcmp(seen, there, PAGES * page_size()) == 0);
		finish_all();
	}
	free(seen);
}
