/*
 * Many threads that sleep, and wait with deadlines that pass, on 1, 2 and 8
 * processors: all wake, none early.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "stress.h"

#define LONGEST (20 * MILLISECOND)

static struct vcore_eventcount never;
static size_t naps;
static _Atomic int64_t latest;
static _Atomic uint64_t slept;

static void note_lateness(int64_t late)
{
	int64_t before = atomic_load(&latest);

	while (late > before && !atomic_compare_exchange_weak(&latest, &before, late)) {
	}
}

/* One nap; some end before they begin. */
static void nap(uint64_t *random)
{
	vcore_instant deadline = vcore_after((int64_t)stress_below(random, LONGEST) - MILLISECOND);
	vcore_instant now;

	if (stress_below(random, 3) == 0) {
		CHECK_IS(vcore_eventcount_await(&never, 0, deadline), -ETIMEDOUT);
	} else {
		CHECK_IS(vcore_sleep(deadline), 0);
	}
	now = vcore_now();
	CHECK(now >= deadline);
	note_lateness(now - deadline);
	atomic_fetch_add(&slept, 1);
}

static void *sleep_often(void *random)
{
	for (size_t i = 0; i < naps; i++) {
		nap(random);
	}
	return NULL;
}

/* A joiner's deadline passes like any other. */
static void *join_sleeper(void *thread)
{
	vcore_instant deadline = vcore_after(MILLISECOND);

	CHECK_IS(vcore_thread_join(thread, NULL, deadline), -ETIMEDOUT);
	CHECK(vcore_now() >= deadline);
	CHECK_IS(vcore_thread_destroy(thread), 0);
	CHECK_IS(vcore_thread_join(thread, NULL, VCORE_NEVER), 0);
	return NULL;
}

static void *sleep_forever(void *unused)
{
	vcore_sleep(VCORE_NEVER);
	return unused;
}

static void sleepers(unsigned processors)
{
	struct stress_crew crew = {.vcore = stress_size(1500, 50), .plain = 2};
	struct vcore_runtime *runtime = stress_open(processors);
	size_t all = crew.vcore + crew.plain;
	uint64_t *seeds = calloc(all, sizeof(seeds[0]));
	struct vcore_thread *sleeper, *joiner;

	naps = 10;
	latest = 0;
	slept = 0;
	for (size_t i = 0; i < all; i++) {
		seeds[i] = stress_seed + i * processors;
	}
	sleeper = stress_spawn(runtime, sleep_forever, NULL);
	joiner = stress_spawn(runtime, join_sleeper, sleeper);
	stress_crew_start(&crew, runtime, sleep_often, seeds, sizeof(seeds[0]));
	stress_crew_join(&crew);
	stress_join(joiner);
	stress_close(runtime);
	CHECK_IS((intmax_t)slept, (intmax_t)(all * naps));
	tap_say("%u processors: %zu sleepers, the latest %ld us late", processors, all,
		(long)(latest / MICROSECOND));
	free(seeds);
}

int main(int argc, char **argv)
{
	static const unsigned processors[] = {1, 2, 8};

	stress_begin(argc, argv);
	for (int i = 0; i < 3; i++) {
		sleepers(processors[i]);
		tap_case("nobody wakes early on %u processors", processors[i]);
	}
	return tap_done();
}
