/*
 * A linearizability check: operations on a stack or a buffer that several
 * threads make at the same time are recorded, and then it is asked whether some
 * order of them, in which none comes before one that had returned when it was
 * invoked, leads one thread alone to the same results.
 *
 *	linear_invoke(log, LINEAR_SEND, value);
 *	linear_return(log, vcore_buffer_send(buffer, &value, deadline), value);
 *	...
 *	if (!linear_check(&history))
 *		linear_print(&history);
 *
 * The search takes any operation that may come next, and goes back where that
 * leads nowhere; of what it has seen (these operations done, this content) it
 * remembers that it leads nowhere.
 *
 * Sources: J. M. Wing and C. Gong, Testing and verifying concurrent objects
 * (1993); G. Lowe, Testing for linearizability (2017), for the memory.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef TESTS_STRESS_LINEAR_H
#define TESTS_STRESS_LINEAR_H

#include "stress.h"

#define LINEAR_LOGS       6
#define LINEAR_EACH       10  /* operations of a thread */
#define LINEAR_OPERATIONS 60  /* of all: bits of a word */
#define LINEAR_CONTENT    160 /* values in the object */
#define LINEAR_SEEN       8192

enum linear_kind {
	LINEAR_PUSH,
	LINEAR_POP,      /* -EAGAIN: it is empty */
	LINEAR_POP_ALL,  /* the result is how many */
	LINEAR_SEND,     /* -EAGAIN: it cannot now; -ETIMEDOUT: it is full; -EPIPE */
	LINEAR_RECEIVE,  /* likewise */
	LINEAR_DRAIN,    /* all there is; the result is how many */
	LINEAR_COUNT,    /* the result */
	LINEAR_IS_EMPTY, /* the result */
	LINEAR_CLOSE,
};

/* What is in the object: of a stack the last is the top, of a queue the first is next. */
struct linear_content {
	bool closed;
	uint8_t length;
	uint8_t values[LINEAR_CONTENT];
};

struct linear_operation {
	enum linear_kind kind;
	uint8_t value; /* in or out; of POP_ALL and DRAIN in `all` */
	const uint8_t *all;
	intmax_t result; /* 0, if nothing else is said */
	uint64_t invoked, returned;
	unsigned thread;
};

/* What one thread has done, in order. */
struct linear_log {
	unsigned length;
	struct linear_operation operations[LINEAR_EACH];
	unsigned values_used;
	uint8_t values[2 * LINEAR_CONTENT]; /* that POP_ALL and DRAIN returned */
	_Atomic uint64_t *clock;
};

struct linear_history {
	size_t capacity;              /* of a buffer */
	struct linear_content before; /* what was in the object */
	_Atomic uint64_t clock;       /* counts invocations and returns */
	unsigned threads;
	struct linear_log logs[LINEAR_LOGS];
};

/* --- recording --------------------------------------------------------------------- */

/* A new one, before its threads begin. */
static inline void linear_begin(struct linear_history *history, unsigned threads, size_t capacity)
{
	history->capacity = capacity;
	history->before = (struct linear_content){.length = 0};
	atomic_store(&history->clock, 0);
	history->threads = threads;
	for (unsigned i = 0; i < threads; i++) {
		history->logs[i].length = 0;
		history->logs[i].values_used = 0;
		history->logs[i].clock = &history->clock;
	}
}

/* The value is what goes in, if anything does. */
static inline void linear_invoke(struct linear_log *log, enum linear_kind kind, uint8_t value)
{
	struct linear_operation *operation = &log->operations[log->length];

	*operation = (struct linear_operation){
		.kind = kind, .value = value, .all = &log->values[log->values_used]};
	operation->invoked = atomic_fetch_add(log->clock, 1);
}

/* The value is what has gone in, or come out. */
static inline void linear_return(struct linear_log *log, intmax_t result, uint8_t value)
{
	struct linear_operation *operation = &log->operations[log->length++];

	operation->returned = atomic_fetch_add(log->clock, 1);
	operation->result = result;
	operation->value = value;
}

/* After the return: one of many that came out. */
static inline void linear_add(struct linear_log *log, uint8_t value)
{
	log->values[log->values_used++] = value;
	log->operations[log->length - 1].result++;
}

/* --- what one thread alone would see -------------------------------------------------- */

static inline bool linear_put(struct linear_content *content, uint8_t value)
{
	content->values[content->length++] = value;
	return true;
}

static inline bool linear_pop(struct linear_content *content, const struct linear_operation *done)
{
	if (done->result != 0) {
		return content->length == 0;
	}
	return content->length > 0 && content->values[--content->length] == done->value;
}

static inline bool linear_pop_all(struct linear_content *content,
				  const struct linear_operation *done)
{
	if (content->length != done->result) {
		return false;
	}
	for (unsigned i = 0; i < content->length; i++) {
		if (content->values[content->length - 1 - i] != done->all[i]) {
			return false;
		}
	}
	content->length = 0;
	return true;
}

static inline bool linear_send(struct linear_content *content, const struct linear_operation *done,
			       size_t capacity)
{
	bool full = content->length >= capacity;

	switch (done->result) {
	case 0:
		return !content->closed && !full && linear_put(content, done->value);
	case -EPIPE:
		return content->closed;
	case -ETIMEDOUT:
		return !content->closed && full;
	default:
		return content->closed || full;
	}
}

static inline bool linear_receive(struct linear_content *content,
				  const struct linear_operation *done)
{
	bool empty = content->length == 0;

	switch (done->result) {
	case 0:
		if (empty || content->values[0] != done->value) {
			return false;
		}
		memmove(content->values, content->values + 1, --content->length);
		return true;
	case -EPIPE:
		return content->closed && empty;
	case -ETIMEDOUT:
		return !content->closed && empty;
	default:
		return empty;
	}
}

static inline bool linear_drain(struct linear_content *content, const struct linear_operation *done)
{
	if (content->length != done->result ||
	    memcmp(content->values, done->all, content->length) != 0) {
		return false;
	}
	content->length = 0;
	return true;
}

/* Does the operation as well; false: it would have had another result. */
static inline bool linear_step(struct linear_content *content, const struct linear_operation *done,
			       size_t capacity)
{
	switch (done->kind) {
	case LINEAR_PUSH:
		return linear_put(content, done->value);
	case LINEAR_POP:
		return linear_pop(content, done);
	case LINEAR_POP_ALL:
		return linear_pop_all(content, done);
	case LINEAR_SEND:
		return linear_send(content, done, capacity);
	case LINEAR_RECEIVE:
		return linear_receive(content, done);
	case LINEAR_DRAIN:
		return linear_drain(content, done);
	case LINEAR_COUNT:
		return content->length == done->result;
	case LINEAR_IS_EMPTY:
		return (content->length == 0) == done->result;
	case LINEAR_CLOSE:
		content->closed = true;
		return true;
	}
	return false;
}

/* --- searching -------------------------------------------------------------------------- */

/* What was tried: these operations were done, in whatever order, and this was left. */
struct linear_seen {
	uint64_t search; /* which one saw it: from 1 */
	uint64_t done;
	struct linear_content content;
};

struct linear_search {
	uint64_t number;
	size_t capacity;
	unsigned length;
	const struct linear_operation *operations[LINEAR_OPERATIONS]; /* as invoked */
	unsigned seen_length;
	struct linear_seen seen[LINEAR_SEEN]; /* hashed by both, then linear */
};

static inline bool linear_equal(const struct linear_content *a, const struct linear_content *b)
{
	return a->closed == b->closed && a->length == b->length &&
	       memcmp(a->values, b->values, a->length) == 0;
}

static inline size_t linear_hash(uint64_t done, const struct linear_content *content)
{
	uint64_t hash = done;

	for (unsigned i = 0; i < content->length; i++) {
		hash = (hash ^ content->values[i]) * 0x9e3779b97f4a7c15;
	}
	return (size_t)(hash ^ hash >> 32) % LINEAR_SEEN;
}

/* False: it was there. */
static inline bool linear_remember(struct linear_search *search, uint64_t done,
				   const struct linear_content *content)
{
	size_t i = linear_hash(done, content);

	for (; search->seen[i].search == search->number; i = (i + 1) % LINEAR_SEEN) {
		if (search->seen[i].done == done &&
		    linear_equal(&search->seen[i].content, content)) {
			return false;
		}
	}
	if (++search->seen_length == LINEAR_SEEN) {
		printf("Bail out! the search has no end\n");
		abort();
	}
	search->seen[i] = (struct linear_seen){search->number, done, *content};
	return true;
}

static inline bool linear_is_done(uint64_t done, unsigned i)
{
	return (done >> i & 1) != 0;
}

/* When the first returned of those that are not done: what was invoked later comes later. */
static inline uint64_t linear_horizon(const struct linear_search *search, uint64_t done)
{
	uint64_t horizon = UINT64_MAX;

	for (unsigned i = 0; i < search->length; i++) {
		uint64_t returned = search->operations[i]->returned;

		if (!linear_is_done(done, i) && returned < horizon) {
			horizon = returned;
		}
	}
	return horizon;
}

/* Whether what is not done can follow. */
static inline bool linear_follows(struct linear_search *search, uint64_t done,
				  const struct linear_content *content)
{
	uint64_t horizon = linear_horizon(search, done);

	if (horizon == UINT64_MAX) {
		return true;
	}
	if (!linear_remember(search, done, content)) {
		return false;
	}
	for (unsigned i = 0; i < search->length && search->operations[i]->invoked < horizon; i++) {
		struct linear_content after = *content;

		if (!linear_is_done(done, i) &&
		    linear_step(&after, search->operations[i], search->capacity) &&
		    linear_follows(search, done | UINT64_C(1) << i, &after)) {
			return true;
		}
	}
	return false;
}

static inline int linear_compare(const void *a, const void *b)
{
	const struct linear_operation *const *first = a, *const *second = b;

	return (*first)->invoked < (*second)->invoked ? -1 : 1;
}

/* All operations, as they were invoked. */
static inline unsigned linear_sort(struct linear_history *history,
				   const struct linear_operation **operations)
{
	unsigned length = 0;

	for (unsigned i = 0; i < history->threads; i++) {
		struct linear_log *log = &history->logs[i];

		for (unsigned j = 0; j < log->length; j++) {
			log->operations[j].thread = i;
			operations[length++] = &log->operations[j];
		}
	}
	qsort(operations, length, sizeof(operations[0]), linear_compare);
	return length;
}

/* By one thread at a time. */
static inline bool linear_check(struct linear_history *history)
{
	static struct linear_search search;

	search.number++;
	search.seen_length = 0;
	search.capacity = history->capacity;
	search.length = linear_sort(history, search.operations);
	return linear_follows(&search, 0, &history->before);
}

/* --- reporting --------------------------------------------------------------------------- */

static inline const char *linear_name(enum linear_kind kind)
{
	static const char *const names[] = {
		[LINEAR_PUSH] = "push",       [LINEAR_POP] = "pop",
		[LINEAR_POP_ALL] = "pop_all", [LINEAR_SEND] = "send",
		[LINEAR_RECEIVE] = "receive", [LINEAR_DRAIN] = "receive all",
		[LINEAR_COUNT] = "count",     [LINEAR_IS_EMPTY] = "is_empty",
		[LINEAR_CLOSE] = "close",
	};

	return names[kind];
}

static inline const char *linear_error(intmax_t error)
{
	return error == -EAGAIN ? "not now" : error == -EPIPE ? "closed" : "timed out";
}

static inline void linear_print_result(const struct linear_operation *operation)
{
	bool many = operation->kind == LINEAR_POP_ALL || operation->kind == LINEAR_DRAIN;

	if (operation->result < 0) {
		printf(" -> %s\n", linear_error(operation->result));
		return;
	}
	if (many || operation->kind == LINEAR_COUNT || operation->kind == LINEAR_IS_EMPTY) {
		printf(" -> %jd", operation->result);
	}
	for (intmax_t i = 0; many && i < operation->result; i++) {
		printf("%s %u", i == 0 ? ":" : "", operation->all[i]);
	}
	if (operation->kind == LINEAR_POP || operation->kind == LINEAR_RECEIVE) {
		printf(" -> %u", operation->value);
	}
	printf("\n");
}

/* Each with its thread, and when it was invoked and has returned. */
static inline void linear_print(struct linear_history *history)
{
	const struct linear_operation *operations[LINEAR_OPERATIONS];
	unsigned length = linear_sort(history, operations);

	printf("# before:");
	for (unsigned i = 0; i < history->before.length; i++) {
		printf(" %u", history->before.values[i]);
	}
	printf("\n");
	for (unsigned i = 0; i < length; i++) {
		const struct linear_operation *operation = operations[i];

		printf("# thread %u  [%3ju, %3ju]  %s", operation->thread,
		       (uintmax_t)operation->invoked, (uintmax_t)operation->returned,
		       linear_name(operation->kind));
		if (operation->kind == LINEAR_PUSH || operation->kind == LINEAR_SEND) {
			printf(" %u", operation->value);
		}
		linear_print_result(operation);
	}
}

#endif /* TESTS_STRESS_LINEAR_H */
