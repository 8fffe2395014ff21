/*
 * A thread is ended from outside, and leaves nothing behind.
 *
 * A clerk keeps a journal.  The program asks it to end while it is in the
 * middle of an entry: it finishes the entry, because destruction is disabled
 * there, then its cleanups run, the last pushed first, and then the
 * destructor of its slot.  The joiner learns how it ended.
 *
 * Shows: vcore_thread_destroy, destroy_disable and destroy_enable, cleanups,
 *	slots, the exit of a thread.
 * Prints: what happens to the clerk, in order.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <vcore/vcore.h>

#include "check.h"

struct office {
	struct vcore_slot notes;         /* each thread's own memory */
	struct vcore_eventcount begun;   /* entries begun */
	struct vcore_eventcount ordered; /* to go on with the entry */
};

static void cap_pen(void *clerk)
{
	printf("cleanup: %s caps the pen\n", (const char *)clerk);
}

static void close_journal(void *clerk)
{
	printf("cleanup: %s closes the journal\n", (const char *)clerk);
}

static void burn(void *notes)
{
	printf("slot: %s\n", (const char *)notes);
	free(notes);
}

static void *keep_journal(void *argument)
{
	struct office *office = argument;
	struct vcore_cleanup journal, pen;
	char clerk[] = "the clerk";
	char *notes = strdup("burn the notes");

	check(notes != NULL ? 0 : -ENOMEM, "strdup");
	check(vcore_slot_set(office->notes, notes), "vcore_slot_set");
	vcore_cleanup_push(&journal, close_journal, clerk);
	vcore_cleanup_push(&pen, cap_pen, clerk);

	vcore_destroy_disable();
	printf("entry begun\n");
	vcore_eventcount_advance(&office->begun);
	vcore_eventcount_await(&office->ordered, 0, VCORE_NEVER);
	printf("entry finished\n");
	vcore_destroy_enable(); /* acts on the destroy that came meanwhile */

	printf("never reached\n");
	vcore_cleanup_pop(&pen, true);
	vcore_cleanup_pop(&journal, true);
	return NULL;
}

static void *run_office(void *unused)
{
	static struct office office;
	struct vcore_thread *clerk;
	struct vcore_exit end;

	(void)unused;
	check(vcore_slot_create(&office.notes, burn), "vcore_slot_create");
	check(vcore_thread_allocate(&clerk, NULL, keep_journal, &office), "vcore_thread_allocate");
	vcore_eventcount_await(&office.begun, 0, VCORE_NEVER);

	vcore_thread_destroy(clerk);
	printf("asked to end\n");
	vcore_eventcount_advance(&office.ordered);

	vcore_thread_join(clerk, &end, VCORE_NEVER);
	printf("the clerk %s\n", end.how == VCORE_DESTROYED ? "was destroyed" : "returned");
	check(vcore_slot_delete(office.notes), "vcore_slot_delete");
	return NULL;
}

int main(void)
{
	check(vcore_run(NULL, run_office, NULL, NULL), "vcore_run");
	return 0;
}
