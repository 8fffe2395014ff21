/*
 * Faults that are not a thread's own, and end the process; what is printed of one
 * that is; and hooks that misbehave.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "../stress/stress.h"
#include "child.h"
#include <ucontext.h>

/* Of which the compiler knows nothing. */
static char *bad_address(uintptr_t address)
{
	__asm__ volatile("" : "+r"(address));
	return (char *)address; /* NOLINT(performance-no-int-to-ptr) */
}

static void fail(uintptr_t address)
{
	*(volatile char *)bad_address(address) = 1;
}

static void *fail_simply(void *unused)
{
	fail(0x10);
	return unused;
}

struct scenario {
	const char *name;
	void *(*f)(void *);
	void (*hook)(const struct vcore_fault *fault);
	int exits; /* or -1: dies of SIGSEGV; -2: either, FAULTED */
	const char *says;
};

static void on_alarm(int number)
{
	(void)number;
	fail(0x10);
}

static int run_scenario(const void *argument)
{
	const struct scenario *scenario = argument;
	struct vcore_runtime_options options = {.processors = 1, .fault = scenario->hook};
	struct vcore_exit end;
	int error;

	(void)signal(SIGALRM, on_alarm);
	error = vcore_run(&options, scenario->f, NULL, &end);
	return error == 0 ? 10 + (int)end.how : 1;
}

static void *print_bad_string(void *unused)
{
	char *volatile string = bad_address(0x10);
	char line[10];

	snprintf(line, sizeof(line), "%s", string);
	return unused;
}

static void *fail_with_mask(void *unused)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGALRM);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	fail(0x10);
	return unused;
}

static void *fail_in_handler(void *unused)
{
	(void)raise(SIGALRM); /* which is no tick */
	return unused;
}

static void fail_on_stack(void)
{
	fail(0x10);
}

static void *fail_on_other_stack(void *unused)
{
	static char stack[65536];
	static ucontext_t other, back;

	getcontext(&other);
	other.uc_stack.ss_sp = stack;
	other.uc_stack.ss_size = sizeof(stack);
	other.uc_link = &back;
	makecontext(&other, fail_on_stack, 0);
	swapcontext(&back, &other);
	return unused;
}

static void *fail_in_library(void *unused)
{
	vcore_lock_acquire((struct vcore_lock *)bad_address(0x10));
	return unused;
}

static void *fail_in_fork(void *unused)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		fail(0x10);
		_exit(0);
	}
	waitpid(pid, &status, 0);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
	_exit(atomic_load(&tap_failures) == 0 ? 42 : 1);
	return unused;
}

static volatile size_t deepest = SIZE_MAX;

__attribute__((noinline)) static size_t printing(size_t n)
{
	char frame[64];

	snprintf(frame, sizeof(frame), "%zu %s", n, "deep");
	return n == deepest ? 0 : printing(n + 1) + (size_t)frame[n % 8];
}

static void descend(void *unused)
{
	(void)unused;
	printing(0);
}

/* There is no more room in foreign code than the reserve: it ends the process, or not. */
static void *overflow_in_foreign_cleanup(void *unused)
{
	struct vcore_cleanup cleanup;

	vcore_cleanup_push(&cleanup, descend, NULL);
	descend(NULL);
	return unused;
}

static void fail_in_hook(const struct vcore_fault *fault)
{
	(void)fault;
	fail(0x30);
}

static void exit_in_hook(const struct vcore_fault *fault)
{
	(void)fault;
	vcore_thread_exit(NULL);
}

static void children(void)
{
	static const struct scenario scenarios[] = {
		{"the report is printed", fail_simply, NULL, 10 + VCORE_FAULTED,
		 "thread 1 \"main\" has faulted, and was ended\n"},
		{"with where it was", fail_simply, NULL, 10 + VCORE_FAULTED, " in fault-dies + 0x"},
		{"a hook that faults", fail_simply, fail_in_hook, -1, ""},
		{"a hook that ends the thread", fail_simply, exit_in_hook, 10 + VCORE_FAULTED, ""},
		{"in foreign code", print_bad_string, NULL, -1, ""},
		{"with a signal blocked", fail_with_mask, NULL, -1, ""},
		{"in a signal handler", fail_in_handler, NULL, -1, ""},
		{"on another stack", fail_on_other_stack, NULL, -1, ""},
		{"in the library", fail_in_library, NULL, -1, ""},
		{"in a child of fork", fail_in_fork, NULL, 42, ""},
		{"an overflow in foreign code, in a cleanup", overflow_in_foreign_cleanup, NULL, -2,
		 "main"},
	};

	for (size_t i = 0; i < sizeof(scenarios) / sizeof(scenarios[0]); i++) {
		const struct scenario *scenario = &scenarios[i];
		struct child child;
		bool good;

		child_run(&child, run_scenario, scenario);
		good = scenario->exits < 0 ? child_died(&child, SIGSEGV)
					   : child_exited(&child, scenario->exits);
		good = good || (scenario->exits == -2 && child_exited(&child, 10 + VCORE_FAULTED));
		if (!CHECK(good && strstr(child.output, scenario->says) != NULL)) {
			tap_say("status %x, message: %.200s", (unsigned)child.status, child.output);
		}
		tap_case("%s", scenario->name);
	}
}

int main(int argc, char **argv)
{
	stress_begin(argc, argv);
	children();
	return tap_done();
}
