/*
 * Labours of preempt_locks and preempt_storm: pthread mutexes of all kinds,
 * condition variables and FILE locks, held across application text.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef TESTS_STRESS_ROUNDS_LOCKS_H
#define TESTS_STRESS_ROUNDS_LOCKS_H

#include "ticks.h"

/* A mutex, and who is inside. */
struct guarded {
	pthread_mutex_t mutex;
	unsigned owner; /* its number + 1 */
};

static void make_mutex(struct guarded *guarded, int type, int robust, int protocol)
{
	pthread_mutexattr_t attributes;

	CHECK_IS(pthread_mutexattr_init(&attributes), 0);
	CHECK_IS(pthread_mutexattr_settype(&attributes, type), 0);
	CHECK_IS(pthread_mutexattr_setrobust(&attributes, robust), 0);
	CHECK_IS(pthread_mutexattr_setprotocol(&attributes, protocol), 0);
	CHECK_IS(pthread_mutex_init(&guarded->mutex, &attributes), 0);
	pthread_mutexattr_destroy(&attributes);
	guarded->owner = 0;
}

static void destroy_mutex(struct guarded *guarded)
{
	CHECK_IS(guarded->owner, 0);
	CHECK_IS(pthread_mutex_destroy(&guarded->mutex), 0);
}

/* Owns it for a while, alone. */
static void be_owner(struct worker *self, struct guarded *guarded)
{
	CHECK_IS(guarded->owner, 0);
	guarded->owner = self->number + 1;
	worker_compute(self);
	CHECK_IS(guarded->owner, self->number + 1);
	guarded->owner = 0;
}

static struct guarded recursive, checking, robust, inheriting;

static void prepare_recursive(void)
{
	make_mutex(&recursive, PTHREAD_MUTEX_RECURSIVE, PTHREAD_MUTEX_STALLED, PTHREAD_PRIO_NONE);
}

static void round_recursive(struct worker *self)
{
	for (int depth = 0; depth < 3; depth++) {
		CHECK_IS(pthread_mutex_lock(&recursive.mutex), 0);
		compute(1, 2000);
	}
	be_owner(self, &recursive);
	for (int depth = 0; depth < 3; depth++) {
		compute(1, 2000);
		CHECK_IS(pthread_mutex_unlock(&recursive.mutex), 0);
	}
	worker_compute(self);
}

static void finish_recursive(void)
{
	destroy_mutex(&recursive);
}

static void prepare_checking(void)
{
	make_mutex(&checking, PTHREAD_MUTEX_ERRORCHECK, PTHREAD_MUTEX_STALLED, PTHREAD_PRIO_NONE);
}

static void round_checking(struct worker *self)
{
	CHECK_IS(pthread_mutex_lock(&checking.mutex), 0);
	be_owner(self, &checking);
	CHECK_IS(pthread_mutex_lock(&checking.mutex), EDEADLK);
	CHECK_IS(pthread_mutex_unlock(&checking.mutex), 0);
#ifndef STRESS_TSAN /* reports it */
	CHECK_IS(pthread_mutex_unlock(&checking.mutex), EPERM);
#endif
	worker_compute(self);
}

static void finish_checking(void)
{
	destroy_mutex(&checking);
}

static void prepare_robust(void)
{
	make_mutex(&robust, PTHREAD_MUTEX_ERRORCHECK, PTHREAD_MUTEX_ROBUST, PTHREAD_PRIO_NONE);
}

/* EOWNERDEAD would say that the kernel thread of an owner had ended. */
static void round_robust(struct worker *self)
{
	CHECK_IS(pthread_mutex_lock(&robust.mutex), 0);
	be_owner(self, &robust);
	CHECK_IS(pthread_mutex_unlock(&robust.mutex), 0);
	worker_compute(self);
}

static void finish_robust(void)
{
	destroy_mutex(&robust);
}

static void prepare_inheriting(void)
{
	make_mutex(&inheriting, PTHREAD_MUTEX_ERRORCHECK, PTHREAD_MUTEX_STALLED,
		   PTHREAD_PRIO_INHERIT);
}

static void round_inheriting(struct worker *self)
{
	CHECK_IS(pthread_mutex_lock(&inheriting.mutex), 0);
	be_owner(self, &inheriting);
	CHECK_IS(pthread_mutex_unlock(&inheriting.mutex), 0);
	worker_compute(self);
}

static void finish_inheriting(void)
{
	destroy_mutex(&inheriting);
}

/* Two tokens, and who has none waits for one. */
static struct {
	pthread_mutex_t mutex;
	pthread_cond_t returned;
	unsigned left; /* guarded by mutex */
} tokens = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 2};

static _Atomic unsigned tokens_in_use;

static void round_condition(struct worker *self)
{
	CHECK_IS(pthread_mutex_lock(&tokens.mutex), 0);
	while (tokens.left == 0) {
		CHECK_IS(pthread_cond_wait(&tokens.returned, &tokens.mutex), 0);
	}
	tokens.left--;
	CHECK_IS(pthread_mutex_unlock(&tokens.mutex), 0);

	CHECK(atomic_fetch_add(&tokens_in_use, 1) < 2);
	worker_compute(self);
	atomic_fetch_sub(&tokens_in_use, 1);

	CHECK_IS(pthread_mutex_lock(&tokens.mutex), 0);
	tokens.left++;
	CHECK_IS(pthread_cond_signal(&tokens.returned), 0);
	CHECK_IS(pthread_mutex_unlock(&tokens.mutex), 0);
}

static void finish_condition(void)
{
	CHECK_IS(tokens.left, 2);
}

/* Lines of one worker's number only. */
#define LINE_WORDS 5

static struct {
	FILE *stream;
	char buffer[4096]; /* one that libc allocates moves under a lock that TSan does not see */
} sheet;

static void prepare_lines(void)
{
	sheet.stream = tmpfile();
	CHECK(sheet.stream != NULL &&
	      setvbuf(sheet.stream, sheet.buffer, _IOFBF, sizeof(sheet.buffer)) == 0);
}

static void round_line(struct worker *self)
{
	flockfile(sheet.stream);
	for (int i = 0; i < LINE_WORDS; i++) {
		fprintf(sheet.stream, "%u ", self->number);
		compute(1, 5000);
	}
	(TSAN ? putc : putc_unlocked)('\n', sheet.stream); /* it does not know flockfile */
	funlockfile(sheet.stream);
	worker_compute(self);
}

static void finish_lines(void)
{
	char line[2 * LINE_WORDS + 2];

	rewind(sheet.stream);
	while (fgets(line, sizeof(line), sheet.stream) != NULL) {
		CHECK(line[0] >= '0' && line[0] < '0' + SHIFT_WORKERS);
		for (size_t i = 0; i < 2 * LINE_WORDS; i += 2) {
			CHECK(line[i] == line[0] && line[i + 1] == ' ');
		}
		CHECK(line[2 * LINE_WORDS] == '\n');
	}
	CHECK(feof(sheet.stream) && ferror(sheet.stream) == 0);
	fclose(sheet.stream);
}

static const struct labour locks_labours[] = {
	{"a recursive mutex", round_recursive, prepare_recursive, finish_recursive, false},
	{"an error-checking mutex", round_checking, prepare_checking, finish_checking, false},
	{"a robust mutex", round_robust, prepare_robust, finish_robust, false},
	{"a mutex that inherits priority", round_inheriting, prepare_inheriting, finish_inheriting,
	 false},
	{"a condition variable", round_condition, NULL, finish_condition, false},
	{"flockfile", round_line, prepare_lines, finish_lines, false},
};

#define LOCKS_LABOURS (sizeof(locks_labours) / sizeof(locks_labours[0]))

#endif /* TESTS_STRESS_ROUNDS_LOCKS_H */
