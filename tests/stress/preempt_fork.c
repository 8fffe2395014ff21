/*
 * A program forks while its threads are preempted, let go, and block: from a
 * pthread of the host's and from vcore threads.  The child can allocate memory
 * and has a runtime of its own, with ticks; the parent's threads go on.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "rounds_libc.h"
#include <sys/prctl.h>
#include <sys/wait.h>
#include <vcore/space.h>

static void *play(void *argument)
{
	struct game *game = argument;
	struct vcore_thread *players[2];

	game_prepare(game);
	for (int i = 0; i < 2; i++) {
		CHECK_IS(vcore_thread_allocate(&players[i], NULL, game_play, &game->players[i]), 0);
	}
	stress_join(players[0]);
	stress_join(players[1]);
	return NULL;
}

/* Its exit status is how many checks failed. */
__attribute__((noreturn)) static void be_child(int64_t quantum)
{
	struct vcore_runtime_options options = {.processors = 1, .quantum = quantum};
	char *text = malloc(10000);
	struct game game;

	atomic_store(&tap_failures, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	options.stack_size = 64 * 1024 + STRESS_EXTRA_STACK;
	memset(text, 'x', 10000);
	free(text);
	CHECK_IS(vcore_run(&options, play, &game, NULL), 0);
	CHECK_IS(game.ball, GAME_PASSES);
	_exit((int)atomic_load(&tap_failures));
}

static void fork_once(int64_t quantum)
{
	pid_t child = fork();
	int status = -1;

	if (child == 0) {
		be_child(quantum);
	}
	CHECK(child > 0);
	while (waitpid(child, &status, WNOHANG) == 0) {
		vcore_sleep(vcore_after(200 * MICROSECOND));
	}
	CHECK_IS(status, 0);
}

static void *fork_inside(void *ticks)
{
	fork_once(((const struct ticks *)ticks)->quantum);
	return NULL;
}

/* All the while others compute, allocate, and are in the kernel. */
static void fork_often(const struct ticks *ticks)
{
	static const struct labour labours[] = {
		{.name = "allocating", .round = round_allocate},
		{.name = "sorting", .round = round_sort},
	};
	static struct shift shifts[2];
	struct ticks inside = *ticks;

	shift_start(&shifts[0], ticks, &labours[0]);
	shift_start(&shifts[1], ticks, &labours[1]);
	for (size_t i = stress_size(4, 2); i > 0; i--) {
		fork_once(ticks->quantum);
		stress_join(stress_spawn(ticks->runtime, fork_inside, &inside));
	}
	shift_end(&shifts[0]);
	shift_end(&shifts[1]);
}

/* --- beside exclusive spaces ------------------------------------------------------------ */

#define SPACES 2

static _Atomic bool over;

static void *compute_and_sleep(void *unused)
{
	while (!atomic_load(&over)) {
		compute(1, 300000);
		vcore_sleep(vcore_after(200 * MICROSECOND));
	}
	return unused;
}

/* Two in each: the spaces change while one of no space forks, which has their locks. */
static void settle(const struct ticks *ticks, struct vcore_space **space,
		   struct vcore_thread *threads[2])
{
	struct vcore_space_options exclusive = {.least = VCORE_SPACE_EXCLUSIVE,
						.most = VCORE_SPACE_EXCLUSIVE};
	struct vcore_thread_options options = {.runtime = ticks->runtime};

	CHECK_IS(vcore_space_create(space, &exclusive), 0);
	options.space = *space;
	for (int i = 0; i < 2; i++) {
		CHECK_IS(vcore_thread_allocate(&threads[i], &options, compute_and_sleep, NULL), 0);
	}
}

static void fork_beside_spaces(const struct ticks *ticks)
{
	struct vcore_space *spaces[SPACES];
	struct vcore_thread *threads[SPACES][2];
	struct ticks inside = *ticks;

	atomic_store(&over, false);
	for (int i = 0; i < SPACES; i++) {
		settle(ticks, &spaces[i], threads[i]);
	}
	for (size_t i = stress_size(3, 1); i > 0; i--) {
		stress_join(stress_spawn(ticks->runtime, fork_inside, &inside));
	}
	atomic_store(&over, true);
	for (int i = 0; i < SPACES; i++) {
		stress_join(threads[i][0]);
		stress_join(threads[i][1]);
		CHECK_IS(vcore_space_delete(spaces[i]), 0);
	}
}

static void try_fork(const struct ticks *ticks)
{
	ticks_try(ticks, "fork", fork_often);
	ticks_try(ticks, "fork beside exclusive spaces", fork_beside_spaces);
}

int main(int argc, char **argv)
{
#ifdef STRESS_TSAN
	return tap_skip_all("TSan cannot have a child of many threads make threads of its own");
#endif
#ifdef STRESS_ASAN /* a child waits for ever for what a lost thread has locked */
	return tap_skip_all("ASan's allocator is not made ready for fork");
#endif
	return ticks_main(argc, argv, try_fork);
}
