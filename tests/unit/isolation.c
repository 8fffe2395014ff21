/*
 * Isolation: what doc/isolation.md says that each level stops, and that it does
 * not stop, one statement to a test.  What goes by way of the kernel, or of calls of
 * the library, is in isolation-kernel.c; what ends a thread or the process in
 * tests/fault/isolation.c.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "isolation.h"

#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

TestSuite(isolation, .timeout = 100);

/* --- guarded ------------------------------------------------------------------------ */

static void *write_there(void *page)
{
	*(char *)page = 'w';
	return page;
}

TestAround(isolation, a_guarded_space_is_open_to_all_threads)
{
	struct house one = build(VCORE_SPACE_GUARDED), other = build(VCORE_SPACE_GUARDED);

	check(finish(spawn_in(&other, write_there, one.page)) == one.page && *one.page == 'w');
	*one.page = 0;
	finish_pthread(start_pthread(write_there, one.page));
	check(*one.page == 'w');
	demolish(&one);
	demolish(&other);
}

TestEverywhere(isolation, what_goes_beyond_a_guard_meets_with_no_other)
{
	struct house house = build(VCORE_SPACE_GUARDED);
	struct vcore_block *block = block_of(1);
	char *next = map(house.space, block, VCORE_PROTECT_READ_WRITE);

	check(next == house.page + 2 * page_size());
	house.page[2 * page_size()] = 'x'; /* an index that is wrong by more than a guard */
	check(*next == 'x');
	space_gone(house.space);
	block_gone(house.block);
	block_gone(block);
}

/* --- exclusive: who is beside ----------------------------------------------------------- */

TestAround(isolation, while_it_is_open_threads_of_no_space_reach_it)
{
	struct house house = build(VCORE_SPACE_EXCLUSIVE);
	struct keeper keeper;

	keep_open(&keeper, &house);
	write_there(house.page);
	check(*house.page == 'w');
	keep_no_more(&keeper);
	demolish(&house);
}

TestAround(isolation, while_it_is_open_pthreads_reach_it)
{
	struct house house = build(VCORE_SPACE_EXCLUSIVE);
	struct keeper keeper;

	keep_open(&keeper, &house);
	finish_pthread(start_pthread(write_there, house.page));
	check(*house.page == 'w');
	keep_no_more(&keeper);
	demolish(&house);
}

TestAround(isolation, while_it_is_open_threads_of_guarded_spaces_reach_it)
{
	struct house house = build(VCORE_SPACE_EXCLUSIVE), guarded = build(VCORE_SPACE_GUARDED);
	struct keeper keeper;

	keep_open(&keeper, &house);
	check(finish(spawn_in(&guarded, write_there, house.page)) == house.page);
	check(*house.page == 'w');
	keep_no_more(&keeper);
	demolish(&house);
	demolish(&guarded);
}

TestAround(isolation, without_threads_of_others_it_is_open)
{
	struct house house = build(VCORE_SPACE_EXCLUSIVE);

	check(finish(spawn(write_there, house.page)) == house.page && *house.page == 'w');
	demolish(&house);
}

TestAround(isolation, threads_of_one_space_reach_each_others_stacks)
{
	struct house house = build(VCORE_SPACE_EXCLUSIVE);
	struct victim victim = {NULL, VCORE_EVENTCOUNT_INITIALIZER};
	struct vcore_thread *thread = spawn_in(&house, offer_its_stack, &victim);

	until(atomic_load(&victim.local) != NULL);
	finish(spawn_in(&house, write_there, atomic_load(&victim.local)));
	vcore_eventcount_advance(&victim.event);
	check(finish(thread) == &victim);
	demolish(&house);
}

TestAround(isolation, what_is_mapped_elsewhere_too_is_reached_there)
{
	struct house one = build(VCORE_SPACE_EXCLUSIVE), guarded = build(VCORE_SPACE_GUARDED),
		     other = build(VCORE_SPACE_EXCLUSIVE);
	char *there = map(guarded.space, one.block, VCORE_PROTECT_READ_WRITE);
	struct keeper keeper;

	keep_open(&keeper, &other);
	check(!is_readable(one.page));
	check(finish(spawn_in(&other, write_there, there)) == there);
	keep_no_more(&keeper);
	check(*one.page == 'w');
	unmap(guarded.space, there);
	demolish(&one);
	demolish(&guarded);
	demolish(&other);
}

/* --- exclusive: what lies outside --------------------------------------------------------- */

static char global;

struct outside {
	char *allocated;
	int pipe[2];
};

static void *use_the_processs(void *argument)
{
	const struct outside *outside = argument;

	global = 'g';
	outside->allocated[0] = 'a';
	check(write(outside->pipe[1], "p", 1) == 1);
	return argument;
}

TestAround(isolation, globals_the_ordinary_heap_and_descriptors_are_everyones)
{
	struct house one = build(VCORE_SPACE_EXCLUSIVE), other = build(VCORE_SPACE_EXCLUSIVE);
	struct outside outside = {.allocated = calloc(1, 1)};
	struct keeper keeper;
	char c = 0;

	global = 0;
	check(pipe(outside.pipe) == 0);
	keep_open(&keeper, &one);
	finish(spawn_in(&other, use_the_processs, &outside));
	keep_no_more(&keeper);
	check(global == 'g' && outside.allocated[0] == 'a');
	check(read(outside.pipe[0], &c, 1) == 1 && c == 'p');
	close(outside.pipe[0]);
	close(outside.pipe[1]);
	free(outside.allocated);
	demolish(&one);
	demolish(&other);
}

static void *write_what_is_there(void *byte)
{
	__atomic_fetch_or((char *)byte, 0, __ATOMIC_RELAXED);
	return byte;
}

TestAround(isolation, control_blocks_are_everyones)
{
	struct house one = build(VCORE_SPACE_EXCLUSIVE), other = build(VCORE_SPACE_EXCLUSIVE);
	struct keeper keeper;

	keep_open(&keeper, &one);
	check((size_t)((char *)keeper.thread - (char *)vcore_space_base(one.space)) >=
	      vcore_space_size(one.space));
	finish(spawn_in(&other, write_what_is_there, keeper.thread));
	keep_no_more(&keeper);
	demolish(&one);
	demolish(&other);
}

/* --- time ------------------------------------------------------------------------------------- */

static atomic_bool undisturbed, may_end;

static void *compute_undisturbed(void *argument)
{
	vcore_preempt_disable();
	atomic_store(&undisturbed, true);
	while (!atomic_load(&may_end)) {
		occupy_for(1000);
	}
	vcore_preempt_enable();
	return argument;
}

/* Slices are over, and its thread does not leave. */
Test(isolation, who_has_preemption_disabled_keeps_its_space_open)
{
	struct vcore_runtime_options options = {.processors = 3, .quantum = MILLISECOND};
	struct house one = build(VCORE_SPACE_EXCLUSIVE), other = build(VCORE_SPACE_EXCLUSIVE);
	struct vcore_thread *computes, *waits;
	vcore_instant slices;

	runtime_start(&options);
	atomic_store(&undisturbed, false);
	atomic_store(&may_end, false);
	computes = spawn_in(&one, compute_undisturbed, NULL);
	while (!atomic_load(&undisturbed)) {
		vcore_sleep(vcore_after(MILLISECOND));
	}
	waits = spawn_in(&other, do_nothing, NULL);
	slices = vcore_after(20 * MILLISECOND);
	for (int looks = 0; looks < 20 || vcore_now() < slices; looks++) {
		check(is_readable(one.page) && !is_readable(other.page));
	}
	check(info_of(waits).switches == 0);
	atomic_store(&may_end, true);
	finish(computes);
	finish(waits);
	runtime_finish();
	demolish(&one);
	demolish(&other);
}

/* --- fork ----------------------------------------------------------------------------- */

static struct victim of_the_fork;

/* In the child, the stacks of others are copies. */
static void *fork_beside(void *argument)
{
	int status;
	pid_t child = fork();

	if (child == 0) {
		_exit(is_readable(atomic_load(&of_the_fork.local)) && !is_readable(argument) ? 7
											     : 1);
	}
	while (waitpid(child, &status, 0) != child) {
		check(errno == EINTR);
	}
	check(WIFEXITED(status) && WEXITSTATUS(status) == 7);
	return argument;
}

TestAround(isolation, a_child_of_fork_has_the_stacks_and_no_blocks)
{
	struct house house = build(VCORE_SPACE_EXCLUSIVE);
	struct vcore_thread *thread;

	atomic_store(&of_the_fork.local, NULL);
	of_the_fork.event = (struct vcore_eventcount)VCORE_EVENTCOUNT_INITIALIZER;
	thread = spawn_in(&house, offer_its_stack, &of_the_fork);
	until(atomic_load(&of_the_fork.local) != NULL);
	finish(spawn_in(&house, fork_beside, house.page));
	vcore_eventcount_advance(&of_the_fork.event);
	check(vcore_thread_join(thread, NULL, VCORE_NEVER) == 0);
	demolish(&house);
}

static void *fork_and_build(void *argument)
{
	int status;
	pid_t child = fork();

	if (child == 0) {
		struct house house = build(VCORE_SPACE_EXCLUSIVE);

		_exit(is_writable(house.page) ? 7 : 1);
	}
	while (waitpid(child, &status, 0) != child) {
		check(errno == EINTR);
	}
	check(WIFEXITED(status) && WEXITSTATUS(status) == 7);
	return argument;
}

TestAround(isolation, in_a_child_of_fork_nobody_closes_anything)
{
	struct house house = build(VCORE_SPACE_EXCLUSIVE);

	finish(spawn_in(&house, fork_and_build, NULL));
	demolish(&house);
}

/* --- snapshots ------------------------------------------------------------------------ */

TestAround(isolation, a_snapshot_of_a_closed_space_is_closed_with_it)
{
	struct house one = build(VCORE_SPACE_EXCLUSIVE), other = build(VCORE_SPACE_EXCLUSIVE);
	struct vcore_space *copy;
	char *there;
	struct keeper keeper;

	*one.page = 's';
	keep_open(&keeper, &other);
	check(vcore_space_snapshot(one.space, &copy) == 0);
	there = (char *)vcore_space_base(copy) + (one.page - (char *)vcore_space_base(one.space));
	check(vcore_space_level(copy) == VCORE_SPACE_EXCLUSIVE && !is_readable(there));
	keep_no_more(&keeper);
	check(*there == 's');
	*there = 't';
	check(*one.page == 's');
	space_gone(copy);
	demolish(&one);
	demolish(&other);
}

/* Of one whose copies of blocks are in use elsewhere: it stays, and so closed. */
static struct vcore_space *undeletable;
static atomic_bool enough;

static void *delete_again_and_again(void *unused)
{
	while (!atomic_load(&enough)) {
		check(vcore_space_delete(undeletable) == -EBUSY);
	}
	return unused;
}

static void *look_again_and_again(void *page)
{
	for (int i = 0; i < 20; i++) {
		check(!is_readable(page));
	}
	return page;
}

TestAround(isolation, a_space_that_was_not_deleted_is_closed_with_the_others)
{
	struct house one = build(VCORE_SPACE_EXCLUSIVE), other = build(VCORE_SPACE_EXCLUSIVE);
	struct vcore_space *guarded = space_of(VCORE_SPACE_GUARDED);
	struct vcore_block *block, *twice = block_of(1);
	char *there, *elsewhere, *first;
	pthread_t deleter;

	first = map(one.space, twice, VCORE_PROTECT_READ_WRITE); /* is copied at once */
	map(one.space, twice, VCORE_PROTECT_READ_WRITE);
	check(vcore_space_snapshot(one.space, &undeletable) == 0);
	there = (char *)vcore_space_base(undeletable) +
		(first - (char *)vcore_space_base(one.space));
	check(vcore_space_find(undeletable, there, &block, NULL, NULL) == 0);
	elsewhere = map(guarded, block, VCORE_PROTECT_READ);
	atomic_store(&enough, false);
	deleter = start_pthread(delete_again_and_again, NULL);
	for (int i = 0; i < 1000; i++) {
		finish(spawn_in(&other, look_again_and_again, there));
	}
	atomic_store(&enough, true);
	finish_pthread(deleter);
	unmap(guarded, elsewhere);
	space_gone(undeletable);
	space_gone(guarded);
	space_gone(one.space);
	block_gone(twice);
	block_gone(one.block);
	demolish(&other);
}
