/*
 * A fault that is not a thread's own, or of a runtime whose faults are the
 * program's affair, goes to the handler that was there before the runtime was
 * opened, as the kernel would have called it; which may repair it, or jump out of
 * it.  Or it has its default action.  Close leaves handlers as they were.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "../stress/stress.h"
#include "child.h"
#include <dirent.h>
#include <setjmp.h>
#include <sys/mman.h>
#include <sys/resource.h>

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

static bool is_blocked(int number)
{
	sigset_t present;

	pthread_sigmask(SIG_SETMASK, NULL, &present);
	return sigismember(&present, number) == 1;
}

/* Its mask, and its own signal, are blocked meanwhile. */
static void handle_with_mask(int number, siginfo_t *info, void *context)
{
	bool good = is_blocked(number) && is_blocked(SIGUSR1) && !is_blocked(SIGALRM);

	(void)info;
	(void)context;
	_exit(good ? HANDLED : 1);
}

static void handle_undeferred(int number, siginfo_t *info, void *context)
{
	(void)info;
	(void)context;
	_exit(is_blocked(number) ? 1 : HANDLED);
}

/* It is called once: then the default action is back. */
static void return_once(int number, siginfo_t *info, void *context)
{
	static int calls;

	(void)number;
	(void)info;
	(void)context;
	if (++calls > 1) {
		_exit(1);
	}
}

static sigjmp_buf safety;

static void jump(int number, siginfo_t *info, void *context)
{
	(void)number;
	(void)info;
	(void)context;
	siglongjmp(safety, 1);
}

enum handler {
	NONE,
	IGNORING,
	PLAIN,
	INFORMED,
	REPAIRING,
	MASKING,
	UNDEFERRED,
	RESETTING,
	JUMPING,
};

static void install(int number, enum handler handler)
{
	static void (*const handlers[])(int, siginfo_t *, void *) = {
		[INFORMED] = handle_with_information,
		[REPAIRING] = repair,
		[MASKING] = handle_with_mask,
		[UNDEFERRED] = handle_undeferred,
		[RESETTING] = return_once,
		[JUMPING] = jump,
	};
	struct sigaction action = {.sa_flags = handler >= INFORMED ? SA_SIGINFO : 0};

	if (handler == PLAIN) {
		action.sa_handler = handle;
	} else if (handler == IGNORING) {
		action.sa_handler = SIG_IGN;
	} else if (handler != NONE) {
		action.sa_sigaction = handlers[handler];
	}
	if (handler == MASKING) {
		sigaddset(&action.sa_mask, SIGUSR1);
	}
	action.sa_flags |= handler == UNDEFERRED ? SA_NODEFER : 0;
	action.sa_flags |= handler == RESETTING ? (int)SA_RESETHAND : 0;
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

/* Comes back from the handler, twice. */
static void *touch_and_jump(void *unused)
{
	static volatile int jumps;

	jumps = 0;
	if (sigsetjmp(safety, 1) != 0) {
		jumps++;
	}
	if (jumps < 2) {
		*page = 1;
	}
	CHECK_IS(jumps, 2);
	CHECK(!is_blocked(SIGSEGV));
	vcore_yield();
	return unused;
}

static void *trap(void *unused)
{
#ifdef __x86_64__
	__asm__ volatile("ud2");
#else
	__asm__ volatile(".inst 0");
#endif
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
	void *(*act)(void *) = fault->sent                 ? send
			       : fault->handler == JUMPING ? touch_and_jump
			       : fault->number == SIGILL   ? trap
							   : touch;
	bool is_own = !fault->sent && !fault->pthread;
	struct vcore_runtime *runtime;

	map_page(fault->number);
	install(fault->number, fault->handler);
	runtime = stress_open_with((struct vcore_runtime_options){
		.processors = 1,
		.flags = is_own ? VCORE_RUNTIME_HOST_FAULTS : 0,
	});
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

/* --- cores -------------------------------------------------------------------------- */

/* In an empty directory, for where cores go into the present one. */
static char directory[] = "/tmp/vcore-segv-XXXXXX";

static int fault_to_core(const void *with_runtime)
{
	const struct rlimit unlimited = {RLIM_INFINITY, RLIM_INFINITY};
	struct vcore_runtime *runtime;

	if (setrlimit(RLIMIT_CORE, &unlimited) != 0 || chdir(directory) != 0) {
		return 1;
	}
	map_page(SIGSEGV);
	if (*(const bool *)with_runtime) {
		runtime = stress_open_with((struct vcore_runtime_options){
			.processors = 1, .flags = VCORE_RUNTIME_HOST_FAULTS});
		stress_join(stress_spawn(runtime, touch, NULL));
	}
	touch(NULL);
	return 1;
}

static bool leaves_core(bool with_runtime)
{
	struct child child;

	child_run(&child, fault_to_core, &with_runtime);
	return WIFSIGNALED(child.status) && WCOREDUMP(child.status);
}

static void remove_cores(void)
{
	DIR *cores = opendir(directory);
	const struct dirent *entry;

	while (cores != NULL && (entry = readdir(cores)) != NULL) {
		(void)unlinkat(dirfd(cores), entry->d_name, 0);
	}
	if (cores != NULL) {
		closedir(cores);
	}
	rmdir(directory);
}

/* A program that wants the core of its fault gets it as ever. */
static void cores(void)
{
	if (mkdtemp(directory) == NULL || !leaves_core(false)) {
		tap_skip("a core", "the system writes none, with libvcore or without");
	} else {
		CHECK(leaves_core(true));
		tap_case("a core");
	}
	remove_cores();
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
		{"a handler's mask", SIGSEGV, MASKING, .exits = HANDLED},
		{"a handler that does not defer its signal", SIGSEGV, UNDEFERRED, .exits = HANDLED},
		{"a handler for one call", SIGSEGV, RESETTING, .exits = -1},
		{"a handler that jumps", SIGSEGV, JUMPING, .exits = 0},
		{"a pthread, a handler's mask", SIGSEGV, MASKING, .pthread = true,
		 .exits = HANDLED},
		{"a pthread, a handler for one call", SIGSEGV, RESETTING, .pthread = true,
		 .exits = -1},
		{"a pthread, a handler that jumps", SIGSEGV, JUMPING, .pthread = true, .exits = 0},
		{.name = "SIGILL, default action", .number = SIGILL, .exits = -1},
		{"SIGILL, a plain handler", SIGILL, PLAIN, .exits = HANDLED},
		{"sent SIGFPE, a handler", SIGFPE, PLAIN, .sent = true, .exits = HANDLED},
		{.name = "sent SIGFPE, default action",
		 .number = SIGFPE,
		 .sent = true,
		 .exits = -1},
		{"after close", SIGSEGV, PLAIN, .pthread = true, .after_close = true,
		 .exits = HANDLED},
	};

	stress_begin(argc, argv);
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		try_fault(&faults[i]);
	}
	dispositions();
	cores();
	return tap_done();
}
