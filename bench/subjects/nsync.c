/*
 * The subject nsync: its mutex, which is its reader-writer lock as well, and a
 * buffer with that and its condition variables.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "contest.h"

#include <nsync.h>

static void acquire(void *lock, void *place)
{
	(void)place;
	nsync_mu_lock(lock);
}

static void release(void *lock, void *place)
{
	(void)place;
	nsync_mu_unlock(lock);
}

static void acquire_read(void *lock, void *place)
{
	(void)place;
	nsync_mu_rlock(lock);
}

static void release_read(void *lock, void *place)
{
	(void)place;
	nsync_mu_runlock(lock);
}

static const struct bench_lock mutex = {.acquire = acquire, .release = release};

static const struct bench_lock rwlock = {
	.acquire = acquire,
	.release = release,
	.acquire_read = acquire_read,
	.release_read = release_read,
};

static nsync_mu mu BENCH_APART = NSYNC_MU_INIT;

static void *compete_for_mutex(void *contestant)
{
	return bench_compete(contestant, &mutex);
}

static void *compete_for_rwlock(void *contestant)
{
	return bench_compete(contestant, &rwlock);
}

static void run_mutex(struct bench *bench)
{
	bench_contest(bench, &bench_kernel_threads, compete_for_mutex, &mu);
}

static void run_rwlock(struct bench *bench)
{
	bench_contest(bench, &bench_kernel_threads, compete_for_rwlock, &mu);
}

/* --- buffer --- */

struct guard {
	nsync_mu mu;
};

struct condition {
	nsync_cv cv;
};

static void guard_acquire(struct guard *guard)
{
	nsync_mu_lock(&guard->mu);
}

static void guard_release(struct guard *guard)
{
	nsync_mu_unlock(&guard->mu);
}

static void condition_wait(struct condition *condition, struct guard *guard)
{
	nsync_cv_wait(&condition->cv, &guard->mu);
}

static void condition_signal(struct condition *condition)
{
	nsync_cv_signal(&condition->cv);
}

#include "locked-ring.h"

static const struct bench_workload workloads[] = {
	{"mutex", run_mutex},
	{"rwlock", run_rwlock},
	{"one-to-one", locked_ring_traffic},
	{"many-to-many", locked_ring_traffic},
	{"round-trip", locked_ring_round_trip},
	{NULL, NULL},
};

int main(int argc, char **argv)
{
	return bench_main(workloads, argc, argv);
}
