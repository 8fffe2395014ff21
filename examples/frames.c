/*
 * A game's frame loop, with the runtime as its job system.
 *
 * Windows and graphics belong to the main thread; all else may run anywhere.
 * So each frame has free jobs, which move the particles, and one job that is
 * pinned to the main thread, which draws them.  The main thread lends itself
 * to the runtime until the frame is drawn, and works on free jobs too while
 * it has nothing to draw.
 *
 * Shows: vcore_runtime_serve, pinned threads, join as a question.
 * Prints: for each of four frames where the particles are on the whole, and
 *	which thread drew them.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <vcore/vcore.h>

#include "check.h"

enum {
	FRAMES = 4,
	JOBS = 8, /* free jobs a frame */
	PARTICLES = 1000,
	PROCESSORS = 2,
	MAIN_THREAD = PROCESSORS, /* the first to serve has the number after the last processor */
};

static const int64_t millisecond = 1000000;

struct particle {
	int64_t position, velocity;
};

struct job {
	struct scene *scene;
	int first; /* it moves particles first, first + JOBS, ... */
};

struct scene {
	pthread_t main_thread;
	int frame;
	struct particle particles[PARTICLES];
	struct vcore_eventcount moved; /* free jobs done, in all frames */
	struct job jobs[JOBS];
};

/* A free job. */
static void *move(void *argument)
{
	struct job *job = argument;
	struct scene *scene = job->scene;

	for (int i = job->first; i < PARTICLES; i += JOBS) {
		scene->particles[i].position += scene->particles[i].velocity;
	}
	vcore_eventcount_advance(&scene->moved);
	return NULL;
}

/* The pinned job: waits for the frame's free jobs, without keeping the main thread from them. */
static void *draw(void *argument)
{
	struct scene *scene = argument;
	int64_t sum = 0;
	bool on_main;

	vcore_eventcount_await(&scene->moved, (int64_t)(scene->frame + 1) * JOBS - 1, VCORE_NEVER);
	for (int i = 0; i < PARTICLES; i++) {
		sum += scene->particles[i].position;
	}
	on_main = pthread_equal(pthread_self(), scene->main_thread) != 0;
	printf("frame %d: sum of positions %" PRId64 ", drawn by %s\n", scene->frame, sum,
	       on_main ? "the main thread" : "another thread");
	return NULL;
}

/* What else the main thread has to do, while the processors are at work already. */
static void handle_events(void)
{
	vcore_sleep(vcore_after(2 * millisecond));
}

static void run_frame(struct vcore_runtime *runtime, struct scene *scene)
{
	struct vcore_thread_options free_job = {
		.size = sizeof(free_job), .name = "move", .runtime = runtime};
	struct vcore_thread_options pinned_job = {.size = sizeof(pinned_job),
						  .name = "draw",
						  .runtime = runtime,
						  .flags = VCORE_THREAD_PINNED,
						  .processor = MAIN_THREAD};
	struct vcore_thread *drawing;
	int drawn;

	check(vcore_thread_allocate(&drawing, &pinned_job, draw, scene), "vcore_thread_allocate");
	for (int i = 0; i < JOBS; i++) {
		check(vcore_thread_allocate(NULL, &free_job, move, &scene->jobs[i]),
		      "vcore_thread_allocate");
	}
	handle_events();
	/*
	 * A deadline in the past turns join into a question.  To wait in it
	 * instead would be a mistake: only we can run what we wait for.
	 */
	while ((drawn = vcore_thread_join(drawing, NULL, 0)) == -ETIMEDOUT) {
		check(vcore_runtime_serve(runtime, vcore_after(millisecond)),
		      "vcore_runtime_serve");
	}
	check(drawn, "vcore_thread_join");
}

int main(void)
{
	static struct scene scene;
	struct vcore_runtime_options options = {.size = sizeof(options), .processors = PROCESSORS};
	struct vcore_runtime *runtime;

	scene.main_thread = pthread_self();
	for (int i = 0; i < PARTICLES; i++) {
		scene.particles[i].velocity = i;
	}
	for (int i = 0; i < JOBS; i++) {
		scene.jobs[i] = (struct job){.scene = &scene, .first = i};
	}
	check(vcore_runtime_open(&runtime, &options), "vcore_runtime_open");
	for (scene.frame = 0; scene.frame < FRAMES; scene.frame++) {
		run_frame(runtime, &scene);
	}
	check(vcore_runtime_close(runtime, VCORE_NEVER), "vcore_runtime_close");
	return 0;
}
