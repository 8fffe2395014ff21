/*
 * A thread that uses its stack up ends, alone, wherever that happens: in its own
 * text, deep in libc, in the library, in a cleanup.  Its cleanups run in the reserve
 * of its stack, which is closed when the stack is given back: memory is flat.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "../stress/stress.h"

static struct vcore_runtime *runtime;
static struct vcore_space *space; /* NULL, or in which the threads live */
static _Atomic unsigned cleaned;
static volatile size_t sink, deepest = SIZE_MAX;

static void clean(void *argument)
{
	volatile char room[6000];

	memset((void *)room, 1, sizeof(room));
	sink = (size_t)room[5];
	vcore_yield();
	atomic_fetch_add((_Atomic unsigned *)argument, 1);
}

/* What it is given is not known to the compiler: recursion stays recursion. */
static size_t opaque(size_t n)
{
	__asm__ volatile("" : "+r"(n) : : "memory");
	return n;
}

/* --- recursions ------------------------------------------------------------------------------ */

__attribute__((noinline)) static size_t plainly(size_t n)
{
	volatile char frame[200];

	frame[n % 200] = 1;
	return n == deepest ? 0 : opaque(plainly(n + 1)) + (size_t)frame[n % 200];
}

__attribute__((noinline)) static size_t with_large_frames(size_t n)
{
	volatile char frame[12000];

	frame[n % 12000] = 1;
	return n == deepest ? 0 : opaque(with_large_frames(n + 1)) + (size_t)frame[n % 12000];
}

__attribute__((noinline)) static size_t printing(size_t n)
{
	char frame[64];

	snprintf(frame, sizeof(frame), "%zu %s %g", n, "deep", (double)n / 3);
	return n == deepest ? 0 : opaque(printing(n + 1)) + (size_t)frame[n % 8];
}

__attribute__((noinline)) static size_t allocating(size_t n)
{
	void *volatile memory = malloc(n % 500 + 10);

	free(memory);
	return n == deepest ? 0 : opaque(allocating(n + 1)) + n;
}

__attribute__((noinline)) static size_t yielding(size_t n)
{
	volatile char frame[16];

	frame[n % 16] = 1;
	vcore_yield();
	return n == deepest ? 0 : opaque(yielding(n + 1)) + (size_t)frame[n % 16];
}

__attribute__((noinline)) static size_t locking(size_t n)
{
	struct vcore_lock lock = VCORE_LOCK_INITIALIZER;

	vcore_lock_acquire(&lock);
	vcore_lock_release(&lock);
	return n == deepest ? 0 : opaque(locking(n + 1)) + n;
}

__attribute__((noinline)) static size_t disabled(size_t n)
{
	vcore_destroy_disable();
	return printing(n);
}

/* The first overflow is in a cleanup, which does not come to its end. */
static void descend(void *recursion)
{
	(*(size_t(**)(size_t))recursion)(0);
}

static size_t (*const in_cleanup)(size_t) = printing;

__attribute__((noinline)) static size_t cleaning_up(size_t n)
{
	struct vcore_cleanup cleanup;

	vcore_cleanup_push(&cleanup, descend, (void *)&in_cleanup);
	vcore_thread_exit((void *)n);
}

struct recursion {
	const char *name;
	size_t (*f)(size_t);
};

static const struct recursion recursions[] = {
	{"plain recursion", plainly},
	{"with large frames", with_large_frames},
	{"that prints", printing},
	{"that allocates", allocating},
	{"that yields", yielding},
	{"that takes a lock", locking},
	{"with destruction disabled", disabled},
	{"in a cleanup", cleaning_up},
};

#define RECURSIONS (sizeof(recursions) / sizeof(recursions[0]))

/* --- threads -------------------------------------------------------------------------- */

static void *go_deep(void *argument)
{
	const struct recursion *recursion = argument;
	struct vcore_cleanup cleanup;

	vcore_cleanup_push(&cleanup, clean, &cleaned);
	sink += recursion->f(0);
	return NULL;
}

static void ignore(const struct vcore_fault *fault)
{
	(void)fault;
}

#define WAVE 10

static void wave(const struct recursion *recursion)
{
	struct vcore_thread_options options = {.runtime = runtime, .name = "deep", .space = space};
	struct vcore_thread *threads[WAVE];
	unsigned before = atomic_load(&cleaned);

	for (int i = 0; i < WAVE; i++) {
		CHECK_IS(vcore_thread_allocate(&threads[i], &options, go_deep, (void *)recursion),
			 0);
	}
	for (int i = 0; i < WAVE; i++) {
		uint64_t id = vcore_thread_id(threads[i]);
		struct vcore_exit end;

		CHECK_IS(vcore_thread_join(threads[i], &end, VCORE_NEVER), 0);
		CHECK_IS(end.how, VCORE_FAULTED);
		CHECK_IS(end.fault.kind, VCORE_FAULT_STACK_OVERFLOW);
		CHECK_IS(end.fault.signal, SIGSEGV);
		CHECK(end.fault.thread == id);
		CHECK(end.fault.space == (space != NULL ? vcore_space_id(space) : 0));
		CHECK(end.fault.module[0] != '\0');
	}
	CHECK_IS(atomic_load(&cleaned), before + WAVE);
}

/* Of the process, in pages. */
static long resident(void)
{
	long pages = 0;
	FILE *file = fopen("/proc/self/statm", "r");

	if (file == NULL || fscanf(file, "%*d %ld", &pages) != 1) {
		abort();
	}
	fclose(file);
	return pages;
}

static void try_recursion(const struct recursion *recursion, int64_t quantum)
{
	size_t waves = stress_size(6, 1);
	long before;

	runtime = stress_open_with((struct vcore_runtime_options){
		.processors = 2,
		.quantum = quantum,
		.fault = ignore,
	});
	wave(recursion);
	before = resident();
	for (size_t i = 0; i < waves; i++) {
		wave(recursion);
	}
	/* Stacks that have been used: 16 pages each, and so many more at most. */
	CHECK(resident() < before + 64 * WAVE);
	stress_close(runtime);
	tap_case("%s%s, %s", recursion->name, space != NULL ? ", in an exclusive space" : "",
		 quantum > 0 ? "preempted" : "without ticks");
}

/* Where the stack, and its reserve, are a part of the space. */
static void try_in_space(void)
{
	struct vcore_space_options options = {.least = VCORE_SPACE_EXCLUSIVE};

	CHECK_IS(vcore_space_create(&space, &options), 0);
	for (size_t i = 0; i < RECURSIONS; i++) {
		try_recursion(&recursions[i], VCORE_QUANTUM_OFF);
		try_recursion(&recursions[i], 100 * MICROSECOND);
	}
	CHECK_IS(vcore_space_delete(space), 0);
	space = NULL;
	tap_case("the exclusive space is left empty");
}

/* --- to the very end ------------------------------------------------------------------ */

/* A cleanup that overflows in turn: the guard is used, and the rest is left out. */
static void *overflow_twice(void *unused)
{
	static size_t (*const again)(size_t) = plainly;
	struct vcore_cleanup first, second;

	vcore_cleanup_push(&first, clean, &cleaned);
	vcore_cleanup_push(&second, descend, (void *)&again);
	plainly(0);
	return unused;
}

static void twice(void)
{
	struct vcore_exit end;
	struct vcore_runtime_options options = {.fault = ignore};
	unsigned before = atomic_load(&cleaned);

	for (int i = 0; i < 10; i++) {
		CHECK_IS(vcore_run(&options, overflow_twice, NULL, &end), 0);
		CHECK_IS(end.how, VCORE_FAULTED);
		CHECK_IS(end.fault.kind, VCORE_FAULT_STACK_OVERFLOW);
	}
	CHECK_IS(atomic_load(&cleaned), before);
	tap_case("a second overflow leaves the other cleanups out");
}

int main(int argc, char **argv)
{
	stress_begin(argc, argv);
	twice();
	for (size_t i = 0; i < RECURSIONS; i++) {
		try_recursion(&recursions[i], VCORE_QUANTUM_OFF);
		try_recursion(&recursions[i], 100 * MICROSECOND);
	}
	try_in_space();
	return tap_done();
}
