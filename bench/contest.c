/*
 * The contests of contest.h: who takes part, when it begins and is over, and
 * how it came out.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "contest.h"

#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MILLISECOND INT64_C(1000000)
#define SECOND      INT64_C(1000000000)

#define STACK_SIZE (64 * 1024)

void bench_await_begin(struct bench_contest *contest)
{
	__atomic_add_fetch(&contest->arrived, 1, __ATOMIC_RELAXED);
	while (!__atomic_load_n(&contest->begun, __ATOMIC_ACQUIRE)) {
		contest->crew->yield();
	}
}

/* Memory that lasts as long as the process, as threads of it may. */
static struct bench_contestant *gather(struct bench_contest *contest, long n,
				       void *(*compete)(void *))
{
	size_t size = (size_t)n * sizeof(struct bench_contestant);
	struct bench_contestant *all = aligned_alloc(_Alignof(struct bench_contestant), size);

	bench_check(all != NULL, "memory");
	memset(all, 0, size);
	for (long i = 0; i < n; i++) {
		all[i].contest = contest;
		all[i].thread = contest->crew->spawn(compete, &all[i]);
	}
	while (__atomic_load_n(&contest->arrived, __ATOMIC_RELAXED) < n) {
		contest->crew->yield();
	}
	return all;
}

static long read_counter(const long *counter)
{
	return __atomic_load_n(counter, __ATOMIC_RELAXED);
}

static bool anybody_had_it(const struct bench_contestant *all, long n)
{
	for (long i = 0; i < n; i++) {
		if (read_counter(&all[i].accesses) > 0) {
			return true;
		}
	}
	return false;
}

/* What all have done; one may be in the middle of a change. */
static void sum_up(struct bench *bench, const struct bench_contest *contest,
		   const struct bench_contestant *all)
{
	long accesses = 0;
	long changes = 0;
	long least = LONG_MAX;
	long most = 0;

	for (long i = 0; i < bench->threads; i++) {
		long own = read_counter(&all[i].accesses);

		accesses += own;
		changes += read_counter(&all[i].changes);
		least = own < least ? own : least;
		most = own > most ? own : most;
	}
	bench_check(labs(read_counter(&contest->guarded[0]) - changes) <= 1, "a change was lost");
	bench->done = accesses;
	bench_value(bench, "fairness", 100 * (double)least / (double)most);
}

void bench_contest(struct bench *bench, const struct bench_crew *crew, void *(*compete)(void *),
		   void *lock)
{
	static struct bench_contest contest;
	struct bench_contestant *all;

	bench_check(contest.lock == NULL, "a second contest");
	contest.lock = lock;
	contest.crew = crew;
	contest.writes = bench->writes;
	all = gather(&contest, bench->threads, compete);
	bench_start(bench);
	__atomic_store_n(&contest.begun, true, __ATOMIC_RELEASE);
	do {
		crew->sleep_until(bench_now() + bench->n * MILLISECOND);
	} while (!anybody_had_it(all, bench->threads));
	__atomic_store_n(&contest.over, true, __ATOMIC_RELAXED);
	bench_stop(bench, 1);
	for (long i = 0; crew->join != NULL && i < bench->threads; i++) {
		crew->join(all[i].thread);
	}
	sum_up(bench, &contest, all);
}

/* --- kernel threads --- */

static void check(int error, const char *what)
{
	bench_check(error == 0, what);
}

static void *spawn(void *(*entry)(void *), void *argument)
{
	pthread_attr_t attributes;
	pthread_t thread;

	check(pthread_attr_init(&attributes), "attributes");
	check(pthread_attr_setstacksize(&attributes, STACK_SIZE), "stack size");
	check(pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED), "detached");
	check(pthread_create(&thread, &attributes, entry, argument), "pthread_create");
	pthread_attr_destroy(&attributes);
	return NULL; /* nobody joins it */
}

static void sleep_until(int64_t instant)
{
	struct timespec until = {.tv_sec = instant / SECOND, .tv_nsec = instant % SECOND};

	check(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL), "clock_nanosleep");
}

static void yield(void)
{
	sched_yield();
}

const struct bench_crew bench_kernel_threads = {spawn, NULL, sleep_until, yield};
