/*
 * The run queue of a processor: see queue.h.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "sched/queue_inline.h"

/* --- the biased lock ------------------------------------------------------ */

__attribute__((noinline, cold)) void vci_queue_wait_for_thief(struct vci_queue *queue)
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

/* --- threads that are KEPT: Q5 ----------------------------------------------- */

static void append_kept(struct vci_level *level, struct vcore_thread *thread)
{
	thread->next_kept = NULL;
	thread->prev_kept = level->kept_last;
	*(level->kept_last != NULL ? &level->kept_last->next_kept : &level->kept) = thread;
	level->kept_last = thread;
}

static void take_kept(struct vci_level *level, const struct vcore_thread *thread)
{
	*(thread->prev_kept != NULL ? &thread->prev_kept->next_kept : &level->kept) =
		thread->next_kept;
	*(thread->next_kept != NULL ? &thread->next_kept->prev_kept : &level->kept_last) =
		thread->prev_kept;
}

void vci_queue_count_special(struct vci_queue *queue, struct vcore_thread *thread, int n)
{
	struct vci_level *level = &queue->level[vci_queue_level(thread)];

	if (thread->flags & VCORE_THREAD_PINNED) {
		__atomic_store_n(&queue->pinned, queue->pinned + (uint32_t)n, __ATOMIC_RELAXED);
	}
	if (thread->flags & VCI_THREAD_KEPT) {
		if (n > 0) {
			append_kept(level, thread);
		} else {
			take_kept(level, thread);
		}
	}
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

/* The longest runnable of some level: all levels in turn, both lists in turn. */
static struct vcore_thread *pop_fair(struct vci_queue *queue)
{
	uint32_t above = queue->levels & ~((2u << queue->fair_level) - 1);
	unsigned l = (unsigned)__builtin_ctz(above != 0 ? above : queue->levels);
	struct vci_level *level = &queue->level[l];
	struct vci_list *list = &level->ready;

	queue->fair_level = l;
	queue->fair_spawned ^= 1u << l;
	if (level->ready.head == NULL ||
	    ((queue->fair_spawned & 1u << l) && level->spawned.head != NULL)) {
		list = &level->spawned;
		return vci_queue_remove(queue, l, list, list->tail);
	}
	return vci_queue_remove(queue, l, list, list->head);
}

/* --- by the owner --------------------------------------------------------------- */

void vci_queue_push_chain(struct vci_queue *queue, struct vcore_thread *chain)
{
	vci_queue_enter(queue);
	while (chain != NULL) {
		struct vcore_thread *next = chain->next;

		vci_queue_add_ready(queue, chain);
		vci_queue_count(queue, chain, 1);
		chain = next;
	}
	vci_queue_leave(queue);
}

struct vcore_thread *vci_queue_pop_fair(struct vci_queue *queue)
{
	struct vcore_thread *thread = NULL;

	vci_queue_enter(queue);
	if (queue->slot != NULL) { /* it may have been passed over */
		vci_queue_add_ready(queue, queue->slot);
		queue->slot = NULL;
	}
	if (queue->levels != 0) {
		thread = pop_fair(queue);
	}
	vci_queue_leave(queue);
	return thread;
}

struct vcore_thread *vci_queue_pop_kept(struct vci_queue *queue, int least)
{
	unsigned lowest = (unsigned)(least - VCORE_PRIORITY_MIN);
	struct vcore_thread *kept = NULL;

	vci_queue_enter(queue);
	for (unsigned l = VCI_LEVELS; l-- > lowest && kept == NULL;) {
		kept = queue->level[l].kept;
		if (kept != NULL) {
			(void)vci_queue_remove(queue, l, &queue->level[l].ready, kept);
		}
	}
	vci_queue_leave(queue);
	return kept;
}

bool vci_queue_has_above(struct vci_queue *queue, int priority)
{
	unsigned above = (unsigned)(priority - VCORE_PRIORITY_MIN) + 1;
	bool has;

	vci_queue_enter(queue);
	has = queue->levels >> above != 0 ||
	      (queue->slot != NULL && vci_queue_level(queue->slot) >= above);
	vci_queue_leave(queue);
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

	while (thread != NULL && loot->n < loot->most) {
		struct vcore_thread *next = from_tail ? thread->prev : thread->next;

		if (!(thread->flags & VCORE_THREAD_PINNED)) {
			keep(loot, vci_queue_remove(queue, l, list, thread));
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

struct vcore_thread *vci_queue_steal(struct vci_queue *queue, unsigned most, bool slot)
{
	struct loot loot = {.most = most};
	struct vcore_thread *woken;

	if (!enter_as_thief(queue)) {
		return NULL;
	}
	if (loot.most > (queue->length + 1) / 2) {
		loot.most = (queue->length + 1) / 2;
	}
	loot_levels(queue, &loot);
	woken = queue->slot;
	if (loot.n == 0 && slot && woken != NULL && !(woken->flags & VCORE_THREAD_PINNED)) {
		queue->slot = NULL;
		vci_queue_count(queue, woken, -1);
		keep(&loot, woken);
	}
	vci_annotate_release(queue);
	leave_as_thief(queue);
	return loot.first;
}
