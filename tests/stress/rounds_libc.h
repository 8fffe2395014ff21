/*
 * Labours of preempt_libc and preempt_storm: the C library, errno, thread-local
 * variables and registers, with ticks between any two instructions.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef TESTS_STRESS_ROUNDS_LIBC_H
#define TESTS_STRESS_ROUNDS_LIBC_H

#include "ticks.h"
#include <fenv.h>

static bool all_are(const unsigned char *bytes, size_t n, unsigned char value)
{
	for (size_t i = 0; i < n; i++) {
		if (bytes[i] != value) {
			return false;
		}
	}
	return true;
}

/* Blocks that another thread had as well would have its number in them. */
static void round_allocate(struct worker *self)
{
	unsigned char *blocks[8], number = (unsigned char)(self->number + 1);
	size_t sizes[8];

	for (int i = 0; i < 8; i++) {
		sizes[i] = 1 + stress_below(&self->random, 5000);
		blocks[i] = malloc(sizes[i]);
		memset(blocks[i], number, sizes[i]);
	}
	worker_compute(self);
	for (int i = 0; i < 8; i++) {
		size_t size = 1 + stress_below(&self->random, 5000);

		blocks[i] = realloc(blocks[i], size);
		CHECK(all_are(blocks[i], size < sizes[i] ? size : sizes[i], number));
		free(blocks[i]);
	}
}

static void round_print(struct worker *self)
{
	char *text = NULL, expected[64];
	size_t length = 0, at = 0;
	FILE *stream = open_memstream(&text, &length);

	for (unsigned i = 0; i < 20; i++) {
		fprintf(stream, "%u:%u:%.3f;", self->number, i, i / 8.0);
		compute(1, 1000);
	}
	fclose(stream);
	for (unsigned i = 0; i < 20; i++) {
		int n = snprintf(expected, sizeof(expected), "%u:%u:%.3f;", self->number, i,
				 i / 8.0);

		CHECK(at + (size_t)n <= length && memcmp(text + at, expected, (size_t)n) == 0);
		at += (size_t)n;
	}
	CHECK(at == length);
	free(text);
}

/* strtok has one state for the process: who uses it has the mutex. */
static pthread_mutex_t strtok_mutex = PTHREAD_MUTEX_INITIALIZER;

static void round_strtok(struct worker *self)
{
	char text[] = "0 1 2 3 4 5 6 7 8 9";
	long expected = 0;

	pthread_mutex_lock(&strtok_mutex);
	for (char *word = strtok(text, " "); word != NULL; word = strtok(NULL, " ")) {
		CHECK_IS(strtol(word, NULL, 10), expected++);
		compute(1, 2000);
	}
	CHECK_IS(expected, 10);
	pthread_mutex_unlock(&strtok_mutex);
	worker_compute(self);
}

static int compare(const void *left, const void *right)
{
	uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;

	compute(a, 50);
	return (a > b) - (a < b);
}

static void round_sort(struct worker *self)
{
	uint64_t numbers[200], sum = 0;

	for (int i = 0; i < 200; i++) {
		numbers[i] = stress_random(&self->random);
		sum += numbers[i];
	}
	qsort(numbers, 200, sizeof(numbers[0]), compare);
	for (int i = 0; i < 200; i++) {
		CHECK(i == 0 || numbers[i - 1] <= numbers[i]);
		sum -= numbers[i];
	}
	CHECK(sum == 0);
}

/* Its address is in a register all the while. */
static void round_errno(struct worker *self)
{
	unsigned wrong = 0;

	for (int i = 0; i < 500; i++) {
		int mine = (int)self->number * 1000 + i;

		errno = mine;
		compute(1, 200);
		wrong += errno != mine;
	}
	CHECK_IS(wrong, 0);
}

static _Thread_local struct local {
	unsigned owner;
	unsigned depth;
	uint32_t cells[512];
} local;

__attribute__((noinline)) static struct local *address_of_local(void)
{
	struct local *address = &local;

	__asm__ volatile("" : "+r"(address));
	return address;
}

__attribute__((noinline)) static void descend(struct local *mine, unsigned owner, unsigned depth)
{
	mine->owner = owner;
	mine->depth++;
	compute(depth, 2000);
	if (depth > 0) {
		descend(mine, owner, depth - 1);
	}
	CHECK_IS(mine->owner, owner);
}

static void round_local(struct worker *self)
{
	struct local *mine = address_of_local();

	mine->depth = 0;
	descend(&local, self->number, 19);
	CHECK(mine == address_of_local());
	CHECK_IS(local.depth, 20);
}

static void round_local_array(struct worker *self)
{
	unsigned wrong = 0;

	for (uint32_t i = 0; i < 512; i++) {
		local.cells[i] = i * SHIFT_WORKERS + self->number;
		compute(i, 100);
	}
	for (const uint32_t *cell = local.cells; cell < local.cells + 512; cell++) {
		uint32_t i = (uint32_t)(cell - local.cells);

		compute(i, 100);
		wrong += *cell != i * SHIFT_WORKERS + self->number;
	}
	CHECK_IS(wrong, 0);
}

/* A tenth, and less than none by as much, tell the four ways of rounding. */
static void round_rounding(struct worker *self)
{
	static const struct {
		int mode;
		double tenth, less;
	} expected[] = {
		{FE_TONEAREST, 0x1.999999999999ap-4, -0x1.999999999999ap-4},
		{FE_UPWARD, 0x1.999999999999ap-4, -0x1.9999999999999p-4},
		{FE_DOWNWARD, 0x1.9999999999999p-4, -0x1.999999999999ap-4},
		{FE_TOWARDZERO, 0x1.9999999999999p-4, -0x1.9999999999999p-4},
	};
	unsigned mine = self->number % 4, wrong = 0;
	volatile double one = 1, ten = 10;

	fesetround(expected[mine].mode);
	for (int i = 0; i < 500; i++) {
		compute(1, 200);
		wrong += one / ten != expected[mine].tenth || -one / ten != expected[mine].less;
	}
	CHECK_IS(fegetround(), expected[mine].mode);
	fesetround(FE_TONEAREST);
	CHECK_IS(wrong, 0);
}

/* Numbers that stay in registers while they are computed with. */
typedef uint64_t pair __attribute__((vector_size(16)));
typedef uint64_t quad __attribute__((vector_size(32)));

#if defined(__x86_64__)
#define IN_REGISTER(v) __asm__ volatile("" : "+x"(v))
#elif defined(__aarch64__)
#define IN_REGISTER(v) __asm__ volatile("" : "+w"(v))
#else
#define IN_REGISTER(v) (void)(v)
#endif

#define STEP(v)                                                                                    \
	do {                                                                                       \
		(v) ^= (v) << 13;                                                                  \
		(v) ^= (v) >> 7;                                                                   \
		(v) ^= (v) << 17;                                                                  \
		IN_REGISTER(v);                                                                    \
	} while (0)

static void compute_pairs(uint64_t numbers[8], unsigned steps)
{
	pair a = {numbers[0], numbers[1]}, b = {numbers[2], numbers[3]};
	pair c = {numbers[4], numbers[5]}, d = {numbers[6], numbers[7]};

	for (; steps > 0; steps--) {
		STEP(a);
		STEP(b);
		STEP(c);
		STEP(d);
	}
	for (int i = 0; i < 2; i++) {
		numbers[i] = a[i];
		numbers[2 + i] = b[i];
		numbers[4 + i] = c[i];
		numbers[6 + i] = d[i];
	}
}

#ifdef __x86_64__
__attribute__((target("avx2"))) static void compute_quads(uint64_t numbers[8], unsigned steps)
{
	quad a = {numbers[0], numbers[1], numbers[2], numbers[3]};
	quad b = {numbers[4], numbers[5], numbers[6], numbers[7]};

	for (; steps > 0; steps--) {
		STEP(a);
		STEP(b);
	}
	for (int i = 0; i < 4; i++) {
		numbers[i] = a[i];
		numbers[4 + i] = b[i];
	}
}
#endif

static void compute_wide(uint64_t numbers[8], unsigned steps)
{
#ifdef __x86_64__
	if (__builtin_cpu_supports("avx2")) {
		compute_quads(numbers, steps);
		return;
	}
#endif
	compute_pairs(numbers, steps);
}

static void round_registers(struct worker *self)
{
	const unsigned steps = 20000;
	uint64_t start[8], pairs[8], wide[8];

	for (int i = 0; i < 8; i++) {
		start[i] = pairs[i] = wide[i] = stress_random(&self->random);
	}
	compute_pairs(pairs, steps);
	compute_wide(wide, steps);
	for (int i = 0; i < 8; i++) {
		uint64_t expected = compute(start[i], steps);

		CHECK(pairs[i] == expected);
		CHECK(wide[i] == expected);
	}
}

static const struct labour libc_labours[] = {
	{.name = "malloc, realloc and free", .round = round_allocate},
	{.name = "printf", .round = round_print},
	{.name = "strtok under a mutex", .round = round_strtok},
	{.name = "qsort with a comparator of one's own", .round = round_sort},
	{.name = "errno cached across a loop", .round = round_errno},
	{.name = "the address of a thread-local passed down", .round = round_local},
	{.name = "a thread-local array walked", .round = round_local_array},
	{.name = "rounding modes", .round = round_rounding, .needs_ticks = true},
	{.name = "vector registers", .round = round_registers},
};

#define LIBC_LABOURS (sizeof(libc_labours) / sizeof(libc_labours[0]))

#endif /* TESTS_STRESS_ROUNDS_LIBC_H */
