/*
 * Being KEPT: see keep.h.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "sched/keep.h"

#include "sched/gang.h"
#include "sched/idle.h"
#include "sched/processor.h"
#include "sched/queue_inline.h"
#include "sched/spare.h"
#include "sched/switch.h"

/* How long to wait where there is no kernel thread for anybody else. */
#define DOZE_NS 100000

void vci_keep_begin(struct vci_kthread *m, struct vcore_thread *thread)
{
	__atomic_store_n(&thread->flags, thread->flags | VCI_THREAD_KEPT, __ATOMIC_RELAXED);
	__atomic_store_n(&thread->keeper, m, __ATOMIC_RELAXED);
	__atomic_fetch_add(&m->runtime->kept, 1, __ATOMIC_RELAXED);
	__atomic_store_n(&thread->preemptions, thread->preemptions + 1, __ATOMIC_RELAXED);
	vci_spare_disown(m, VCI_KEPT);
}

void vci_keep_end(struct vci_kthread *m, struct vcore_thread *thread)
{
	__atomic_store_n(&thread->flags, thread->flags & (uint8_t)~VCI_THREAD_KEPT,
			 __ATOMIC_RELAXED);
	__atomic_store_n(&thread->keeper, NULL, __ATOMIC_RELAXED);
	__atomic_fetch_sub(&m->runtime->kept, 1, __ATOMIC_RELAXED);
}

/*
 * The last spare that there can be is not for threads that have not begun: it
 * would be kept with the first that computes, and who sleeps or waits would never
 * run again.
 */
static struct vcore_thread *next_for(struct vci_processor *processor,
				     const struct vci_kthread *spare, int least)
{
	struct vcore_thread *next = spare != NULL ? vci_pick(processor, least) : NULL;

	if (next != NULL && next->switches == 0 && vci_spare_was_last(processor->runtime)) {
		vci_queue_push_ready(&processor->queue, next);
		next = NULL;
	}
	return next != NULL ? next : vci_queue_pop_kept(&processor->queue, least);
}

/* --- with whom to go on, in the handler ---------------------------------------------- */

/* Whether a thread that is KEPT may have the processor now: see gang.h. */
enum permit { GRANTED, REFUSED, HELD };

static enum permit permit(struct vci_processor *processor, const struct vcore_thread *self,
			  struct vcore_thread *kept)
{
	if (!vci_gang_has(kept)) {
		return GRANTED;
	}
	if (vci_gang_has(self)) { /* it goes on inside */
		return vci_gang_passes(self, kept) ? GRANTED : REFUSED;
	}
	if (vci_local()->forking) { /* the locks of spaces are this kernel thread's */
		return REFUSED;
	}
	return vci_gang_enter(processor, kept) ? GRANTED : HELD;
}

/* Of one that is KEPT, or NULL.  On a stack of its own a spare may do more. */
static void choose_kept(struct vci_processor *processor, const struct vcore_thread *self,
			struct vcore_thread *kept, struct vci_kthread *spare,
			struct vci_successor *successor)
{
	enum permit got = HELD;

	while (kept != NULL && (got = permit(processor, self, kept)) == HELD) {
		kept = vci_queue_pop_kept(&processor->queue, VCORE_PRIORITY_MIN);
	}
	if (got == GRANTED && kept != NULL) {
		successor->m = kept->keeper;
		successor->passes = vci_gang_has(self) && vci_gang_has(kept);
	} else if (kept != NULL && spare != NULL) {
		successor->m = spare;
		successor->next = kept;
	} else if (kept != NULL) {
		vci_queue_push_ready(&processor->queue, kept);
	}
}

bool vci_keep_choose(struct vci_kthread *m, int least, struct vci_successor *successor)
{
	struct vci_processor *processor = m->processor;
	const struct vcore_thread *self = m->current;
	struct vci_kthread *spare = vci_spare_take(processor->runtime);
	struct vcore_thread *next = next_for(processor, spare, least);

	*successor = (struct vci_successor){NULL, NULL, false};
	if (next == NULL || (next->flags & VCI_THREAD_KEPT)) {
		choose_kept(processor, self, next, spare, successor);
	} else {
		successor->m = spare;
		successor->next = next;
	}
	if (successor->m == NULL && vci_gang_is_over(self)) {
		successor->m = spare; /* for who is held: it waits for something to run */
	}
	if (spare != NULL && successor->m != spare) {
		vci_spare_enlist(spare);
	}
	return successor->m != NULL;
}

/* --- of an exclusive space ------------------------------------------------------------ */

/* `to` gets the processor, and what m keeps is for others to see. */
static void give(struct vci_kthread *m, struct vci_kthread *to, struct vcore_thread *next)
{
	struct vci_processor *processor = m->processor;

	vci_processor_begin_slice(processor, vci_clock());
	vci_count(&processor->preemptions, 1);
	vci_keep_begin(m, m->keeps);
	vci_queue_push_ready(&processor->queue, m->keeps);
	vci_idle_wake_one(m->runtime);
	vci_spare_give(processor, to, next);
}

/* One that is KEPT, and may run now, or NULL.  Who may not is held. */
static struct vcore_thread *next_kept(struct vci_processor *processor, struct vcore_thread *next)
{
	while (next != NULL && vci_gang_has(next) && !vci_gang_enter(processor, next)) {
		next = vci_queue_pop_kept(&processor->queue, VCORE_PRIORITY_MIN);
	}
	return next;
}

/* Who is to run next, or NULL; if it is KEPT, it was let in. */
static struct vcore_thread *choose(const struct vci_kthread *m, const struct vci_kthread *spare)
{
	int least = vci_gang_slice_is_over() ? VCORE_PRIORITY_MIN : m->keeps->priority;
	struct vcore_thread *next = next_for(m->processor, spare, least);

	if (next != NULL && (next->flags & VCI_THREAD_KEPT)) {
		next = next_kept(m->processor, next);
	}
	return next;
}

static void put_back(struct vci_kthread *spare)
{
	if (spare != NULL) {
		vci_spare_enlist(spare);
	}
}

static void go_back(struct vci_kthread *m)
{
	struct vcore_thread *thread = m->keeps;

	m->keeps = NULL;
	vci_processor_look_at_clock(m->processor, NULL);
	vci_switch_to(m, thread);
}

/* There is no kernel thread for anybody else. */
static void stay_or_wait(struct vci_kthread *m, uint32_t seen)
{
	if (vci_gang_try(m->processor, m->keeps)) {
		go_back(m);
	} else {
		vci_gate_wait(m, seen, vci_clock() + DOZE_NS);
	}
}

/* If nobody can run now, and its thread must be off, a spare waits for somebody. */
static void give_away(struct vci_kthread *m)
{
	uint32_t seen = vci_gate_read(m);
	struct vci_kthread *spare = vci_spare_take(m->runtime);
	struct vcore_thread *next;

	if (spare == NULL) { /* a spare would look at all that, and does not come */
		vci_processor_gather(m->processor, vci_clock());
	}
	next = choose(m, spare);
	if (next != NULL && (next->flags & VCI_THREAD_KEPT)) {
		put_back(spare);
		give(m, next->keeper, NULL);
	} else if (next == NULL && vci_gang_join(m->processor, m->keeps)) {
		put_back(spare);
		go_back(m);
	} else if (spare != NULL) {
		give(m, spare, next);
	} else {
		stay_or_wait(m, seen);
	}
}

void vci_keep_turn(struct vci_kthread *m)
{
	if (m->keeps->flags & VCI_THREAD_KEPT) { /* and m was given a processor */
		vci_keep_end(m, m->keeps);
		go_back(m);
	} else {
		give_away(m);
	}
}
