/*
 * A pthread and a green thread talk: one asks, the other answers.
 *
 * The main program is an ordinary pthread.  It opens a runtime, allocates a
 * green thread in it, and the two meet on an eventcount each way.  Neither
 * knows what kind of thread the other is, nor need it.
 *
 * Shows: eventcounts between kinds of threads; a deadline; opening, joining
 *	and closing from outside.
 * Prints: four questions and their answers, then "met 4 times".
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <inttypes.h>
#include <stdio.h>
#include <vcore/vcore.h>

#include "check.h"

enum { MEETINGS = 4 };

static const int64_t second = 1000000000;

struct talk {
	struct vcore_eventcount asked, answered;
	int question; /* written before an advance of `asked` */
	int answer;   /* written before an advance of `answered` */
};

/* The green thread.  It waits for as long as nobody asks. */
static void *answer(void *argument)
{
	struct talk *talk = argument;

	for (int i = 0; i < MEETINGS; i++) {
		vcore_eventcount_await(&talk->asked, i, VCORE_NEVER);
		talk->answer = talk->question * talk->question;
		vcore_eventcount_advance(&talk->answered);
	}
	return NULL;
}

/* The pthread.  It will not wait longer than ten seconds for an answer. */
static void ask(struct talk *talk)
{
	for (int i = 0; i < MEETINGS; i++) {
		talk->question = i + 1;
		vcore_eventcount_advance(&talk->asked);
		check(vcore_eventcount_await(&talk->answered, i, vcore_after(10 * second)),
		      "vcore_eventcount_await");
		printf("pthread: %d squared?  green thread: %d\n", talk->question, talk->answer);
	}
}

int main(void)
{
	static struct talk talk; /* all-zero eventcounts are ready for use */
	struct vcore_thread_options options = {.size = sizeof(options), .name = "answer"};
	struct vcore_thread *thread;

	check(vcore_runtime_open(&options.runtime, NULL), "vcore_runtime_open");
	check(vcore_thread_allocate(&thread, &options, answer, &talk), "vcore_thread_allocate");
	ask(&talk);
	check(vcore_thread_join(thread, NULL, VCORE_NEVER), "vcore_thread_join");
	check(vcore_runtime_close(options.runtime, VCORE_NEVER), "vcore_runtime_close");
	printf("met %" PRId64 " times\n", vcore_eventcount_read(&talk.answered));
	return 0;
}
