/*
 * What the rest of the library does with spaces (src/memory/space.h): finds them
 * by address, opens and closes them, has stacks in them, and says of an address
 * what was there.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "memory/space.h"

TestSuite(enclosed, .timeout = 100);

static struct vcore_space *space;

static void start(enum vcore_space_level level)
{
	const struct vcore_space_options options = {.least = level, .most = level};

	cr_assert_eq(vcore_space_create(&space, &options), 0);
}

static struct vcore_block *block_of(size_t pages)
{
	struct vcore_block *block;

	cr_assert_eq(vcore_block_allocate(&block, pages * vci_page_size), 0);
	return block;
}

static char *map(struct vcore_block *block, int protection)
{
	void *at;

	cr_assert_eq(vcore_space_map(space, block, VCORE_ANYWHERE, protection, &at), 0);
	return at;
}

/* What the kernel says: 'r' and 'w' if it may be read and written, else '-'. */
static const char *access_of(char *address)
{
	static char text[3];
	char byte;
	int ends[2];

	cr_assert_eq(pipe(ends), 0);
	text[0] = write(ends[1], address, 1) == 1 ? 'r' : '-';
	if (text[0] != 'r') {
		cr_assert_eq(write(ends[1], "", 1), 1);
	}
	text[1] = read(ends[0], address, 1) == 1 ? 'w' : '-';
	if (text[1] != 'w') {
		cr_assert_eq(read(ends[0], &byte, 1), 1);
	}
	close(ends[0]);
	close(ends[1]);
	return text;
}

/* --- references ------------------------------------------------------------------------------ */

Test(enclosed, a_space_is_found_by_its_addresses_and_no_others)
{
	char *base;

	start(VCORE_SPACE_GUARDED);
	base = vcore_space_base(space);
	for (size_t at = 0; at < space->bytes; at += space->bytes / 7) {
		cr_assert_eq(vci_space_get(base + at), space);
		vci_space_put(space);
	}
	cr_assert_eq(vci_space_get(base + space->bytes - 1), space);
	vci_space_put(space);
	cr_assert_null(vci_space_get(base - 1));
	cr_assert_null(vci_space_get(base + space->bytes));
	cr_assert_null(vci_space_get(NULL));
	cr_assert_null(vci_space_get((void *)UINTPTR_MAX));
	cr_assert_null(vci_space_get(&base));
	cr_assert_eq(vcore_space_delete(space), 0);
	cr_assert_null(vci_space_get(base));
}

Test(enclosed, what_is_in_use_is_not_deleted)
{
	start(VCORE_SPACE_GUARDED);
	cr_assert_eq(vci_space_get(space->base), space);
	cr_assert_eq(vcore_space_delete(space), -EBUSY);
	vci_space_put(space);
	space->threads = 1;
	cr_assert_eq(vcore_space_delete(space), -EBUSY);
	space->threads = 0;
	space->heaps = 1;
	cr_assert_eq(vcore_space_delete(space), -EBUSY);
	space->heaps = 0;
	cr_assert_eq(vci_space_get(space->base), space); /* as before */
	vci_space_put(space);
	cr_assert_eq(vcore_space_delete(space), 0);
}

/* --- opening and closing -------------------------------------------------------------- */

Test(enclosed, a_closed_space_has_no_access_and_an_opened_one_has_all_again)
{
	struct vcore_block *one, *other;
	char *at, *read_only, *none;

	start(VCORE_SPACE_EXCLUSIVE);
	one = block_of(2);
	other = block_of(2);
	at = map(one, VCORE_PROTECT_READ_WRITE);
	read_only = map(other, VCORE_PROTECT_READ);
	none = map(other, VCORE_PROTECT_NONE);
	strcpy(at, "kept");
	for (int i = 0; i < 3; i++) {
		cr_assert(vci_space_open(space, false));
		cr_assert_str_eq(access_of(at), "--");
		cr_assert_str_eq(access_of(read_only), "--");
		cr_assert(vci_space_open(space, true));
		cr_assert_str_eq(at, "kept");
		cr_assert_str_eq(access_of(at + vci_page_size), "rw");
		cr_assert_str_eq(access_of(read_only), "r-");
		cr_assert_str_eq(access_of(none), "--");
		cr_assert_str_eq(access_of(at - 1), "--");
		cr_assert_str_eq(access_of(at + 2 * vci_page_size), "--");
	}
	cr_assert_eq(vcore_space_delete(space), 0);
	cr_assert_eq(vcore_block_free(one), 0);
	cr_assert_eq(vcore_block_free(other), 0);
}

Test(enclosed, what_is_mapped_and_protected_while_it_is_closed_is_so_when_it_opens)
{
	struct vcore_block *block;
	char *before, *after, *gone;

	start(VCORE_SPACE_EXCLUSIVE);
	block = block_of(1);
	before = map(block, VCORE_PROTECT_READ);
	gone = map(block, VCORE_PROTECT_READ);
	cr_assert(vci_space_open(space, false));
	after = map(block, VCORE_PROTECT_READ_WRITE);
	cr_assert_eq(vcore_space_protect(space, before, VCORE_PROTECT_READ_WRITE), 0);
	cr_assert_eq(vcore_space_unmap(space, gone), 0);
	cr_assert_str_eq(access_of(before), "--");
	cr_assert_str_eq(access_of(after), "--");
	cr_assert(vci_space_open(space, true));
	cr_assert_str_eq(access_of(before), "rw");
	cr_assert_str_eq(access_of(after), "rw");
	cr_assert_str_eq(access_of(gone), "--");
	cr_assert_eq(vcore_space_delete(space), 0);
	cr_assert_eq(vcore_block_free(block), 0);
}

/* Mappings that touch are opened in one step where they may be alike, and in no other. */
Test(enclosed, mappings_that_touch_each_have_their_own_access)
{
	static const int protections[] = {3, 3, 1, 1, 3, 0, 0, 3, 1, 3};
	enum { N = sizeof(protections) / sizeof(protections[0]) };
	struct vcore_block *blocks[N];
	void *at[N];

	start(VCORE_SPACE_EXCLUSIVE);
	for (size_t i = 0; i < N; i++) {
		blocks[i] = block_of(1);
		cr_assert_eq(vcore_space_map(space, blocks[i], i * vci_page_size, protections[i],
					     &at[i]),
			     0);
	}
	cr_assert(vci_space_open(space, false));
	cr_assert(vci_space_open(space, true));
	for (size_t i = 0; i < N; i++) {
		cr_assert_str_eq(access_of(at[i]), protections[i] == 3   ? "rw"
						   : protections[i] == 1 ? "r-"
									 : "--");
	}
	cr_assert_eq(vcore_space_delete(space), 0);
	for (size_t i = 0; i < N; i++) {
		cr_assert_eq(vcore_block_free(blocks[i]), 0);
	}
}

Test(enclosed, a_closed_space_is_copied_to_and_from)
{
	struct vcore_block *block, *copy;
	char text[8] = "";
	char *at;

	start(VCORE_SPACE_EXCLUSIVE);
	block = block_of(1);
	at = map(block, VCORE_PROTECT_READ_WRITE);
	cr_assert(vci_space_open(space, false));
	cr_assert_eq(vcore_space_copy_in(space, at, "inside", 7), 0);
	cr_assert_eq(vcore_space_copy_out(space, text, at, 7), 0);
	cr_assert_str_eq(text, "inside");
	cr_assert_str_eq(access_of(at), "--");
	/* but for a side of a snapshot, */
	cr_assert_eq(vcore_block_snapshot(block, &copy), 0);
	cr_assert_eq(vcore_space_copy_in(space, at, "more", 5), -ENOTSUP);
	cr_assert_eq(vcore_space_copy_out(space, text, at, 5), -ENOTSUP);
	cr_assert(vci_space_open(space, true));
	cr_assert_eq(vcore_space_copy_in(space, at, "more", 5), 0);
	cr_assert_str_eq(at, "more");
	cr_assert_eq(vcore_space_delete(space), 0);
	cr_assert_eq(vcore_block_free(block), 0);
	cr_assert_eq(vcore_block_free(copy), 0);
}

Test(enclosed, of_a_closed_space_snapshots_are_made)
{
	struct vcore_space *other;
	struct vcore_block *block, *copy, *third;
	char *at, *there;

	start(VCORE_SPACE_EXCLUSIVE);
	block = block_of(1);
	at = map(block, VCORE_PROTECT_READ_WRITE);
	strcpy(at, "one");
	cr_assert(vci_space_open(space, false));
	cr_assert_eq(vcore_block_snapshot(block, &copy), 0);
	cr_assert_str_eq(access_of(at), "--");
	cr_assert(vci_space_open(space, true));
	strcpy(at, "two");
	cr_assert(vci_space_open(space, false));
	cr_assert_eq(vcore_block_snapshot(block, &third), 0); /* copied at once */
	cr_assert_eq(vcore_space_unmap(space, at), 0);        /* and so is this */

	cr_assert_eq(vcore_space_create(&other, NULL), 0);
	cr_assert_eq(vcore_space_delete(space), 0);
	space = other;
	there = map(copy, VCORE_PROTECT_READ);
	cr_assert_str_eq(there, "one");
	cr_assert_str_eq(map(third, VCORE_PROTECT_READ), "two");
	cr_assert_str_eq(map(block, VCORE_PROTECT_READ), "two");
	cr_assert_eq(vcore_space_delete(space), 0);
	cr_assert_eq(vcore_block_free(block), 0);
	cr_assert_eq(vcore_block_free(copy), 0);
	cr_assert_eq(vcore_block_free(third), 0);
}

/* --- stacks --------------------------------------------------------------------------- */

Test(enclosed, a_stack_is_memory_between_guards)
{
	struct vcore_block *block = &(struct vcore_block){.id = 0};
	struct vcore_space_statistics statistics = {.size = sizeof(statistics)};
	size_t bytes = 4 * vci_page_size;
	char *low, *next;

	start(VCORE_SPACE_EXCLUSIVE);
	bytes = 4 * vci_page_size;
	cr_assert_eq(vci_space_stack_make(space, bytes, &low), 0);
	cr_assert_eq(vci_space_stack_make(space, bytes, &next), 0);
	memset(low, 's', bytes);
	cr_assert_str_eq(access_of(low - 1), "--");
	cr_assert_str_eq(access_of(low), "rw");
	cr_assert_str_eq(access_of(low + bytes - 1), "rw");
	cr_assert_str_eq(access_of(low + bytes), "--");

	cr_assert_eq(vcore_space_find(space, low + 5, &block, NULL, NULL), 0);
	cr_assert_null(block);
	cr_assert_eq(vcore_space_unmap(space, low), -EBUSY);
	cr_assert_eq(vcore_space_protect(space, low, VCORE_PROTECT_READ), -EBUSY);
	vcore_space_statistics(space, &statistics);
	cr_assert(statistics.mappings == 2 && statistics.bytes == 2 * bytes);

	cr_assert(vci_space_open(space, false));
	cr_assert_str_eq(access_of(low), "--");
	cr_assert_eq(vcore_space_copy_in(space, low, "x", 1), -ENOTSUP);
	cr_assert(vci_space_open(space, true));
	cr_assert_eq(low[bytes - 1], 's');
	cr_assert_eq(vcore_space_copy_in(space, low, "x", 1), 0);
	vci_space_stack_free(space, low);
	cr_assert_str_eq(access_of(low), "--");
	cr_assert_eq(vcore_space_find(space, low, NULL, NULL, NULL), -ENOENT);
	vci_space_stack_free(space, next);
	cr_assert_eq(vcore_space_delete(space), 0);
}

Test(enclosed, a_snapshot_of_a_space_has_no_stacks)
{
	struct vcore_space_statistics statistics = {.size = sizeof(statistics)};
	struct vcore_space *copy;
	struct vcore_block *block;
	char *low, *at;

	start(VCORE_SPACE_EXCLUSIVE);
	block = block_of(1);
	cr_assert_eq(vci_space_stack_make(space, vci_page_size, &low), 0);
	at = map(block, VCORE_PROTECT_READ_WRITE);
	strcpy(at, "here");
	cr_assert_eq(vcore_space_snapshot(space, &copy), 0);
	vcore_space_statistics(copy, &statistics);
	cr_assert_eq(statistics.mappings, 1);
	cr_assert_str_eq(copy->base + (at - space->base), "here");
	vci_space_stack_free(space, low);
	cr_assert_eq(vcore_space_delete(copy), 0);
	cr_assert_eq(vcore_space_delete(space), 0);
	cr_assert_eq(vcore_block_free(block), 0);
}

/* --- reports -------------------------------------------------------------------------- */

static struct vcore_fault describe(const char *address)
{
	struct vcore_fault fault = {.kind = VCORE_FAULT_PROTECTION};

	vci_space_describe(space, address, &fault);
	cr_assert_eq(fault.space, vcore_space_id(space));
	return fault;
}

Test(enclosed, a_report_says_what_was_at_the_address)
{
	struct vcore_space_statistics statistics = {.size = sizeof(statistics)};
	struct vcore_block *block;
	struct vcore_fault fault;
	uint64_t id;
	char *at;

	start(VCORE_SPACE_GUARDED);
	block = block_of(2);
	id = vcore_block_id(block);
	at = map(block, VCORE_PROTECT_READ);

	fault = describe(at + 5);
	cr_assert(fault.block == id && fault.offset == 5 && fault.kind == VCORE_FAULT_PROTECTION);
	fault = describe(at - 1);
	cr_assert(fault.block == 0 && fault.offset == (size_t)(at - space->base) - 1);
	cr_assert_eq(fault.kind, VCORE_FAULT_UNMAPPED);

	cr_assert_eq(vcore_space_unmap(space, at), 0);
	fault = describe(at + 5);
	cr_assert(fault.block == 0 && fault.offset == (size_t)(at - space->base) + 5);
	cr_assert_eq(fault.kind, VCORE_FAULT_UNMAPPED); /* it could be mapped again */

	cr_assert_eq(vcore_block_free(block), 0);
	fault = describe(at + vci_page_size + 5);
	cr_assert(fault.block == id && fault.offset == vci_page_size + 5);
	cr_assert_eq(fault.kind, VCORE_FAULT_FREED_BLOCK);

	block = block_of(2); /* which has the record of the other */
	fault = describe(at);
	cr_assert(fault.block == id && fault.kind == VCORE_FAULT_FREED_BLOCK);
	cr_assert_eq(map(block, VCORE_PROTECT_READ), at);
	fault = describe(at);
	cr_assert(fault.block == vcore_block_id(block) && fault.kind == VCORE_FAULT_PROTECTION);

	vcore_space_statistics(space, &statistics);
	cr_assert_eq(statistics.faults, 6);
	cr_assert_eq(vcore_space_delete(space), 0);
	cr_assert_eq(vcore_block_free(block), 0);
}

Test(enclosed, of_those_that_were_unmapped_the_last_ones_are_known)
{
	struct vcore_block *blocks[2 * VCI_UNMAPPED];
	char *at[2 * VCI_UNMAPPED];

	start(VCORE_SPACE_GUARDED);
	for (int i = 0; i < 2 * VCI_UNMAPPED; i++) {
		blocks[i] = block_of(1);
		at[i] = map(blocks[i], VCORE_PROTECT_READ);
	}
	for (int i = 0; i < 2 * VCI_UNMAPPED; i++) {
		cr_assert_eq(vcore_space_unmap(space, at[i]), 0);
		cr_assert_eq(vcore_block_free(blocks[i]), 0);
	}
	cr_assert_eq(describe(at[VCI_UNMAPPED - 1]).kind, VCORE_FAULT_UNMAPPED);
	cr_assert_eq(describe(at[VCI_UNMAPPED]).kind, VCORE_FAULT_FREED_BLOCK);
	cr_assert_eq(describe(at[2 * VCI_UNMAPPED - 1]).kind, VCORE_FAULT_FREED_BLOCK);
	cr_assert_eq(vcore_space_delete(space), 0);
}
