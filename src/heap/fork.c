/*
 * fork: what keeps a heap from standing in its way.
 *
 * A fork takes the locks of libvcore and those of jemalloc.  A hook waits for the
 * former while it holds some of the latter, so that a fork which took them the other
 * way round would never end; and which way it takes them depends on who of the two was
 * initialised first.  So while a process forks no hook waits for anything: before a
 * fork takes any of those locks it has the gate closed, which hooks must pass, and
 * do not wait at.  Who was refused there has released all locks when it waits for the
 * fork to be over, and tries again.
 *
 * This file's handlers are installed later than both of those, when there is a first
 * heap; so the one before a fork is called before theirs, and the others after.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "heap/heap.h"

/* Closed to hooks as soon as somebody wants to fork. */
#define OPEN PTHREAD_RWLOCK_WRITER_NONRECURSIVE_INITIALIZER_NP

static pthread_rwlock_t gate = OPEN;

/* atomic */
static unsigned begun, ended; /* forks, by this process */
static unsigned generation;   /* of which the process is */

static void before_fork(void)
{
	__atomic_fetch_add(&begun, 1, __ATOMIC_SEQ_CST);
	(void)pthread_rwlock_wrlock(&gate);
}

static void after_fork_in_parent(void)
{
	__atomic_fetch_add(&ended, 1, __ATOMIC_SEQ_CST);
	(void)pthread_rwlock_unlock(&gate);
}

/* Nobody else is there; and the one who is has another id than who closed the gate. */
static void after_fork_in_child(void)
{
	static const pthread_rwlock_t open = OPEN;

	gate = open;
	ended = begun;
	generation++;
}

static void watch(void)
{
	(void)pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child);
}

void vci_forks_watch(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	(void)pthread_once(&once, watch);
}

unsigned vci_forks_generation(void)
{
	return __atomic_load_n(&generation, __ATOMIC_RELAXED);
}

bool vci_forks_enter(void)
{
	return pthread_rwlock_tryrdlock(&gate) == 0;
}

void vci_forks_leave(void)
{
	(void)pthread_rwlock_unlock(&gate);
}

unsigned vci_forks_ended(void)
{
	return __atomic_load_n(&ended, __ATOMIC_SEQ_CST);
}

bool vci_forks_were_since(unsigned ended_then)
{
	if (pthread_rwlock_rdlock(&gate) != 0) {
		return false; /* in a handler of the fork itself: it cannot wait for that */
	}
	(void)pthread_rwlock_unlock(&gate);
	return __atomic_load_n(&begun, __ATOMIC_SEQ_CST) != ended_then;
}
