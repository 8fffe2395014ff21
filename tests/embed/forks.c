/*
 * Threads that allocate memory, beside one that forks.  Where the C library is
 * part of the program, those may be put off in the middle of it, and fork waits
 * for its locks.
 * Prints: "200 forks".
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vcore/vcore.h>

enum { FORKS = 200, PIECES = 1000 };

static _Atomic bool done;

static void *allocate(void *unused)
{
	void *pieces[PIECES] = {NULL};
	unsigned random = 1;

	while (!atomic_load(&done)) {
		unsigned i;

		random = random * 1103515245 + 12345;
		i = (random >> 8) % PIECES;
		free(pieces[i]);
		pieces[i] = malloc(random % 9000);
	}
	for (int i = 0; i < PIECES; i++) {
		free(pieces[i]);
	}
	return unused;
}

static void *fork_often(void *forks)
{
	for (int i = 0; i < FORKS; i++) {
		pid_t child = fork();
		int status = -1;

		if (child == 0) {
			_exit(0);
		}
		*(int *)forks += child > 0 && waitpid(child, &status, 0) == child && status == 0;
	}
	atomic_store(&done, true);
	return forks;
}

static void *begin(void *forks)
{
	struct vcore_thread *threads[3];

	if (vcore_thread_allocate(&threads[0], NULL, allocate, NULL) != 0 ||
	    vcore_thread_allocate(&threads[1], NULL, allocate, NULL) != 0 ||
	    vcore_thread_allocate(&threads[2], NULL, fork_often, forks) != 0) {
		return NULL;
	}
	for (int i = 0; i < 3; i++) {
		vcore_thread_join(threads[i], NULL, VCORE_NEVER);
	}
	return forks;
}

int main(void)
{
	struct vcore_runtime_options options = {.processors = 1, .quantum = 200000};
	int forks = 0;

	if (vcore_run(&options, begin, &forks, NULL) != 0) {
		return 1;
	}
	printf("%d forks\n", forks);
	return forks == FORKS ? 0 : 1;
}
