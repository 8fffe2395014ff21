/*
 * The locks of libvcore, and green threads that compete for them.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "vcore-locks.h"

#include <vcore/vcore.h>

#include <stdio.h>

static void check(int error, const char *what)
{
	bench_check(error == 0, what);
}

/* --- threads --- */

static void *spawn(void *(*entry)(void *), void *argument)
{
	struct vcore_thread *thread;

	check(vcore_thread_allocate(&thread, NULL, entry, argument), "allocate");
	return thread;
}

static void join(void *thread)
{
	check(vcore_thread_join(thread, NULL, VCORE_NEVER), "join");
}

static void sleep_until(int64_t instant)
{
	vcore_sleep(instant);
}

const struct bench_crew vcore_crew = {spawn, join, sleep_until, vcore_yield};

/* --- mutex --- */

static void acquire(void *lock, void *place)
{
	(void)place;
	vcore_lock_acquire(lock);
}

static void release(void *lock, void *place)
{
	(void)place;
	vcore_lock_release(lock);
}

static const struct bench_lock mutex = {.acquire = acquire, .release = release};

static void *compete_for_mutex(void *contestant)
{
	return bench_compete(contestant, &mutex);
}

void run_mutex(struct bench *bench)
{
	static struct vcore_lock lock BENCH_APART;

	bench_contest(bench, &vcore_crew, compete_for_mutex, &lock);
}

/* --- ticket --- */

static void acquire_ticket(void *lock, void *place)
{
	(void)place;
	vcore_ticketlock_acquire(lock);
}

static void release_ticket(void *lock, void *place)
{
	(void)place;
	vcore_ticketlock_release(lock);
}

static const struct bench_lock ticket = {.acquire = acquire_ticket, .release = release_ticket};

static void *compete_for_ticket(void *contestant)
{
	return bench_compete(contestant, &ticket);
}

void run_ticket(struct bench *bench)
{
	static struct vcore_ticketlock lock BENCH_APART;

	bench_contest(bench, &vcore_crew, compete_for_ticket, &lock);
}

/* --- rwlock --- */

static void acquire_write(void *lock, void *place)
{
	(void)place;
	vcore_rwlock_acquire_write(lock);
}

static void release_write(void *lock, void *place)
{
	(void)place;
	vcore_rwlock_release_write(lock);
}

static void acquire_read(void *lock, void *place)
{
	(void)place;
	vcore_rwlock_acquire_read(lock);
}

static void release_read(void *lock, void *place)
{
	(void)place;
	vcore_rwlock_release_read(lock);
}

static const struct bench_lock rwlock = {acquire_write, release_write, acquire_read,
					 release_read,  NULL,          NULL};

static void *compete_for_rwlock(void *contestant)
{
	return bench_compete(contestant, &rwlock);
}

void run_readers_first(struct bench *bench)
{
	static struct vcore_rwlock lock BENCH_APART = VCORE_RWLOCK_READERS_FIRST;

	bench_contest(bench, &vcore_crew, compete_for_rwlock, &lock);
}

void run_writers_first(struct bench *bench)
{
	static struct vcore_rwlock lock BENCH_APART = VCORE_RWLOCK_WRITERS_FIRST;

	bench_contest(bench, &vcore_crew, compete_for_rwlock, &lock);
}

void run_fair(struct bench *bench)
{
	static struct vcore_rwlock lock BENCH_APART = VCORE_RWLOCK_FAIR;

	bench_contest(bench, &vcore_crew, compete_for_rwlock, &lock);
}

/* --- rcu --- */

static void begin_reading(void *lock, void *place)
{
	(void)lock;
	(void)place;
	vcore_rcu_read_lock();
}

static void end_reading(void *lock, void *place)
{
	(void)lock;
	(void)place;
	vcore_rcu_read_unlock();
}

/* Nobody changes anything. */
static const struct bench_lock rcu = {.acquire_read = begin_reading, .release_read = end_reading};

static void *read_only(void *contestant)
{
	return bench_compete(contestant, &rcu);
}

void run_rcu(struct bench *bench)
{
	bench_contest(bench, &vcore_crew, read_only, NULL);
}

/* --- main --- */

static void *measure(void *bench)
{
	bench_measure(bench);
	return NULL;
}

bool vcore_faults_expected;

static void report(const struct vcore_fault *fault)
{
	char text[1024];

	if (!vcore_faults_expected) {
		vcore_fault_describe(fault, text, sizeof(text));
		fputs(text, stderr);
	}
}

int vcore_main(const struct bench_workload *workloads, int argc, char **argv)
{
	static struct bench bench;

	bench_prepare(&bench, workloads, argc, argv);
	struct vcore_runtime_options options = {
		.processors = bench.processors,
		.quantum = bench.quantum,
		.fault = report,
	};

	check(vcore_run(&options, measure, &bench, NULL), "vcore_run");
	return bench_report(&bench);
}
