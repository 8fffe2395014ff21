/*
 * Treiber's stack: a list that any number of threads push to and pop from
 * without a lock.
 *
 *	struct job {
 *		struct vcore_stack_node node;	// first: a node is its job
 *		...
 *	};
 *	static struct vcore_stack free_jobs;
 *
 *	vcore_stack_push(&free_jobs, &job->node);
 *	...
 *	struct vcore_stack_node *node = vcore_stack_pop(&free_jobs);
 *	struct job *job = (struct job *)node;	// NULL: it was empty
 *
 * It is intrusive: the link is a part of what is pushed, and no memory is
 * allocated or freed.  All-zero bytes are an empty stack.  Some thread always
 * makes progress: one that is preempted in the middle of a call, or never
 * continues, stops nobody.  (On processors that cannot swap 16 bytes in one step,
 * unlike x86-64 and AArch64, there is a lock, and neither that holds nor may
 * signal handlers call.)
 *
 * Two things can go wrong in a stack like this, and each has its remedy:
 *
 *   - A thread that pops reads the top node A and A's successor B; before it
 *     swaps the top from A to B, others pop A and B and push A again.  The top
 *     is A as before, and the swap would put B, which is not in the stack, on
 *     top: ABA.  So the top is two words, the pointer and a count of 64 bits
 *     that every removal increases, compared and swapped together.  (A count
 *     of 16 bits, in the unused bits of a pointer, wraps within a millisecond.)
 *   - That thread reads A's link although A may have been popped meanwhile, and
 *     freed: the count makes the swap fail, but the read has happened.  So a
 *     node's memory must stay readable as long as anyone may be in pop: it
 *     comes from a type-stable pool (pool.h), or it is freed by RCU and popped
 *     in a read section (rcu.h), or it is never freed: examples/treiber shows
 *     the fault and both remedies.  pop_all does not read
 *     the nodes: where nothing but pop_all removes, they may be freed at once.
 *
 *				push	pop	pop_all		next, is_empty
 *	from a vcore thread	yes	yes	yes		yes
 *	from a pthread		yes	yes	yes		yes
 *	from a signal handler	yes	yes	yes		yes
 *	may switch threads	no	no	no		no
 *	orders memory		release	acquire	acquire		no
 *
 *	What happened before a push is seen after the pop, or pop_all, that
 *	removes its node.
 *
 * Sources: R. K. Treiber, Systems programming: coping with parallelism (1986);
 * M. M. Michael and M. L. Scott, Nonblocking algorithms and preemption-safe
 * locking (1998), for the form with a count.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef VCORE_STACK_H
#define VCORE_STACK_H

#include <vcore/base.h>

#ifdef __cplusplus
extern "C" {
#endif

struct vcore_stack_node {
	struct vcore_stack_node *next_; /* private; see vcore_stack_next */
};

struct vcore_stack {
	struct vcore_stack_node *top_; /* private: see src/comm/stack.c */
	uint64_t count_;               /* private */
} __attribute__((aligned(16)));

#define VCORE_STACK_INITIALIZER                                                                    \
	{                                                                                          \
		0, 0                                                                               \
	}

/* Requires: the node is in no stack (checked if it is on top: panics). */
VCORE_API void vcore_stack_push(struct vcore_stack *stack, struct vcore_stack_node *node);

/*
 * Removes the node that was pushed last.  Requires: see above.
 *
 * Returns: the node; NULL: the stack is empty.
 */
VCORE_API struct vcore_stack_node *vcore_stack_pop(struct vcore_stack *stack);

/*
 * Removes all nodes in one step.
 *
 * Returns: the one that was pushed last, and from there by vcore_stack_next the
 *	others; NULL: the stack is empty.
 */
VCORE_API struct vcore_stack_node *vcore_stack_pop_all(struct vcore_stack *stack);

/* Of nodes that pop_all has returned: the one pushed before, or NULL. */
VCORE_API struct vcore_stack_node *vcore_stack_next(const struct vcore_stack_node *node);

/* Whether it is empty, at some instant during the call. */
VCORE_API bool vcore_stack_is_empty(const struct vcore_stack *stack);

#ifdef __cplusplus
}
#endif
#endif /* VCORE_STACK_H */
