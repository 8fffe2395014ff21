/*
 * Stop and close, with deadlines that pass, race with threads being allocated
 * from outside and from inside: -ESHUTDOWN is final, whatever was allocated
 * ends and is accounted for, and nothing is left behind.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "process.h"
#include "stress.h"

#define SPAWNERS 4
#define MOST     400 /* handles a spawner keeps */

struct fall {
	struct vcore_runtime *runtime;
	struct vcore_eventcount stayed, last; /* who stays waits for the last */
	_Atomic uint64_t allocated, entered, left;
};

struct spawner {
	struct fall *fall;
	uint64_t random;
};

static void leave(void *fall)
{
	atomic_fetch_add(&((struct fall *)fall)->left, 1);
}

static void *pass(void *argument)
{
	struct fall *fall = argument;
	struct vcore_cleanup cleanup;

	atomic_fetch_add(&fall->entered, 1);
	vcore_cleanup_push(&cleanup, leave, fall);
	vcore_yield();
	vcore_sleep(vcore_after(20 * MICROSECOND));
	vcore_cleanup_pop(&cleanup, true);
	return NULL;
}

/* Waits whatever happens: stop does not reach it. */
static void *stay_to_the_last(void *argument)
{
	struct fall *fall = argument;

	vcore_destroy_disable();
	vcore_eventcount_advance(&fall->stayed);
	CHECK_IS(vcore_eventcount_await(&fall->last, 0, VCORE_NEVER), 0);
	vcore_destroy_enable();
	return NULL;
}

static int allocate(struct fall *fall, struct vcore_thread **thread)
{
	const struct vcore_thread_options options = {.runtime = fall->runtime};
	int result = vcore_thread_allocate(thread, &options, pass, fall);

	if (result == 0) {
		atomic_fetch_add(&fall->allocated, 1);
	}
	return result;
}

static void join_all(struct vcore_thread **threads, size_t n)
{
	while (n > 0) {
		CHECK_IS(vcore_thread_join(threads[--n], NULL, stress_patience()), 0);
	}
}

/* Allocates until it is refused, and then sees to its threads. */
static void *spawn_to_the_end(void *argument)
{
	struct spawner *self = argument;
	struct fall *fall = self->fall;
	struct vcore_thread *threads[MOST];
	size_t n = 0;
	int result;

	vcore_destroy_disable();
	do {
		bool detached = stress_below(&self->random, 2) == 0;

		result = allocate(fall, detached ? NULL : &threads[n]);
		n += result == 0 && !detached;
		if (n == MOST) {
			join_all(threads, n);
			n = 0;
		}
	} while (result == 0);
	CHECK_IS(result, -ESHUTDOWN);
	for (int i = 0; i < 3; i++) {
		vcore_yield();
		CHECK_IS(allocate(fall, NULL), -ESHUTDOWN);
	}
	join_all(threads, n);
	vcore_destroy_enable();
	return NULL;
}

/* Begins the end, in one of two ways. */
static void shut(struct vcore_runtime *runtime, bool stop)
{
	vcore_instant deadline = vcore_after(200 * MICROSECOND);

	if (stop) {
		CHECK_IS(vcore_runtime_stop(runtime), 0);
		return;
	}
	CHECK_IS(vcore_runtime_close(runtime, deadline), -ETIMEDOUT);
	CHECK(vcore_now() >= deadline);
}

static void check_accounts(struct fall *fall)
{
	struct vcore_statistics statistics = {0};

	CHECK_IS(vcore_inspect_runtime(fall->runtime, &statistics), 0);
	CHECK_IS((intmax_t)statistics.allocated,
		 (intmax_t)(fall->allocated + 1 + SPAWNERS / 2)); /* the last, the crew */
	CHECK(statistics.threads >= 1);
}

static void fall_once(unsigned processors, uint64_t *random)
{
	struct fall fall = {.runtime = stress_open(processors)};
	struct stress_crew crew = {.vcore = SPAWNERS / 2, .plain = SPAWNERS / 2};
	struct spawner spawners[SPAWNERS];
	bool stop = stress_below(random, 2) == 0;

	for (int i = 0; i < SPAWNERS; i++) {
		spawners[i] = (struct spawner){&fall, stress_random(random)};
	}
	stress_spawn(fall.runtime, stay_to_the_last, &fall);
	vcore_eventcount_await(&fall.stayed, 0, VCORE_NEVER);
	stress_crew_start(&crew, fall.runtime, spawn_to_the_end, spawners, sizeof(spawners[0]));
	vcore_sleep(vcore_after((int64_t)stress_below(random, 3 * MILLISECOND)));
	shut(fall.runtime, stop);
	stress_crew_join(&crew);
	check_accounts(&fall);
	vcore_eventcount_advance(&fall.last);
	stress_close(fall.runtime);
	CHECK_IS((intmax_t)fall.left, (intmax_t)fall.entered);
	CHECK(stop ? fall.entered <= fall.allocated : fall.entered == fall.allocated);
}

static void shutdown_on(unsigned processors)
{
	uint64_t random = stress_seed + processors;
	long kernel_threads, descriptors;

	fall_once(processors, &random);
	kernel_threads = process_kernel_threads_settled();
	descriptors = process_descriptors();
	for (size_t i = stress_size(40, 4); i > 0; i--) {
		fall_once(processors, &random);
	}
	CHECK(process_kernel_threads_become(kernel_threads));
	CHECK_IS(process_descriptors(), descriptors);
}

int main(int argc, char **argv)
{
	return stress_main(argc, argv, "shutdown", shutdown_on);
}
