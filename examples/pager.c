/*
 * A region that grows as it is used, and no further than it may.
 *
 * A space is a range of addresses with nothing behind them.  Who writes to one
 * faults; the space's handler maps a block there, and the thread goes on with the
 * same write, none the wiser.  Beyond the limit the handler refuses: then the fault
 * is the thread's own, and ends it, alone.
 *
 * Shows: vcore_space_create with on_fault, vcore_space_map; a thread that has
 * faulted, its report, the fault hook.
 * Prints: which blocks were mapped, and what became of the threads.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <stdio.h>
#include <vcore/space.h>
#include <vcore/vcore.h>

#include "check.h"

#define CHUNK  ((size_t)64 << 10) /* mapped at a time */
#define CHUNKS 4                  /* at most */

static struct vcore_block *chunks[CHUNKS];

/* On the stack of the thread that has faulted, as if it had called this. */
static int grow(struct vcore_space *space, const struct vcore_fault *fault, void *unused)
{
	size_t chunk = fault->offset / CHUNK;
	void *at;

	(void)unused;
	if (chunk >= CHUNKS) {
		return 0;
	}
	check(vcore_block_allocate(&chunks[chunk], CHUNK), "vcore_block_allocate");
	check(vcore_space_map(space, chunks[chunk], chunk * CHUNK, VCORE_PROTECT_READ_WRITE, &at),
	      "vcore_space_map");
	printf("chunk %zu is mapped\n", chunk);
	return 1;
}

static struct vcore_space *space;

/* Fills as many numbers as it is told. */
static void *fill(void *n)
{
	long *numbers = vcore_space_base(space);
	long sum = 0;

	for (long i = 0; i < *(long *)n; i++) {
		numbers[i] = i;
	}
	for (long i = 0; i < *(long *)n; i++) {
		sum += numbers[i];
	}
	printf("%ld numbers: sum %ld\n", *(long *)n, sum);
	return n;
}

/* Instead of the report on standard error, which has addresses in it. */
static void note(const struct vcore_fault *fault)
{
	printf("\"%s\" wrote beyond the limit, at offset %zu KiB\n", fault->name,
	       fault->offset >> 10);
}

static void run(const char *name, long n)
{
	struct vcore_thread_options options = {.name = name};
	struct vcore_thread *thread;
	struct vcore_exit end;

	check(vcore_thread_allocate(&thread, &options, fill, &n), "vcore_thread_allocate");
	check(vcore_thread_join(thread, &end, VCORE_NEVER), "vcore_thread_join");
	printf("\"%s\" has %s\n", name, end.how == VCORE_FAULTED ? "faulted" : "returned");
}

static void *run_all(void *unused)
{
	struct vcore_space_options options = {
		.bytes = 16 * CHUNKS * CHUNK,
		.name = "numbers",
		.on_fault = grow,
	};

	check(vcore_space_create(&space, &options), "vcore_space_create");
	run("modest", 10000);
	run("busy", 20000);
	run("greedy", 1000000);
	check(vcore_space_delete(space), "vcore_space_delete");
	for (int i = 0; i < CHUNKS; i++) {
		check(vcore_block_free(chunks[i]), "vcore_block_free");
	}
	return unused;
}

int main(void)
{
	struct vcore_runtime_options options = {.fault = note};

	check(vcore_run(&options, run_all, NULL, NULL), "vcore_run");
	return 0;
}
