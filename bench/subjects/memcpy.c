/*
 * The subject memcpy: copies without anybody's leave, and a snapshot that is one.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "pages.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

static char *touched_memory(long bytes)
{
	char *at = malloc((size_t)bytes);

	bench_check(at != NULL, "malloc");
	memset(at, 1, (size_t)bytes);
	return at;
}

/* A call, of what the compiler does not know the length. */
static void *(*volatile copy)(void *to, const void *from, size_t n) = memcpy;

static void run_copy(struct bench *bench)
{
	char *from = touched_memory(bench->bytes);
	char *to = touched_memory(bench->bytes);

	bench_start(bench);
	for (long i = 0; i < bench->n; i++) {
		copy(to, from, (size_t)bench->bytes);
	}
	bench_stop(bench, bench->n);
	free(from);
	free(to);
}

/* To memory that is new, as a copy of a process or space would be. */
static void run_snapshot(struct bench *bench)
{
	char *at = touched_memory(bench->bytes);
	char *taken;

	bench_start(bench);
	taken = mmap(NULL, (size_t)bench->bytes, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	bench_check(taken != MAP_FAILED, "mmap");
	copy(taken, at, (size_t)bench->bytes);
	bench_write_taken(bench, at);
	munmap(taken, (size_t)bench->bytes);
	free(at);
}

static const struct bench_workload workloads[] = {
	{"copy-in", run_copy},
	{"copy-out", run_copy},
	{"snapshot", run_snapshot},
	{NULL, NULL},
};

int main(int argc, char **argv)
{
	return bench_main(workloads, argc, argv);
}
