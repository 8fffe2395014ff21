/*
 * Bugs planted in vcore threads, for the tools that must find them there.
 *
 *	planted tool bug
 *
 * `tool` is what the caller counts on: "asan" or "tsan" (the program was built
 * so) or "valgrind" (it is run so, and was built without the others); where it
 * was not, the program exits with 77.  The bug "none" is a correct program,
 * which the tools must leave in peace.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "../stress/stress.h"

#define SKIP 77

#if defined(STRESS_TSAN)
#define BUILT_FOR "tsan"
#elif defined(STRESS_ASAN)
#define BUILT_FOR "asan"
#else
#define BUILT_FOR "valgrind"
#endif

static volatile size_t eight = 8; /* hides the bugs from the compiler */
static volatile int sink;

__attribute__((noinline)) static void *heap_buffer_overflow(void *unused)
{
	char *bytes = malloc(eight);

	vcore_yield();
	bytes[eight] = 1;
	sink = bytes[eight];
	free(bytes);
	return unused;
}

/* UBSan would see the index, and end the process before ASan sees the address. */
__attribute__((noinline, no_sanitize("bounds"))) static void *stack_buffer_overflow(void *unused)
{
	volatile char bytes[8];

	bytes[0] = 1;
	vcore_yield();
	bytes[eight] = 1;
	sink = bytes[eight];
	return unused;
}

__attribute__((noinline)) static void *heap_use_after_free(void *unused)
{
	char *volatile bytes = malloc(eight);

	free(bytes);
	vcore_yield();
	sink = bytes[0];
	return unused;
}

__attribute__((noinline)) static volatile int *leave_variable(void)
{
	volatile int variable = 1;
	volatile int *volatile address = &variable;

	return address;
}

__attribute__((noinline)) static void *stack_use_after_return(void *unused)
{
	volatile int *variable = leave_variable();

	sink = *variable;
	return unused;
}

__attribute__((noinline)) static void *uninitialised(void *unused)
{
	int *volatile numbers = malloc(eight * sizeof(int));

	vcore_yield();
	if (numbers[3] > 0) {
		sink = 1;
	}
	free(numbers);
	return unused;
}

/*
 * Two of it, on a processor each: see run.  Often, because what a processor does
 * after the first may come to be ordered before what the other does.
 */
static volatile int raced;
static struct vcore_eventcount arrived;

static void *data_race(void *unused)
{
	vcore_eventcount_advance(&arrived);
	vcore_eventcount_await(&arrived, 1, VCORE_NEVER);
	for (int i = 0; i < 1000000; i++) {
		raced++;
	}
	return unused;
}

/* The same with an order, which must not be taken for a race. */
static int ordered;
static struct vcore_sequencer tickets;
static struct vcore_eventcount served;

static void *no_bug(void *unused)
{
	int64_t ticket = vcore_sequencer_ticket(&tickets);
	char *bytes = calloc(1, eight);
	volatile char stack[8] = {0};
	volatile char own;

	vcore_eventcount_await(&served, ticket - 1, VCORE_NEVER);
	ordered++;
	vcore_eventcount_advance(&served);
	vcore_yield();
	own = bytes[eight - 1] + stack[eight - 1];
	(void)own;
	free(bytes);
	return unused;
}

static const struct bug {
	const char *name;
	void *(*entry)(void *);
} bugs[] = {
	{"none", no_bug},
	{"heap-buffer-overflow", heap_buffer_overflow},
	{"stack-buffer-overflow", stack_buffer_overflow},
	{"heap-use-after-free", heap_use_after_free},
	{"stack-use-after-return", stack_use_after_return},
	{"uninitialised", uninitialised},
	{"data-race", data_race},
};

static void *run(void *argument)
{
	const struct bug *bug = argument;
	struct vcore_thread *threads[2];

	for (unsigned i = 0; i < 2; i++) {
		struct vcore_thread_options options = {
			.name = bug->name,
			.flags = VCORE_THREAD_PINNED,
			.processor = i,
		};

		if (vcore_thread_allocate(&threads[i], &options, bug->entry, NULL) != 0) {
			abort();
		}
	}
	for (int i = 0; i < 2; i++) {
		vcore_thread_join(threads[i], NULL, VCORE_NEVER);
	}
	return NULL;
}

int main(int argc, char **argv)
{
	struct vcore_runtime_options options = {.processors = 2};

	options.stack_size = STRESS_EXTRA_STACK;
	if (argc != 3 || strcmp(argv[1], BUILT_FOR) != 0) {
		return SKIP;
	}
	for (size_t i = 0; i < sizeof(bugs) / sizeof(bugs[0]); i++) {
		if (strcmp(bugs[i].name, argv[2]) == 0) {
			return vcore_run(&options, run, (void *)&bugs[i], NULL) != 0;
		}
	}
	fprintf(stderr, "planted: no bug is called %s\n", argv[2]);
	return 2;
}
