/*
 * Two sessions, each with an address space and a heap of its own.  What a session
 * allocates is gone when it ends, whatever it did not free; the other goes on.
 * Shows: a heap inside a space, statistics, the end of all at once.
 * Prints: what each session has stored and its size, and that a space with a heap in
 * it cannot be deleted.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <vcore/heap.h>
#include <vcore/space.h>
#include <vcore/vcore.h>

#include "check.h"

#define NOTES 1000

/* Notes are kept in a list, which lies in the session's heap like all that is in it. */
struct note {
	struct note *next;
	char text[52];
};

struct session {
	const char *name;
	struct vcore_space *space;
	struct vcore_heap *heap;
	struct note *notes;
};

static void begin(struct session *session, const char *name)
{
	const struct vcore_space_options options = {.name = name, .bytes = (size_t)16 << 20};

	*session = (struct session){.name = name};
	check(vcore_space_create(&session->space, &options), "vcore_space_create");
	check(vcore_heap_create(&session->heap, session->space), "vcore_heap_create");
}

/* All memory of the session at once; nobody walks the list. */
static void end(struct session *session)
{
	check(vcore_heap_delete(session->heap), "vcore_heap_delete");
	check(vcore_space_delete(session->space), "vcore_space_delete");
}

static void *take_notes(void *argument)
{
	struct session *session = argument;

	for (int i = 1; i <= NOTES; i++) {
		struct note *note = vcore_heap_allocate(session->heap, sizeof *note);

		check(note != NULL ? 0 : -ENOMEM, "vcore_heap_allocate");
		snprintf(note->text, sizeof note->text, "note %d of %s", i, session->name);
		note->next = session->notes;
		session->notes = note;
	}
	return NULL;
}

static void tell(const struct session *session)
{
	struct vcore_heap_statistics statistics = {.size = sizeof statistics};

	vcore_heap_statistics(session->heap, &statistics);
	printf("%s: the last is \"%s\", %zu bytes in all\n", session->name, session->notes->text,
	       statistics.allocated);
}

static void *run(void *unused)
{
	struct session sessions[2];
	struct vcore_thread *threads[2];

	begin(&sessions[0], "Ada");
	begin(&sessions[1], "Grace");
	for (int i = 0; i < 2; i++) {
		check(vcore_thread_allocate(&threads[i], NULL, take_notes, &sessions[i]),
		      "vcore_thread_allocate");
	}
	for (int i = 0; i < 2; i++) {
		check(vcore_thread_join(threads[i], NULL, VCORE_NEVER), "vcore_thread_join");
	}
	tell(&sessions[0]);
	tell(&sessions[1]);
	if (vcore_space_delete(sessions[0].space) == -EBUSY) {
		puts("Ada's space has a heap in it");
	}
	end(&sessions[0]);
	tell(&sessions[1]);
	end(&sessions[1]);
	return unused;
}

int main(void)
{
	check(vcore_run(NULL, run, NULL, NULL), "vcore_run");
	return 0;
}
