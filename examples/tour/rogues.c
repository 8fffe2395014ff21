/*
 * Three clients with defects, each in an exclusive space of its own.
 *
 *	spoiler		writes to the service's memory, whose address it knows: but the
 *			service's space is closed while the spoiler runs
 *	overflower	calls itself until its stack is used up
 *	runaway		never ends, waits or yields
 *
 * The first two end of that, alone, and the library prints a report.  Ticks
 * make the third give way to the others like any thread; and because it was allocated
 * with VCORE_THREAD_DESTROY_ANYWHERE it can be destroyed in its loop.  The cleanups
 * of all three run.
 *
 * Where faults are not caught the first two would end the process, and without ticks
 * the third would keep its processor, and its space open: there is no such client then.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <limits.h>

#include "memory.h"
#include "tour.h"
#include "trouble.h"

static void clean_up(void *argument)
{
	struct rogue *rogue = argument;

	rogue->has_cleaned_up = true;
}

void *rogue_spoil(void *argument)
{
	struct tour *tour = argument;
	struct vcore_cleanup cleanup;

	vcore_cleanup_push(&cleanup, clean_up, &tour->rogues[SPOILER]);
	*(volatile size_t *)&tour->words->distinct = 0;
	vcore_cleanup_pop(&cleanup, false);
	return NULL;
}

/* What lies on the stack is looked at again behind the call: that cannot be a loop. */
int rogue_descend(int depth)
{
	volatile char frame[512];
	int below;

	frame[0] = (char)depth;
	below = depth < INT_MAX ? rogue_descend(depth + 1) : 0;
	return below + frame[0];
}

void *rogue_overflow(void *argument)
{
	struct tour *tour = argument;
	struct vcore_cleanup cleanup;

	vcore_cleanup_push(&cleanup, clean_up, &tour->rogues[OVERFLOWER]);
	(void)rogue_descend(0);
	vcore_cleanup_pop(&cleanup, false);
	return NULL;
}

void *rogue_run_away(void *argument)
{
	struct tour *tour = argument;
	struct vcore_cleanup cleanup;

	vcore_cleanup_push(&cleanup, clean_up, &tour->rogues[RUNAWAY]);
	for (volatile unsigned long turns = 0;; turns++) {
	}
}

static void start(struct tour *tour, int i, const char *name, void *(*entry)(void *),
		  struct vcore_thread_options options)
{
	struct rogue *rogue = &tour->rogues[i];

	rogue->started = true;
	rogue->space = memory_open_space(name, VCORE_SPACE_EXCLUSIVE);
	options.name = name;
	options.space = rogue->space;
	check(vcore_thread_allocate(&rogue->thread, &options, entry, tour),
	      "vcore_thread_allocate");
}

/* The runaway is pinned to the first processor, and so is the merger (run.c). */
void rogues_start(struct tour *tour, struct vcore_runtime *runtime, bool preemptive)
{
	struct vcore_thread_options options = {.size = sizeof(options), .runtime = runtime};

	if (vcore_faults_are_caught()) {
		start(tour, SPOILER, "spoiler", rogue_spoil, options);
		start(tour, OVERFLOWER, "overflower", rogue_overflow, options);
	}
	if (preemptive) {
		options.flags = VCORE_THREAD_PINNED | VCORE_THREAD_DESTROY_ANYWHERE;
		start(tour, RUNAWAY, "runaway", rogue_run_away, options);
	}
}

static void join(struct rogue *rogue)
{
	if (rogue->started) {
		check(vcore_thread_join(rogue->thread, &rogue->exit, VCORE_NEVER),
		      "vcore_thread_join");
		memory_close_space(rogue->space);
	}
}

void rogues_await_faults(struct tour *tour)
{
	join(&tour->rogues[SPOILER]);
	join(&tour->rogues[OVERFLOWER]);
}

void rogues_end(struct tour *tour)
{
	check(vcore_thread_destroy(tour->rogues[RUNAWAY].thread), "vcore_thread_destroy");
	join(&tour->rogues[RUNAWAY]);
}
