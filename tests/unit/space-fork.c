/*
 * Spaces and fork: what include/vcore/space.h promises of the child.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "spaces.h"

#include <stdio.h>
#include <unistd.h>

TestSuite(space_fork, .timeout = 100);

static struct vcore_space *space;
static struct vcore_block *block, *copy;
static char *at;

static void start(void)
{
	space = space_of(VCORE_SPACE_GUARDED);
	block = block_of(2);
	at = map(space, block, VCORE_PROTECT_READ_WRITE);
	strcpy(at, "the parent's");
}

static void finish_all(void)
{
	space_gone(space);
	block_gone(block);
}

static void *live_there(void *unused)
{
	struct vcore_thread_options options = {.space = space};

	check(vcore_thread_allocate(NULL, &options, do_nothing, NULL) == -ESHUTDOWN);
	return unused;
}

static void call_all(void)
{
	struct vcore_space_statistics statistics = {.size = sizeof(statistics), .mappings = 7};
	struct vcore_space *other;
	char byte = 0;

	check(vcore_block_free(block) == -ESHUTDOWN);
	check(vcore_block_snapshot(block, &copy) == -ESHUTDOWN);
	check(vcore_space_delete(space) == -ESHUTDOWN);
	check(try_map(space, block, VCORE_ANYWHERE, VCORE_PROTECT_READ) == -ESHUTDOWN);
	check(vcore_space_unmap(space, at) == -ESHUTDOWN);
	check(vcore_space_protect(space, at, VCORE_PROTECT_READ) == -ESHUTDOWN);
	check(vcore_space_find(space, at, NULL, NULL, NULL) == -ESHUTDOWN);
	check(vcore_space_snapshot(space, &other) == -ESHUTDOWN);
	check(vcore_space_copy_in(space, at, &byte, 1) == -ESHUTDOWN);
	check(vcore_space_copy_out(space, &byte, at, 1) == -ESHUTDOWN);
	check(vcore_run(NULL, live_there, NULL, NULL) == 0);
	vcore_space_statistics(space, &statistics);
	check(statistics.mappings == 0);
	check(vcore_space_size(space) > 0 && vcore_block_size(block) == 2 * page_size());
	_exit(0);
}

Test(space_fork, in_the_child_calls_say_that_it_is_not_there)
{
	struct outcome outcome;

	start();
	run_child(&outcome, call_all);
	cr_assert(exited_with(&outcome, 0));
	cr_assert_str_eq(at, "the parent's");
	finish_all();
}

static void look_at_the_memory(void)
{
	check(!is_readable(at));
	check(!is_readable(vcore_space_base(space)));
	check(!is_readable((char *)vcore_space_base(space) + vcore_space_size(space) - 1));
	_exit(0);
}

Test(space_fork, the_child_does_not_have_the_memory)
{
	struct outcome outcome;

	start();
	copy = snapshot_of(block); /* a private mapping, which a child would copy */
	map(space, copy, VCORE_PROTECT_READ_WRITE);
	run_child(&outcome, look_at_the_memory);
	cr_assert(exited_with(&outcome, 0));
	space_gone(space);
	block_gone(block);
	block_gone(copy);
}

static void have_none_of_the_parents(void)
{
	check(shared_pages() == 0);
	_exit(0);
}

Test(space_fork, the_child_does_not_have_the_descriptor)
{
	struct outcome outcome;

	start();
	cr_assert_neq(shared_pages(), 0);
	run_child(&outcome, have_none_of_the_parents);
	cr_assert(exited_with(&outcome, 0));
	finish_all();
}

static void make_others(void)
{
	start();
	copy = snapshot_of(block);
	at[0] = 'T';
	check(strcmp(at, "The parent's") == 0);
	finish_all();
	block_gone(copy);
	_exit(0);
}

Test(space_fork, the_child_may_make_others)
{
	struct outcome outcome;

	start();
	run_child(&outcome, make_others);
	cr_assert(exited_with(&outcome, 0));
	cr_assert_str_eq(at, "the parent's");
	finish_all();
}

/* Others map meanwhile: the child must find no lock taken, and no memory. */
static atomic_bool stop;

static void *map_on(void *unused)
{
	while (!atomic_load(&stop)) {
		struct vcore_space *mine = space_of(VCORE_SPACE_GUARDED);
		struct vcore_block *some = block_of(1);

		for (int i = 0; i < 20; i++) {
			unmap(mine, map(mine, some, VCORE_PROTECT_READ_WRITE));
		}
		unmap(space, map(space, some, VCORE_PROTECT_READ_WRITE));
		space_gone(mine);
		block_gone(some);
	}
	return unused;
}

static bool maps_a_block(void)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	char line[512];
	bool found = false;

	check(maps != NULL);
	while (fgets(line, sizeof(line), maps) != NULL) {
		found = found || strstr(line, "memfd:vcore") != NULL;
	}
	fclose(maps);
	return found;
}

static void find_all_free(void)
{
	check(!maps_a_block());
	make_others();
}

Test(space_fork, while_others_map_the_child_finds_no_lock_taken_and_no_memory)
{
	struct outcome outcome;
	pthread_t others[2];

	space = space_of(VCORE_SPACE_GUARDED);
	for (int i = 0; i < 2; i++) {
		others[i] = start_pthread(map_on, NULL);
	}
	for (int i = 0; i < 50; i++) {
		run_child(&outcome, find_all_free);
		cr_assert(exited_with(&outcome, 0), "%s", outcome.text);
	}
	atomic_store(&stop, true);
	for (int i = 0; i < 2; i++) {
		finish_pthread(others[i]);
	}
	space_gone(space);
}

static void *copy_on(void *unused)
{
	while (!atomic_load(&stop)) {
		struct vcore_space *mine;

		check(vcore_space_snapshot(space, &mine) == 0);
		space_gone(mine);
	}
	return unused;
}

static void do_no_more(void)
{
	_exit(0);
}

/* A fork has all locks at a time, which others must not take in another order. */
Test(space_fork, while_others_take_snapshots)
{
	struct vcore_block *blocks[16];
	struct outcome outcome;
	pthread_t others[2];

	space = space_of(VCORE_SPACE_GUARDED);
	for (int i = 0; i < 16; i++) {
		blocks[i] = block_of(1);
		map(space, blocks[i], VCORE_PROTECT_READ_WRITE);
	}
	atomic_store(&stop, false);
	for (int i = 0; i < 2; i++) {
		others[i] = start_pthread(copy_on, NULL);
	}
	for (int i = 0; i < 500; i++) {
		run_child(&outcome, do_no_more);
		cr_assert(exited_with(&outcome, 0), "%s", outcome.text);
	}
	atomic_store(&stop, true);
	for (int i = 0; i < 2; i++) {
		finish_pthread(others[i]);
	}
	space_gone(space);
	for (int i = 0; i < 16; i++) {
		block_gone(blocks[i]);
	}
}
