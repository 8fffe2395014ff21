/*
 * Stacks: threads each of which pushes an element, then pops one.
 *
 * An implementation says how that is done with the traffic's buffer for a stack:
 *
 *	static const struct bench_lifo lifo = {.push = push, .pop = pop};
 *
 *	static void *exchange(void *party)
 *	{
 *		return bench_push_and_pop(party, &lifo);
 *	}
 *	...
 *		bench_exchange(bench, &bench_pinned_threads, stack, exchange);
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BENCH_LIFO_H
#define BENCH_LIFO_H

#include "traffic.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A stack is made of them by the implementation's own link. */
struct bench_element {
	char link[32] BENCH_APART;
	long number;
};

struct bench_lifo {
	void (*push)(void *stack, struct bench_element *element);
	struct bench_element *(*pop)(void *stack); /* there is one */
};

/* The element may be anybody's in the end: it lasts as long as the process. */
BENCH_INLINE void *bench_push_and_pop(void *party, const struct bench_lifo *lifo)
{
	struct bench_party *self = (struct bench_party *)party;
	struct bench_element *element = (struct bench_element *)bench_apart(sizeof(*element));

	for (long i = 0; i < self->n; i++) {
		element->number = self->first + i;
		lifo->push(self->out, element);
		element = lifo->pop(self->in);
		self->sum += (uint64_t)element->number;
	}
	return NULL;
}

#ifdef __cplusplus
}
#endif
#endif /* BENCH_LIFO_H */
