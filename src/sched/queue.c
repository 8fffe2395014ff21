/*
 * The run queue of a processor: see queue.h.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "sched/sched.h"

/* Choices of the slot in a row before others get their turn. */
#define STREAK_MAX 16

/* How far a thief looks past pinned threads. */
#define PINNED_MAX 64

/* --- the biased lock ------------------------------------------------------ */

static __attribute__((noinline, cold)) void wait_for_thief(struct vci_queue *queue)
{
	unsigned rounds = 0;

	do {
		__atomic_store_n(&queue->owner, 0, __ATOMIC_RELEASE);
		while (__atomic_load_n(&queue->thief, __ATOMIC_RELAXED) != 0) {
			vci_spin_round(&rounds);
		}
		__atomic_store_n(&queue->owner, 1, __ATOMIC_RELAXED);
		vci_fence_light();
	} while (__atomic_load_n(&queue->thief, __ATOMIC_ACQUIRE) != 0);
}

static inline void enter(struct vci_queue *queue)
{
	__atomic_store_n(&queue->owner, 1, __ATOMIC_RELAXED);
	vci_fence_light(); /* pairs with the heavy fence in enter_as_thief */
	if (unlikely(__atomic_load_n(&queue->thief, __ATOMIC_ACQUIRE) != 0)) {
		wait_for_thief(queue);
	}
	vci_annotate_acquire(queue);
}

static inline void leave(struct vci_queue *queue)
{
	vci_annotate_release(queue);
	__atomic_store_n(&queue->owner, 0, __ATOMIC_RELEASE);
}

static void leave_as_thief(struct vci_queue *queue)
{
	__atomic_store_n(&queue->thief, 0, __ATOMIC_RELEASE);
}

/* False: another thief is inside, or the owner does not come out. */
static bool enter_as_thief(struct vci_queue *queue)
{
	uint32_t none = 0;

	if (!__atomic_compare_exchange_n(&queue->thief, &none, 1, false, __ATOMIC_ACQUIRE,
					 __ATOMIC_RELAXED)) {
		return false;
	}
	vci_fence_heavy(); /* pairs with the light fence in enter */
	for (int i = 0; i < 100; i++) {
		if (__atomic_load_n(&queue->owner, __ATOMIC_ACQUIRE) == 0) {
			vci_annotate_acquire(queue);
			return true;
		}
		vci_relax();
	}
	leave_as_thief(queue);
	return false;
}

/* --- lists ------------------------------------------------------------------ */

static void push_head(struct vci_list *list, struct vcore_thread *thread)
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

static void push_tail(struct vci_list *list, struct vcore_thread *thread)
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

static void take(struct vci_list *list, struct vcore_thread *thread)
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

/* --- the queue, with the lock held -------------------------------------------- */

static unsigned level_of(const struct vcore_thread *thread)
{
	return (unsigned)(thread->priority - VCORE_PRIORITY_MIN);
}

/* One thread more or less, by n of +1 or -1 (Q4). */
static inline void count(struct vci_queue *queue, const struct vcore_thread *thread, int n)
{
	__atomic_store_n(&queue->length, queue->length + (uint32_t)n, __ATOMIC_RELAXED);
	if (unlikely(thread->flags & VCORE_THREAD_PINNED)) {
		__atomic_store_n(&queue->pinned, queue->pinned + (uint32_t)n, __ATOMIC_RELAXED);
	}
}

static void set_slot(struct vci_queue *queue, struct vcore_thread *thread)
{
	__atomic_store_n(&queue->slot, thread, __ATOMIC_RELAXED);
}

static void add_ready(struct vci_queue *queue, struct vcore_thread *thread)
{
	unsigned l = level_of(thread);

	push_tail(&queue->level[l].ready, thread);
	queue->levels |= 1u << l;
}

static struct vcore_thread *remove_from(struct vci_queue *queue, unsigned l, struct vci_list *list,
					struct vcore_thread *thread)
{
	const struct vci_level *level = &queue->level[l];

	take(list, thread);
	count(queue, thread, -1);
	if (level->spawned.head == NULL && level->ready.head == NULL) {
		queue->levels &= ~(1u << l);
	}
	return thread;
}

/* The longest runnable of some level: all levels in turn, both lists in turn. */
static struct vcore_thread *pop_fair(struct vci_queue *queue)
{
	uint32_t above = queue->levels & ~((2u << queue->fair_level) - 1);
	unsigned l = (unsigned)__builtin_ctz(above != 0 ? above : queue->levels);
	struct vci_level *level = &queue->level[l];
	struct vci_list *list = &level->ready;

	queue->fair_level = l;
	queue->fair_spawned = !queue->fair_spawned;
	if (level->ready.head == NULL || (queue->fair_spawned && level->spawned.head != NULL)) {
		list = &level->spawned;
		return remove_from(queue, l, list, list->tail);
	}
	return remove_from(queue, l, list, list->head);
}

static struct vcore_thread *pop_slot(struct vci_queue *queue)
{
	struct vcore_thread *thread = queue->slot;

	set_slot(queue, NULL);
	count(queue, thread, -1);
	queue->streak++;
	return thread;
}

static struct vcore_thread *pop_level(struct vci_queue *queue, unsigned l)
{
	struct vci_level *level = &queue->level[l];
	struct vci_list *list = level->spawned.head != NULL ? &level->spawned : &level->ready;

	queue->streak = 0;
	return remove_from(queue, l, list, list->head);
}

/* Whether the slot is to be chosen before level `top`; after a streak it queues. */
static bool slot_is_next(struct vci_queue *queue, int top)
{
	int l = queue->slot != NULL ? (int)level_of(queue->slot) : -1;

	if (l < top || l < 0) {
		return false;
	}
	if (l == top && queue->streak >= STREAK_MAX) {
		add_ready(queue, queue->slot);
		set_slot(queue, NULL);
		return false;
	}
	return true;
}

static struct vcore_thread *pop(struct vci_queue *queue, int least)
{
	int top = queue->levels != 0 ? 31 - __builtin_clz(queue->levels) : -1;

	if (slot_is_next(queue, top)) {
		return (int)level_of(queue->slot) >= least ? pop_slot(queue) : NULL;
	}
	return top >= least ? pop_level(queue, (unsigned)top) : NULL;
}

/* --- by the owner --------------------------------------------------------------- */

void vci_queue_push_spawned(struct vci_queue *queue, struct vcore_thread *thread)
{
	unsigned l = level_of(thread);

	enter(queue);
	push_head(&queue->level[l].spawned, thread);
	queue->levels |= 1u << l;
	count(queue, thread, 1);
	leave(queue);
}

void vci_queue_push_woken(struct vci_queue *queue, struct vcore_thread *thread)
{
	enter(queue);
	if (queue->slot == NULL) {
		set_slot(queue, thread);
	} else {
		add_ready(queue, thread);
	}
	count(queue, thread, 1);
	leave(queue);
}

void vci_queue_push_ready(struct vci_queue *queue, struct vcore_thread *thread)
{
	enter(queue);
	add_ready(queue, thread);
	count(queue, thread, 1);
	leave(queue);
}

void vci_queue_push_chain(struct vci_queue *queue, struct vcore_thread *chain)
{
	enter(queue);
	while (chain != NULL) {
		struct vcore_thread *next = chain->next;

		add_ready(queue, chain);
		count(queue, chain, 1);
		chain = next;
	}
	leave(queue);
}

struct vcore_thread *vci_queue_pop(struct vci_queue *queue, int least, bool fair)
{
	struct vcore_thread *thread;

	if (__atomic_load_n(&queue->length, __ATOMIC_RELAXED) == 0) {
		return NULL;
	}
	enter(queue);
	if (unlikely(fair) && queue->levels != 0) {
		thread = pop_fair(queue);
	} else {
		thread = pop(queue, least - VCORE_PRIORITY_MIN);
	}
	leave(queue);
	return thread;
}

bool vci_queue_has_above(struct vci_queue *queue, int priority)
{
	unsigned above = (unsigned)(priority - VCORE_PRIORITY_MIN) + 1;
	bool has;

	enter(queue);
	has = queue->levels >> above != 0 ||
	      (queue->slot != NULL && level_of(queue->slot) >= above);
	leave(queue);
	return has;
}

/* --- by a thief --------------------------------------------------------------------- */

struct loot {
	struct vcore_thread *first, *last;
	unsigned n, most;
};

static void keep(struct loot *loot, struct vcore_thread *thread)
{
	thread->next = NULL;
	if (loot->last != NULL) {
		loot->last->next = thread;
	} else {
		loot->first = thread;
	}
	loot->last = thread;
	loot->n++;
}

/* From the end where threads have been runnable longest. */
static void loot_list(struct vci_queue *queue, unsigned l, struct vci_list *list, bool from_tail,
		      struct loot *loot)
{
	struct vcore_thread *thread = from_tail ? list->tail : list->head;
	unsigned pinned = 0;

	while (thread != NULL && loot->n < loot->most && pinned < PINNED_MAX) {
		struct vcore_thread *next = from_tail ? thread->prev : thread->next;

		if (thread->flags & VCORE_THREAD_PINNED) {
			pinned++;
		} else {
			keep(loot, remove_from(queue, l, list, thread));
		}
		thread = next;
	}
}

static void loot_levels(struct vci_queue *queue, struct loot *loot)
{
	for (unsigned l = VCI_LEVELS; l-- > 0 && loot->n < loot->most;) {
		if (queue->levels & 1u << l) {
			loot_list(queue, l, &queue->level[l].spawned, true, loot);
			loot_list(queue, l, &queue->level[l].ready, false, loot);
		}
	}
}

struct vcore_thread *vci_queue_steal(struct vci_queue *queue, unsigned most,
				     const struct vcore_thread *stale)
{
	struct loot loot = { .most = most };

	if (!enter_as_thief(queue)) {
		return NULL;
	}
	if (loot.most > (queue->length + 1) / 2) {
		loot.most = (queue->length + 1) / 2;
	}
	loot_levels(queue, &loot);
	if (loot.n == 0 && stale != NULL && queue->slot == stale &&
	    !(stale->flags & VCORE_THREAD_PINNED)) {
		keep(&loot, pop_slot(queue));
	}
	vci_annotate_release(queue);
	leave_as_thief(queue);
	return loot.first;
}
