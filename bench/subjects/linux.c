/*
 * The subject linux: bare system calls and signal handlers, in one kernel thread.
 * It is what spaces and faults are made of, without anything that keeps order.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "linux-map.h"

#include <setjmp.h>
#include <signal.h>
#include <stddef.h>
#include <sys/mman.h>

#define READ_WRITE (PROT_READ | PROT_WRITE)

static void protect(char *at, long bytes, int protection)
{
	bench_check(mprotect(at, (size_t)bytes, protection) == 0, "mprotect");
}

/* --- faults --- */

/* Where a handler goes, or what it mends; one kernel thread. */
static sigjmp_buf after;
static char *faulty;
static int file;

static void handle(void (*handler)(int))
{
	struct sigaction action = {.sa_handler = handler, .sa_flags = SA_NODEFER};

	bench_check(sigaction(SIGSEGV, &action, NULL) == 0, "sigaction");
}

static void leave(int signal)
{
	(void)signal;
	siglongjmp(after, 1);
}

static void run_fault_end(struct bench *bench)
{
	char *volatile nowhere = NULL;

	handle(leave);
	bench_start(bench);
	for (volatile long i = 0; i < bench->n; i++) {
		if (sigsetjmp(after, 0) == 0) {
			*(volatile char *)nowhere = 1;
		}
	}
	bench_stop(bench, bench->n);
}

static void mend_by_protecting(int signal)
{
	(void)signal;
	protect(faulty, bench_page(), READ_WRITE);
}

static void run_fault_protect(struct bench *bench)
{
	long page = bench_page();

	file = open_memory(page);
	faulty = map_memory(page, PROT_READ, file);
	handle(mend_by_protecting);
	bench_start(bench);
	for (long i = 0; i < bench->n; i++) {
		bench_write_word(faulty);
		protect(faulty, page, PROT_READ);
	}
	bench_stop(bench, bench->n);
	unmap_memory(faulty, page);
	close(file);
}

static void put(int flags, int protection)
{
	void *at = mmap(faulty, (size_t)bench_page(), protection, flags | MAP_FIXED,
			flags & MAP_ANONYMOUS ? -1 : file, 0);

	bench_check(at == faulty, "mmap");
}

static void mend_by_mapping(int signal)
{
	(void)signal;
	put(MAP_SHARED, READ_WRITE);
}

static void run_fault_map(struct bench *bench)
{
	file = open_memory(bench_page());
	faulty = map_memory(bench_page(), PROT_NONE, -1);
	handle(mend_by_mapping);
	bench_start(bench);
	for (long i = 0; i < bench->n; i++) {
		bench_write_word(faulty);
		put(MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, PROT_NONE);
	}
	bench_stop(bench, bench->n);
	unmap_memory(faulty, bench_page());
	close(file);
}

/* --- mapping and protecting --- */

static void run_map(struct bench *bench)
{
	int memory = open_memory(bench->bytes);

	map_and_unmap(bench, memory);
	close(memory);
}

static void run_protect(struct bench *bench)
{
	int memory = open_memory(bench->bytes);
	char *at = map_memory(bench->bytes, READ_WRITE, memory);

	bench_write_pages(at, bench->bytes);
	bench_start(bench);
	for (long i = 0; i < bench->n; i++) {
		protect(at, bench->bytes, i % 2 == 0 ? PROT_READ : READ_WRITE);
	}
	bench_stop(bench, bench->n);
	unmap_memory(at, bench->bytes);
	close(memory);
}

/* --- two areas, one of them accessible at a time --- */

#define HUGE_PAGE (2L << 20)

#ifndef MADV_COLLAPSE /* Linux 6.1 */
#define MADV_COLLAPSE 25
#endif

/* In huge pages, if the system has any. */
static void prefer_huge(struct bench *bench, char *at)
{
	size_t bytes = (size_t)bench->bytes;

	if (madvise(at, bytes, MADV_HUGEPAGE) != 0 || madvise(at, bytes, MADV_COLLAPSE) != 0) {
		bench_note(bench, "no huge pages");
	}
}

/* On the boundary of a huge page. */
static char *map_apart(struct bench *bench)
{
	int memory = open_memory(bench->bytes);
	char *room = map_memory(bench->bytes + HUGE_PAGE, PROT_NONE, -1);
	char *aligned = room + (-(uintptr_t)room & (HUGE_PAGE - 1));
	char *at =
		mmap(aligned, (size_t)bench->bytes, READ_WRITE, MAP_SHARED | MAP_FIXED, memory, 0);

	bench_check(at == aligned && close(memory) == 0, "mmap");
	bench_write_pages(at, bench->bytes);
	if (bench->huge) {
		prefer_huge(bench, at);
	}
	return at;
}

static void change(char *from, char *to, long bytes)
{
	protect(from, bytes, PROT_NONE);
	protect(to, bytes, READ_WRITE);
	bench_write_word(to);
}

static void run_exclusive(struct bench *bench)
{
	char *one = map_apart(bench);
	char *other = map_apart(bench);

	protect(other, bench->bytes, PROT_NONE);
	bench_start(bench);
	for (long i = 0; i < bench->n; i++) {
		change(one, other, bench->bytes);
		change(other, one, bench->bytes);
	}
	bench_stop(bench, bench->n);
	unmap_memory(one, bench->bytes);
	unmap_memory(other, bench->bytes);
}

static const struct bench_workload workloads[] = {
	{"fault-end", run_fault_end},
	{"fault-protect", run_fault_protect},
	{"fault-map", run_fault_map},
	{"map", run_map},
	{"protect", run_protect},
	{"exclusive", run_exclusive},
	{NULL, NULL},
};

int main(int argc, char **argv)
{
	return bench_main(workloads, argc, argv);
}
