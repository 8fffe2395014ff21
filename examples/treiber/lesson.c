/*
 * What the counter of Treiber's stack does not protect: see stack.h.
 *
 * Two threads pop.  The slow one has read the top, and stops before it reads the
 * link of the cell that it has found there.  Meanwhile the quick one pops all
 * cells and pushes a new one.  Then the slow one goes on.
 *
 * With malloc.c, and compiled with AddressSanitizer, that ends in a report of a
 * read after free, each time.  With pool.c or rcu.c it ends well.
 *
 * Shows: what a lock-free structure needs of its memory; vcore_pool, vcore_rcu.
 * Prints: what each of the two popped.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <vcore/vcore.h>

#include "../check.h"
#include "stack.h"

enum { VALUES = 3 };

static const int64_t moment = 50000000; /* nanoseconds */

static struct stack stack;
static struct vcore_eventcount stopped; /* the slow thread */
static bool quick_is_done;

/*
 * Keeps its processor: in a read section of RCU a thread may be slow, but must
 * not wait.  Only the first call stops.
 */
static void stop(void)
{
	if (vcore_eventcount_read(&stopped) > 0) {
		return;
	}
	vcore_eventcount_advance(&stopped);
	while (!__atomic_load_n(&quick_is_done, __ATOMIC_ACQUIRE)) {
		sched_yield();
	}
}

static void *pop_slowly(void *unused)
{
	int64_t value;

	stack_pause = stop;
	if (stack_pop(&stack, &value)) {
		printf("the slow one popped %" PRId64 "\n", value);
	}
	return unused;
}

static void pop_quickly(void)
{
	int64_t value;

	while (stack_pop(&stack, &value)) {
		printf("the quick one popped %" PRId64 "\n", value);
	}
	stack_push(&stack, VALUES + 1);
	/* Time for what is freed later to be gone, unless somebody keeps it. */
	vcore_sleep(vcore_after(moment));
	__atomic_store_n(&quick_is_done, true, __ATOMIC_RELEASE);
}

static void *start(void *unused)
{
	struct vcore_thread *slow;

	cells_open();
	for (int i = 1; i <= VALUES; i++) {
		stack_push(&stack, i);
	}
	check(vcore_thread_allocate(&slow, NULL, pop_slowly, NULL), "vcore_thread_allocate");
	vcore_eventcount_await(&stopped, 0, VCORE_NEVER);
	pop_quickly();
	check(vcore_thread_join(slow, NULL, VCORE_NEVER), "vcore_thread_join");
	cells_close();
	return unused;
}

int main(void)
{
	/* While one stops, the other has a processor. */
	struct vcore_runtime_options options = {.size = sizeof(options), .processors = 2};

	check(vcore_run(&options, start, NULL, NULL), "vcore_run");
	return 0;
}
