/*
 * The subject pthread: kernel threads with mutex, condition and semaphore; the
 * rwlock is the default, which lets readers in first; the buffer is a ring with a
 * mutex and two conditions.
 *
 * Fork-join and a million waiting threads are left out: at 20 µs and 10 KiB
 * of kernel memory a thread they would measure the machine's patience.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "bench.h"
#include "preempt.h"
#include "pthread-buffers.h"
#include "pthread-locks.h"

#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdlib.h>
#include <time.h>

/* More tell nothing new, and may be more than a process may have. */
#define SPAWN_MANY_MAX 2000

#define STACK_SIZE (64 * 1024)

static pthread_attr_t attributes;

static void check(int error, const char *what)
{
	bench_check(error == 0, what);
}

static pthread_t spawn(void *(*entry)(void *), void *argument)
{
	pthread_t thread;

	check(pthread_create(&thread, &attributes, entry, argument), "pthread_create");
	return thread;
}

static void join(pthread_t thread)
{
	check(pthread_join(thread, NULL), "pthread_join");
}

/* --- switch: threads that do nothing but sched_yield --- */

struct ring {
	pthread_barrier_t barrier;
	long each;
};

static void *yield_often(void *argument)
{
	struct ring *ring = argument;

	pthread_barrier_wait(&ring->barrier);
	for (long i = ring->each; i > 0; i--) {
		sched_yield();
	}
	return NULL;
}

static void run_switch(struct bench *bench)
{
	pthread_t *threads = calloc((size_t)bench->threads, sizeof(*threads));
	struct ring ring = {.each = bench->n / bench->threads + 1};

	check(pthread_barrier_init(&ring.barrier, NULL, (unsigned)bench->threads + 1), "barrier");
	for (long i = 0; i < bench->threads; i++) {
		threads[i] = spawn(yield_often, &ring);
	}
	pthread_barrier_wait(&ring.barrier);
	bench_start(bench);
	for (long i = 0; i < bench->threads; i++) {
		join(threads[i]);
	}
	bench_stop(bench, ring.each * bench->threads);
	bench_note(bench, "sched_yield; the kernel may let the same thread go on");
	pthread_barrier_destroy(&ring.barrier);
	free(threads);
}

/* --- spawn: one at a time; spawn-many: all, then join all --- */

static void *nothing(void *argument)
{
	return argument;
}

static void run_spawn(struct bench *bench)
{
	bench_start(bench);
	for (long i = 0; i < bench->n; i++) {
		join(spawn(nothing, NULL));
	}
	bench_stop(bench, bench->n);
}

static void run_spawn_many(struct bench *bench)
{
	long n = bench->n < SPAWN_MANY_MAX ? bench->n : SPAWN_MANY_MAX;
	pthread_t *threads = calloc((size_t)n, sizeof(*threads));

	bench_start(bench);
	for (long i = 0; i < n; i++) {
		threads[i] = spawn(nothing, NULL);
	}
	for (long i = 0; i < n; i++) {
		join(threads[i]);
	}
	bench_stop(bench, n);
	bench_note(bench, "2000 threads");
	free(threads);
}

/* --- ping-pong: whose turn it is, under a mutex and a condition --- */

struct table {
	struct bench *bench;
	pthread_mutex_t mutex;
	pthread_cond_t turn;
	bool pong; /* guarded by mutex: it is pong's turn */
};

static void take_turn(struct table *table, bool pong)
{
	pthread_mutex_lock(&table->mutex);
	while (table->pong != pong) {
		pthread_cond_wait(&table->turn, &table->mutex);
	}
	table->pong = !pong;
	pthread_cond_signal(&table->turn);
	pthread_mutex_unlock(&table->mutex);
}

static void *play_pong(void *argument)
{
	struct table *table = argument;

	bench_pin(1);
	for (long i = 0; i < table->bench->n; i++) {
		take_turn(table, true);
	}
	return NULL;
}

static void run_ping_pong(struct bench *bench)
{
	struct table table = {
		.bench = bench,
		.mutex = PTHREAD_MUTEX_INITIALIZER,
		.turn = PTHREAD_COND_INITIALIZER,
	};
	pthread_t pong = spawn(play_pong, &table);

	bench_pin(0);
	take_turn(&table, false);
	bench_start(bench);
	for (long i = 1; i < bench->n; i++) {
		take_turn(&table, false);
		bench_lap(bench);
	}
	join(pong);
	bench_stop(bench, bench->n);
}

/* --- advance: post a semaphore that nobody waits for --- */

static void run_advance(struct bench *bench)
{
	sem_t semaphore;

	check(sem_init(&semaphore, 0, 0), "sem_init");
	bench_start(bench);
	for (long i = 0; i < bench->n; i++) {
		sem_post(&semaphore);
	}
	bench_stop(bench, bench->n);
	bench_note(bench, "sem_post");
}

/* --- preemption: by the kernel, as SCHED_OTHER, on one CPU --- */

#define SECOND INT64_C(1000000000)

static void *spawn_preemptible(struct bench *bench, bool urgent, void *(*entry)(void *),
			       void *argument)
{
	(void)urgent;
	bench_pin(0); /* which the new thread inherits */
	bench_note(bench, "the kernel's own quantum, and no priorities");
	return (void *)spawn(entry, argument);
}

static void join_preemptible(void *thread)
{
	join((pthread_t)thread);
}

static void sleep_until(int64_t instant)
{
	struct timespec until = {.tv_sec = instant / SECOND, .tv_nsec = instant % SECOND};

	check(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL), "clock_nanosleep");
}

static const struct bench_threads preemptible = {spawn_preemptible, join_preemptible, sleep_until,
						 NULL};

BENCH_PREEMPT_RUN(gap, preemptible)
BENCH_PREEMPT_RUN(lost, preemptible)
BENCH_PREEMPT_RUN(lost_in_libc, preemptible)
BENCH_PREEMPT_RUN(handover, preemptible)
BENCH_PREEMPT_RUN(late, preemptible)

/* --- locks --- */

static void run_mutex(struct bench *bench)
{
	bench_pthread_mutex(bench, PTHREAD_MUTEX_NORMAL);
}

static void run_rwlock(struct bench *bench)
{
	bench_pthread_rwlock(bench, PTHREAD_RWLOCK_PREFER_READER_NP);
}

static const struct bench_workload workloads[] = {
	{"switch", run_switch},
	{"spawn", run_spawn},
	{"spawn-many", run_spawn_many},
	{"ping-pong", run_ping_pong},
	{"advance", run_advance},
	{"gap", run_gap},
	{"lost", run_lost},
	{"lost-in-libc", run_lost_in_libc},
	{"handover", run_handover},
	{"late", run_late},
	{"mutex", run_mutex},
	{"rwlock", run_rwlock},
	{"rcu", run_rwlock},
	{"one-to-one", run_traffic},
	{"many-to-many", run_traffic},
	{"round-trip", run_round_trip},
	{NULL, NULL},
};

int main(int argc, char **argv)
{
	check(pthread_attr_init(&attributes), "attributes");
	check(pthread_attr_setstacksize(&attributes, STACK_SIZE), "stack size");
	return bench_main(workloads, argc, argv);
}
