/*
 * Stores: threads that get objects of one size, and put them back.
 *
 * An implementation says how that is done, for its three loops, with the
 * traffic's buffer for a store.  What is written to an object when it was got is
 * read when it is put.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BENCH_STORE_H
#define BENCH_STORE_H

#include "traffic.h"

#include <stdlib.h>

struct bench_store {
	void *(*get)(void *store, size_t size);
	void (*put)(void *store, void *object);
};

BENCH_INLINE void *bench_get(struct bench_party *self, const struct bench_store *calls, long number)
{
	void *object = calls->get(self->out, self->size);

	/* Lest the compiler, which knows malloc, do without. */
	__asm__ volatile("" : "+r"(object) : : "memory");
	memcpy(object, &number, sizeof(number));
	return object;
}

BENCH_INLINE void bench_put(struct bench_party *self, const struct bench_store *calls, void *object)
{
	long number;

	__asm__ volatile("" : "+r"(object) : : "memory");
	memcpy(&number, object, sizeof(number));
	self->sum += (uint64_t)number;
	calls->put(self->out, object);
}

/* Each is put before the next one is got. */
BENCH_INLINE void *bench_get_and_put(void *party, const struct bench_store *calls)
{
	struct bench_party *self = party;

	for (long i = 0; i < self->n; i++) {
		bench_put(self, calls, bench_get(self, calls, self->first + i));
	}
	return NULL;
}

/* The objects of a batch lie in its room for messages, which are larger. */
BENCH_INLINE void *bench_get_then_put(void *party, const struct bench_store *calls)
{
	struct bench_party *self = party;
	void **objects = (void **)(void *)self->messages;
	size_t count;

	for (long i = 0; i < self->n; i += (long)count) {
		count = bench_next_batch(self, i);
		for (size_t j = 0; j < count; j++) {
			objects[j] = bench_get(self, calls, self->first + i + (long)j);
		}
		for (size_t j = 0; j < count; j++) {
			bench_put(self, calls, objects[j]);
		}
	}
	return NULL;
}

/* --- one thread gets, another puts ---------------------------------------------------- */

#define BENCH_TRAYS     2
#define BENCH_TRAY_ROOM 256

/* Trays go there full and come back empty. */
struct bench_counter {
	void *store;
	struct bench_tray {
		bool full BENCH_APART; /* atomic */
		long n;
		void *objects[BENCH_TRAY_ROOM];
	} trays[BENCH_TRAYS];
};

BENCH_INLINE struct bench_tray *bench_next_tray(struct bench_party *self,
						struct bench_counter *counter, long i, bool full)
{
	struct bench_tray *tray = &counter->trays[i % BENCH_TRAYS];

	for (long j = 0; __atomic_load_n(&tray->full, __ATOMIC_ACQUIRE) != full; j++) {
		bench_try_again(self, j);
	}
	return tray;
}

BENCH_INLINE void bench_pass_tray(struct bench_tray *tray, bool full)
{
	__atomic_store_n(&tray->full, full, __ATOMIC_RELEASE);
}

BENCH_INLINE void *bench_get_all(void *party, const struct bench_store *calls)
{
	struct bench_party *self = party;
	struct bench_counter *counter = self->out;
	long i = 0;

	self->out = counter->store;
	for (long trays = 0; i < self->n; trays++) {
		struct bench_tray *tray = bench_next_tray(self, counter, trays, false);

		for (tray->n = 0; tray->n < BENCH_TRAY_ROOM && i < self->n; i++) {
			tray->objects[tray->n++] = bench_get(self, calls, i);
		}
		bench_pass_tray(tray, true);
	}
	return NULL;
}

BENCH_INLINE void *bench_put_all(void *party, const struct bench_store *calls)
{
	struct bench_party *self = party;
	struct bench_counter *counter = self->in;
	long i = 0;

	self->out = counter->store;
	for (long trays = 0; i < self->n; trays++) {
		struct bench_tray *tray = bench_next_tray(self, counter, trays, true);

		for (long j = 0; j < tray->n; j++) {
			bench_put(self, calls, tray->objects[j]);
		}
		i += tray->n;
		bench_pass_tray(tray, false);
	}
	return NULL;
}

/* --- the workloads, by BENCH_STORE_RUN ---------------------------------------------------- */

void run_pool(struct bench *bench);
void run_pool_batches(struct bench *bench);
void run_pool_handed(struct bench *bench);

#define BENCH_STORE_WORKLOADS                                                                      \
	{"pool", run_pool}, {"pool-batches", run_pool_batches},                                    \
	{                                                                                          \
		"pool-handed", run_pool_handed                                                     \
	}

/* The same under other names, of memory of any size. */
#define BENCH_STORE_HEAPS                                                                          \
	{"heap", run_pool}, {"heap-batches", run_pool_batches},                                    \
	{                                                                                          \
		"heap-handed", run_pool_handed                                                     \
	}

/*
 * Of the calls of a struct bench_store of that name, by the threads of
 * crew(bench), in the store that open(bench) makes.
 */
#define BENCH_STORE_RUN(calls, crew, open, close)                                                  \
	static void *get_and_put(void *party)                                                      \
	{                                                                                          \
		return bench_get_and_put(party, &(calls));                                         \
	}                                                                                          \
	static void *get_then_put(void *party)                                                     \
	{                                                                                          \
		return bench_get_then_put(party, &(calls));                                        \
	}                                                                                          \
	static void *get_all(void *party)                                                          \
	{                                                                                          \
		return bench_get_all(party, &(calls));                                             \
	}                                                                                          \
	static void *put_all(void *party)                                                          \
	{                                                                                          \
		return bench_put_all(party, &(calls));                                             \
	}                                                                                          \
	void run_pool(struct bench *bench)                                                         \
	{                                                                                          \
		void *store = open(bench);                                                         \
                                                                                                   \
		bench_exchange(bench, crew(bench), store, get_and_put);                            \
		close(store);                                                                      \
	}                                                                                          \
	void run_pool_batches(struct bench *bench)                                                 \
	{                                                                                          \
		void *store = open(bench);                                                         \
                                                                                                   \
		bench_exchange(bench, crew(bench), store, get_then_put);                           \
		close(store);                                                                      \
	}                                                                                          \
	void run_pool_handed(struct bench *bench)                                                  \
	{                                                                                          \
		struct bench_counter *counter = bench_apart(sizeof(*counter));                     \
                                                                                                   \
		bench_check(bench->threads == 1, "one that gets, one that puts");                  \
		counter->store = open(bench);                                                      \
		bench_traffic(bench, crew(bench), counter, get_all, put_all);                      \
		close(counter->store);                                                             \
		free(counter);                                                                     \
	}

#endif /* BENCH_STORE_H */
