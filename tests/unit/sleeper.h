/*
 * What the tests of conditions share: those who wait for one.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef TESTS_UNIT_SLEEPER_H
#define TESTS_UNIT_SLEEPER_H

#include "ticking.h"

/* A condition and its lock. */
struct bed {
	struct vcore_condition condition;
	struct vcore_lock lock;
	struct journal journal; /* who has woken up; guarded by lock */
};

/* Waits once, and then releases the lock. */
struct sleeper {
	struct bed *bed;
	vcore_instant deadline; /* 0: VCORE_NEVER */
	char letter;
	int result;
	atomic_bool prepared, woken;
	struct peer peer;
};
void *sleep_in(void *sleeper);
/* Start it, as one of the caller's kind, or as a pthread: it waits then. */
void sleeper_start(struct sleeper *sleeper);
void sleeper_start_pthread(struct sleeper *sleeper);
int sleeper_finish(struct sleeper *sleeper); /* its result */
/* With letters from 'a' on. */
void sleepers_start(struct sleeper *sleepers, int n, struct bed *bed);
void sleepers_finish(struct sleeper *sleepers, int n);

/* With the lock owned for that time. */
void signal_owning(struct bed *bed);
void broadcast_owning(struct bed *bed);

#endif /* TESTS_UNIT_SLEEPER_H */
