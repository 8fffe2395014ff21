/*
 * The operations of a run queue's owner, in line: they are most of what a
 * switch does.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef VCI_QUEUE_INLINE_H
#define VCI_QUEUE_INLINE_H

#include "sched/sched.h"

/* --- the biased lock -------------------------------------------------------- */

void vci_queue_wait_for_thief(struct vci_queue *queue);

static inline void vci_queue_enter(struct vci_queue *queue)
{
	__atomic_store_n(&queue->owner, 1, __ATOMIC_RELAXED);
	vci_fence_light(); /* pairs with the heavy fence in enter_as_thief */
	if (unlikely(__atomic_load_n(&queue->thief, __ATOMIC_ACQUIRE) != 0)) {
		vci_queue_wait_for_thief(queue);
	}
	vci_annotate_acquire(queue);
}

static inline void vci_queue_leave(struct vci_queue *queue)
{
	vci_annotate_release(queue);
	__atomic_store_n(&queue->owner, 0, __ATOMIC_RELEASE);
}

/* --- lists ------------------------------------------------------------------- */

static inline void vci_list_push_head(struct vci_list *list, struct vcore_thread *thread)
{
	thread->prev = NULL;
	thread->next = list->head;
	if (list->head != NULL) {
		list->head->prev = thread;
	} else {
		list->tail = thread;
	}
	list->head = thread;
}

static inline void vci_list_push_tail(struct vci_list *list, struct vcore_thread *thread)
{
	thread->next = NULL;
	thread->prev = list->tail;
	if (list->tail != NULL) {
		list->tail->next = thread;
	} else {
		list->head = thread;
	}
	list->tail = thread;
}

static inline void vci_list_take(struct vci_list *list, struct vcore_thread *thread)
{
	if (thread->prev != NULL) {
		thread->prev->next = thread->next;
	} else {
		list->head = thread->next;
	}
	if (thread->next != NULL) {
		thread->next->prev = thread->prev;
	} else {
		list->tail = thread->prev;
	}
}

/* --- with the lock held ---------------------------------------------------------- */

static inline unsigned vci_queue_level(const struct vcore_thread *thread)
{
	return (unsigned)(thread->priority - VCORE_PRIORITY_MIN) & (VCI_LEVELS - 1);
}

#define VCI_THREAD_COUNTED (VCORE_THREAD_PINNED | VCI_THREAD_KEPT)

void vci_queue_count_special(struct vci_queue *queue, struct vcore_thread *thread, int n);

/* One thread more or less, by n of +1 or -1 (Q4, Q5). */
static inline void vci_queue_count(struct vci_queue *queue, struct vcore_thread *thread, int n)
{
	__atomic_store_n(&queue->length, queue->length + (uint32_t)n, __ATOMIC_RELAXED);
	if (unlikely(thread->flags & VCI_THREAD_COUNTED)) {
		vci_queue_count_special(queue, thread, n);
	}
}

static inline void vci_queue_add_ready(struct vci_queue *queue, struct vcore_thread *thread)
{
	unsigned l = vci_queue_level(thread);

	vci_list_push_tail(&queue->level[l].ready, thread);
	queue->levels |= 1u << l;
}

static inline struct vcore_thread *vci_queue_remove(struct vci_queue *queue, unsigned l,
						    struct vci_list *list,
						    struct vcore_thread *thread)
{
	const struct vci_level *level = &queue->level[l];

	vci_list_take(list, thread);
	vci_queue_count(queue, thread, -1);
	if (level->spawned.head == NULL && level->ready.head == NULL) {
		queue->levels &= ~(1u << l);
	}
	return thread;
}

/* Choices of the slot in a row before others of its priority get their turn. */
#define VCI_QUEUE_STREAK_MAX 16

/* The highest level that has a thread, + 1; 0 if none has. */
static inline unsigned vci_queue_top(const struct vci_queue *queue)
{
	return queue->levels != 0 ? 32 - (unsigned)__builtin_clz(queue->levels) : 0;
}

/* The thread in the slot, unless those of level `top` - 1 come before it. */
static inline struct vcore_thread *vci_queue_pop_slot(struct vci_queue *queue, unsigned top)
{
	struct vcore_thread *thread = queue->slot;
	unsigned l = vci_queue_level(thread);

	if (l + 1 < top) {
		return NULL;
	}
	queue->slot = NULL;
	if (unlikely(queue->streak >= VCI_QUEUE_STREAK_MAX) && top > 0 && l == top - 1) {
		vci_queue_add_ready(queue, thread);
		return NULL;
	}
	vci_queue_count(queue, thread, -1);
	queue->streak++;
	return thread;
}

/* --- by the owner -------------------------------------------------------------------- */

static inline void vci_queue_push_spawned(struct vci_queue *queue, struct vcore_thread *thread)
{
	unsigned l = vci_queue_level(thread);

	vci_queue_enter(queue);
	vci_list_push_head(&queue->level[l].spawned, thread);
	queue->levels |= 1u << l;
	vci_queue_count(queue, thread, 1);
	vci_queue_leave(queue);
}

static inline void vci_queue_push_woken(struct vci_queue *queue, struct vcore_thread *thread)
{
	vci_queue_enter(queue);
	if (queue->slot == NULL) {
		queue->slot = thread;
	} else {
		vci_queue_add_ready(queue, thread);
	}
	vci_queue_count(queue, thread, 1);
	vci_queue_leave(queue);
}

static inline void vci_queue_push_ready(struct vci_queue *queue, struct vcore_thread *thread)
{
	vci_queue_enter(queue);
	vci_queue_add_ready(queue, thread);
	vci_queue_count(queue, thread, 1);
	vci_queue_leave(queue);
}

/* The next thread to run, of priority `least` or above, or NULL. */
static inline struct vcore_thread *vci_queue_pop(struct vci_queue *queue, int least)
{
	unsigned lowest = (unsigned)(least - VCORE_PRIORITY_MIN);
	struct vcore_thread *thread = NULL;
	unsigned top;

	if (vci_queue_length(queue) == 0) {
		return NULL;
	}
	vci_queue_enter(queue);
	top = vci_queue_top(queue);
	if (queue->slot != NULL && vci_queue_level(queue->slot) >= lowest) {
		thread = vci_queue_pop_slot(queue, top);
	}
	if (thread == NULL && top > lowest) {
		struct vci_level *level = &queue->level[top - 1];
		struct vci_list *list =
			level->spawned.head != NULL ? &level->spawned : &level->ready;

		queue->streak = 0;
		thread = vci_queue_remove(queue, top - 1, list, list->head);
	}
	vci_queue_leave(queue);
	return thread;
}

/*
 * Yielding, in the common case: one thread of a level goes to the end of it and
 * the first one takes its turn.  Neither length nor levels change, so that
 * the lock is taken once: rotate returns the first with the lock held, and
 * rotate_end, when the other has been left, appends it and unlocks.  NULL, and
 * no lock, if it is not that simple.
 */
static inline struct vcore_thread *vci_queue_rotate(struct vci_queue *queue,
						    const struct vcore_thread *yielding)
{
	unsigned l = vci_queue_level(yielding);
	struct vci_level *level = &queue->level[l];
	struct vcore_thread *first;

	vci_queue_enter(queue);
	first = level->ready.head;
	if (unlikely(queue->slot != NULL || queue->levels >> l != 1 || first == NULL ||
		     level->spawned.head != NULL ||
		     ((first->flags ^ yielding->flags) & VCI_THREAD_COUNTED))) {
		vci_queue_leave(queue);
		return NULL;
	}
	vci_list_take(&level->ready, first);
	queue->streak = 0;
	return first;
}

static inline void vci_queue_rotate_end(struct vci_queue *queue, struct vcore_thread *left)
{
	vci_list_push_tail(&queue->level[vci_queue_level(left)].ready, left);
	vci_queue_leave(queue);
}

#endif /* VCI_QUEUE_INLINE_H */
