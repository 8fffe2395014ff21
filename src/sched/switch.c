/*
 * Switching: see switch.h.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "sched/switch.h"

#include "sched/end.h"
#include "sched/gang.h"
#include "sched/idle.h"
#include "sched/inbox.h"
#include "sched/keep.h"
#include "sched/processor.h"
#include "sched/queue_inline.h"
#include "sched/rcu.h"
#include "sched/resident.h"
#include "sched/spare.h"
#include "sched/tick.h"
#include "sched/waiter.h"

/*
 * Commits a thread as waiting.  Once it is committed nothing of it may be
 * touched but its life and claim words: it may run elsewhere already.  A
 * destroyer sets DESTROY, makes a heavy fence and looks at the claim; here the
 * claim is set before the light fence and the look at DESTROY: one of the two
 * finds the other's, and claims this very wait.
 */
static void arrive_wait(struct vci_kthread *m, struct vcore_thread *left)
{
	struct vci_waiter *waiter = &left->waiter;
	uint64_t before = __atomic_load_n(&waiter->claim, __ATOMIC_RELAXED) & ~VCI_CLAIM_STATE;
	uint64_t committed = before + VCI_CLAIM_COUNT + VCI_WAITING;
	vcore_instant deadline = waiter->timers != NULL ? waiter->timer.key : VCORE_NEVER;

	if (!waiter->publish(waiter)) {
		__atomic_store_n(&waiter->claim, before | VCI_WOKEN, __ATOMIC_RELAXED);
		vci_ready(left);
		return;
	}
	vci_fence_light(); /* pairs with the heavy fence in destroy.c */
	if (unlikely(__atomic_load_n(&left->life, __ATOMIC_RELAXED) & VCI_LIFE_DESTROY) &&
	    vci_waiter_destroy(left, committed)) {
		vci_ready(left);
	}
	if (deadline != VCORE_NEVER && m->current != NULL) {
		vci_idle_watch(m->runtime, deadline);
		vci_tick_by(m->processor, deadline);
	}
}

/*
 * Its kernel thread came to its own stack without a processor: it is a spare
 * before the thread can be found (sched.h: I4, I7).
 */
static void arrive_return(struct vci_kthread *m, struct vcore_thread *left)
{
	struct vcore_runtime *runtime = m->runtime;

	__atomic_store_n(&left->keeper, NULL, __ATOMIC_RELAXED);
	vci_switch_charge(m, left);
	vci_rcu_rest();
	m->state = VCI_SPARE;
	vci_spare_enlist(m);
	vci_inbox_send(left);
	__atomic_fetch_sub(&runtime->let_go, 1, __ATOMIC_RELEASE); /* see quiet.c */
}

/* The same, but it is kept; from when it is queued on, m may be given a processor. */
static void arrive_stop(struct vci_kthread *m, struct vcore_thread *left)
{
	struct vcore_runtime *runtime = m->runtime;

	m->keeps = left;
	vci_keep_begin(m, left);
	vci_switch_charge(m, left);
	vci_inbox_send(left);
	__atomic_fetch_sub(&runtime->let_go, 1, __ATOMIC_RELEASE); /* see quiet.c */
}

static void settle_exclusive(struct vci_kthread *m, struct vcore_thread *left);

static void settle(struct vci_kthread *m, struct vcore_thread *left)
{
	switch (m->afterwards) {
	case VCI_NOTHING:
		break;
	case VCI_YIELD:
		if (unlikely(m->processor->polls)) {
			vci_inbox_send(left);
			break;
		}
		vci_queue_push_ready(&m->processor->queue, left);
		vci_idle_offer(m->processor);
		break;
	case VCI_ROTATE:
		vci_queue_rotate_end(&m->processor->queue, left);
		break;
	case VCI_WAIT:
		arrive_wait(m, left);
		break;
	case VCI_END:
		vci_end_settle(m, left);
		break;
	case VCI_HANDED:
		/* Its joiner is who arrives. */
		__atomic_store_n(&left->join, VCI_JOIN_ENDED, __ATOMIC_RELAXED);
		break;
	case VCI_KEEP:
		m->keeps = left;
		break;
	case VCI_RETURN:
		arrive_return(m, left);
		break;
	case VCI_STOP:
		arrive_stop(m, left);
		break;
	default:
		settle_exclusive(m, left);
	}
}

/*
 * A thread that waits may have things on its stack that are needed until it is
 * committed (publish); so the gate is told after that it was left, when it may have
 * gone on elsewhere already.  It is told before that a thread has ended: that one
 * may be forgotten at once, and its space with it.
 */
static void settle_exclusive(struct vci_kthread *m, struct vcore_thread *left)
{
	unsigned afterwards = m->afterwards & ~VCI_WAS_EXCLUSIVE;
	bool goes_on = afterwards <= VCI_WAIT;
	bool passes = m->passes;

	m->afterwards = afterwards;
	if (afterwards == VCI_END || afterwards == VCI_HANDED) {
		vci_resident_leave(left);
	}
	if (goes_on) {
		settle(m, left);
	}
	if (afterwards >= VCI_RETURN) {
		vci_gang_leave_alone();
	} else if (!passes) {
		vci_gang_leave(m->processor);
	}
	if (!goes_on) {
		settle(m, left);
	}
}

/* Threads without FPENV run with the runtime's control words. */
static __attribute__((noinline)) void
switch_fpenv(const struct vci_kthread *m, struct vcore_thread *from, const struct vcore_thread *to)
{
	if (from != NULL && from->flags & VCORE_THREAD_FPENV) {
		vci_fpenv_save(&from->fpenv);
		vci_fpenv_load(&m->fpenv);
	}
	if (to != NULL && to->flags & VCORE_THREAD_FPENV) {
		vci_fpenv_load(&to->fpenv);
	}
}

static void restore(const struct vci_kthread *m, const struct vcore_thread *self)
{
	*m->errno_address = self->errno_value;
	if (m->exceptions != NULL) {
		*m->exceptions = self->exceptions;
	}
}

static void save(const struct vci_kthread *m, struct vcore_thread *self)
{
	self->errno_value = *m->errno_address;
	if (m->exceptions != NULL) {
		self->exceptions = *m->exceptions;
	}
}

/*
 * Whoever destroys it interrupts the processor that runs it: if that was the
 * one before this, this one interrupts itself.
 */
static void look_whether_doomed(struct vci_kthread *m, struct vcore_thread *next)
{
	vci_fence_light(); /* pairs with the heavy fence in destroy.c */
	if (vci_end_needs_tick(next)) {
		vci_tick_now(m->processor);
	}
}

static inline void set_current(struct vci_kthread *m, struct vcore_thread *next)
{
	m->current = next;
	__atomic_store_n(&next->processor, m->processor->number, __ATOMIC_RELAXED);
	vci_count(&next->switches, 1);
	vci_count(&m->processor->switches, 1);
}

void vci_switch_charge(const struct vci_kthread *m, struct vcore_thread *thread)
{
	int64_t used = vci_cpu_clock() - m->cpu_before;

	__atomic_store_n(&thread->cpu_time, thread->cpu_time + used, __ATOMIC_RELAXED);
}

void vci_switch_carry_on(struct vci_kthread *m)
{
	set_current(m, m->current);
}

/*
 * Whether one that is not KEPT may be switched to from self's stack: no other
 * exclusive space is open, nor must be opened.
 */
static bool may_follow(struct vci_kthread *m, const struct vcore_thread *self,
		       struct vcore_thread *next)
{
	if (!vci_gang_has(next)) {
		return true;
	}
	m->passes = vci_gang_passes(self, next);
	if (!m->passes && (vci_gang_has(self) || !vci_gang_join(m->processor, next))) {
		return false;
	}
	vci_resident_enter(next);
	return true;
}

/* What few threads need; returns whom to switch to after all. */
static __attribute__((noinline)) struct vcore_thread *
switch_specially(struct vci_kthread *m, struct vcore_thread *self, struct vcore_thread *next)
{
	m->passes = false;
	if (next != NULL && ((next->flags & VCI_THREAD_KEPT) || !may_follow(m, self, next))) {
		m->next = next; /* from m's own stack: see idle.c */
		next = NULL;
	}
	if (vci_gang_has(self)) {
		m->afterwards |= VCI_WAS_EXCLUSIVE;
	}
	if ((self->flags | (next != NULL ? next->flags : 0)) & VCORE_THREAD_FPENV) {
		switch_fpenv(m, self, next);
	}
	return next;
}

#define SPECIAL (VCORE_THREAD_FPENV | VCI_THREAD_KEPT | VCI_THREAD_EXCLUSIVE)

int vci_switch_away(struct vci_kthread *m, struct vcore_thread *self,
		    enum vci_afterwards afterwards, struct vcore_thread *next,
		    int (*resume)(struct vci_kthread *m, struct vcore_thread *self))
{
	struct vci_context *to = &m->base;
	struct vci_annotation *to_annotation = &m->annotation;

	save(m, self);
	if (unlikely(m->runtime->flags & VCORE_RUNTIME_ACCOUNT) && afterwards < VCI_RETURN) {
		vci_processor_look_at_clock(m->processor, self);
	}
	m->afterwards = afterwards;
	if (unlikely((self->flags | (next != NULL ? next->flags : 0)) & SPECIAL)) {
		next = switch_specially(m, self, next);
	}
	self->resume = resume;
	m->left = self;
	if (likely(next != NULL)) {
		set_current(m, next);
		if (unlikely(next->flags & VCORE_THREAD_DESTROY_ANYWHERE)) {
			look_whether_doomed(m, next);
		}
		to = &next->context;
		to_annotation = &next->annotation;
	} else {
		m->current = NULL;
	}
	vci_annotate_leave(&self->annotation, to_annotation,
			   afterwards == VCI_END || afterwards == VCI_HANDED);
	vci_context_leave();
	return vci_context_switch(&self->context, to, m);
}

/* On the stack that was switched to, new or resumed. */
int vci_context_arrive(void *carry)
{
	struct vci_kthread *m = carry;
	struct vcore_thread *self = m->current;

	vci_context_return();
	if (unlikely(self == NULL)) {
		vci_annotate_arrive(&m->annotation, &m->annotation);
		settle(m, m->left);
		return 0;
	}
	vci_annotate_arrive(&m->annotation, &self->annotation);
	settle(m, m->left);
	restore(m, self);
	return self->resume != NULL ? self->resume(m, self) : 0;
}

void vci_switch_to(struct vci_kthread *m, struct vcore_thread *thread)
{
	int errno_value = *m->errno_address;
	struct vci_exceptions exceptions = {NULL, 0};

	if (m->exceptions != NULL) { /* a server may serve from a catch block */
		exceptions = *m->exceptions;
	}
	if (unlikely(m->runtime->flags & VCORE_RUNTIME_ACCOUNT)) {
		vci_processor_look_at_clock(m->processor, NULL);
	}
	if (unlikely(thread->flags & VCORE_THREAD_FPENV)) {
		switch_fpenv(m, NULL, thread);
	}
	m->left = NULL;
	m->afterwards = VCI_NOTHING;
	set_current(m, thread);
	vci_tick_go_on(m->processor); /* from here on the handler looks again: T4 */
	vci_annotate_leave(&m->annotation, &thread->annotation, 0);
	vci_context_leave();
	(void)vci_context_switch(&m->base, &thread->context, m);
	*m->errno_address = errno_value;
	if (m->exceptions != NULL) {
		*m->exceptions = exceptions;
	}
}
