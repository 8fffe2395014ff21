/*
 * Threads that may be ended anywhere, or preempted on their kernel thread, use a heap:
 * wherever libvcore-heap is linked, its text is not one of those places, so that no
 * lock of the allocator's stays taken.
 *
 *	heap own|foreign
 *
 * own: the allocator itself is linked into the program, so that there are no such
 * threads: it is named as the obstacle.
 * Prints: what the obstacle is, and in the end "sound".
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <vcore/heap.h>
#include <vcore/space.h>
#include <vcore/vcore.h>

#define ENDS 60

static struct vcore_space *space;
static struct vcore_heap *heap;
static _Atomic unsigned long rounds;
static unsigned flags;

static int fail(const char *what)
{
	fprintf(stderr, "heap: %s\n", what);
	return 1;
}

static void *use(void *unused)
{
	for (;;) {
		char *memory = vcore_heap_allocate(heap, 100000);

		memory[0] = 1;
		vcore_heap_free(heap, memory);
		vcore_heap_free(heap, vcore_heap_allocate(heap, 64));
		atomic_fetch_add(&rounds, 1);
		if (flags == 0) { /* it can be ended only here */
			vcore_yield();
		}
	}
	return unused;
}

/* Ends it when it has been at work, and another wants the processor. */
static int end_one(struct vcore_runtime *runtime)
{
	struct vcore_thread_options options = {.runtime = runtime, .flags = flags};
	unsigned long before = atomic_load(&rounds);
	struct vcore_thread *thread;
	struct vcore_exit exit;

	if (vcore_thread_allocate(&thread, &options, use, NULL) != 0) {
		return fail("no thread");
	}
	while (atomic_load(&rounds) < before + 20) {
		vcore_sleep(vcore_after(10000));
	}
	vcore_thread_destroy(thread);
	if (vcore_thread_join(thread, &exit, VCORE_NEVER) != 0 || exit.how != VCORE_DESTROYED) {
		return fail("it was not destroyed");
	}
	return 0;
}

static int end_many(void)
{
	struct vcore_runtime_options options = {.processors = 2, .quantum = 100000};
	struct vcore_runtime *runtime;
	int failed = 0;

	if (vcore_runtime_open(&runtime, &options) != 0) {
		return fail("no runtime");
	}
	for (int i = 0; i < ENDS && failed == 0; i++) {
		failed = end_one(runtime);
	}
	vcore_runtime_close(runtime, VCORE_NEVER);
	return failed;
}

static int check_obstacle(bool own)
{
	const char *obstacle = vcore_preempt_obstacle();

	printf("obstacle: %s\n", obstacle != NULL ? obstacle : "none");
	if ((obstacle != NULL) != own) {
		return fail("that is not so");
	}
	if (!own) {
		flags = VCORE_THREAD_DESTROY_ANYWHERE | VCORE_THREAD_LIGHT;
	}
	return 0;
}

int main(int argc, char **argv)
{
	char *memory;

	if (argc < 2 || check_obstacle(strcmp(argv[1], "own") == 0) != 0) {
		return 1;
	}
	if (vcore_space_create(&space, NULL) != 0 || vcore_heap_create(&heap, space) != 0) {
		return fail("no heap");
	}
	if (end_many() != 0) {
		return 1;
	}
	memory = vcore_heap_allocate(heap, 100);
	memset(memory, 1, 100);
	vcore_heap_free(heap, memory);
	if (vcore_space_delete(space) != -EBUSY || vcore_heap_delete(heap) != 0 ||
	    vcore_space_delete(space) != 0) {
		return fail("it cannot be deleted");
	}
	puts("sound");
	return 0;
}
