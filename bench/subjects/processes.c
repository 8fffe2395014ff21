/*
 * The subject processes: what keeps tasks apart where nothing else does.  A child
 * that dies of a fault, two processes that take turns, and fork as a snapshot.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "pages.h"

#include <linux/futex.h>
#include <signal.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

static char *new_memory(long bytes, int sharing)
{
	char *at =
		mmap(NULL, (size_t)bytes, PROT_READ | PROT_WRITE, sharing | MAP_ANONYMOUS, -1, 0);

	bench_check(at != MAP_FAILED, "mmap");
	return at;
}

static pid_t fork_child(void)
{
	pid_t child = fork();

	bench_check(child >= 0, "fork");
	return child;
}

static int await_child(pid_t child)
{
	int status;

	bench_check(waitpid(child, &status, 0) == child, "waitpid");
	return status;
}

/* --- a child that dies of a fault --- */

static void die_of_fault(void)
{
	char *volatile nowhere = NULL;

	*(volatile char *)nowhere = 1;
}

static void run_fault_end(struct bench *bench)
{
	struct rlimit no_core = {0, 0};

	bench_check(setrlimit(RLIMIT_CORE, &no_core) == 0, "setrlimit");
	bench_start(bench);
	for (long i = 0; i < bench->n; i++) {
		pid_t child = fork_child();

		if (child == 0) {
			die_of_fault();
		}
		bench_check(WTERMSIG(await_child(child)) == SIGSEGV, "the child's death");
	}
	bench_stop(bench, bench->n);
}

/* --- two processes that take turns --- */

struct turns {
	uint32_t ping __attribute__((aligned(128)));
	uint32_t pong __attribute__((aligned(128)));
};

static void await_turn(uint32_t *turn)
{
	while (__atomic_exchange_n(turn, 0, __ATOMIC_ACQUIRE) == 0) {
		syscall(SYS_futex, turn, FUTEX_WAIT, 0, NULL);
	}
}

static void pass_turn(uint32_t *turn)
{
	__atomic_store_n(turn, 1, __ATOMIC_RELEASE);
	syscall(SYS_futex, turn, FUTEX_WAKE, 1);
}

static char *touched_memory(const struct bench *bench)
{
	char *at = new_memory(bench->bytes, MAP_PRIVATE);

	bench_write_pages(at, bench->bytes);
	return at;
}

static void play_pong(const struct bench *bench, struct turns *turns)
{
	char *own = touched_memory(bench);

	for (long i = 0; i <= bench->n; i++) {
		await_turn(&turns->ping);
		bench_write_word(own);
		pass_turn(&turns->pong);
	}
	_exit(0);
}

static void play_round(struct turns *turns, char *own)
{
	pass_turn(&turns->ping);
	await_turn(&turns->pong);
	bench_write_word(own);
}

static void run_exclusive(struct bench *bench)
{
	struct turns *turns = (struct turns *)(void *)new_memory(sizeof(struct turns), MAP_SHARED);
	pid_t child = fork_child();

	if (child == 0) {
		play_pong(bench, turns);
	}
	char *own = touched_memory(bench);

	play_round(turns, own); /* until both have come */
	bench_start(bench);
	for (long i = 0; i < bench->n; i++) {
		play_round(turns, own);
	}
	bench_stop(bench, bench->n);
	bench_check(await_child(child) == 0, "the other process");
	munmap(own, (size_t)bench->bytes);
	munmap(turns, sizeof(*turns));
}

/* --- fork as a snapshot --- */

static void stay(void)
{
	for (;;) {
		pause();
	}
}

static void run_snapshot(struct bench *bench)
{
	char *at = touched_memory(bench);

	bench_start(bench);
	pid_t child = fork_child();

	if (child == 0) {
		stay();
	}
	bench_write_taken(bench, at);
	kill(child, SIGKILL);
	await_child(child);
	munmap(at, (size_t)bench->bytes);
}

static const struct bench_workload workloads[] = {
	{"fault-end", run_fault_end},
	{"exclusive", run_exclusive},
	{"snapshot", run_snapshot},
	{NULL, NULL},
};

int main(int argc, char **argv)
{
	return bench_main(workloads, argc, argv);
}
