/*
 * Locks that belong to kernel threads, held across application text by threads
 * that are preempted: each has one owner, which stays the owner, and who waits
 * for it in the kernel stops nobody else.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "rounds_locks.h"

/* A holder that computes until the host lets it, and one who wants the mutex. */
struct contest {
	pthread_mutex_t mutex;
	_Atomic bool held, wanted, release;
	_Atomic bool given_up; /* guarded by mutex */
};

static void *hold(void *argument)
{
	struct contest *contest = argument;

	pthread_mutex_lock(&contest->mutex);
	atomic_store(&contest->held, true);
	ticks_spin(&contest->release);
	atomic_store(&contest->given_up, true);
	pthread_mutex_unlock(&contest->mutex);
	return NULL;
}

static void *want(void *argument)
{
	struct contest *contest = argument;

	ticks_spin(&contest->held);
	atomic_store(&contest->wanted, true);
	pthread_mutex_lock(&contest->mutex);
	CHECK(contest->given_up);
	pthread_mutex_unlock(&contest->mutex);
	return NULL;
}

/* All on processor 0: only that both are taken off it lets the heart beat. */
static void contend(const struct ticks *ticks)
{
	struct contest contest = {.mutex = PTHREAD_MUTEX_INITIALIZER};
	struct vcore_thread *holder, *wanter;
	struct heart heart;

	holder = ticks_spawn_pinned(ticks, hold, &contest);
	wanter = ticks_spawn_pinned(ticks, want, &contest);
	heart_start(&heart, ticks);
	ticks_until(contest.wanted);
	heart_await(&heart, 5);
	CHECK(!contest.given_up);
	atomic_store(&contest.release, true);
	stress_join(holder);
	stress_join(wanter);
	heart_stop(&heart);
}

/* The holder waits for the host with many that want what it has. */
static void wait_for_many(const struct ticks *ticks)
{
	struct contest contest = {.mutex = PTHREAD_MUTEX_INITIALIZER};
	struct vcore_thread *holder, *wanters[20];

	holder = ticks_spawn_pinned(ticks, hold, &contest);
	for (int i = 0; i < 20; i++) {
		wanters[i] = ticks_spawn_pinned(ticks, want, &contest);
	}
	ticks_until(ticks_info(ticks, wanters[19]).let_go);
	atomic_store(&contest.release, true);
	stress_join(holder);
	for (int i = 0; i < 20; i++) {
		stress_join(wanters[i]);
	}
}

static void labour(const struct ticks *ticks)
{
	for (size_t i = 0; i < LOCKS_LABOURS; i++) {
		ticks_labour(ticks, &locks_labours[i]);
	}
	ticks_try(ticks, "the holder of a mutex and who wants it on one processor", contend);
	ticks_try(ticks, "many want a mutex on one processor", wait_for_many);
}

int main(int argc, char **argv)
{
	return ticks_main(argc, argv, labour);
}
