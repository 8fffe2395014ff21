/*
 * Tests that end a process: a function runs in a child, and the test looks at
 * how the child ended and at what it wrote to standard error.  A child is
 * forked while this process has no runtime.  Included once, after stress.h.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef TESTS_FAULT_CHILD_H
#define TESTS_FAULT_CHILD_H

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

struct child {
	int status;        /* as waitpid gives it */
	char output[8192]; /* the beginning of standard error */
};

static inline void child_drain(int fd, struct child *child)
{
	size_t length = 0;
	char rest[512];
	ssize_t n;

	while (length < sizeof(child->output) - 1 &&
	       (n = read(fd, child->output + length, sizeof(child->output) - 1 - length)) > 0) {
		length += (size_t)n;
	}
	child->output[length] = '\0';
	while (read(fd, rest, sizeof(rest)) > 0) {
	}
}

/* Runs f(argument) in a child, which exits with its result. */
static inline void child_run(struct child *child, int (*f)(const void *argument),
			     const void *argument)
{
	int ends[2];
	pid_t pid;

	if (pipe(ends) != 0 || (pid = fork()) < 0) {
		abort();
	}
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		dup2(ends[1], STDERR_FILENO);
		close(ends[0]);
		close(ends[1]);
		_exit(f(argument));
	}
	close(ends[1]);
	child_drain(ends[0], child);
	close(ends[0]);
	waitpid(pid, &child->status, 0);
}

static inline bool child_exited(const struct child *child, int code)
{
	return WIFEXITED(child->status) && WEXITSTATUS(child->status) == code;
}

/* Sanitizers may turn a death by signal into an exit. */
static inline bool child_died(const struct child *child, int signal)
{
	if (STRESS_DIVISOR > 1 && WIFEXITED(child->status)) {
		return WEXITSTATUS(child->status) != 0;
	}
	return WIFSIGNALED(child->status) && WTERMSIG(child->status) == signal;
}

#endif /* TESTS_FAULT_CHILD_H */
