/*
 * Exclusive spaces: what include/vcore/space.h and thread.h promise of threads that
 * live in a space, one promise to a test.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "ticking.h"

#include <sys/wait.h>
#include <unistd.h>
#include <vcore/space.h>

TestSuite(exclusive, .timeout = 100);

/* --- spaces, with a page mapped ----------------------------------------------------- */

struct house {
	struct vcore_space *space;
	struct vcore_block *block;
	char *page;
};

static struct house build(enum vcore_space_level level)
{
	struct vcore_space_options options = {
		.least = level, .most = level, .bytes = (size_t)256 << 20};
	struct house house;
	void *at;

	check(vcore_space_create(&house.space, &options) == 0);
	check(vcore_block_allocate(&house.block, 4096) == 0);
	check(vcore_space_map(house.space, house.block, VCORE_ANYWHERE, VCORE_PROTECT_READ_WRITE,
			      &at) == 0);
	house.page = at;
	return house;
}

static struct house build_exclusive(void)
{
	return build(VCORE_SPACE_EXCLUSIVE);
}

static void demolish(const struct house *house)
{
	check(vcore_space_delete(house->space) == 0);
	check(vcore_block_free(house->block) == 0);
}

static struct vcore_thread *spawn_in(const struct house *house, void *(*entry)(void *),
				     void *argument)
{
	struct vcore_thread_options options = {.space = house->space};

	return spawn_with(options, entry, argument);
}

static struct vcore_space_statistics statistics_of(const struct house *house)
{
	struct vcore_space_statistics statistics = {.size = sizeof statistics};

	vcore_space_statistics(house->space, &statistics);
	return statistics;
}

static bool is_in(const struct house *house, const void *address)
{
	return (size_t)((const char *)address - (const char *)vcore_space_base(house->space)) <
	       vcore_space_size(house->space);
}

/* Whether the kernel can read it, on behalf of the caller. */
static bool is_readable(const char *address)
{
	int ends[2];
	bool readable;

	check(pipe(ends) == 0);
	readable = write(ends[1], address, 1) == 1;
	check(readable || errno == EFAULT);
	close(ends[0]);
	close(ends[1]);
	return readable;
}

/* --- who lives in it ------------------------------------------------------------------ */

static void *find_own_stack(void *argument)
{
	const struct house *house = argument;
	struct vcore_block *block = house->block;
	char local;

	if (vcore_space_level(house->space) == VCORE_SPACE_EXCLUSIVE) {
		check(is_in(house, &local));
		check(vcore_space_find(house->space, &local, &block, NULL, NULL) == 0);
		check(block == NULL);
		check(vcore_space_unmap(house->space, &local) == -EBUSY);
	} else {
		check(!is_in(house, &local));
	}
	return argument;
}

static void live_in(enum vcore_space_level level)
{
	struct house house = build(level);

	check(finish(spawn_in(&house, find_own_stack, &house)) == &house);
	check(statistics_of(&house).threads == 0);
	check(statistics_of(&house).mappings == 1);
	demolish(&house);
}

TestAround(exclusive, threads_of_an_exclusive_space_have_their_stacks_in_it)
{
	live_in(VCORE_SPACE_EXCLUSIVE);
}

TestAround(exclusive, threads_of_other_spaces_have_theirs_outside)
{
	live_in(VCORE_SPACE_NAMED);
	live_in(VCORE_SPACE_GUARDED);
}

static void stay_undeleted(enum vcore_space_level level)
{
	struct house house = build(level);
	atomic_bool flag = false;
	struct vcore_thread *thread = spawn_in(&house, yield_until, &flag);

	check(statistics_of(&house).threads == 1);
	check(vcore_space_delete(house.space) == -EBUSY);
	atomic_store(&flag, true);
	until(info_of(thread).state == VCORE_THREAD_ENDED);
	check(vcore_space_delete(house.space) == -EBUSY);
	finish(thread);
	check(statistics_of(&house).threads == 0);
	demolish(&house);
}

TestAround(exclusive, a_space_is_not_deleted_before_its_threads_were_joined)
{
	stay_undeleted(VCORE_SPACE_NAMED);
	stay_undeleted(VCORE_SPACE_GUARDED);
	stay_undeleted(VCORE_SPACE_EXCLUSIVE);
}

TestAround(exclusive, one_that_is_detached_is_gone_when_it_has_ended)
{
	struct house house = build_exclusive();
	struct vcore_thread_options options = {.space = house.space, .runtime = runtime};

	check(vcore_thread_allocate(NULL, &options, find_own_stack, &house) == 0);
	check(vcore_thread_detach(spawn_in(&house, find_own_stack, &house)) == 0);
	until(statistics_of(&house).threads == 0);
	demolish(&house);
}

TestInside(exclusive, a_stack_that_has_no_room_in_the_space_is_refused)
{
	struct vcore_space_options space = {.least = VCORE_SPACE_EXCLUSIVE, .bytes = 65536};
	struct vcore_thread_options options = {.stack_size = 1 << 20};
	struct vcore_thread *thread;

	check(vcore_space_create(&options.space, &space) == 0);
	check(vcore_thread_allocate(&thread, &options, do_nothing, NULL) == -ENOMEM);
	check(vcore_space_delete(options.space) == 0);
}

TestInside(exclusive, a_stack_has_the_size_that_was_asked_for)
{
	struct house house = build_exclusive();
	struct vcore_thread_options options = {.space = house.space, .stack_size = 300000};
	atomic_bool flag = false;
	struct vcore_thread *thread = spawn_with(options, yield_until, &flag);

	vcore_yield();
	check(info_of(thread).stack_size >= 300000);
	check(info_of(thread).stack_used > 0 && info_of(thread).stack_used < 300000);
	atomic_store(&flag, true);
	finish(thread);
	demolish(&house);
}

/* --- what is closed ---------------------------------------------------------------------- */

static void *look_for(void *page)
{
	return is_readable(page) ? page : NULL;
}

static void *write_to(void *page)
{
	*(char *)page = 'w';
	return page;
}

TestAround(exclusive, its_memory_is_there_for_its_threads)
{
	struct house house = build_exclusive();

	check(finish(spawn_in(&house, write_to, house.page)) == house.page);
	check(finish(spawn_in(&house, look_for, house.page)) == house.page);
	demolish(&house);
}

TestAround(exclusive, its_memory_is_closed_to_threads_of_another)
{
	struct house one = build_exclusive(), other = build_exclusive();

	check(finish(spawn_in(&one, write_to, one.page)) == one.page);
	check(finish(spawn_in(&other, look_for, one.page)) == NULL);
	demolish(&one);
	demolish(&other);
}

TestAround(exclusive, a_space_without_threads_is_closed_while_another_has_some)
{
	struct house one = build_exclusive(), other = build_exclusive(), later;
	atomic_bool flag = false;
	struct vcore_thread *thread;

	check(is_readable(one.page) && is_readable(other.page));
	thread = spawn_in(&one, yield_until, &flag);
	until(info_of(thread).switches > 0);
	later = build_exclusive();
	check(!is_readable(other.page) && !is_readable(later.page));
	atomic_store(&flag, true);
	finish(thread);
	check(is_readable(other.page) && is_readable(later.page));
	demolish(&one);
	demolish(&other);
	demolish(&later);
}

/* --- taking turns -------------------------------------------------------------------------- */

#define TURNS 50

struct player {
	struct house house, other;
	struct vcore_eventcount *mine, *others;
};

static void *pass_the_turn(void *argument)
{
	struct player *self = argument;

	for (int i = 0; i < TURNS; i++) {
		check(vcore_eventcount_await(self->mine, i, VCORE_NEVER) == 0);
		self->house.page[0]++;
		check(!is_readable(self->other.page));
		vcore_eventcount_advance(self->others);
	}
	return NULL;
}

TestAround(exclusive, spaces_whose_threads_wait_for_each_other_take_turns)
{
	struct vcore_eventcount events[2] = {{0}, {0}};
	struct player players[2] = {
		{build_exclusive(), {0}, &events[0], &events[1]},
		{build_exclusive(), {0}, &events[1], &events[0]},
	};
	struct vcore_thread *threads[2];

	players[0].other = players[1].house;
	players[1].other = players[0].house;
	for (int i = 0; i < 2; i++) {
		threads[i] = spawn_in(&players[i].house, pass_the_turn, &players[i]);
	}
	vcore_eventcount_advance(&events[0]);
	for (int i = 0; i < 2; i++) {
		finish(threads[i]);
		check(statistics_of(&players[i].house).opened >= TURNS);
	}
	for (int i = 0; i < 2; i++) {
		demolish(&players[i].house);
	}
}

static void *yield_often(void *argument)
{
	for (int i = 0; i < 1000; i++) {
		vcore_yield();
	}
	return argument;
}

TestAround(exclusive, one_that_nobody_waits_for_stays_open)
{
	struct house house = build_exclusive();
	struct vcore_thread *threads[] = {
		spawn_in(&house, yield_often, NULL), spawn(yield_often, NULL),
		spawn_in(&house, yield_often, NULL), spawn(yield_often, NULL)};

	for (int i = 0; i < 4; i++) {
		finish(threads[i]);
	}
	check(statistics_of(&house).opened <= 2); /* the first two may have ended first */
	demolish(&house);
}

static atomic_int turns;

static void *take_turns(void *first)
{
	for (int i = *(int *)first; i < 6; i += 2) {
		while (atomic_load(&turns) != i) {
			occupy_for(100);
		}
		atomic_fetch_add(&turns, 1);
	}
	return NULL;
}

static void compute_by_turns(unsigned flags)
{
	static int first[] = {0, 1};
	struct house houses[] = {build_exclusive(), build_exclusive()};
	struct vcore_thread *threads[2];

	atomic_store(&turns, 0);
	for (int i = 0; i < 2; i++) {
		struct vcore_thread_options options = {.space = houses[i].space, .flags = flags};

		threads[i] = spawn_with(options, take_turns, &first[i]);
	}
	for (int i = 0; i < 2; i++) {
		finish(threads[i]);
	}
	for (int i = 0; i < 2; i++) {
		check(statistics_of(&houses[i]).opened > 0);
		demolish(&houses[i]);
	}
}

TestTicking(exclusive, spaces_whose_threads_compute_take_turns)
{
	compute_by_turns(0);
}

TestTicking(exclusive, so_do_those_of_light_threads)
{
	if (vcore_preempt_obstacle() == NULL) {
		compute_by_turns(VCORE_THREAD_LIGHT);
	}
}

TestTicking(exclusive, so_do_those_whose_floating_point_environment_travels)
{
	compute_by_turns(VCORE_THREAD_FPENV);
}

/* On several processors, none of which has anything else to run. */
static void compute_on(unsigned processors)
{
	struct vcore_runtime_options options = {.processors = processors, .quantum = MILLISECOND};

	runtime_start(&options);
	compute_by_turns(0);
	runtime_finish();
}

Test(exclusive, spaces_whose_threads_compute_take_turns_on_several_processors)
{
	compute_on(2);
	compute_on(4);
}

TestTicking(exclusive, a_thread_computes_on_beside_threads_of_no_space)
{
	struct house house = build_exclusive();
	static int first[] = {0, 1};
	struct vcore_thread *one = spawn_in(&house, take_turns, &first[0]);
	struct vcore_thread *other;

	atomic_store(&turns, 0);
	other = spawn(take_turns, &first[1]);
	finish(one);
	finish(other);
	demolish(&house);
}

/* No ticks: they change when they yield. */
static void *yield_by_turns(void *first)
{
	for (int i = *(int *)first; i < 6; i += 2) {
		while (atomic_load(&turns) != i) {
			vcore_yield();
		}
		atomic_fetch_add(&turns, 1);
	}
	return NULL;
}

TestInTurns(exclusive, without_ticks_they_take_turns_when_they_yield)
{
	static int first[] = {0, 1};
	struct house one = build_exclusive(), other = build_exclusive();
	struct vcore_thread *threads[2];

	atomic_store(&turns, 0);
	threads[0] = spawn_in(&one, yield_by_turns, &first[0]);
	threads[1] = spawn_in(&other, yield_by_turns, &first[1]);
	finish(threads[0]);
	finish(threads[1]);
	demolish(&one);
	demolish(&other);
}

/* --- foreign code -------------------------------------------------------------------------- */

static int ends[2];

static void *read_one(void *result)
{
	char c;

	while (read(ends[0], &c, 1) != 1) {
		check(errno == EINTR);
	}
	return result;
}

TestTicking(exclusive, one_that_blocks_in_the_kernel_keeps_its_space_open)
{
	struct house one = build_exclusive(), other = build_exclusive();
	struct vcore_thread *reader, *waits;

	check(pipe(ends) == 0);
	reader = spawn_in(&one, read_one, NULL);
	until(info_of(reader).switches > 0 && info_of(reader).let_go);
	waits = spawn_in(&other, do_nothing, NULL);
	until(statistics_of(&one).stalls > 2);
	check(info_of(waits).switches == 0 && info_of(waits).state == VCORE_THREAD_RUNNABLE);
	check(write(ends[1], "x", 1) == 1);
	finish(reader);
	finish(waits);
	check(statistics_of(&other).stalls == 0);
	demolish(&one);
	demolish(&other);
}

/* --- ending ---------------------------------------------------------------------------------- */

static void hold_back(void (*end)(struct vcore_thread *held))
{
	struct house one = build_exclusive(), other = build_exclusive();
	struct vcore_thread *reader, *held;

	check(pipe(ends) == 0);
	reader = spawn_in(&one, read_one, NULL);
	until(info_of(reader).switches > 0 && info_of(reader).let_go);
	held = spawn_in(&other, sleep_forever, NULL);
	until(statistics_of(&one).stalls > 0);
	end(held);
	check(write(ends[1], "x", 1) == 1);
	finish(reader);
	check(fate(held) == VCORE_DESTROYED);
	demolish(&one);
	demolish(&other);
}

static void ask_to_end(struct vcore_thread *held)
{
	check(vcore_thread_destroy(held) == 0);
}

TestTicking(exclusive, one_that_is_held_back_can_be_destroyed)
{
	struct vcore_thread *idle = spawn(sleep_forever, NULL);

	hold_back(ask_to_end);
	destroy(idle);
}

static void *compute_forever(void *unused)
{
	for (;;) {
		occupy_for(1000);
	}
	return unused;
}

TestTicking(exclusive, one_that_is_kept_can_be_destroyed)
{
	struct house one = build_exclusive(), other = build_exclusive();
	struct vcore_thread *threads[2];

	for (int i = 0; i < 2; i++) {
		struct vcore_thread_options options = {.space = i ? other.space : one.space,
						       .flags = VCORE_THREAD_DESTROY_ANYWHERE};

		threads[i] = spawn_with(options, compute_forever, NULL);
	}
	until(info_of(threads[0]).preemptions > 0 && info_of(threads[1]).preemptions > 0);
	destroy(threads[0]);
	destroy(threads[1]);
	demolish(&one);
	demolish(&other);
}

Test(exclusive, a_runtime_that_stops_ends_them_all)
{
	struct vcore_runtime_options options = {.processors = 2, .quantum = MILLISECOND};
	struct house houses[] = {build_exclusive(), build_exclusive(), build_exclusive()};

	runtime_start(&options);
	for (int i = 0; i < 30; i++) {
		struct vcore_thread_options in = {.runtime = runtime, .space = houses[i % 3].space};

		check(vcore_thread_allocate(NULL, &in, i % 2 ? yield_often : sleep_forever, NULL) ==
		      0);
	}
	check(vcore_runtime_stop(runtime) == 0);
	runtime_finish();
	for (int i = 0; i < 3; i++) {
		demolish(&houses[i]);
	}
}

/* Their handles are invalid then; and other spaces need not wait for them to end. */
Test(exclusive, threads_that_nobody_joined_are_gone_with_their_runtime)
{
	struct house houses[] = {build(VCORE_SPACE_NAMED), build_exclusive()};

	runtime_start(&(struct vcore_runtime_options){.processors = 2});
	for (int i = 0; i < 2; i++) {
		struct vcore_thread *thread = spawn_in(&houses[i], do_nothing, NULL);

		until(info_of(thread).state == VCORE_THREAD_ENDED);
		check(statistics_of(&houses[i]).threads == 1);
	}
	runtime_finish();
	for (int i = 0; i < 2; i++) {
		check(statistics_of(&houses[i]).threads == 0);
		check(is_readable(houses[i].page));
		demolish(&houses[i]);
	}
}

/* --- in a child of fork ------------------------------------------------------------------- */

static void *fork_and_wait(void *result)
{
	char local = 'l';
	int status;
	pid_t child = fork();

	if (child == 0) {
		_exit(local == 'l' ? 7 : 1);
	}
	while (waitpid(child, &status, 0) != child) {
		check(errno == EINTR);
	}
	check(WIFEXITED(status) && WEXITSTATUS(status) == 7);
	return result;
}

TestTicking(exclusive, one_that_forks_goes_on_in_the_child)
{
	struct house house = build_exclusive();

	finish(spawn_in(&house, fork_and_wait, NULL));
	demolish(&house);
}
