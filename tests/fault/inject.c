/*
 * Each call that the library makes for memory and kernel threads fails in
 * turn: the error is a promised one, nothing is left behind, and the next
 * attempt works.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "inject.h"
#include "../stress/process.h"
#include "../stress/stress.h"
#include "child.h"
#include <malloc.h>

#define PROCESSORS 2
#define THREADS    150 /* more than one slab of stacks */
#define MOST_CALLS 2000

/* What there is of everything that could leak. */
struct footprint {
	long mapped, kernel_threads, descriptors;
};

static struct footprint take_footprint(void)
{
	return (struct footprint){
		.mapped = atomic_load(&inject_mapped),
		.kernel_threads = process_kernel_threads_settled(),
		.descriptors = process_descriptors(),
	};
}

static void check_footprint(struct footprint before)
{
	CHECK(process_kernel_threads_become(before.kernel_threads));
	CHECK_IS(atomic_load(&inject_mapped), before.mapped);
	CHECK_IS(process_descriptors(), before.descriptors);
}

/* A clean error, of those that allocating something promises. */
static bool is_clean(int result)
{
	return result == -ENOMEM || result == -EAGAIN;
}

/*
 * An attempt makes something and undoes it, and disarms before it undoes.
 * It returns whether the call that was to fail was made, and in *result what
 * the library said.
 */
typedef bool attempt_function(int *result);

/* Lets the first, second, … call fail, until an attempt makes fewer. */
static void sweep(const char *what, attempt_function *attempt)
{
	struct footprint before;
	int result;
	long n = 0;

	inject_arm(0);
	attempt(&result); /* what the process does once, it does now */
	CHECK_IS(result, 0);
	before = take_footprint();
	do {
		inject_arm(++n);
		if (!attempt(&result)) {
			break;
		}
		CHECK(result == 0 || is_clean(result));
		check_footprint(before);
		inject_arm(0);
		attempt(&result);
		CHECK_IS(result, 0);
		check_footprint(before);
	} while (CHECK(n < MOST_CALLS));
	CHECK(n > 1);
	tap_case("%s: each of %ld calls fails in turn", what, n - 1);
}

static struct vcore_runtime *open_one(void)
{
	return stress_open(1);
}

static bool try_open(int *result)
{
	const struct vcore_runtime_options options = {.processors = PROCESSORS};
	struct vcore_runtime *runtime = (struct vcore_runtime *)&options;
	bool fired;

	*result = vcore_runtime_open(&runtime, &options);
	fired = inject_disarm();
	if (*result == 0) {
		CHECK_IS(vcore_runtime_close(runtime, VCORE_NEVER), 0);
	} else {
		CHECK((void *)runtime == &options); /* written on success only */
	}
	return fired;
}

static void *pass(void *argument)
{
	vcore_yield();
	return argument;
}

static void *spawn_some(void *argument)
{
	struct vcore_thread *threads[3];

	for (int i = 0; i < 3; i++) {
		int result = vcore_thread_allocate(&threads[i], NULL, pass, argument);

		CHECK(result == 0 || is_clean(result));
		if (result != 0) {
			threads[i] = NULL;
		}
	}
	for (int i = 0; i < 3; i++) {
		if (threads[i] != NULL) {
			CHECK_IS(vcore_thread_join(threads[i], NULL, VCORE_NEVER), 0);
		}
	}
	return argument;
}

static bool try_run(int *result)
{
	const struct vcore_runtime_options options = {.processors = PROCESSORS};
	struct vcore_exit how = {0};

	*result = vcore_run(&options, spawn_some, &how, &how);
	if (*result == 0) {
		CHECK(how.how == VCORE_RETURNED && how.result == &how);
	}
	return inject_disarm();
}

/* One failure among many allocations; what failed works when tried again. */
static int allocate_many(struct vcore_runtime *runtime, struct vcore_thread **threads)
{
	static const size_t stack_sizes[] = {0, 100000, 3000};
	int failure = 0;

	for (int i = 0; i < THREADS; i++) {
		const struct vcore_thread_options options = {
			.runtime = runtime,
			.stack_size = stack_sizes[i % 3],
		};
		int result = vcore_thread_allocate(&threads[i], &options, pass, NULL);

		if (result != 0) {
			struct vcore_statistics statistics = {0};

			failure = result;
			CHECK_IS(vcore_inspect_runtime(runtime, &statistics), 0);
			CHECK(statistics.limit != NULL);
			CHECK_IS(vcore_thread_allocate(&threads[i], &options, pass, NULL), 0);
		}
	}
	return failure;
}

static bool try_allocate(int *result)
{
	struct vcore_thread *threads[THREADS];
	long n = atomic_exchange(&inject_at, 0);
	struct vcore_runtime *runtime = open_one();
	bool fired;

	inject_arm(n);
	*result = allocate_many(runtime, threads);
	fired = inject_disarm();
	for (int i = 0; i < THREADS; i++) {
		stress_join(threads[i]);
	}
	stress_close(runtime);
	return fired;
}

/* A thread's first use of its fifth slot allocates. */
static int set_slots(void)
{
	static char values[8];
	struct vcore_slot slots[8];
	int failure = 0;

	for (int i = 0; i < 8; i++) {
		int result;

		CHECK_IS(vcore_slot_create(&slots[i], NULL), 0);
		result = vcore_slot_set(slots[i], &values[i]);
		if (result != 0) {
			failure = result;
			CHECK(vcore_slot_get(slots[i]) == NULL);
			CHECK_IS(vcore_slot_set(slots[i], &values[i]), 0);
		}
	}
	for (int i = 0; i < 8; i++) {
		CHECK(vcore_slot_get(slots[i]) == &values[i]);
		CHECK_IS(vcore_slot_delete(slots[i]), 0);
	}
	return failure;
}

static void *set_slots_here(void *n)
{
	int result;

	inject_arm((intptr_t)n);
	result = set_slots();
	CHECK(result == 0 || result == -ENOMEM);
	return (void *)(intptr_t)(result * 2 + inject_disarm());
}

static bool decode(intptr_t code, int *result)
{
	bool fired = code & 1;

	*result = (int)((code - fired) / 2);
	return fired;
}

static bool try_slots(int *result)
{
	void *n = (void *)atomic_exchange(&inject_at, 0);
	struct vcore_runtime *runtime = open_one();
	struct vcore_thread *thread = stress_spawn(runtime, set_slots_here, n);
	struct vcore_exit how;

	CHECK_IS(vcore_thread_join(thread, &how, VCORE_NEVER), 0);
	stress_close(runtime);
	return decode((intptr_t)how.result, result);
}

/* Runs on a plain pthread: one that is new to the library. */
static bool on_new_pthread(void *(*f)(void *), int *result)
{
	void *n = (void *)atomic_exchange(&inject_at, 0);
	pthread_t pthread;
	void *code;

	CHECK_IS(pthread_create(&pthread, NULL, f, n), 0);
	pthread_join(pthread, &code);
	return decode((intptr_t)code, result);
}

static bool try_slots_of_pthread(int *result)
{
	return on_new_pthread(set_slots_here, result);
}

static bool try_serve(int *result)
{
	long n = atomic_exchange(&inject_at, 0);
	struct vcore_runtime *runtime = open_one();
	bool fired;

	inject_arm(n);
	*result = vcore_runtime_serve(runtime, vcore_after(100 * MICROSECOND));
	fired = inject_disarm();
	stress_close(runtime);
	return fired;
}

/*
 * The first use of the library in a process: what it does once for all is made
 * to fail too.  Each attempt is the first, in a child of its own.
 */
#define NOT_FIRED 100

static int finish(bool fired)
{
	int failures = (int)atomic_load(&tap_failures);

	return failures != 0 ? failures : fired ? 0 : NOT_FIRED;
}

/* A pthread's first wait needs memory, and says so; the next gets it. */
static int wait_first(const void *n)
{
	struct vcore_eventcount never = VCORE_EVENTCOUNT_INITIALIZER;
	vcore_instant deadline = vcore_after(MILLISECOND);
	bool fired;
	int result;

	inject_arm(*(const long *)n);
	result = vcore_eventcount_await(&never, 0, deadline);
	CHECK(result == -ENOMEM || (result == -ETIMEDOUT && vcore_now() >= deadline));
	fired = inject_disarm();
	CHECK_IS(vcore_eventcount_await(&never, 0, vcore_after(MILLISECOND)), -ETIMEDOUT);
	return finish(fired);
}

static int open_first(const void *n)
{
	bool fired;
	int result;

	inject_arm(*(const long *)n);
	fired = try_open(&result);
	CHECK(result == 0 || is_clean(result));
	try_run(&result);
	CHECK_IS(result, 0);
	return finish(fired);
}

static void sweep_first(const char *what, int (*attempt)(const void *n))
{
	struct child child;
	long n = 0;

	do {
		n++;
		child_run(&child, attempt, &n);
		if (!CHECK(child_exited(&child, 0) || child_exited(&child, NOT_FIRED))) {
			tap_say("call %ld: status %x, message: %.200s", n, (unsigned)child.status,
				child.output);
			break;
		}
	} while (!child_exited(&child, NOT_FIRED));
	CHECK(n > 1);
	tap_case("first of all, %s: each of %ld calls fails in turn", what, n - 1);
}

/* What cannot be given back cannot be helped; nothing else suffers. */
static void close_without_munmap(void)
{
	int result;
	long n = 0;
	bool fired;

	atomic_store(&inject_munmap, true);
	do {
		struct vcore_runtime *runtime = open_one();

		stress_join(stress_spawn(runtime, pass, NULL));
		inject_arm(++n);
		stress_close(runtime);
		fired = inject_disarm();
	} while (fired && CHECK(n < MOST_CALLS));
	atomic_store(&inject_munmap, false);
	try_run(&result);
	CHECK_IS(result, 0);
	tap_case("close: each of %ld munmaps fails in turn", n - 1);
}

/* What a pthread needs to wait is allocated once and kept. */
static void wait_once(void)
{
	struct vcore_eventcount never = VCORE_EVENTCOUNT_INITIALIZER;

	CHECK_IS(vcore_eventcount_await(&never, 0, vcore_after(MILLISECOND)), -ETIMEDOUT);
}

static void sweep_all(const char *guards)
{
	tap_say("with %s", guards);
	sweep_first("await by a plain pthread", wait_first);
	sweep_first("vcore_runtime_open", open_first);
	wait_once();
	sweep("vcore_runtime_open", try_open);
	sweep("vcore_run", try_run);
	sweep("vcore_thread_allocate", try_allocate);
	sweep("vcore_slot_set", try_slots);
	sweep("vcore_slot_set of a plain pthread", try_slots_of_pthread);
	sweep("vcore_runtime_serve", try_serve);
	close_without_munmap();
}

int main(int argc, char **argv)
{
	if (STRESS_DIVISOR > 1) {
		return tap_skip_all("a sanitizer has these functions");
	}
	mallopt(M_ARENA_MAX, 1);
	stress_begin(argc, argv);
	if (argc > 3) {
		atomic_store(&inject_no_guard_pages, true);
	}
	sweep_all(argc > 3 ? "mprotect" : "guard pages, if the kernel has them");
	return tap_done();
}
