/*
 * Readers and writers, made from two semaphores and a count, as lectures have it.
 *
 * One permit lets somebody use the page: a writer, or the readers together.  The
 * first reader to come takes it for all of them, and the last to go gives it
 * back: mostly another thread, for permits have no owner.  The other semaphore
 * guards the count of readers.  As long as readers come, writers may starve;
 * VCORE_RWLOCK_READERS_FIRST is the same in one piece (see readers-writers.c).
 *
 * Shows: semaphores.
 * Prints: how often the page was read and written, and that nobody ever saw it
 *	half written.
 *
 * Source: P. J. Courtois, F. Heymans, D. L. Parnas (CACM 14, 1971), problem 1.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <stdio.h>
#include <vcore/vcore.h>

#include "check.h"

enum { READERS = 4, WRITERS = 2, ROUNDS = 500, LINES = 8 };

static struct vcore_semaphore mutex = VCORE_SEMAPHORE_INITIALIZER(1); /* guards `readers` */
static struct vcore_semaphore use = VCORE_SEMAPHORE_INITIALIZER(1);   /* guards the page */
static int readers;                                                   /* inside */
static int page[LINES];                                               /* all alike */

static int seen, half_written; /* counted atomically */

static void enter_as_reader(void)
{
	vcore_semaphore_acquire(&mutex);
	readers++;
	if (readers == 1) {
		vcore_semaphore_acquire(&use);
	}
	vcore_semaphore_release(&mutex, 1);
}

static void leave_as_reader(void)
{
	vcore_semaphore_acquire(&mutex);
	readers--;
	if (readers == 0) {
		vcore_semaphore_release(&use, 1);
	}
	vcore_semaphore_release(&mutex, 1);
}

/* Whether all lines are alike; others run while it looks. */
static bool is_whole(void)
{
	for (int i = 1; i < LINES; i++) {
		if (page[i] != page[0]) {
			return false;
		}
		vcore_yield();
	}
	return true;
}

static void *read_often(void *unused)
{
	for (int i = 0; i < ROUNDS; i++) {
		enter_as_reader();
		if (!is_whole()) {
			__atomic_add_fetch(&half_written, 1, __ATOMIC_RELAXED);
		}
		leave_as_reader();
		__atomic_add_fetch(&seen, 1, __ATOMIC_RELAXED);
	}
	return unused;
}

static void *write_often(void *unused)
{
	for (int i = 0; i < ROUNDS; i++) {
		vcore_semaphore_acquire(&use);
		for (int line = 0; line < LINES; line++) {
			page[line]++;
			vcore_yield();
		}
		vcore_semaphore_release(&use, 1);
	}
	return unused;
}

static void *start(void *unused)
{
	for (int i = 0; i < READERS; i++) {
		check(vcore_thread_allocate(NULL, NULL, read_often, NULL), "vcore_thread_allocate");
	}
	for (int i = 0; i < WRITERS; i++) {
		check(vcore_thread_allocate(NULL, NULL, write_often, NULL),
		      "vcore_thread_allocate");
	}
	return unused;
}

int main(void)
{
	check(vcore_run(NULL, start, NULL, NULL), "vcore_run");
	printf("written %d times, read %d times, seen half written %d times\n", page[0], seen,
	       half_written);
	return 0;
}
