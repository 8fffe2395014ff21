/*
 * What the tests of rwlocks share: those who hold one, or want it, and bodies
 * that run with a lock of each policy.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef TESTS_UNIT_VISITOR_H
#define TESTS_UNIT_VISITOR_H

#include "ticking.h"

/* Wants the lock, for reading or writing. */
struct visitor {
	struct vcore_rwlock *lock;
	vcore_instant deadline; /* 0: VCORE_NEVER */
	bool write;
	bool stays;              /* holds it until it is told to go */
	bool dies;               /* and ends without releasing it */
	struct journal *journal; /* NULL, or where it notes that it is inside */
	char letter;
	struct vcore_eventcount go;
	atomic_bool inside, over; /* over: it has given up */
	int result;
	atomic_int tid;
	struct peer peer;
};
void *visit(void *visitor);
bool visitor_waits(struct visitor *visitor);
/* Start it, as one of the caller's kind, or as a pthread: it waits then, or is inside. */
void visitor_start(struct visitor *visitor);
void visitor_start_pthread(struct visitor *visitor);
int visitor_finish(struct visitor *visitor); /* tells it to go; its result */

/* A line of those who come: 'r' and 'w', one after the other. */
void line_start(struct visitor *visitors, struct vcore_rwlock *lock, const char *line, bool stay);
void line_finish(struct visitor *visitors, const char *line);

/* By one that holds it, and ends. */
void end_holding(struct vcore_rwlock *lock, bool write);

int acquire_until(struct vcore_rwlock *lock, bool write, vcore_instant deadline);
bool try_acquire(struct vcore_rwlock *lock, bool write);
void release(struct vcore_rwlock *lock, bool write);

/* Free locks of the three policies. */
enum policy { READERS_FIRST, WRITERS_FIRST, FAIR, POLICIES };
extern const struct vcore_rwlock policies[POLICIES];

/* A test, by TestEverywhere, TestAround, …, of a function of a free lock. */
#define TestPolicies(how, name)                                                                    \
	static void name##_with(struct vcore_rwlock *lock);                                        \
	how(rwlock, name)                                                                          \
	{                                                                                          \
		for (int policy_ = 0; policy_ < POLICIES; policy_++) {                             \
			struct vcore_rwlock lock_ = policies[policy_];                             \
                                                                                                   \
			name##_with(&lock_);                                                       \
		}                                                                                  \
	}                                                                                          \
	static void name##_with(struct vcore_rwlock *lock)

#endif /* TESTS_UNIT_VISITOR_H */
