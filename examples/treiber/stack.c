/*
 * Treiber's stack in its textbook form: see stack.h.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "stack.h"

#include <stddef.h>

static void do_nothing(void)
{
}

void (*stack_pause)(void) = do_nothing;

/* The two words as one; GCC's __int128 is a word that processors can swap. */
union top {
	struct {
		struct cell *cell;
		uint64_t count;
	};
	unsigned __int128 word;
};

/*
 * One word after the other: a mixture of two states is no harm, because it is
 * not what the swap finds then.
 */
static union top read_top(const struct stack *stack)
{
	union top top;

	top.count = __atomic_load_n(&stack->count, __ATOMIC_ACQUIRE);
	top.cell = __atomic_load_n(&stack->top, __ATOMIC_ACQUIRE);
	return top;
}

static bool swap_top(struct stack *stack, union top old, union top new)
{
	return __sync_bool_compare_and_swap((unsigned __int128 *)stack, old.word, new.word);
}

void stack_push(struct stack *stack, int64_t value)
{
	struct cell *cell = cell_allocate();
	union top top;

	cell->value = value;
	do {
		top = read_top(stack);
		__atomic_store_n(&cell->next, top.cell, __ATOMIC_RELAXED);
	} while (!swap_top(stack, top, (union top){.cell = cell, .count = top.count}));
}

/* Removes a cell, whose value nobody else reads or writes then. */
static struct cell *remove_cell(struct stack *stack)
{
	union top top;
	struct cell *next;

	do {
		top = read_top(stack);
		if (top.cell == NULL) {
			return NULL;
		}
		stack_pause();
		next = __atomic_load_n(&top.cell->next, __ATOMIC_RELAXED);
	} while (!swap_top(stack, top, (union top){.cell = next, .count = top.count + 1}));
	return top.cell;
}

bool stack_pop(struct stack *stack, int64_t *value)
{
	struct cell *cell;

	cells_enter();
	cell = remove_cell(stack);
	cells_leave();
	if (cell == NULL) {
		return false;
	}
	*value = cell->value;
	cell_free(cell);
	return true;
}
