/*
 * Contests for the locks of pthreads.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "pthread-locks.h"

#include "contest.h"

#include <pthread.h>

static void check(int error, const char *what)
{
	bench_check(error == 0, what);
}

/* --- mutex --- */

static void acquire(void *lock, void *place)
{
	(void)place;
	pthread_mutex_lock(lock);
}

static void release(void *lock, void *place)
{
	(void)place;
	pthread_mutex_unlock(lock);
}

static const struct bench_lock mutex = {.acquire = acquire, .release = release};

static void *compete_for_mutex(void *contestant)
{
	return bench_compete(contestant, &mutex);
}

void bench_pthread_mutex(struct bench *bench, int type)
{
	static pthread_mutex_t lock BENCH_APART;
	pthread_mutexattr_t attributes;

	check(pthread_mutexattr_init(&attributes), "attributes");
	check(pthread_mutexattr_settype(&attributes, type), "type");
	check(pthread_mutex_init(&lock, &attributes), "mutex");
	bench_contest(bench, &bench_kernel_threads, compete_for_mutex, &lock);
	pthread_mutexattr_destroy(&attributes);
}

/* --- rwlock --- */

static void acquire_write(void *lock, void *place)
{
	(void)place;
	pthread_rwlock_wrlock(lock);
}

static void acquire_read(void *lock, void *place)
{
	(void)place;
	pthread_rwlock_rdlock(lock);
}

static void release_either(void *lock, void *place)
{
	(void)place;
	pthread_rwlock_unlock(lock);
}

static const struct bench_lock rwlock = {
	.acquire = acquire_write,
	.release = release_either,
	.acquire_read = acquire_read,
	.release_read = release_either,
};

static void *compete_for_rwlock(void *contestant)
{
	return bench_compete(contestant, &rwlock);
}

void bench_pthread_rwlock(struct bench *bench, int preference)
{
	static pthread_rwlock_t lock BENCH_APART;
	pthread_rwlockattr_t attributes;

	check(pthread_rwlockattr_init(&attributes), "attributes");
	check(pthread_rwlockattr_setkind_np(&attributes, preference), "preference");
	check(pthread_rwlock_init(&lock, &attributes), "rwlock");
	bench_contest(bench, &bench_kernel_threads, compete_for_rwlock, &lock);
	pthread_rwlockattr_destroy(&attributes);
}
