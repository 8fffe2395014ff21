/*
 * A processor's own stock of warm stacks of the default size.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef VCI_CACHE_H
#define VCI_CACHE_H

#include "sched/sched.h"

/* Stacks move between a processor and the pool so many at a time. */
#define VCI_CACHE_BATCH 32

/* NULL, and the error. */
static inline struct vci_stack *vci_cache_take(struct vci_processor *processor, int *error)
{
	struct vci_stack *stack = processor->cached;

	if (unlikely(stack == NULL)) {
		stack = vci_stacks_take(&processor->runtime->stacks, 0, VCI_CACHE_BATCH, error);
		if (stack == NULL) {
			return NULL;
		}
		processor->n_cached = 0;
		for (const struct vci_stack *s = stack; s != NULL; s = s->next) {
			processor->n_cached++;
		}
	}
	processor->cached = stack->next;
	/* The next one's page may be far away: let it come nearer meanwhile. */
	__builtin_prefetch(stack->next, 1);
	processor->n_cached--;
	return stack;
}

/* Of more than two batches, the one used last but one goes to the pool. */
static inline void vci_cache_give(struct vci_processor *processor, struct vci_stack *stack)
{
	stack->next = processor->cached;
	processor->cached = stack;
	if (unlikely(++processor->n_cached >= 2 * VCI_CACHE_BATCH)) {
		struct vci_stack *last = stack;

		for (unsigned i = 1; i < VCI_CACHE_BATCH; i++) {
			last = last->next;
		}
		vci_stacks_give(&processor->runtime->stacks, last->next,
				processor->n_cached - VCI_CACHE_BATCH);
		last->next = NULL;
		processor->n_cached = VCI_CACHE_BATCH;
	}
}

#endif /* VCI_CACHE_H */
