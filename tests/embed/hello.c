/*
 * The smallest program that shows a working library: threads on two
 * processors that yield, wait and are joined.  Linked in every way there is.
 * Prints: "sum 5050".
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <stdint.h>
#include <stdio.h>
#include <vcore/vcore.h>

enum { THREADS = 100 };

static struct vcore_eventcount done;

static void *work(void *number)
{
	vcore_yield();
	vcore_eventcount_advance(&done);
	return number;
}

static void *add_up(void *sum)
{
	struct vcore_thread *threads[THREADS];

	for (intptr_t i = 0; i < THREADS; i++) {
		if (vcore_thread_allocate(&threads[i], NULL, work, (void *)(i + 1)) != 0) {
			return NULL;
		}
	}
	vcore_eventcount_await(&done, THREADS - 1, VCORE_NEVER);
	for (int i = 0; i < THREADS; i++) {
		struct vcore_exit exit;

		vcore_thread_join(threads[i], &exit, VCORE_NEVER);
		*(long *)sum += (long)(intptr_t)exit.result;
	}
	return sum;
}

int main(void)
{
	struct vcore_runtime_options options = {.processors = 2};
	long sum = 0;

	if (vcore_run(&options, add_up, &sum, NULL) != 0) {
		return 1;
	}
	printf("sum %ld\n", sum);
	return sum == THREADS * (THREADS + 1) / 2 ? 0 : 1;
}
