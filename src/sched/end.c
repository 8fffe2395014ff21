/*
 * The beginning and the end of a thread: see end.h.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "sched/end.h"

#include "sched/cache.h"
#include "sched/enter.h"
#include "sched/fault.h"
#include "sched/processor.h"
#include "sched/resident.h"
#include "sched/slots.h"
#include "sched/switch.h"
#include "sched/waiter.h"

/*
 * The door is closed.  In a child of fork a thread may go on, as a pthread; it
 * cannot end, for there is no processor to go back to.
 */
static __attribute__((noinline)) struct vci_kthread *come_to_end(void)
{
	struct vci_kthread *m;

	vci_rcu_refuse_inside("vcore_thread_exit", "the thread ends in a read section");
	m = vci_enter_return();
	if (unlikely(m == NULL)) {
		vci_panic("vcore_thread_exit",
			  "the processors of the runtime were lost in fork; a child may only exec "
			  "or exit from here");
	}
	return m;
}

void vci_end_begin(void *thread)
{
	struct vcore_thread *self = thread;
	void *result = self->entry(self->argument);

	if (unlikely(self->cleanups != NULL)) {
		self->cleanups = NULL; /* what they lie in is gone */
		vci_panic("vcore_cleanup_push",
			  "the entry has returned before a cleanup was popped");
	}
	vci_end_self(self, VCORE_RETURNED, result);
}

static void run_cleanups(struct vcore_thread *self)
{
	while (self->cleanups != NULL) {
		struct vcore_cleanup *cleanup = self->cleanups;

		self->cleanups = cleanup->next_;
		cleanup->f_(cleanup->argument_);
	}
}

/*
 * Takes the join word out of the joiner's reach: from CLOSING on, a joiner
 * that times out stays until the word changes.
 */
static struct vci_waiter *close_join(struct vcore_thread *self)
{
	/* Acquire: who detached it is done with it, should it be freed now. */
	struct vci_waiter *word = __atomic_load_n(&self->join, __ATOMIC_ACQUIRE);
	unsigned rounds = 0;

	while (word != VCI_JOIN_DETACHED) {
		if (word == VCI_JOIN_BUSY) {
			vci_spin_round(&rounds);
			word = __atomic_load_n(&self->join, __ATOMIC_ACQUIRE);
		} else if (__atomic_compare_exchange_n(&self->join, &word, VCI_JOIN_CLOSING, true,
						       __ATOMIC_ACQUIRE, __ATOMIC_ACQUIRE)) {
			break;
		}
	}
	return word;
}

/*
 * Whether the processor may run a claimed joiner next, without a choice: as if
 * it had been woken into an empty queue, but for threads of higher priority.
 */
static bool may_run_next(struct vci_processor *processor, struct vci_waiter *waiter)
{
	const struct vcore_thread *joiner;

	if (waiter->host || processor->server) {
		return false;
	}
	joiner = vci_waiter_thread(waiter);
	return joiner->runtime == processor->runtime && !(joiner->flags & VCORE_THREAD_PINNED) &&
	       !vci_queue_has_above(&processor->queue, joiner->priority);
}

/*
 * Leaves the thread's stack for good.  A joiner that waits is claimed here,
 * and run at once if it may be: then nothing is left to do, since the joiner,
 * which cannot run before this stack was left, frees it.
 */
static __attribute__((noreturn)) void leave(struct vcore_thread *self)
{
	struct vci_kthread *m = vci_local_door();
	struct vci_waiter *joiner;
	struct vci_processor *processor;

	if (unlikely(m == NULL)) {
		m = come_to_end();
	}
	joiner = close_join(self);
	processor = m->processor;
	vci_count(&processor->ended, 1);
	m->joiner = NULL;
	if (vci_join_is_waiter(joiner) && vci_waiter_claim(joiner, VCI_WOKEN)) {
		if (may_run_next(processor, joiner)) {
			vci_switch_away(m, self, VCI_HANDED, vci_waiter_thread(joiner), NULL);
		}
		m->joiner = joiner;
	}
	vci_switch_away(m, self, VCI_END, vci_pick(processor, VCORE_PRIORITY_MIN), NULL);
	__builtin_unreachable();
}

/* What it still has: values in slots, and what it holds. */
static void give_up(struct vcore_thread *self)
{
	if (unlikely(self->has_slots)) {
		vci_slots_destroy(&self->slots);
		self->has_slots = false;
	}
	if (unlikely(self->has_holds)) {
		vci_holds_abandon(&self->waiter);
		self->has_holds = false;
	}
}

void vci_end_self(struct vcore_thread *self, enum vcore_how how, void *result)
{
	self->undestroyable++; /* never 0 again: nothing ends it a second time */
	if (unlikely(self->trouble != VCI_NO_TROUBLE)) {
		vci_fault_begin_end(self);
	}
	if (unlikely(self->cleanups != NULL)) {
		run_cleanups(self);
	}
	give_up(self);
	if (unlikely(self->trouble != VCI_NO_TROUBLE)) { /* that of a cleanup, perhaps */
		how = VCORE_FAULTED;
		vci_fault_report(self);
		give_up(self); /* what the hook has left */
	}
	self->how = how;
	self->argument = result;
	__atomic_store_n(&self->life, self->stack.generation * VCI_LIFE_GENERATION | VCI_LIFE_ENDED,
			 __ATOMIC_RELAXED);
	leave(self);
}

void vci_end_settle(struct vci_kthread *m, struct vcore_thread *left)
{
	struct vci_waiter *joiner = m->joiner;

	if (__atomic_load_n(&left->join, __ATOMIC_RELAXED) == VCI_JOIN_DETACHED) {
		vci_end_free(m, left);
		return;
	}
	__atomic_store_n(&left->join, VCI_JOIN_ENDED, __ATOMIC_RELEASE);
	if (joiner != NULL) {
		vci_waiter_wake(joiner);
	}
}

void vci_end_free(struct vci_kthread *m, struct vcore_thread *thread)
{
	if (unlikely(thread->flags & VCI_THREAD_RESIDENT)) {
		vci_resident_end(thread);
	}
	if (unlikely(thread->reserve | thread->trouble) && !vci_fault_forget(thread)) {
		return; /* its stack has no guard: it is never used again */
	}
	/* Until the block is used again, a second join or detach finds this. */
	__atomic_store_n(&thread->join, VCI_JOIN_DETACHED, __ATOMIC_RELAXED);
	vci_annotate_end(&thread->annotation);
	__atomic_store_n(&thread->life, thread->stack.generation * VCI_LIFE_GENERATION,
			 __ATOMIC_RELAXED);
	if (unlikely(thread->stack.generation >= VCI_GENERATION_MAX)) {
		return; /* its ids are used up: the slot is never used again */
	}
	if (likely(m != NULL && m->runtime == thread->runtime && thread->stack.kind == 0)) {
		vci_cache_give(m->processor, &thread->stack);
	} else {
		thread->stack.next = NULL;
		vci_stacks_give(&thread->runtime->stacks, &thread->stack, 1);
	}
}
