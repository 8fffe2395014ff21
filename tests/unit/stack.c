/*
 * Treiber's stack: what include/vcore/stack.h promises, one promise to a test.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "support.h"

#include <unistd.h>

#include <vcore/stack.h>

TestSuite(stack, .timeout = 100);

TestEverywhere(stack, its_initialiser_is_zero_bytes)
{
	struct vcore_stack stack = VCORE_STACK_INITIALIZER, zero;

	memset(&zero, 0, sizeof(zero));
	check(memcmp(&stack, &zero, sizeof(stack)) == 0);
}

TestEverywhere(stack, zero_bytes_are_an_empty_stack)
{
	struct vcore_stack stack = {0};

	check(vcore_stack_is_empty(&stack));
	check(vcore_stack_pop(&stack) == NULL);
	check(vcore_stack_pop_all(&stack) == NULL);
	check(vcore_stack_is_empty(&stack));
}

TestEverywhere(stack, pop_removes_the_node_that_was_pushed_last)
{
	struct vcore_stack stack = {0};
	struct vcore_stack_node nodes[3];

	for (int i = 0; i < 3; i++) {
		vcore_stack_push(&stack, &nodes[i]);
	}
	for (int i = 2; i >= 0; i--) {
		check(!vcore_stack_is_empty(&stack));
		check(vcore_stack_pop(&stack) == &nodes[i]);
	}
	check(vcore_stack_is_empty(&stack));
}

TestEverywhere(stack, what_was_popped_may_be_pushed_again)
{
	struct vcore_stack stack = {0};
	struct vcore_stack_node a, b;

	vcore_stack_push(&stack, &a);
	vcore_stack_push(&stack, &b);
	check(vcore_stack_pop(&stack) == &b);
	check(vcore_stack_pop(&stack) == &a);
	vcore_stack_push(&stack, &b);
	vcore_stack_push(&stack, &a);
	check(vcore_stack_pop(&stack) == &a);
	check(vcore_stack_pop(&stack) == &b);
	check(vcore_stack_pop(&stack) == NULL);
}

TestEverywhere(stack, pop_all_removes_all_the_last_first)
{
	struct vcore_stack stack = {0};
	struct vcore_stack_node nodes[3];
	const struct vcore_stack_node *node;

	for (int i = 0; i < 3; i++) {
		vcore_stack_push(&stack, &nodes[i]);
	}
	node = vcore_stack_pop_all(&stack);
	check(vcore_stack_is_empty(&stack));
	for (int i = 2; i >= 0; i--) {
		check(node == &nodes[i]);
		node = vcore_stack_next(node);
	}
	check(node == NULL);
}

TestEverywhere(stack, every_removal_counts)
{
	struct vcore_stack stack = {0};
	struct vcore_stack_node nodes[3];

	for (int i = 0; i < 3; i++) {
		vcore_stack_push(&stack, &nodes[i]);
	}
	check(stack.count_ == 0);
	vcore_stack_pop(&stack);
	check(stack.count_ == 1);
	vcore_stack_pop_all(&stack);
	check(stack.count_ == 2);
}

TestEverywhere(stack, the_count_has_64_bits_and_may_wrap)
{
	static const uint64_t counts[] = {UINT32_MAX, INT64_MAX, UINT64_MAX};
	struct vcore_stack_node a, b;

	for (int i = 0; i < 3; i++) {
		struct vcore_stack stack = {.count_ = counts[i]};

		vcore_stack_push(&stack, &a);
		vcore_stack_push(&stack, &b);
		check(vcore_stack_pop(&stack) == &b);
		check(stack.count_ == counts[i] + 1);
		vcore_stack_push(&stack, &b);
		check(vcore_stack_pop_all(&stack) == &b);
		check(stack.count_ == counts[i] + 2);
	}
}

/* --- several at a time ------------------------------------------------------------------ */

enum { NODES = 100, ROUNDS = 20000 };

struct token {
	struct vcore_stack_node node;
	int uses; /* of whoever has it */
};

static struct vcore_stack tokens;

static void *use_tokens(void *unused)
{
	for (int i = 0; i < ROUNDS; i++) {
		struct token *token = (struct token *)vcore_stack_pop(&tokens);

		if (token != NULL) {
			token->uses++;
			vcore_stack_push(&tokens, &token->node);
		}
	}
	return unused;
}

static int count_tokens(void)
{
	int n = 0;

	for (const struct vcore_stack_node *node = vcore_stack_pop_all(&tokens); node != NULL;
	     node = vcore_stack_next(node)) {
		n++;
	}
	return n;
}

TestAround(stack, vcore_threads_and_pthreads_use_the_same)
{
	static struct token all[NODES];
	struct vcore_thread *threads[4];
	pthread_t pthread;

	for (int i = 0; i < NODES; i++) {
		vcore_stack_push(&tokens, &all[i].node);
	}
	for (int i = 0; i < 4; i++) {
		threads[i] = spawn(use_tokens, NULL);
	}
	pthread = start_pthread(use_tokens, NULL);
	for (int i = 0; i < 4; i++) {
		finish(threads[i]);
	}
	finish_pthread(pthread);
	check(count_tokens() == NODES);
}

static void push_and_pop(int signal)
{
	struct vcore_stack_node *a = vcore_stack_pop(&tokens);
	struct vcore_stack_node *b = vcore_stack_pop(&tokens);

	(void)signal;
	if (a != NULL) {
		vcore_stack_push(&tokens, a);
	}
	if (b != NULL) {
		vcore_stack_push(&tokens, b);
	}
}

static void *interrupt(void *main)
{
	for (int i = 0; i < 1000; i++) {
		check(pthread_kill(*(pthread_t *)main, SIGUSR1) == 0);
		usleep(20);
	}
	return NULL;
}

Test(stack, a_signal_handler_may_use_what_it_has_interrupted)
{
	static struct token all[NODES];
	struct sigaction action = {.sa_handler = push_and_pop, .sa_flags = SA_RESTART};
	pthread_t self = pthread_self();
	pthread_t interrupter;

	for (int i = 0; i < NODES; i++) {
		vcore_stack_push(&tokens, &all[i].node);
	}
	cr_assert_eq(sigaction(SIGUSR1, &action, NULL), 0);
	interrupter = start_pthread(interrupt, &self);
	while (pthread_tryjoin_np(interrupter, NULL) != 0) {
		use_tokens(NULL);
	}
	cr_assert_eq(count_tokens(), NODES);
}

/* --- panics ----------------------------------------------------------------------------- */

static int number;
static struct vcore_stack pair[2];
static struct vcore_stack_node node;

static void call_without_one(void)
{
	switch (number) {
	case 0:
		vcore_stack_push(NULL, &node);
		break;
	case 1:
		vcore_stack_pop(NULL);
		break;
	case 2:
		vcore_stack_pop_all(NULL);
		break;
	default:
		vcore_stack_is_empty(NULL);
		break;
	}
}

Test(stack, null_panics)
{
	for (number = 0; number < 4; number++) {
		check(panics_with(call_without_one, "stack is NULL"));
	}
}

static void push_none(void)
{
	vcore_stack_push(&pair[0], NULL);
}

static void look_behind_none(void)
{
	vcore_stack_next(NULL);
}

Test(stack, no_node_panics)
{
	check(panics_with(push_none, "vcore_stack_push: node is NULL"));
	check(panics_with(look_behind_none, "vcore_stack_next: node is NULL"));
}

static void push_to_one_that_is_not_aligned(void)
{
	vcore_stack_push((struct vcore_stack *)(void *)((char *)&pair[0] + 8), &node);
}

Test(stack, one_that_is_not_aligned_panics)
{
	check(panics_with(push_to_one_that_is_not_aligned, "stack is not aligned to 16 bytes"));
}

static void push_twice(void)
{
	vcore_stack_push(&pair[0], &node);
	vcore_stack_push(&pair[0], &node);
}

Test(stack, a_push_of_the_top_panics)
{
	check(panics_with(push_twice, "the node is in the stack"));
}
