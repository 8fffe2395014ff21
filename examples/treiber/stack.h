/*
 * Treiber's stack in its textbook form: it holds values.  Push allocates a cell for
 * the value, pop frees it again.
 *
 * The top is two words, a pointer and a count of removals, that are compared and
 * swapped together: so ABA cannot happen (vcore/stack.h says what that is).  But
 * the count protects the swap, and not what comes before it:
 *
 *	top = stack->top;
 *	next = top->next;		// is there still a cell?
 *	swap top for next
 *
 * Between the first line and the second another thread may pop that cell and
 * free it.  The swap would fail, as it should; but the thread has read memory by
 * then that is not its own any more, and may belong to nobody: the program
 * crashes, or worse, does so once a year.
 *
 * What makes it right is not in the stack but in its memory.  Where cells come
 * from and go to is another file's (below), and the stack is the same with each:
 *
 *	malloc.c	malloc and free, as in the textbook: wrong
 *	pool.c		a type-stable pool: a cell that was freed is a cell still
 *	rcu.c		free after all who may look at the cell have gone
 *
 * Source: R. K. Treiber, Systems programming: coping with parallelism (1986).
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef TREIBER_STACK_H
#define TREIBER_STACK_H

#include <stdbool.h>
#include <stdint.h>
#include <vcore/rcu.h>

struct cell {
	struct cell *next;
	int64_t value;
	struct vcore_rcu_head rcu; /* of rcu.c */
};

struct stack {
	struct cell *top;
	uint64_t count; /* removals */
} __attribute__((aligned(16)));

void stack_push(struct stack *stack, int64_t value);

/* Returns: whether there was a value. */
bool stack_pop(struct stack *stack, int64_t *value);

/*
 * Is called by pop between the two reads.  Nothing happens there in a program of
 * real life, nearly always.
 */
extern void (*stack_pause)(void);

/* --- memory: malloc.c, pool.c or rcu.c ----------------------------------------- */

void cells_open(void);
void cells_close(void); /* all that were allocated are freed */

struct cell *cell_allocate(void);
void cell_free(struct cell *cell);

/* Between these a thread may look at cells that others free. */
void cells_enter(void);
void cells_leave(void);

#endif /* TREIBER_STACK_H */
