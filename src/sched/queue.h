/*
 * The run queue of a processor.
 *
 * For each priority a stack of threads just allocated and a queue of threads
 * that yielded or came from elsewhere; and one slot for the thread woken last.
 * See thread.h (public) for the order in which they are chosen.
 *
 * Almost always only the owner touches it.  So the lock is biased: the owner
 * pays two plain stores, and a thief a heavy fence, which it makes up for by
 * taking several threads at once.
 *
 * Invariants
 *	Q1  `owner` is written by the owner only, `thief` by compare and swap.
 *	Q2  Owner: set owner; light fence; if thief is set, clear owner and wait.
 *	    Thief: set thief; heavy fence; if owner is set, wait, or give up.
 *	    By the fences at least one sees the other: never are both inside.
 *	Q3  levels has bit l set exactly if level l has a thread.
 *	Q4  length counts all threads in it, pinned those among them that
 *	    others may not take; others read both as a hint.
 *	Q5  Threads that are KEPT are ready, never spawned nor in the slot; and
 *	    in a list of their own as well, in the same order, for when nobody
 *	    else can run (preempt.c).
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef VCI_QUEUE_H
#define VCI_QUEUE_H

#include <stdbool.h>
#include <stdint.h>

struct vcore_thread;

#define VCI_LEVELS 16

/* A doubly linked list, by next and prev of struct vcore_thread. */
struct vci_list {
	struct vcore_thread *head, *tail;
};

struct vci_level {
	struct vci_list spawned;   /* head: the latest */
	struct vci_list ready;     /* head: the longest runnable */
	struct vcore_thread *kept; /* of those ready, the first that is KEPT: Q5 */
	struct vcore_thread *kept_last;
};

struct vci_queue {
	uint32_t owner, thief; /* atomic: the biased lock */
	/* guarded by it */
	uint32_t levels;
	uint32_t length, pinned; /* atomic, for others to look at */
	struct vcore_thread *slot;
	uint32_t streak;       /* choices of the slot in a row */
	uint32_t fair_level;   /* of the last fair choice */
	uint32_t fair_spawned; /* a bit a level: whose turn it was */
	struct vci_level level[VCI_LEVELS];
};

/* By the owner; the others are in queue_inline.h.  A chain by next, in order. */
void vci_queue_push_chain(struct vci_queue *queue, struct vcore_thread *chain);

/*
 * The thread that has been runnable longest at some level: all levels in turn,
 * those spawned and those ready in turn; NULL if there is none.
 */
struct vcore_thread *vci_queue_pop_fair(struct vci_queue *queue);

/* The next of priority `least` or above that is KEPT, or NULL. */
struct vcore_thread *vci_queue_pop_kept(struct vci_queue *queue, int least);

/* Whether it has a thread of a priority above `priority`. */
bool vci_queue_has_above(struct vci_queue *queue, int priority);

/*
 * By anyone else: moves up to half of the threads that are not pinned into a
 * chain, at most `most`; if there are none, and `slot`, the one in the slot.
 * NULL if there is nothing, or the owner is busy with it.
 */
struct vcore_thread *vci_queue_steal(struct vci_queue *queue, unsigned most, bool slot);

/* How many threads there are, for others about. */
static inline uint32_t vci_queue_length(const struct vci_queue *queue)
{
	return __atomic_load_n(&queue->length, __ATOMIC_RELAXED);
}

/* How many threads others may take, about. */
static inline uint32_t vci_queue_spare(const struct vci_queue *queue)
{
	uint32_t length = vci_queue_length(queue);
	uint32_t pinned = __atomic_load_n(&queue->pinned, __ATOMIC_RELAXED);

	return length > pinned ? length - pinned : 0;
}

#endif /* VCI_QUEUE_H */
