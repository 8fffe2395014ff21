/*
 * A buffer with the mutex and the conditions of pthreads.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "pthread-buffers.h"

#include <pthread.h>

/* All-zero: as with PTHREAD_MUTEX_INITIALIZER and PTHREAD_COND_INITIALIZER. */
struct guard {
	pthread_mutex_t mutex;
};

struct condition {
	pthread_cond_t condition;
};

static void guard_acquire(struct guard *guard)
{
	pthread_mutex_lock(&guard->mutex);
}

static void guard_release(struct guard *guard)
{
	pthread_mutex_unlock(&guard->mutex);
}

static void condition_wait(struct condition *condition, struct guard *guard)
{
	pthread_cond_wait(&condition->condition, &guard->mutex);
}

static void condition_signal(struct condition *condition)
{
	pthread_cond_signal(&condition->condition);
}

#include "locked-ring.h"

void run_traffic(struct bench *bench)
{
	locked_ring_traffic(bench);
}

void run_round_trip(struct bench *bench)
{
	locked_ring_round_trip(bench);
}
