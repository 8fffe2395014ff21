/*
 * Labours of preempt_blocking and preempt_storm: calls that block in the
 * kernel, or stay long in the C library.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef TESTS_STRESS_ROUNDS_BLOCKING_H
#define TESTS_STRESS_ROUNDS_BLOCKING_H

#include "ticks.h"
#include <poll.h>

/* A tick cuts it short: for the rest it goes on. */
static void sleep_in_the_kernel(int64_t nanoseconds)
{
	struct timespec rest = {.tv_sec = nanoseconds / SECOND, .tv_nsec = nanoseconds % SECOND};

	while (nanosleep(&rest, &rest) != 0) {
	}
}

static void round_nanosleep(struct worker *self)
{
	vcore_instant end = vcore_after(MILLISECOND);

	sleep_in_the_kernel(MILLISECOND);
	CHECK(vcore_now() >= end);
	worker_compute(self);
}

/* A pipe, and one who writes to it later. */
struct letter {
	int ends[2];
	uint64_t steps;
	char *text;
	size_t length;
};

static void letter_open(struct letter *letter, struct worker *self, size_t length)
{
	if (pipe(letter->ends) != 0) {
		abort();
	}
	letter->steps = stress_below(&self->random, 100000);
	letter->length = length;
	letter->text = malloc(length);
	memset(letter->text, 'a' + (int)self->number, length);
}

static void letter_close(struct letter *letter)
{
	close(letter->ends[0]);
	close(letter->ends[1]);
	free(letter->text);
}

static void *write_letter(void *argument)
{
	struct letter *letter = argument;

	compute(1, letter->steps);
	CHECK_IS(vcore_write(letter->ends[1], letter->text, letter->length, VCORE_NEVER),
		 (ssize_t)letter->length);
	return NULL;
}

static struct vcore_thread *letter_send(struct letter *letter, struct worker *self)
{
	return stress_spawn(self->shift->ticks->runtime, write_letter, letter);
}

static void round_read(struct worker *self)
{
	struct vcore_thread *writer;
	struct letter letter;
	char c = 0;

	letter_open(&letter, self, 1);
	writer = letter_send(&letter, self);
	CHECK_IS(read(letter.ends[0], &c, 1), 1);
	CHECK_IS(c, 'a' + (int)self->number);
	stress_join(writer);
	letter_close(&letter);
}

static void round_poll(struct worker *self)
{
	struct vcore_thread *writer;
	struct letter letter;
	struct pollfd poll = {.events = POLLIN};
	vcore_instant deadline = vcore_after(200 * MICROSECOND);

	letter_open(&letter, self, 1);
	poll.fd = letter.ends[0];
	CHECK_IS(vcore_poll(&poll, 1, deadline), -ETIMEDOUT);
	CHECK(vcore_now() >= deadline);
	writer = letter_send(&letter, self);
	CHECK_IS(vcore_poll(&poll, 1, VCORE_NEVER), 1);
	CHECK_IS(poll.revents, POLLIN);
	stress_join(writer);
	letter_close(&letter);
}

/* More than a pipe holds. */
static void round_copy(struct worker *self)
{
	const size_t length = 200000;
	struct vcore_thread *writer;
	struct letter letter;
	char *copy = calloc(length, 1);

	letter_open(&letter, self, length);
	writer = letter_send(&letter, self);
	CHECK_IS(vcore_read(letter.ends[0], copy, length, VCORE_NEVER), (ssize_t)length);
	CHECK(memcmp(copy, letter.text, length) == 0);
	stress_join(writer);
	letter_close(&letter);
	free(copy);
}

#define HAYSTACK ((size_t)64 << 20)

/* Zeros, and a needle at the end. */
static char *hay;

static void prepare_search(void)
{
	if (hay == NULL) {
		hay = calloc(HAYSTACK, 1);
		hay[HAYSTACK - 1] = 'x';
	}
}

static void round_search(struct worker *self)
{
	size_t part = 1 + stress_below(&self->random, HAYSTACK / 16);

	CHECK(memchr(hay + HAYSTACK - part, 'x', part) == hay + HAYSTACK - 1);
}

static const struct labour blocking_labours[] = {
	{.name = "nanosleep", .round = round_nanosleep},
	{.name = "read", .round = round_read, .needs_ticks = true},
	{.name = "vcore_poll", .round = round_poll, .needs_ticks = true},
	{.name = "vcore_read and vcore_write", .round = round_copy, .needs_ticks = true},
	{.name = "memchr", .round = round_search, .prepare = prepare_search},
};

#define BLOCKING_LABOURS (sizeof(blocking_labours) / sizeof(blocking_labours[0]))

#endif /* TESTS_STRESS_ROUNDS_BLOCKING_H */
