/*
 * Contests: threads that compete for one lock, for as long as the contest lasts.
 *
 * Who has the lock changes what it guards, or reads it, and gives the lock up;
 * nothing is done in between.  An implementation says how its lock is acquired
 * and released, and by what threads:
 *
 *	static const struct bench_lock mutex = {.acquire = lock, .release = unlock};
 *
 *	static void *compete(void *contestant)
 *	{
 *		return bench_compete(contestant, &mutex);
 *	}
 *
 *	static void run_mutex(struct bench *bench)
 *	{
 *		static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
 *
 *		bench_contest(bench, &bench_kernel_threads, compete, &lock);
 *	}
 *
 * bench_compete is part of the function that calls it, so that the compiler
 * sees which lock it is, and can do with it what it could do in a program.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BENCH_CONTEST_H
#define BENCH_CONTEST_H

#include "bench.h"

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Cache lines are prefetched in pairs. */
#define BENCH_APART __attribute__((aligned(128)))

/*
 * A lock, whatever it is, and a place of each thread that the implementation may
 * use for what it needs for as long as the thread competes.
 */
struct bench_lock {
	void (*acquire)(void *lock, void *place);
	void (*release)(void *lock, void *place);
	/* NULL: who reads does as who changes */
	void (*acquire_read)(void *lock, void *place);
	void (*release_read)(void *lock, void *place);
	/* before the first and after the last; may be NULL */
	void (*enter)(void *lock, void *place);
	void (*leave)(void *lock, void *place);
};

struct bench_crew {
	void *(*spawn)(void *(*entry)(void *), void *argument);
	void (*join)(void *thread);           /* NULL: threads end with the process */
	void (*sleep_until)(int64_t instant); /* of bench_now */
	void (*yield)(void);
};

struct bench_contest {
	void *lock;
	const struct bench_crew *crew;
	long writes; /* of BENCH_CYCLE accesses */
	long arrived BENCH_APART;
	bool begun BENCH_APART;
	bool over;
	long guarded[2] BENCH_APART; /* by the lock; always equal */
};

struct bench_contestant {
	struct bench_contest *contest BENCH_APART;
	void *thread;
	long accesses, changes; /* how many it made before the contest was over */
	char place[256] BENCH_APART;
};

/*
 * bench->threads threads of this crew compete for the lock for n milliseconds,
 * once a process; bench->writes of 32 accesses are changes, if the lock makes a
 * difference.
 * "ns" is the time an access, of all threads together; "fairness" is how many
 * accesses the thread had that had least, in percent of the one that had most.
 */
void bench_contest(struct bench *bench, const struct bench_crew *crew, void *(*compete)(void *),
		   void *lock);

/*
 * pthreads, wherever the kernel has them run.  They are not joined: where they
 * spin in a line, each for the one before it that does not run, the last would
 * have its turn seconds later.
 */
extern const struct bench_crew bench_kernel_threads;

#define BENCH_CYCLE 32

/* Waits until all are there. */
void bench_await_begin(struct bench_contest *contest);

static inline bool bench_is_over(const struct bench_contest *contest)
{
	return __atomic_load_n(&contest->over, __ATOMIC_RELAXED);
}

/* By its only writer; others may read. */
static inline void bench_increment(long *counter)
{
	__atomic_store_n(counter, *counter + 1, __ATOMIC_RELAXED);
}

/* Spreads the changes evenly over the cycle. */
static inline bool bench_is_change(const struct bench_contest *contest, long access)
{
	return access * contest->writes % BENCH_CYCLE < contest->writes;
}

__attribute__((always_inline)) static inline bool bench_change(struct bench_contestant *self,
							       const struct bench_lock *lock)
{
	struct bench_contest *contest = self->contest;
	bool counts;

	lock->acquire(contest->lock, self->place);
	counts = !bench_is_over(contest);
	if (counts) {
		bench_increment(&contest->guarded[0]);
		bench_increment(&contest->guarded[1]);
		bench_increment(&self->changes);
	}
	lock->release(contest->lock, self->place);
	return counts;
}

__attribute__((always_inline)) static inline bool bench_look(struct bench_contestant *self,
							     const struct bench_lock *lock)
{
	struct bench_contest *contest = self->contest;
	bool counts;

	lock->acquire_read(contest->lock, self->place);
	counts = !bench_is_over(contest);
	bench_check(contest->guarded[0] == contest->guarded[1], "a change was seen half made");
	lock->release_read(contest->lock, self->place);
	return counts;
}

/* What each contestant does. */
__attribute__((always_inline)) static inline void *bench_compete(void *contestant,
								 const struct bench_lock *lock)
{
	struct bench_contestant *self = (struct bench_contestant *)contestant;
	struct bench_contest *contest = self->contest;
	bool more = true;

	if (lock->enter != NULL) {
		lock->enter(contest->lock, self->place);
	}
	bench_await_begin(contest);
	while (more) {
		if (lock->acquire_read == NULL || bench_is_change(contest, self->accesses)) {
			more = bench_change(self, lock);
		} else {
			more = bench_look(self, lock);
		}
		if (more) {
			bench_increment(&self->accesses);
		}
	}
	if (lock->leave != NULL) {
		lock->leave(contest->lock, self->place);
	}
	return NULL;
}

#ifdef __cplusplus
}
#endif
#endif /* BENCH_CONTEST_H */
