/*
 * A thread makes a mistake, and only that thread ends.
 *
 * Plug-ins run in threads of a program that must go on whatever they do.  One of
 * them releases a lock that it does not own: that is misuse which the library sees
 * at once, and it panics.  Without a hook that ends the process, with a line that
 * says what was wrong.  With one it is the program's to decide: this hook writes
 * the line down and ends the offender, whose cleanups run as always.
 *
 * Shows: the panic hook of a runtime; vcore_thread_exit in it.
 * Prints: what each plug-in did, and what was wrong.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <stdio.h>
#include <vcore/vcore.h>

#include "check.h"

/* On the stack of the thread that made the mistake. */
static void write_down(const struct vcore_report *report)
{
	printf("mistake: %s: %s\n", report->function, report->breach);
	if (report->recoverable) {
		vcore_thread_exit(NULL);
	}
}

static void put_away(void *name)
{
	printf("%s is put away\n", (const char *)name);
}

static void *work_well(void *lock)
{
	vcore_lock_acquire(lock);
	printf("a good plug-in works\n");
	vcore_lock_release(lock);
	return lock;
}

static void *work_badly(void *lock)
{
	struct vcore_cleanup cleanup;

	vcore_cleanup_push(&cleanup, put_away, (void *)"a bad plug-in");
	vcore_lock_release(lock); /* it is not the thread's */
	printf("never reached\n");
	vcore_cleanup_pop(&cleanup, true);
	return lock;
}

static void run_plug_in(void *(*work)(void *), struct vcore_lock *lock)
{
	struct vcore_thread *thread;
	struct vcore_exit end;

	check(vcore_thread_allocate(&thread, NULL, work, lock), "vcore_thread_allocate");
	check(vcore_thread_join(thread, &end, VCORE_NEVER), "vcore_thread_join");
	printf("it %s\n", end.result != NULL ? "has done its work" : "was ended");
}

static void *run_plug_ins(void *unused)
{
	struct vcore_lock lock = VCORE_LOCK_INITIALIZER;

	run_plug_in(work_well, &lock);
	run_plug_in(work_badly, &lock);
	run_plug_in(work_well, &lock);
	return unused;
}

int main(void)
{
	struct vcore_runtime_options options = {.size = sizeof(options), .panic = write_down};

	check(vcore_run(&options, run_plug_ins, NULL, NULL), "vcore_run");
	return 0;
}
