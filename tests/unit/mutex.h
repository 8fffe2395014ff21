/*
 * What a lock and a ticketlock both promise is tested by the same text, compiled
 * once for each: MUTEX is the name of the one, MUTEX_WAIT the kind of a wait.
 * And what these tests share: those who own a mutex, and those who want it.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef TESTS_UNIT_MUTEX_H
#define TESTS_UNIT_MUTEX_H

#include "ticking.h"

#define MUTEX_NAME_(name, rest) vcore_##name##rest
#define MUTEX_NAME(name, rest)  MUTEX_NAME_(name, rest)
#define MUTEX_TEXT_(name)       #name
#define MUTEX_TEXT(name)        MUTEX_TEXT_(name)

#define mutex               MUTEX_NAME(MUTEX, )
#define mutex_acquire       MUTEX_NAME(MUTEX, _acquire)
#define mutex_acquire_until MUTEX_NAME(MUTEX, _acquire_until)
#define mutex_try_acquire   MUTEX_NAME(MUTEX, _try_acquire)
#define mutex_release       MUTEX_NAME(MUTEX, _release)
#define mutex_recovered     MUTEX_NAME(MUTEX, _recovered)
#define mutex_is_held       MUTEX_NAME(MUTEX, _is_held)

/* A Test, TestInside, … of the suite that bears the name. */
#define TestMutex(how, name, ...)         TestMutex_(how, MUTEX, name, ##__VA_ARGS__)
#define TestMutex_(how, suite, name, ...) how(suite, name, ##__VA_ARGS__)

/* Owns the lock, and waits, until it is told to go. */
struct holder {
	struct mutex *lock;
	struct vcore_eventcount go;
	atomic_bool holds;
	struct peer peer;
};
void *hold(void *holder);
void holder_start(struct holder *holder, struct mutex *lock); /* of the caller's kind */
void holder_finish(struct holder *holder);

/* Wants the lock, and gives it up as soon as it has got it. */
struct contender {
	struct mutex *lock;
	vcore_instant deadline;
	struct journal *journal; /* NULL, or where it notes that it owns the lock */
	char letter;
	int result;
	atomic_bool over;
	atomic_int tid;
	struct peer peer;
};
void *contend(void *contender);
bool contender_waits(struct contender *contender);
/* Start it, as one of the caller's kind, or as a pthread; it waits then. */
void contender_start(struct contender *contender);
void contender_start_pthread(struct contender *contender);
int contender_finish(struct contender *contender); /* its result */
/* They acquire it one after the other, by letters. */
void contenders_start(struct contender *contenders, unsigned n, struct mutex *lock,
		      struct journal *journal);

/* --- owners that end ------------------------------------------------------------------- */

/* As a holder, but it ends without releasing the lock. */
void *hold_and_die(void *holder);
void mortal_start(struct holder *holder, struct mutex *lock);

void *die_owning(void *lock);           /* a thread's entry */
void leave_dead(struct mutex *lock);    /* its owner has ended */
void leave_lost(struct mutex *lock);    /* and it was not recovered */
void check_is_dead(struct mutex *lock); /* and recovers it */

#endif /* TESTS_UNIT_MUTEX_H */
