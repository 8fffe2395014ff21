/*
 * A fault that is no stack overflow is the program's own affair: it goes to
 * the handler that was there before the runtime was opened, which may repair
 * it, or to the default action.  Close leaves handlers as they were.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "../stress/stress.h"
#include "child.h"
#include <sys/mman.h>

#define HANDLED 42

static volatile char *page; /* not accessible until it is repaired */
static size_t page_size;

static void handle(int number)
{
	(void)number;
	_exit(HANDLED);
}

static void handle_with_information(int number, siginfo_t *info, void *context)
{
	bool good =
		info->si_signo == number && info->si_addr == (const void *)page && context != NULL;

	_exit(good ? HANDLED : 1);
}

/* errno is not to be changed by whoever stands in between. */
static void repair(int number, siginfo_t *info, void *context)
{
	(void)number;
	(void)context;
	if (info->si_addr != (const void *)page ||
	    mprotect((void *)page, page_size, PROT_READ | PROT_WRITE) != 0) {
		_exit(1);
	}
}

enum handler { NONE, IGNORING, PLAIN, INFORMED, REPAIRING };

static void install(int number, enum handler handler)
{
	struct sigaction action = {.sa_flags = handler >= INFORMED ? SA_SIGINFO : 0};

	if (handler == PLAIN) {
		action.sa_handler = handle;
	} else if (handler == IGNORING) {
		action.sa_handler = SIG_IGN;
	} else if (handler != NONE) {
		action.sa_sigaction = handler == INFORMED ? handle_with_information : repair;
	}
	sigaction(number, &action, NULL);
}

static void *touch(void *unused)
{
	errno = 77;
	*page = 1;
	CHECK_IS(*page, 1);
	CHECK_IS(errno, 77);
	return unused;
}

/* Who faults, and where. */
struct fault {
	const char *name;
	int number;
	enum handler handler;
	bool pthread, sent, after_close;
	int exits; /* with that code, or -1: dies by the signal */
};

/* A page of a file that has no pages gives SIGBUS. */
static void map_page(int number)
{
	int fd = number == SIGBUS ? memfd_create("empty", 0) : -1;
	int flags = number == SIGBUS ? MAP_SHARED : MAP_PRIVATE | MAP_ANONYMOUS;
	int protection = number == SIGBUS ? PROT_READ | PROT_WRITE : PROT_NONE;

	page_size = (size_t)sysconf(_SC_PAGESIZE);
	page = mmap(NULL, page_size, protection, flags, fd, 0);
}

static void *send(void *fault)
{
	pthread_kill(pthread_self(), ((const struct fault *)fault)->number);
	return NULL;
}

static int fault_in_child(const void *argument)
{
	const struct fault *fault = argument;
	void *(*act)(void *) = fault->sent ? send : touch;
	struct vcore_runtime *runtime;

	map_page(fault->number);
	install(fault->number, fault->handler);
	runtime = stress_open(1);
	if (fault->after_close) {
		stress_close(runtime);
	}
	if (fault->pthread) {
		act((void *)argument);
	} else {
		stress_join(stress_spawn(runtime, act, (void *)argument));
	}
	if (!fault->after_close) {
		stress_close(runtime);
	}
	return (int)tap_failures;
}

static void try_fault(const struct fault *fault)
{
	struct child child;
	bool good;

	child_run(&child, fault_in_child, fault);
	good = fault->exits >= 0 ? child_exited(&child, fault->exits)
				 : child_died(&child, fault->number);
	if (!CHECK(good)) {
		tap_say("status %x, message: %.200s", (unsigned)child.status, child.output);
	}
	CHECK(strstr(child.output, "overflow") == NULL);
	tap_case("%s", fault->name);
}

/* Close restores the handler, unless the program has installed another. */
static void dispositions(void)
{
	struct sigaction before, after;
	struct vcore_runtime *runtimes[2];

	install(SIGSEGV, PLAIN);
	sigaction(SIGSEGV, NULL, &before);
	for (int i = 0; i < 2; i++) {
		runtimes[i] = stress_open(1);
	}
	stress_close(runtimes[0]);
	stress_close(runtimes[1]);
	sigaction(SIGSEGV, NULL, &after);
	CHECK(before.sa_handler == after.sa_handler && before.sa_flags == after.sa_flags);
	tap_case("the last close restores the handler");

	runtimes[0] = stress_open(1);
	install(SIGSEGV, INFORMED);
	stress_close(runtimes[0]);
	sigaction(SIGSEGV, NULL, &after);
	CHECK(after.sa_sigaction == handle_with_information);
	tap_case("a handler installed meanwhile stays");
}

int main(int argc, char **argv)
{
	static const struct fault faults[] = {
		{.name = "default action", .number = SIGSEGV, .exits = -1},
		{"a plain handler", SIGSEGV, PLAIN, .exits = HANDLED},
		{"a handler with information", SIGSEGV, INFORMED, .exits = HANDLED},
		{"a handler that repairs", SIGSEGV, REPAIRING, .exits = 0},
		{.name = "SIGBUS, default action", .number = SIGBUS, .exits = -1},
		{"SIGBUS, a handler with information", SIGBUS, INFORMED, .exits = HANDLED},
		{"a pthread, default action", SIGSEGV, NONE, .pthread = true, .exits = -1},
		{"a pthread, a handler", SIGSEGV, INFORMED, .pthread = true, .exits = HANDLED},
		{"sent, default action", SIGSEGV, NONE, .sent = true, .exits = -1},
		{"sent, a handler", SIGSEGV, PLAIN, .sent = true, .exits = HANDLED},
		{"sent, ignored", SIGBUS, IGNORING, .sent = true, .exits = 0},
		{"after close", SIGSEGV, PLAIN, .pthread = true, .after_close = true,
		 .exits = HANDLED},
	};

	stress_begin(argc, argv);
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		try_fault(&faults[i]);
	}
	dispositions();
	return tap_done();
}
