/*
 * What the stress programs share: arguments, sizes, random numbers, runtimes
 * under a watchdog, and crews of vcore threads and plain pthreads.
 *
 *	program [seed [scale]]
 *
 * The seed (default 1) decides every random choice that the program makes
 * itself.  The scale (default 1) multiplies the amount of work; sanitizers,
 * and the environment's VCORE_STRESS_SCALE for Valgrind, divide it.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef TESTS_STRESS_STRESS_H
#define TESTS_STRESS_STRESS_H

#include "tap.h"
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <vcore/vcore.h>

#if defined(__has_feature)
#define STRESS_HAS(sanitizer) __has_feature(sanitizer)
#else
#define STRESS_HAS(sanitizer) 0
#endif
#if defined(__SANITIZE_THREAD__) || STRESS_HAS(thread_sanitizer)
#define STRESS_TSAN    1
#define STRESS_DIVISOR 10
#elif defined(__SANITIZE_ADDRESS__) || STRESS_HAS(address_sanitizer)
#define STRESS_ASAN    1
#define STRESS_DIVISOR 4
#else
#define STRESS_DIVISOR 1
#endif

/* Sanitizers give each call a larger frame: threads get that much more. */
#if STRESS_DIVISOR > 1
#define STRESS_EXTRA_STACK (192 * 1024)
#else
#define STRESS_EXTRA_STACK 0
#endif

#ifdef STRESS_TSAN
/* Children that open a runtime start threads after fork. */
const char *__tsan_default_options(void);

const char *__tsan_default_options(void)
{
	return "die_after_fork=0";
}
#endif

#define MICROSECOND ((int64_t)1000)
#define MILLISECOND ((int64_t)1000 * 1000)
#define SECOND      ((int64_t)1000 * 1000 * 1000)

/* Nothing here takes so long at scale 1, on the slowest machine. */
#define STRESS_LIMIT_SECONDS 200

static uint64_t stress_seed = 1;
static double stress_scale = 1;
static double stress_divisor = STRESS_DIVISOR;

/* The runtime that the watchdog dumps. */
static struct vcore_runtime *_Atomic stress_watched;

/* n, scaled; at least `least`. */
static inline size_t stress_size(size_t n, size_t least)
{
	size_t scaled = (size_t)((double)n * stress_scale / stress_divisor);

	return scaled < least ? least : scaled;
}

/* The next of a series of random numbers (Steele, Lea & Flood: splitmix64). */
static inline uint64_t stress_random(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return z ^ (z >> 31);
}

/* A random number from 0 to n - 1. */
static inline uint64_t stress_below(uint64_t *state, uint64_t n)
{
	return stress_random(state) % n;
}

/* Long enough for anything but a thread that was lost. */
static inline vcore_instant stress_patience(void)
{
	return vcore_after(STRESS_LIMIT_SECONDS / 2 * SECOND);
}

/* A program that hangs is to say where: the dump, then a core. */
static inline void *stress_watchdog(void *watching)
{
	double seconds = STRESS_LIMIT_SECONDS * (stress_scale > 1 ? stress_scale : 1);
	struct timespec limit = {.tv_sec = (time_t)seconds};
	struct vcore_runtime *runtime;

	atomic_store((_Atomic bool *)watching, true);
	nanosleep(&limit, NULL);
	printf("Bail out! no end within %.0f s\n", seconds);
	fflush(stdout);
	runtime = atomic_load(&stress_watched);
	if (runtime != NULL) {
		vcore_dump(runtime, STDERR_FILENO);
	}
	abort();
}

static inline void stress_begin(int argc, char **argv)
{
	const char *divisor = getenv("VCORE_STRESS_SCALE");
	const char *seed = getenv("VCORE_STRESS_SEED");
	static _Atomic bool watching;
	sigset_t all, before;
	pthread_t watchdog;

	if (argc > 1) {
		stress_seed = strtoull(argv[1], NULL, 0);
	}
	if (seed != NULL) {
		stress_seed = strtoull(seed, NULL, 0);
	}
	if (argc > 2) {
		stress_scale = strtod(argv[2], NULL);
	}
	if (divisor != NULL && atof(divisor) > 1) {
		stress_divisor *= atof(divisor);
	}
	setvbuf(stdout, NULL, _IOLBF, BUFSIZ);
	tap_say("seed %ju scale %g", (uintmax_t)stress_seed, stress_scale / stress_divisor);

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	if (pthread_create(&watchdog, NULL, stress_watchdog, &watching) != 0) {
		abort();
	}
	while (!atomic_load(&watching)) { /* a lock of ASan's may be held till then: do not fork */
		sched_yield();
	}
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_detach(watchdog);
}

/* A whole program: its work on 1, 2 and 5 processors. */
static inline int stress_main(int argc, char **argv, const char *name,
			      void (*work)(unsigned processors))
{
	static const unsigned processors[] = {1, 2, 5};

	stress_begin(argc, argv);
	for (size_t i = 0; i < sizeof(processors) / sizeof(processors[0]); i++) {
		work(processors[i]);
		tap_case("%s on %u processors", name, processors[i]);
	}
	return tap_done();
}

/* Opens a runtime with options, under the watchdog. */
static inline struct vcore_runtime *stress_open_with(struct vcore_runtime_options options)
{
	struct vcore_runtime *runtime;

	if (options.stack_size == 0 && STRESS_EXTRA_STACK != 0) {
		options.stack_size = 64 * 1024 + STRESS_EXTRA_STACK;
	}
	if (!CHECK_IS(vcore_runtime_open(&runtime, &options), 0)) {
		tap_case("open a runtime");
		exit(tap_done());
	}
	atomic_store(&stress_watched, runtime);
	return runtime;
}

static inline struct vcore_runtime *stress_open(unsigned processors)
{
	return stress_open_with((struct vcore_runtime_options){.processors = processors});
}

static inline void stress_close(struct vcore_runtime *runtime)
{
	CHECK_IS(vcore_runtime_close(runtime, VCORE_NEVER), 0);
	atomic_store(&stress_watched, NULL);
}

/* Allocates a thread of the runtime, nothing special about it. */
static inline struct vcore_thread *stress_spawn(struct vcore_runtime *runtime,
						void *(*work)(void *), void *argument)
{
	struct vcore_thread_options options = {.runtime = runtime};
	struct vcore_thread *thread;

	if (!CHECK_IS(vcore_thread_allocate(&thread, &options, work, argument), 0)) {
		tap_case("allocate a thread");
		exit(tap_done());
	}
	return thread;
}

static inline void stress_join(struct vcore_thread *thread)
{
	CHECK_IS(vcore_thread_join(thread, NULL, VCORE_NEVER), 0);
}

/*
 * A crew: vcore threads and plain pthreads that do the same work at the same
 * time, each on an argument of its own, the elements of an array.
 */
struct stress_crew {
	size_t vcore, plain;
	struct vcore_thread **threads;
	pthread_t *pthreads;
};

static inline void stress_crew_start(struct stress_crew *crew, struct vcore_runtime *runtime,
				     void *(*work)(void *), void *arguments, size_t argument_size)
{
	char *argument = arguments;

	crew->threads = calloc(crew->vcore + 1, sizeof(crew->threads[0]));
	crew->pthreads = calloc(crew->plain + 1, sizeof(crew->pthreads[0]));
	for (size_t i = 0; i < crew->vcore; i++, argument += argument_size) {
		crew->threads[i] = stress_spawn(runtime, work, argument);
	}
	for (size_t i = 0; i < crew->plain; i++, argument += argument_size) {
		if (pthread_create(&crew->pthreads[i], NULL, work, argument) != 0) {
			abort();
		}
	}
}

static inline void stress_crew_join(struct stress_crew *crew)
{
	for (size_t i = 0; i < crew->vcore; i++) {
		stress_join(crew->threads[i]);
	}
	for (size_t i = 0; i < crew->plain; i++) {
		pthread_join(crew->pthreads[i], NULL);
	}
	free(crew->threads);
	free(crew->pthreads);
}

#endif /* TESTS_STRESS_STRESS_H */
