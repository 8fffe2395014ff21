/*
 * Switching: see switch.h.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "sched/switch.h"

#include "sched/end.h"
#include "sched/idle.h"
#include "sched/inbox.h"
#include "sched/processor.h"
#include "sched/queue_inline.h"
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
	}
}

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
		vci_idle_wake_one(m->runtime);
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

static inline void set_current(struct vci_kthread *m, struct vcore_thread *next)
{
	m->current = next;
	__atomic_store_n(&next->processor, m->processor->number, __ATOMIC_RELAXED);
	vci_count(&next->switches, 1);
	vci_count(&m->processor->switches, 1);
}

int vci_switch_away(struct vci_kthread *m, struct vcore_thread *self,
		    enum vci_afterwards afterwards, struct vcore_thread *next,
		    int (*resume)(struct vci_kthread *m, struct vcore_thread *self))
{
	struct vci_context *to = &m->base;
	struct vci_annotation *to_annotation = &m->annotation;

	save(m, self);
	if (unlikely(m->runtime->flags & VCORE_RUNTIME_ACCOUNT)) {
		vci_processor_look_at_clock(m->processor, self);
	}
	if (unlikely((self->flags | (next != NULL ? next->flags : 0)) & VCORE_THREAD_FPENV)) {
		switch_fpenv(m, self, next);
	}
	self->resume = resume;
	m->left = self;
	m->afterwards = afterwards;
	if (likely(next != NULL)) {
		set_current(m, next);
		to = &next->context;
		to_annotation = &next->annotation;
	} else {
		m->current = NULL;
	}
	vci_annotate_leave(&self->annotation, to_annotation, afterwards >= VCI_END);
	return vci_context_switch(&self->context, to, m);
}

/* On the stack that was switched to, new or resumed. */
int vci_context_arrive(void *carry)
{
	struct vci_kthread *m = carry;
	struct vcore_thread *self = m->current;

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
	vci_annotate_leave(&m->annotation, &thread->annotation, 0);
	(void)vci_context_switch(&m->base, &thread->context, m);
	*m->errno_address = errno_value;
	if (m->exceptions != NULL) {
		*m->exceptions = exceptions;
	}
}
