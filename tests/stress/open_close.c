/*
 * Runtimes opened and closed again and again leave descriptors, mappings,
 * kernel threads and memory as they were; an idle one uses no CPU.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "process.h"
#include "stress.h"
#include <malloc.h>
#include <sys/resource.h>

#define THREADS       20
#define WARM_UPS      40                  /* fill libc's caches of stacks */
#define SLACK_KIB     1024                /* of memory: libc's caches differ that much */
#define SLACK_MAPS    4                   /* neighbours merge or do not */
#define IDLE          (300 * MILLISECOND) /* how long it is watched */
#define IDLE_CPU      (2 * MILLISECOND)   /* the watching itself */
#define IDLE_SWITCHES 10

static void *spawn_and_join(void *argument)
{
	struct vcore_thread *child;

	if (argument != NULL) {
		CHECK_IS(vcore_thread_allocate(&child, NULL, spawn_and_join, NULL), 0);
		CHECK_IS(vcore_thread_join(child, NULL, VCORE_NEVER), 0);
	}
	vcore_sleep(vcore_after(10 * MICROSECOND));
	return argument;
}

/* Some are joined and some are not: close ends them all. */
static void open_and_close(unsigned processors)
{
	struct vcore_runtime *runtime = stress_open(processors);
	struct vcore_thread *threads[THREADS];

	for (int i = 0; i < THREADS; i++) {
		/* A child may come too late for those that close waits for. */
		threads[i] = stress_spawn(runtime, spawn_and_join, i % 2 == 0 ? runtime : NULL);
	}
	for (int i = 0; i < THREADS; i += 2) {
		stress_join(threads[i]);
	}
	stress_close(runtime);
}

static void check_flat(unsigned processors)
{
	size_t times = stress_size(100, 10);
	long descriptors, mappings, kernel_threads, kib;

	for (int i = 0; i < WARM_UPS; i++) {
		open_and_close(processors);
	}
	descriptors = process_descriptors();
	mappings = process_mappings();
	kernel_threads = process_kernel_threads_settled();
	kib = process_resident_kib();
	for (size_t i = 0; i < times; i++) {
		open_and_close(processors);
	}
	CHECK_IS(process_descriptors(), descriptors);
	CHECK(process_kernel_threads_become(kernel_threads));
	tap_say("%zu times: %ld mappings more, %ld KiB more", times, process_mappings() - mappings,
		process_resident_kib() - kib);
#if STRESS_DIVISOR == 1 /* sanitizers keep mappings and memory of their own */
	CHECK(process_mappings() <= mappings + SLACK_MAPS);
	CHECK(process_resident_kib() <= kib + SLACK_KIB);
#endif
}

static void *sleep_long(void *unused)
{
	vcore_sleep(vcore_after(3600 * SECOND));
	return unused;
}

static void usage(int64_t *cpu, long *switches)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	*cpu = (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * SECOND +
	       (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * MICROSECOND;
	*switches = usage.ru_nvcsw;
}

static void check_idle(unsigned processors)
{
	struct vcore_runtime *runtime = stress_open(processors);
	struct vcore_thread *sleeper = stress_spawn(runtime, sleep_long, NULL);
	const struct timespec settle = {.tv_nsec = 50 * MILLISECOND}, idle = {.tv_nsec = IDLE};
	int64_t cpu_before, cpu;
	long switches_before, switches;

	nanosleep(&settle, NULL);
	usage(&cpu_before, &switches_before);
	nanosleep(&idle, NULL);
	usage(&cpu, &switches);
	tap_say("idle: %ld us of CPU, %ld switches", (long)((cpu - cpu_before) / MICROSECOND),
		switches - switches_before);
#ifndef STRESS_TSAN /* has a thread of its own in the background */
	CHECK(cpu - cpu_before <= IDLE_CPU);
	CHECK(switches - switches_before <= IDLE_SWITCHES);
#endif
	CHECK_IS(vcore_thread_destroy(sleeper), 0);
	stress_join(sleeper);
	stress_close(runtime);
}

static void open_close(unsigned processors)
{
	check_flat(processors);
	check_idle(processors);
}

int main(int argc, char **argv)
{
	mallopt(M_ARENA_MAX, 1); /* their number depends on who contends */
	return stress_main(argc, argv, "open and close", open_close);
}
