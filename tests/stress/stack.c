/*
 * Treiber's stack: nothing is lost, nothing is there twice, and what was done to
 * a node before its push is seen after its pop.
 *
 * Tokens are few, so that the same ones come back to the top again and again
 * while others are about to remove them.  Vcore threads and pthreads take them
 * from one stack, one or all, hold several, and put them on others; what they
 * write in them is plain memory, for TSan to see.  The counts start where 32, 63
 * and 64 bits overflow.  Then the nodes are objects of a pool, which are put,
 * got and written to by others while a pop may look at them.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "locks.h"

#define STACKS 4
#define TOKENS 6
#define HELD   3 /* at a time, of a mover */
#define MOVERS 8
#define PLAIN  3   /* of these, pthreads */
#define BEFORE 100 /* removals until a count overflows */

struct token {
	struct vcore_stack_node node;
	unsigned holder; /* its number + 1; 0: it is in a stack */
	uint64_t moves;
};

struct table {
	struct vcore_stack stacks[STACKS];
	struct token tokens[TOKENS];
	struct vcore_pool *pool;
};

struct mover {
	struct table *table;
	unsigned number;
	uint64_t random, moves;
	uint64_t removals[STACKS];
	uint64_t sent, received; /* sums of what was in the nodes */
	struct token *held[HELD];
	unsigned n_held;
};

static const uint64_t first_counts[STACKS] = {
	0,
	UINT32_MAX - BEFORE,
	INT64_MAX - BEFORE,
	UINT64_MAX - BEFORE,
};

static unsigned any_stack(struct mover *self)
{
	return (unsigned)stress_below(&self->random, STACKS);
}

static void dawdle(struct mover *self)
{
	switch (stress_below(&self->random, 32)) {
	case 0:
		vcore_yield();
		break;
	case 1:
		compute(1, stress_below(&self->random, 20000));
		break;
	default:
		compute(1, stress_below(&self->random, 50));
	}
}

/* --- tokens ---------------------------------------------------------------------------- */

static void put_down(struct mover *self, struct token *token)
{
	CHECK_IS(token->holder, self->number + 1);
	token->holder = 0;
	token->moves++;
	self->moves++;
	vcore_stack_push(&self->table->stacks[any_stack(self)], &token->node);
}

static void pick_up(struct mover *self, struct token *token)
{
	CHECK_IS(token->holder, 0);
	token->holder = self->number + 1;
}

static void move_one(struct mover *self)
{
	unsigned from = any_stack(self);
	struct token *token = (struct token *)vcore_stack_pop(&self->table->stacks[from]);

	if (token != NULL) {
		self->removals[from]++;
		pick_up(self, token);
		self->held[self->n_held++] = token;
	}
	dawdle(self);
	if (self->n_held == HELD || (self->n_held > 0 && stress_below(&self->random, 2) == 0)) {
		put_down(self, self->held[--self->n_held]);
	}
}

static void move_all(struct mover *self)
{
	unsigned from = any_stack(self);
	struct vcore_stack_node *node = vcore_stack_pop_all(&self->table->stacks[from]);

	self->removals[from] += node != NULL;
	while (node != NULL) {
		struct token *token = (struct token *)node;

		node = vcore_stack_next(node);
		pick_up(self, token);
		put_down(self, token);
	}
}

static void *move_tokens(void *argument)
{
	struct mover *self = argument;
	size_t times = stress_size(20000, 200);

	for (size_t i = 0; i < times; i++) {
		if (stress_below(&self->random, 8) == 0) {
			move_all(self);
		} else {
			move_one(self);
		}
	}
	while (self->n_held > 0) {
		put_down(self, self->held[--self->n_held]);
	}
	return NULL;
}

/* Every token is in one stack, and each removal was counted. */
static void check_table(struct table *table, const struct mover *movers)
{
	uint64_t moves = 0;
	unsigned tokens = 0;

	for (unsigned i = 0; i < STACKS; i++) {
		uint64_t removals = 0;
		struct vcore_stack_node *node;

		for (unsigned j = 0; j < MOVERS; j++) {
			removals += movers[j].removals[i];
		}
		CHECK(table->stacks[i].count_ == first_counts[i] + removals);
		while ((node = vcore_stack_pop(&table->stacks[i])) != NULL) {
			struct token *token = (struct token *)node;

			CHECK_IS(token->holder, 0);
			token->holder = MOVERS + 1; /* it is not met again */
			moves += token->moves;
			tokens++;
		}
	}
	for (unsigned j = 0; j < MOVERS; j++) {
		moves -= movers[j].moves;
	}
	CHECK_IS(tokens, TOKENS);
	CHECK_IS(moves, 0);
}

/* --- objects of a pool -------------------------------------------------------------------- */

static void send(struct mover *self)
{
	struct token *token = vcore_pool_get(self->table->pool);

	CHECK(token != NULL);
	token->moves = stress_random(&self->random);
	self->sent += token->moves;
	vcore_stack_push(&self->table->stacks[any_stack(self)], &token->node);
}

/* The link, too, is its receiver's to write to. */
static void discard(struct mover *self, struct token *token)
{
	self->received += token->moves;
	memset(token, (int)stress_below(&self->random, 256), sizeof(*token));
	vcore_pool_put(self->table->pool, token);
}

static void receive_all(struct mover *self, struct vcore_stack *stack)
{
	struct vcore_stack_node *node = vcore_stack_pop_all(stack);

	while (node != NULL) {
		struct token *token = (struct token *)node;

		node = vcore_stack_next(node);
		discard(self, token);
	}
}

static void receive(struct mover *self)
{
	struct vcore_stack *stack = &self->table->stacks[any_stack(self)];
	struct token *token;

	if (stress_below(&self->random, 8) == 0) {
		receive_all(self, stack);
		return;
	}
	token = (struct token *)vcore_stack_pop(stack);
	if (token != NULL) {
		discard(self, token);
	}
}

static void *use_pool(void *argument)
{
	struct mover *self = argument;
	size_t times = stress_size(20000, 200);

	for (size_t i = 0; i < times; i++) {
		if (stress_below(&self->random, 2) == 0) {
			send(self);
		} else {
			receive(self);
		}
		dawdle(self);
	}
	return NULL;
}

static void check_pool(struct table *table, struct mover *movers)
{
	uint64_t sums = 0;

	for (unsigned i = 0; i < STACKS; i++) {
		receive_all(&movers[0], &table->stacks[i]);
	}
	for (unsigned j = 0; j < MOVERS; j++) {
		sums += movers[j].sent - movers[j].received;
	}
	CHECK_IS(sums, 0);
	CHECK_IS(vcore_pool_outstanding(table->pool), 0);
}

/* --- all of it -------------------------------------------------------------------------- */

static void employ(const struct ticks *ticks, struct table *table, struct mover *movers,
		   void *(*work)(void *))
{
	struct stress_crew crew = {.vcore = MOVERS - PLAIN, .plain = PLAIN};

	for (unsigned i = 0; i < MOVERS; i++) {
		movers[i] = (struct mover){.table = table, .number = i};
		movers[i].random = stress_seed * MOVERS + i;
	}
	stress_crew_start(&crew, ticks->runtime, work, movers, sizeof(movers[0]));
	stress_crew_join(&crew);
}

static void stack(const struct ticks *ticks)
{
	struct table table = {0};
	struct mover movers[MOVERS];

	for (unsigned i = 0; i < STACKS; i++) {
		table.stacks[i].count_ = first_counts[i];
	}
	for (unsigned i = 0; i < TOKENS; i++) {
		vcore_stack_push(&table.stacks[i % STACKS], &table.tokens[i].node);
	}
	employ(ticks, &table, movers, move_tokens);
	check_table(&table, movers);
	locks_case(ticks, "tokens");

	CHECK_IS(vcore_pool_create(&table.pool, sizeof(struct token)), 0);
	employ(ticks, &table, movers, use_pool);
	check_pool(&table, movers);
	CHECK_IS(vcore_pool_delete(table.pool), 0);
	locks_case(ticks, "objects of a pool");
}

int main(int argc, char **argv)
{
	return locks_main(argc, argv, stack);
}
