/*
 * What lives in a space: what include/vcore/space.h promises of hold and release, one
 * promise to a test.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "support.h"

#include <stdlib.h>
#include <vcore/space.h>

TestSuite(space_hold, .timeout = 100);

static struct vcore_space *make(void)
{
	struct vcore_space *space = NULL;

	check(vcore_space_create(&space, NULL) == 0);
	return space;
}

TestEverywhere(space_hold, a_space_that_is_held_cannot_be_deleted)
{
	struct vcore_space *space = make();

	check(vcore_space_hold(space) == 0);
	check(vcore_space_hold(space) == 0);
	check(vcore_space_delete(space) == -EBUSY);
	vcore_space_release(space);
	check(vcore_space_delete(space) == -EBUSY);
	vcore_space_release(space);
	check(vcore_space_delete(space) == 0);
}

TestEverywhere(space_hold, a_space_that_was_held_is_as_before)
{
	struct vcore_space *space = make();
	struct vcore_block *block;
	void *at;

	check(vcore_space_hold(space) == 0);
	check(vcore_space_delete(space) == -EBUSY);
	check(vcore_block_allocate(&block, 1) == 0);
	check(vcore_space_map(space, block, 0, VCORE_PROTECT_READ_WRITE, &at) == 0);
	memset(at, 1, 100);
	vcore_space_release(space);
	check(vcore_space_delete(space) == 0);
	check(vcore_block_free(block) == 0);
}

static struct vcore_space *parents;

static void hold_the_parents(void)
{
	check(vcore_space_hold(parents) == -ESHUTDOWN);
	vcore_space_release(parents);
	vcore_space_release(parents);
	exit(0);
}

Test(space_hold, in_a_child_of_fork_it_is_refused)
{
	struct outcome *outcome = malloc(sizeof(struct outcome));

	parents = make();
	check(vcore_space_hold(parents) == 0);
	run_child(outcome, hold_the_parents);
	cr_assert(exited_with(outcome, 0), "%s", outcome->text);
	free(outcome);
	check(vcore_space_delete(parents) == -EBUSY);
	vcore_space_release(parents);
	check(vcore_space_delete(parents) == 0);
}

static void release_what_is_not_held(void)
{
	vcore_space_release(make());
}

static void hold_nothing(void)
{
	vcore_space_hold(NULL);
}

static void release_nothing(void)
{
	vcore_space_release(NULL);
}

Test(space_hold, misuse_panics)
{
	cr_assert(panics_with(release_what_is_not_held, "vcore_space_release: the space is not"));
	cr_assert(panics_with(hold_nothing, "vcore_space_hold: there is no space"));
	cr_assert(panics_with(release_nothing, "vcore_space_release: there is no space"));
}
