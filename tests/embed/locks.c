/*
 * A green thread and a plain pthread share one of each kind of lock there is,
 * all of them made by initialisers.
 * Prints: "4000 times each".
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <vcore/vcore.h>

enum { ROUNDS = 2000 };

static struct {
	struct vcore_once once;
	struct vcore_barrier barrier;
	struct vcore_lock lock;
	struct vcore_condition turned;
	struct vcore_ticketlock ticketlock;
	struct vcore_rwlock readers_first, writers_first, fair;
	struct vcore_semaphore semaphore;
	int begun;                                           /* by whoever called once */
	int turn;                                            /* guarded by lock */
	int locked, ticketed, first, second, third, permits; /* each by its own */
} shared = {
	.once = VCORE_ONCE_INITIALIZER,
	.barrier = VCORE_BARRIER_INITIALIZER(2),
	.lock = VCORE_LOCK_INITIALIZER,
	.turned = VCORE_CONDITION_INITIALIZER,
	.ticketlock = VCORE_TICKETLOCK_INITIALIZER,
	.readers_first = VCORE_RWLOCK_READERS_FIRST,
	.writers_first = VCORE_RWLOCK_WRITERS_FIRST,
	.fair = VCORE_RWLOCK_FAIR,
	.semaphore = VCORE_SEMAPHORE_INITIALIZER(1),
};

static void begin(void *argument)
{
	++*(int *)argument;
}

/* They take turns, by the condition. */
static void count_locked(int me)
{
	vcore_lock_acquire(&shared.lock);
	while (shared.turn != me) {
		vcore_condition_wait(&shared.turned, &shared.lock, VCORE_NEVER);
	}
	shared.turn = !me;
	shared.locked++;
	vcore_condition_signal(&shared.turned);
	vcore_lock_release(&shared.lock);
}

static void count_written(struct vcore_rwlock *lock, int *counter)
{
	int written;

	vcore_rwlock_acquire_write(lock);
	written = ++*counter;
	vcore_rwlock_downgrade(lock);
	if (*counter != written) {
		abort(); /* a writer came between */
	}
	vcore_rwlock_release_read(lock);
}

static void *count_all(void *me)
{
	vcore_once_call(&shared.once, begin, &shared.begun);
	vcore_barrier_wait(&shared.barrier, VCORE_NEVER);
	for (int i = 0; i < ROUNDS; i++) {
		count_locked(*(int *)me);
		vcore_ticketlock_acquire(&shared.ticketlock);
		shared.ticketed++;
		vcore_ticketlock_release(&shared.ticketlock);
		count_written(&shared.readers_first, &shared.first);
		count_written(&shared.writers_first, &shared.second);
		count_written(&shared.fair, &shared.third);
		vcore_semaphore_acquire(&shared.semaphore);
		shared.permits++;
		vcore_semaphore_release(&shared.semaphore, 1);
	}
	return me;
}

int main(void)
{
	int green = 0, plain = 1;
	pthread_t thread;

	if (pthread_create(&thread, NULL, count_all, &plain) != 0 ||
	    vcore_run(NULL, count_all, &green, NULL) != 0 || pthread_join(thread, NULL) != 0) {
		return 1;
	}
	if (shared.begun != 1 || shared.locked != 2 * ROUNDS || shared.ticketed != 2 * ROUNDS ||
	    shared.first != 2 * ROUNDS || shared.second != 2 * ROUNDS ||
	    shared.third != 2 * ROUNDS || shared.permits != 2 * ROUNDS) {
		return 1;
	}
	printf("%d times each\n", 2 * ROUNDS);
	return 0;
}
