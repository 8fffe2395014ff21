/*
 * Many threads work side by side, and what they print comes in order.
 *
 * Each thread takes the next number from a sequencer, works on it for as long
 * as that takes, and then waits until all lower numbers are printed.  The
 * eventcount says how many are; it grows by one with each line.  No lock is
 * needed: the order itself excludes.
 *
 * Shows: sequencers hand out work and places in a queue; an eventcount makes
 *	threads take their turns in that order.
 * Prints: how many steps each of 1 … 30 takes to 1 in Collatz's sequence.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <stdio.h>
#include <vcore/vcore.h>

#include "check.h"

enum { THREADS = 8, NUMBERS = 30 };

static struct vcore_sequencer numbers;
static struct vcore_eventcount printed;

/* Yields at each step, so that threads overtake each other as they work. */
static int steps_to_one(int64_t n)
{
	int steps = 0;

	while (n != 1) {
		n = n % 2 == 0 ? n / 2 : 3 * n + 1;
		steps++;
		vcore_yield();
	}
	return steps;
}

static void *work(void *unused)
{
	int64_t ticket;

	(void)unused;
	while ((ticket = vcore_sequencer_ticket(&numbers)) < NUMBERS) {
		int steps = steps_to_one(ticket + 1);

		/* My turn comes when `ticket` lines are printed. */
		vcore_eventcount_await(&printed, ticket - 1, VCORE_NEVER);
		printf("%d: %d steps\n", (int)ticket + 1, steps);
		vcore_eventcount_advance(&printed);
	}
	return NULL;
}

/* vcore_run waits for all threads: nobody needs to join them. */
static void *start(void *unused)
{
	(void)unused;
	for (int i = 0; i < THREADS; i++) {
		check(vcore_thread_allocate(NULL, NULL, work, NULL), "vcore_thread_allocate");
	}
	return NULL;
}

int main(void)
{
	check(vcore_run(NULL, start, NULL, NULL), "vcore_run");
	return 0;
}
