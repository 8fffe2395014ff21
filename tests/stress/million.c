/*
 * A million threads (as many as scale and memory allow) that wait: all for
 * one target, or each for its own, ascending, descending and in random order;
 * woken by one advance or by one advance each.
 *
 * Says what each thread costs, in bytes and in nanoseconds to wait and to wake.
 * Four times as many must not take twelve times as long.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "process.h"
#include "stress.h"

#ifdef STRESS_TSAN /* a thread takes 1 MB, and 3 ms where a page fault is dear */
#define THREADS 1000
#define LEAST   100
#else
#define THREADS 5000 /* at scale 1; 200 makes it a million */
#define LEAST   400
#endif
#define BYTES_EACH (8 * 1024 + STRESS_EXTRA_STACK)
#define GROWTH     12
#define TRIES      5                   /* at growth: another program may have had the processor */
#define TOO_SHORT  (200 * MILLISECOND) /* to be compared */

enum targets { SAME, ASCENDING, DESCENDING, RANDOM };

static const struct shape {
	const char *name;
	enum targets targets;
	bool singly;
} shapes[] = {
	{"one target, one advance", SAME, false},
	{"ascending targets, one advance", ASCENDING, false},
	{"descending targets, one advance", DESCENDING, false},
	{"random targets, one advance", RANDOM, false},
	{"ascending targets, single advances", ASCENDING, true},
	{"descending targets, single advances", DESCENDING, true},
	{"random targets, single advances", RANDOM, true},
};

/* What a crowd costs. */
struct cost {
	int64_t wait, wake; /* nanoseconds, for all */
	long kib;
};

struct crowd;

struct waiter {
	struct crowd *crowd;
	int64_t target;
};

struct crowd {
	struct vcore_eventcount event, arrived, left;
	size_t n;
	struct waiter *waiters;
};

static unsigned processors_now;
static uint64_t random_state;

static void *wait_in_crowd(void *argument)
{
	const struct waiter *self = argument;
	struct crowd *crowd = self->crowd;

	vcore_eventcount_advance(&crowd->arrived);
	CHECK_IS(vcore_eventcount_await(&crowd->event, self->target, VCORE_NEVER), 0);
	CHECK(vcore_eventcount_read(&crowd->event) > self->target);
	vcore_eventcount_advance(&crowd->left);
	return NULL;
}

static void choose_targets(struct crowd *crowd, enum targets targets)
{
	int64_t n = (int64_t)crowd->n;

	for (int64_t i = 0; i < n; i++) {
		int64_t target = targets == SAME ? 0 : targets == DESCENDING ? n - 1 - i : i;

		crowd->waiters[i] = (struct waiter){crowd, target};
	}
	for (int64_t i = n - 1; targets == RANDOM && i > 0; i--) {
		int64_t k = (int64_t)stress_below(&random_state, (uint64_t)i + 1);
		int64_t target = crowd->waiters[i].target;

		crowd->waiters[i].target = crowd->waiters[k].target;
		crowd->waiters[k].target = target;
	}
}

/* Detached threads: what is measured is the waiting. */
static void gather(struct vcore_runtime *runtime, struct crowd *crowd)
{
	const struct vcore_thread_options options = {.runtime = runtime};

	for (size_t i = 0; i < crowd->n; i++) {
		int result =
			vcore_thread_allocate(NULL, &options, wait_in_crowd, &crowd->waiters[i]);

		if (result == -EAGAIN) {
			tap_say("only %zu threads: vm.max_map_count", i);
			crowd->n = i;
			break;
		}
		CHECK_IS(result, 0);
	}
	vcore_eventcount_await(&crowd->arrived, (int64_t)crowd->n - 1, VCORE_NEVER);
}

static void release(struct crowd *crowd, bool singly)
{
	int64_t n = (int64_t)crowd->n;

	for (int64_t i = 1; singly && i <= n; i++) {
		CHECK_IS(vcore_eventcount_advance(&crowd->event), i);
	}
	if (!singly) {
		vcore_eventcount_advance_by(&crowd->event, n);
	}
	CHECK_IS(vcore_eventcount_await(&crowd->left, n - 1, VCORE_NEVER), 0);
}

static struct cost try_crowd(const struct shape *shape, size_t n)
{
	struct vcore_runtime *runtime = stress_open(processors_now);
	struct crowd crowd = {.n = n, .waiters = calloc(n, sizeof(crowd.waiters[0]))};
	struct cost cost = {.kib = -process_resident_kib()};
	vcore_instant start, waiting;

	choose_targets(&crowd, shape->targets);
	start = vcore_now();
	gather(runtime, &crowd);
	waiting = vcore_now();
	cost.kib += process_resident_kib();
	cost.wait = waiting - start;
	release(&crowd, shape->singly);
	cost.wake = vcore_now() - waiting;
	stress_close(runtime);
	free(crowd.waiters);
	return cost;
}

static int64_t lesser(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static bool grows_too_fast(int64_t quarter, int64_t whole)
{
	return whole > TOO_SHORT && whole >= GROWTH * quarter;
}

/* Compares the best of some tries. */
static void try_shape(const struct shape *shape, size_t n)
{
	struct cost quarter = {INT64_MAX, INT64_MAX, 0}, whole = quarter;
	bool good = false;

	for (int i = 0; i < TRIES && !good; i++) {
		struct cost few = try_crowd(shape, n / 4), many = try_crowd(shape, n);

		quarter = (struct cost){lesser(quarter.wait, few.wait),
					lesser(quarter.wake, few.wake), few.kib};
		whole = (struct cost){lesser(whole.wait, many.wait), lesser(whole.wake, many.wake),
				      many.kib};
		good = !grows_too_fast(quarter.wait, whole.wait) &&
		       !grows_too_fast(quarter.wake, whole.wake);
	}
	tap_say("%zu threads, %s: %ld bytes each, %ld ns to wait, %ld ns to wake", n, shape->name,
		whole.kib * 1024 / (long)n, (long)whole.wait / (long)n, (long)whole.wake / (long)n);
	CHECK(good);
}

static void million(unsigned processors)
{
	size_t available = (size_t)process_kib("/proc/meminfo", "MemAvailable:") * 1024;
	size_t n = stress_size(THREADS, LEAST), most = available / 2 / BYTES_EACH;

	processors_now = processors;
	random_state = stress_seed;
	if (n > most) {
		tap_say("only %zu threads: memory", most);
		n = most;
	}
	for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
		try_shape(&shapes[i], n);
	}
}

int main(int argc, char **argv)
{
	return stress_main(argc, argv, "a crowd waits and wakes", million);
}
