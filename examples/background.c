/*
 * Background jobs under a steady frame thread.
 *
 * A game bakes light maps while it plays: long jobs, more than there are
 * processors, and sixty times a second a frame is drawn all the same.  The jobs
 * know nothing of frames, and do not give way in the middle; they have a low
 * priority and the frame thread has a high one, so that a tick takes a processor
 * from a job whenever a frame is due.
 *
 * The jobs compute and nothing else: no locks, no exceptions, no thread-local
 * variables.  That is what a LIGHT thread promises; preempting it is faster, and
 * keeps no kernel thread.
 *
 * Shows: priorities, VCORE_THREAD_LIGHT, vcore_preempt_obstacle, vcore_sleep.
 * Prints: how late each frame of a second was, and what was baked meanwhile.
 *	With VCORE_QUANTUM=off a frame waits until a job is done.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <vcore/vcore.h>

#include "check.h"

enum {
	FRAMES = 60,
	JOBS_A_PROCESSOR = 2,
	MAP = 96,     /* pixels each way */
	DEPTH = 1000, /* of the computation of one */
};

static const int64_t period = 1000000000 / 60; /* nanoseconds */

struct game {
	bool over;
	/* the frame thread's */
	int drawn;
	int64_t late[FRAMES]; /* nanoseconds, of those drawn */
	/* the jobs' */
	uint64_t baked;
	uint64_t unlike; /* maps that came out otherwise than the first */
	uint64_t light;  /* of the first map; 0: there is none yet */
};

/* How long a point of the plane stays near the origin (Mandelbrot's set). */
static unsigned bake_pixel(double x, double y)
{
	double real = 0;
	double imaginary = 0;
	unsigned n = 0;

	while (n < DEPTH && real * real + imaginary * imaginary < 4) {
		double next = real * real - imaginary * imaginary + x;

		imaginary = 2 * real * imaginary + y;
		real = next;
		n++;
	}
	return n;
}

static uint64_t bake(void)
{
	uint64_t light = 0;

	for (int i = 0; i < MAP * MAP; i++) {
		light += bake_pixel((i % MAP) * 2.0 / MAP - 1.5, (i / MAP) * 2.0 / MAP - 1.0);
	}
	return light;
}

/* All maps are the same one, so that it shows if a tick spoils one. */
static void compare(struct game *game, uint64_t light)
{
	uint64_t first = 0;

	if (!__atomic_compare_exchange_n(&game->light, &first, light, false, __ATOMIC_RELAXED,
					 __ATOMIC_RELAXED) &&
	    first != light) {
		__atomic_fetch_add(&game->unlike, 1, __ATOMIC_RELAXED);
	}
	__atomic_fetch_add(&game->baked, 1, __ATOMIC_RELAXED);
}

static void *work(void *argument)
{
	struct game *game = argument;

	while (!__atomic_load_n(&game->over, __ATOMIC_RELAXED)) {
		compare(game, bake());
		vcore_yield(); /* between jobs, as a job system does */
	}
	return NULL;
}

/* A frame takes a millisecond. */
static void draw(void)
{
	vcore_instant end = vcore_after(1000000);

	while (vcore_now() < end) {
	}
}

/* A frame that is late is drawn late; those that were due meanwhile are dropped. */
static void *show_frames(void *argument)
{
	struct game *game = argument;
	vcore_instant begin = vcore_now();
	int64_t frame = 1;

	while (frame <= FRAMES) {
		vcore_instant due = begin + frame * period;

		vcore_sleep(due);
		game->late[game->drawn++] = vcore_now() - due;
		draw();
		frame = (vcore_now() - begin) / period + 1;
	}
	__atomic_store_n(&game->over, true, __ATOMIC_RELAXED);
	return NULL;
}

static struct vcore_thread *start(struct vcore_runtime *runtime, const char *name, int priority,
				  unsigned flags, void *(*entry)(void *), struct game *game)
{
	struct vcore_thread_options options = {.size = sizeof(options),
					       .name = name,
					       .runtime = runtime,
					       .priority = priority,
					       .flags = flags};
	struct vcore_thread *thread;

	check(vcore_thread_allocate(&thread, &options, entry, game), "vcore_thread_allocate");
	return thread;
}

/* One after the other, as they were drawn. */
static void print_frames(const struct game *game)
{
	printf("frames, ms late:\n");
	for (int i = 0; i < game->drawn; i++) {
		printf(" %7.3f%s", (double)game->late[i] / 1e6,
		       i % 10 == 9 || i == game->drawn - 1 ? "\n" : "");
	}
}

static int by_size(const void *left, const void *right)
{
	int64_t a = *(const int64_t *)left;
	int64_t b = *(const int64_t *)right;

	return (a > b) - (a < b);
}

static void report(struct game *game, const struct vcore_statistics *statistics)
{
	const char *obstacle = vcore_preempt_obstacle();

	qsort(game->late, (size_t)game->drawn, sizeof(game->late[0]), by_size);
	printf("%d frames drawn, %d dropped; late by %.3f ms at the least, %.3f in the median, "
	       "%.3f at the most\n",
	       game->drawn, FRAMES - game->drawn, (double)game->late[0] / 1e6,
	       (double)game->late[game->drawn / 2] / 1e6,
	       (double)game->late[game->drawn - 1] / 1e6);
	printf("%" PRIu64 " maps baked meanwhile, %" PRIu64 " of them unlike the first\n",
	       game->baked, game->unlike);
	if (statistics->unpreemptive != NULL) {
		printf("no preemption (%s)\n", statistics->unpreemptive);
	} else if (obstacle != NULL) {
		printf("%" PRIu64 " preemptions, none of them LIGHT (%s is in the way)\n",
		       statistics->preemptions, obstacle);
	} else {
		printf("%" PRIu64 " preemptions, %" PRIu64 " of them LIGHT\n",
		       statistics->preemptions, statistics->preemptions_light);
	}
}

int main(void)
{
	static struct game game;
	struct vcore_statistics statistics = {.size = sizeof(statistics)};
	unsigned flags = vcore_preempt_obstacle() == NULL ? VCORE_THREAD_LIGHT : 0;
	struct vcore_runtime *runtime;
	struct vcore_thread *frames;
	unsigned jobs;

	check(vcore_runtime_open(&runtime, NULL), "vcore_runtime_open");
	check(vcore_inspect_runtime(runtime, &statistics), "vcore_inspect_runtime");
	jobs = statistics.processors * JOBS_A_PROCESSOR;
	for (unsigned i = 0; i < jobs; i++) {
		check(vcore_thread_detach(
			      start(runtime, "bake", VCORE_PRIORITY_MIN, flags, work, &game)),
		      "vcore_thread_detach");
	}
	frames = start(runtime, "frames", VCORE_PRIORITY_MAX, 0, show_frames, &game);
	check(vcore_thread_join(frames, NULL, VCORE_NEVER), "vcore_thread_join");
	check(vcore_inspect_runtime(runtime, &statistics), "vcore_inspect_runtime");
	check(vcore_runtime_close(runtime, VCORE_NEVER), "vcore_runtime_close");
	printf("processors: %u, jobs: %u\n", statistics.processors, jobs);
	print_frames(&game);
	report(&game, &statistics);
	return 0;
}
