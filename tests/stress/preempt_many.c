/*
 * More threads that compute than there are processors, and more than there may
 * be kernel threads: all have their turn, and all finish.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "ticks.h"

#define MANY 1000

/* What all threads of a case wait for, computing. */
static struct {
	unsigned expected;
	_Atomic unsigned begun, finished;
	_Atomic bool release;
} crowd;

static unsigned finish(void)
{
	return atomic_fetch_add(&crowd.finished, 1) + 1;
}

/* Goes on when all have begun: none does before each has had a processor. */
static void *wait_for_all(void *unused)
{
	atomic_fetch_add(&crowd.begun, 1);
	while (atomic_load(&crowd.begun) < crowd.expected) {
		compute(1, 100);
	}
	finish();
	return unused;
}

static void crowd_run(const struct ticks *ticks, unsigned n, void *(*work)(void *),
		      void (*look)(const struct ticks *ticks))
{
	struct vcore_thread **threads = calloc(n, sizeof(threads[0]));

	crowd.expected = n;
	atomic_store(&crowd.begun, 0);
	atomic_store(&crowd.finished, 0);
	atomic_store(&crowd.release, false);
	for (unsigned i = 0; i < n; i++) {
		threads[i] = stress_spawn(ticks->runtime, work, NULL);
	}
	look(ticks);
	for (unsigned i = 0; i < n; i++) {
		stress_join(threads[i]);
	}
	CHECK_IS(crowd.begun, n);
	CHECK_IS(crowd.finished, n);
	free(threads);
}

static void look_at_nothing(const struct ticks *ticks)
{
	(void)ticks;
}

/* A thousand, or as many as have had a turn in a tenth of a second. */
static void all_begin(const struct ticks *ticks)
{
	crowd_run(ticks,
		  (unsigned)stress_size((size_t)(MANY * 100 * MICROSECOND / ticks->quantum), 20),
		  wait_for_all, look_at_nothing);
}

static void *spin_until_released(void *unused)
{
	atomic_fetch_add(&crowd.begun, 1);
	ticks_spin(&crowd.release);
	finish();
	return unused;
}

/* There are two spares: no more begin than have a kernel thread. */
static void look_at_the_bound(const struct ticks *ticks)
{
	struct vcore_statistics statistics;

	do {
		vcore_sleep(vcore_after(MILLISECOND));
		statistics = ticks_statistics(ticks);
	} while (statistics.spares_short == 0 || statistics.spares_limit == NULL);
	CHECK(strcmp(statistics.spares_limit, "spares") == 0);
	CHECK(statistics.spares <= 2);
	CHECK(crowd.begun <= ticks->processors + 2);
	CHECK_IS(crowd.finished, 0);
	/* Those that have begun take turns. */
	ticks_until(ticks_switches(ticks) > statistics.preemptions + statistics.hand_overs + 5);
	atomic_store(&crowd.release, true);
}

static void meet_the_bound(const struct ticks *ticks)
{
	crowd_run(ticks, 40, spin_until_released, look_at_the_bound);
}

/* Both have begun: they are put off in turn, and the others wait. */
static void play_at_the_bound(const struct ticks *ticks)
{
	struct vcore_thread *others[10], *players[2];
	struct game game;

	game_prepare(&game);
	atomic_store(&crowd.release, false);
	players[0] = stress_spawn(ticks->runtime, game_play, &game.players[0]);
	players[1] = stress_spawn(ticks->runtime, game_play, &game.players[1]);
	ticks_until(atomic_load(&game.ball) > 1);
	for (int i = 0; i < 10; i++) {
		others[i] = stress_spawn(ticks->runtime, spin_until_released, NULL);
	}
	stress_join(players[0]);
	stress_join(players[1]);
	atomic_store(&crowd.release, true);
	for (int i = 0; i < 10; i++) {
		stress_join(others[i]);
	}
	CHECK_IS(game.ball, GAME_PASSES);
}

/* Threads that block wait for a kernel thread to come free, like all. */
static void *sleep_and_compute(void *unused)
{
	atomic_fetch_add(&crowd.begun, 1);
	for (int i = 0; i < 3; i++) {
		nanosleep(&(struct timespec){.tv_nsec = 100 * MICROSECOND}, NULL);
		compute(1, 200000);
		vcore_yield();
	}
	finish();
	return unused;
}

static void block_at_the_bound(const struct ticks *ticks)
{
	crowd_run(ticks, 20, sleep_and_compute, look_at_nothing);
}

static void try_few_spares(int setting)
{
	struct vcore_runtime_options options = ticks_setting(setting);
	struct ticks ticks;

	options.spares = 2;
	ticks = ticks_open(options);
	ticks_try(&ticks, "more threads than kernel threads", meet_the_bound);
	ticks_try(&ticks, "two threads that wait for each other at the bound", play_at_the_bound);
	ticks_try(&ticks, "threads that block at the bound", block_at_the_bound);
	ticks_close(&ticks);
}

int main(int argc, char **argv)
{
	stress_begin(argc, argv);
	for (int i = ticks_first_setting(); i < TICKS_SETTINGS; i++) {
		struct ticks ticks = ticks_open(ticks_setting(i));

		ticks_try(&ticks, "many that compute", all_begin);
		ticks_close(&ticks);
		try_few_spares(i);
	}
	return tap_done();
}
