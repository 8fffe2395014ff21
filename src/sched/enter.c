/*
 * The door of the library: see enter.h; and what is said there in the public
 * header preempt.h.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "sched/enter.h"

#include <vcore/preempt.h>

#include "sched/gang.h"
#include "sched/idle.h"
#include "sched/processor.h"
#include "sched/rcu.h"
#include "sched/spare.h"
#include "sched/switch.h"
#include "sched/tick.h"

/* --- coming back ------------------------------------------------------------------- */

/* A processor is parked: take it, and go on as if nothing had been. */
static void go_on_with(struct vci_kthread *m)
{
	struct vcore_thread *self = m->current;

	__atomic_store_n(&self->keeper, NULL, __ATOMIC_RELAXED);
	vci_switch_charge(m, self);
	__atomic_fetch_sub(&m->runtime->let_go, 1, __ATOMIC_RELEASE);
	vci_spare_own(m);
	vci_switch_carry_on(m);
	if (vci_gang_has(self)) {
		vci_gang_come_back(m->processor);
	}
	vci_tick_go_on(m->processor);
}

static __attribute__((noinline)) void come_back(struct vci_kthread *m)
{
	if (!vci_gang_is_over(m->current) && vci_idle_take(m, m->current)) {
		go_on_with(m);
	} else {
		(void)vci_switch_away(m, m->current, VCI_RETURN, NULL, NULL);
	}
}

struct vci_kthread *vci_enter_return(void)
{
	struct vci_kthread *m = vci_local_bound();

	if (unlikely(m != NULL && m->state == VCI_DETACHED)) {
		come_back(m);
	}
	return vci_kthread_self();
}

/* --- what a tick could not do --------------------------------------------------------- */

/* False: none is due, it has come meanwhile. */
static bool catch_up(struct vci_kthread *m)
{
	vci_local()->door = m;
	m->retries = 0;
	vci_processor_look_at_clock(m->processor, m->current);
	vci_processor_gather(m->processor, m->processor->looked_at);
	return vci_tick_catch_up(m->processor);
}

/* Who takes the processor from the thread, as if the tick came now. */
static struct vcore_thread *choose(struct vci_processor *processor, int priority)
{
	vcore_instant now = processor->looked_at;
	struct vcore_thread *next;

	if (processor->polls) {
		return NULL; /* each has one turn, and this one's is over: is_leaving */
	}
	next = vci_pick(processor, vci_processor_least(processor, priority, now));
	if (next != NULL) {
		vci_processor_begin_slice(processor, now);
	}
	return next;
}

static __attribute__((noinline)) void let_others_run(struct vci_kthread *m)
{
	struct vcore_thread *self = m->current;
	struct vcore_thread *next = catch_up(m) ? choose(m->processor, self->priority) : NULL;

	if (next != NULL || vci_processor_is_leaving(m->processor) || vci_gang_is_over(self)) {
		(void)vci_switch_away(m, self, VCI_YIELD, next, NULL);
	}
}

struct vci_kthread *vci_enter_slowly(const char *function, bool yields)
{
	struct vci_kthread *m = vci_kthread_self();

	vci_rcu_refuse_inside(function, VCI_RCU_NO_WAIT);
	if (m == NULL) {
		return vci_enter_return();
	}
	if (m->current->unpreemptible == 0 && yields) {
		(void)catch_up(m);
	} else if (m->current->unpreemptible == 0) {
		let_others_run(m);
	}
	return vci_kthread_self();
}

/* --- disabling ------------------------------------------------------------------------- */

/* Enters first: one that was let go would go on beside those it means to keep out. */
void vcore_preempt_disable(void)
{
	struct vcore_thread *self = vci_thread_self();

	if (self != NULL) {
		if (!vci_rcu_is_inside()) {
			(void)vci_enter();
		}
		VCI_PANIC_IF(self->unpreemptible == UINT16_MAX, "nested too deeply");
		self->unpreemptible++;
	}
}

void vcore_preempt_enable(void)
{
	struct vcore_thread *self = vci_thread_self();

	if (self != NULL) {
		VCI_PANIC_IF(self->unpreemptible == 0, "there was no disable for this enable");
		self->unpreemptible--;
		if (self->unpreemptible == 0 && !vci_rcu_is_inside()) {
			(void)vci_enter();
		}
	}
}
