/*
 * Two runtimes in one program: each with threads of its own, which wait for
 * each other across the border; one still works when the other is closed.
 * Prints: "1000 each way".
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <stdio.h>
#include <vcore/vcore.h>

enum { ROUNDS = 1000 };

static struct vcore_eventcount there, back;

static void *call(void *unused)
{
	for (int64_t i = 0; i < ROUNDS; i++) {
		vcore_eventcount_advance(&there);
		vcore_eventcount_await(&back, i, VCORE_NEVER);
	}
	return unused;
}

static void *answer(void *unused)
{
	for (int64_t i = 0; i < ROUNDS; i++) {
		vcore_eventcount_await(&there, i, VCORE_NEVER);
		vcore_eventcount_advance(&back);
	}
	return unused;
}

/* A runtime with one detached thread. */
static struct vcore_runtime *start(unsigned processors, void *(*entry)(void *))
{
	struct vcore_runtime_options runtime = {.processors = processors};
	struct vcore_thread_options thread = {0};

	if (vcore_runtime_open(&thread.runtime, &runtime) != 0 ||
	    vcore_thread_allocate(NULL, &thread, entry, NULL) != 0) {
		return NULL;
	}
	return thread.runtime;
}

int main(void)
{
	struct vcore_thread_options late = {.runtime = start(3, answer)};
	struct vcore_runtime *early = start(1, call);

	if (late.runtime == NULL || early == NULL || vcore_runtime_close(early, VCORE_NEVER) != 0 ||
	    vcore_thread_allocate(NULL, &late, answer, NULL) != 0 ||
	    vcore_runtime_close(late.runtime, VCORE_NEVER) != 0) {
		return 1;
	}
	printf("%d each way\n", ROUNDS);
	return vcore_eventcount_read(&back) == 2 * ROUNDS ? 0 : 1;
}
