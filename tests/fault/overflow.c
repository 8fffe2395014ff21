/*
 * A thread that overflows its stack ends, alone, whatever the size of its stack
 * is, however deep in threads of threads, on the runtime's processors and on a server,
 * with either guard.  Where faults are the program's affair, or cannot be
 * caught, it ends the process with a message that names it and the size of its
 * stack.  A thread that stays within its stack does neither.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "../stress/stress.h"
#include "child.h"
#include <alloca.h>
#include <dlfcn.h>
#include <sys/mman.h>

#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102
#endif

#define FRAME   512
#define LEAP    ((size_t)3 << 20) /* a frame that is larger than any guard */
#define LIBRARY 2048 /* of its stack a thread leaves this to the library and its entry */

static bool no_guard_pages;

int madvise(void *address, size_t bytes, int advice)
{
	int (*forward)(void *, size_t, int);

	if (advice == MADV_GUARD_INSTALL && no_guard_pages) {
		errno = EINVAL;
		return -1;
	}
	*(void **)&forward = dlsym(RTLD_NEXT, "madvise");
	return forward(address, bytes, advice);
}

struct overflow {
	size_t stack_size;
	unsigned nested; /* threads above the one that overflows */
	bool mprotect, served, within, leaps;
	bool caught;
};

#ifdef FAULTS_ARE_CAUGHT
#define CAUGHT 1
#else
#define CAUGHT 0
#endif

/* Frame by frame, each touched, so that the guard cannot be stepped over. */
__attribute__((noinline)) static size_t descend(size_t frames)
{
	volatile char frame[FRAME];

	memset((void *)frame, (int)frames, sizeof(frame));
	return frames == 0 ? 0 : descend(frames - 1) + (size_t)frame[frames % FRAME];
}

/*
 * One frame, looked at from its far end: what lies there need not be the guard.
 * It only reads, lest it harm a neighbour before it comes to the guard.
 */
__attribute__((noinline, no_sanitize_address)) static void leap(void)
{
	const volatile char *frame = alloca(LEAP);

	/* The compiler need not know that nothing was written there. */
	__asm__ volatile("" : "+r"(frame) : : "memory");
	for (size_t i = 0; i < LEAP; i += 4096) {
		(void)frame[i];
	}
}

/* Touches all of the stack that was asked for. */
__attribute__((noinline)) static void stay_within(size_t stack_size)
{
	size_t bytes = stack_size > LIBRARY ? stack_size - LIBRARY : 0;
	volatile char *stack = alloca(bytes + 1);

	for (size_t i = 0; i <= bytes; i++) {
		stack[bytes - i] = 1;
	}
}

static _Atomic unsigned reports;

static void note(const struct vcore_fault *fault)
{
	CHECK_IS(fault->kind, VCORE_FAULT_STACK_OVERFLOW);
	CHECK(strcmp(fault->name, "deep") == 0);
	atomic_fetch_add(&reports, 1);
}

static void *go_deep(void *argument)
{
	struct overflow *overflow = argument;
	struct vcore_thread_options options = {.name = "deep", .stack_size = overflow->stack_size};
	struct vcore_thread *child;

	if (overflow->nested > 0) {
		overflow->nested--;
		CHECK_IS(vcore_thread_allocate(&child, &options, go_deep, argument), 0);
		stress_join(child);
	} else if (overflow->within) {
		stay_within(overflow->stack_size != 0 ? overflow->stack_size : 64 * 1024);
	} else if (overflow->leaps) {
		leap();
	} else {
		descend(SIZE_MAX);
	}
	return NULL;
}

/* Only the server can run the thread: it is pinned to it. */
static void go_deep_on_server(struct vcore_runtime *runtime, struct overflow *overflow)
{
	struct vcore_thread_options options = {
		.runtime = runtime,
		.name = "deep",
		.stack_size = overflow->stack_size,
		.flags = VCORE_THREAD_PINNED,
		.processor = 1,
	};

	CHECK_IS(vcore_thread_allocate(NULL, &options, go_deep, overflow), 0);
	CHECK_IS(vcore_runtime_serve(runtime, vcore_after(10 * MILLISECOND)), 0);
}

static int overflow_in_child(const void *argument)
{
	struct overflow overflow = *(const struct overflow *)argument;
	struct vcore_runtime *runtime;

	no_guard_pages = overflow.mprotect;
	runtime = stress_open_with((struct vcore_runtime_options){
		.processors = 1,
		.fault = note,
		.flags = overflow.caught ? 0 : VCORE_RUNTIME_HOST_FAULTS,
	});
	if (overflow.served) {
		go_deep_on_server(runtime, &overflow);
	} else {
		overflow.nested++; /* the first thread has no name */
		stress_join(stress_spawn(runtime, go_deep, &overflow));
	}
	stress_close(runtime);
	CHECK_IS(atomic_load(&reports), overflow.caught && !overflow.within);
	return (int)tap_failures;
}

/* The message gives a size in bytes: what was asked for, rounded up. */
static bool names_size(const char *message, size_t least)
{
	for (const char *digit = message; *digit != '\0'; digit++) {
		char *end;
		size_t number = strtoull(digit, &end, 10);

		if (end != digit) {
			if (number >= least && number <= 4 * least + 65536) {
				return true;
			}
			digit = end - 1;
		}
	}
	return false;
}

static void try_overflow(const struct overflow *overflow)
{
	size_t stack_size = overflow->stack_size != 0 ? overflow->stack_size : 64 * 1024;
	struct child child;
	bool good;

	child_run(&child, overflow_in_child, overflow);
	good = overflow->caught ? CHECK(child_exited(&child, 0))
				: CHECK(child_died(&child, CAUGHT ? SIGSEGV : SIGABRT)) &&
					  CHECK(strstr(child.output, "overflow") != NULL) &&
					  CHECK(strstr(child.output, "\"deep\"") != NULL) &&
					  CHECK(names_size(child.output, stack_size));
	if (!good) {
		tap_say("status %x, message: %.200s", (unsigned)child.status, child.output);
	}
	tap_case("overflow of %zu bytes, nested %u, guards by %s, on a %s%s%s", stack_size,
		 overflow->nested, overflow->mprotect ? "mprotect" : "guard pages",
		 overflow->served ? "server" : "processor",
		 overflow->leaps ? ", over the guard" : "", overflow->caught ? ", caught" : "");
}

static void try_within(size_t stack_size)
{
	const struct overflow within = {.stack_size = stack_size, .within = true};
	struct child child;

	child_run(&child, overflow_in_child, &within);
	if (!CHECK(child_exited(&child, 0))) {
		tap_say("status %x, message: %.200s", (unsigned)child.status, child.output);
	}
	tap_case("all of a stack of %zu bytes can be used",
		 stack_size != 0 ? stack_size : (size_t)64 * 1024);
}

int main(int argc, char **argv)
{
	static const size_t sizes[] = {0, 1, 5000, 16384, 100001, ((size_t)1 << 20) + 1};

	stress_begin(argc, argv);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		size_t size = sizes[i] != 0 ? sizes[i] + STRESS_EXTRA_STACK : 0;

		for (int guards = 0; guards < 2; guards++) {
			try_overflow(&(struct overflow){size, .mprotect = guards == 1});
			try_overflow(
				&(struct overflow){size, .mprotect = guards == 1, .leaps = true});
		}
		for (int guards = 0; CAUGHT && guards < 2; guards++) {
			try_overflow(
				&(struct overflow){size, .mprotect = guards == 1, .caught = true});
			try_overflow(&(struct overflow){size, .mprotect = guards == 1,
							.leaps = true, .caught = true});
		}
		try_overflow(&(struct overflow){size, .nested = 3, .caught = CAUGHT});
		try_overflow(&(struct overflow){size, .served = true, .caught = CAUGHT});
		try_within(size);
	}
	CHECK_IS(vcore_faults_are_caught(), CAUGHT);
	tap_case("the library knows whether it catches them");
	return tap_done();
}
