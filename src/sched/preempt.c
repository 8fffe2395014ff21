/*
 * What a tick does.
 *
 * The handler runs on the stack of the thread that it interrupts.  First it
 * finds out whether it may do anything at all (place.h): if not, it closes the
 * door (enter.h), so that the thread's next call does it, and comes again.
 * Otherwise nothing of the library is below it: it may take locks, choose, and
 * switch, like any call.  Then
 *
 *	in application text	another thread gets the processor, and this one
 *				is KEPT; or, if it is LIGHT, is switched;
 *	in foreign code		another thread gets the processor, and this one
 *				goes on without: it is let go.
 *
 * Both need a kernel thread to go on with: that of the next thread, if that one
 * is KEPT, else a spare.  At the bound of spares, only threads that are KEPT
 * take turns.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "sched/preempt.h"

#include "sched/end.h"
#include "sched/gang.h"
#include "sched/idle.h"
#include "sched/inbox.h"
#include "sched/keep.h"
#include "sched/place.h"
#include "sched/processor.h"
#include "sched/queue_inline.h"
#include "sched/rcu.h"
#include "sched/scan.h"
#include "sched/spare.h"
#include "sched/switch.h"
#include "sched/timers.h"

/* --- the tick that is being handled --------------------------------------------------- */

struct tick {
	struct vci_kthread *m; /* has a processor, and runs a thread */
	enum vci_place place;
	int least; /* the least priority that may take the processor now */
	vcore_instant now;
	struct vci_interrupted *interrupted;
};

/* Looks from outside only: the queue may be in the middle of a change. */
static bool is_anything_due(const struct vci_processor *processor, const struct vcore_thread *self,
			    vcore_instant now)
{
	return vci_queue_length(&processor->queue) > 0 || !vci_inbox_is_empty(&processor->inbox) ||
	       !vci_inbox_is_empty(&processor->runtime->inbox) ||
	       vci_timers_next(&processor->timers) <= now || vci_end_needs_tick(self) ||
	       vci_gang_is_over(self);
}

static void count32(uint32_t *counter)
{
	__atomic_store_n(counter, *counter + 1, __ATOMIC_RELAXED);
}

/* What is due cannot be done now: at the next call, or the next time. */
static void note_refusal(struct vci_kthread *m, enum vcore_refusal refusal)
{
	struct vcore_thread *self = m->current;

	vci_count(&m->processor->refusals, 1);
	count32(&self->refusals);
	__atomic_store_n(&self->refusal, (uint8_t)refusal, __ATOMIC_RELAXED);
	vci_rcu_close_door();
}

/* Nothing can be done at all: the library may be below, so no locks. */
static void refuse(struct vci_kthread *m, enum vcore_refusal refusal, vcore_instant now)
{
	if (is_anything_due(m->processor, m->current, now)) {
		note_refusal(m, refusal);
	}
	vci_timer_set(m->timer, now + vci_tick_retry_after(m));
}

/* --- being kept ---------------------------------------------------------------------------- */

/* In the handler, on the thread's stack, until somebody gives m a processor. */
static void stay(struct vci_kthread *m)
{
	struct vcore_thread *self = m->current;

	(void)vci_spare_wait(m); /* while its thread lives the runtime is not over */
	vci_keep_end(m, self);
	vci_switch_carry_on(m);
	vci_processor_look_at_clock(m->processor, NULL);
}

/* Of an exclusive space: its stack is left.  False: nobody else could run. */
static bool keep_exclusive(struct vci_kthread *m)
{
	const struct vcore_thread *self = m->current;
	uint32_t before = self->preemptions;

	(void)vci_switch_away(m, m->current, VCI_KEEP, NULL, NULL);
	return self->preemptions != before;
}

static bool keep(const struct tick *tick)
{
	struct vci_kthread *m = tick->m;
	struct vci_processor *processor = m->processor;
	struct vci_successor successor;

	if (vci_gang_has(m->current)) {
		return keep_exclusive(m);
	}
	if (!vci_keep_choose(m, tick->least, &successor)) {
		return false;
	}
	vci_processor_begin_slice(processor, tick->now);
	vci_count(&processor->preemptions, 1);
	vci_keep_begin(m, m->current);
	vci_queue_push_ready(&processor->queue, m->current);
	vci_idle_wake_one(m->runtime);
	vci_spare_give(processor, successor.m, successor.next);
	stay(m);
	return true;
}

/* --- being switched ------------------------------------------------------------------------- */

static bool switch_light(const struct tick *tick)
{
	struct vci_kthread *m = tick->m;
	struct vci_processor *processor = m->processor;
	struct vcore_thread *self = m->current;
	struct vcore_thread *next = vci_pick(processor, tick->least);

	if (next == NULL && !vci_processor_is_leaving(processor) && !vci_gang_is_over(self)) {
		return false;
	}
	vci_processor_begin_slice(processor, tick->now);
	vci_count(&processor->preemptions, 1);
	vci_count(&processor->preemptions_light, 1);
	count32(&self->preemptions);
	vci_tick_leave(processor);
	vci_fpenv_load(&m->fpenv); /* the kernel has set its own */
	vci_ticks_unblock();
	(void)vci_switch_away(m, self, VCI_YIELD, next, NULL);
	m = vci_kthread_self();
	vci_interrupted_move(tick->interrupted, &m->signal_stack, m->mask);
	return true;
}

/* --- being let go ----------------------------------------------------------------------------- */

static bool let_go(const struct tick *tick)
{
	struct vci_kthread *m = tick->m;
	struct vci_processor *processor = m->processor;
	struct vcore_thread *self = m->current;
	struct vci_successor successor;

	if (!vci_keep_choose(m, tick->least, &successor)) {
		return false;
	}
	vci_processor_begin_slice(processor, tick->now);
	if (vci_gang_has(self)) {
		vci_gang_let_go(successor.passes ? NULL : processor);
	}
	vci_count(&processor->hand_overs, 1);
	count32(&self->hand_overs);
	__atomic_store_n(&self->keeper, m, __ATOMIC_RELAXED);
	__atomic_fetch_add(&m->runtime->let_go, 1, __ATOMIC_RELAXED);
	m->cpu_before = vci_cpu_clock();
	vci_spare_disown(m, VCI_DETACHED);
	vci_timer_set_cpu(m->cpu_timer, m->runtime->quantum);
	vci_fence_light(); /* pairs with the heavy fence in destroy.c: it sees the keeper */
	if (vci_end_needs_tick(self)) {
		vci_timer_set(m->timer, tick->now + vci_tick_retry_after(m));
	}
	vci_spare_give(processor, successor.m, successor.next);
	return true;
}

/* --- ending -------------------------------------------------------------------------- */

/* The frame of the handler, and what it interrupted, are abandoned. */
static __attribute__((noreturn)) void end_here(struct vci_kthread *m)
{
	vci_tick_go_on(m->processor);
	vci_fpenv_load(&m->fpenv);
	vci_ticks_unblock();
	vci_end_self(m->current, VCORE_DESTROYED, NULL);
}

static void end_if_doomed(struct vci_kthread *m)
{
	if (((m->current->flags & VCORE_THREAD_DESTROY_ANYWHERE) && vci_end_is_due(m->current)) ||
	    m->current->trouble == VCI_DOOMED) {
		end_here(m);
	}
}

/* --- the tick of an owner ------------------------------------------------------------ */

/* Whether the thread was off its processor, or is. */
static bool preempt(const struct tick *tick)
{
	const struct vcore_thread *self = tick->m->current;
	struct vci_processor *processor = tick->m->processor;

	if (tick->place == VCI_PLACE_APPLICATION && (self->flags & VCORE_THREAD_LIGHT)) {
		if (!vci_scan_finds_local(tick->m, tick->interrupted)) {
			return switch_light(tick);
		}
		vci_count(&processor->preemptions_fallen, 1);
	}
	if (processor->server) {
		return false;
	}
	return tick->place == VCI_PLACE_APPLICATION ? keep(tick) : let_go(tick);
}

/* Its kernel thread has a processor, the same or another, and nothing to do. */
static void go_on(struct vci_kthread *m)
{
	if (!vci_end_needs_tick(m->current)) {
		m->retries = 0;
	}
	vci_tick_go_on(m->processor);
}

/* Somebody waits who should not: for a kernel thread, or on a server. */
static void go_on_owing(struct vci_kthread *m, vcore_instant now)
{
	struct vci_processor *processor = m->processor;

	note_refusal(m, processor->server ? VCORE_REFUSAL_SERVER : VCORE_REFUSAL_SPARES);
	vci_tick_go_on(processor);
	vci_tick_owe(m, now);
}

static bool is_wanted(const struct tick *tick)
{
	struct vci_processor *processor = tick->m->processor;

	return vci_queue_has_above(&processor->queue, tick->least - 1) ||
	       vci_processor_is_leaving(processor) || vci_gang_is_over(tick->m->current);
}

static void tick_with_processor(struct tick *tick)
{
	struct vci_kthread *m = tick->m;
	struct vci_processor *processor = m->processor;

	vci_processor_look_at_clock(processor, m->current);
	vci_processor_gather(processor, tick->now);
	if (tick->place == VCI_PLACE_APPLICATION) {
		end_if_doomed(m);
	}
	tick->least = vci_processor_least(processor, m->current->priority, tick->now);
	if (!is_wanted(tick)) {
		go_on(m);
	} else if (!preempt(tick)) {
		go_on_owing(m, tick->now);
	} else {
		m = vci_kthread_self(); /* perhaps another; or none, if it was let go */
		if (m != NULL) {
			end_if_doomed(m);
			go_on(m);
		}
	}
}

/* --- the tick of one that was let go ------------------------------------------------- */

/* It computes: it waits for a processor, like others. */
static void stop_computing(struct vci_kthread *m)
{
	if (vci_gang_has(m->current)) {
		(void)vci_switch_away(m, m->current, VCI_STOP, NULL, NULL);
	} else {
		vci_keep_begin(m, m->current);
		vci_switch_charge(m, m->current);
		vci_inbox_send(m->current);
		__atomic_fetch_sub(&m->runtime->let_go, 1, __ATOMIC_RELEASE);
		stay(m);
	}
	end_if_doomed(m);
	go_on(m);
}

static void tick_without(struct vci_kthread *m, struct vci_finding finding, vcore_instant now)
{
	if (finding.place == VCI_PLACE_APPLICATION && finding.refusal == VCORE_REFUSAL_NONE) {
		stop_computing(m);
		return;
	}
	m->missed = true; /* it may be coming back, and this tick its processor's */
	vci_timer_set_cpu(m->cpu_timer, m->runtime->quantum);
	if (vci_end_needs_tick(m->current)) {
		vci_timer_set(m->timer, now + vci_tick_retry_after(m));
	}
}

/* --- all ticks ------------------------------------------------------------------------- */

void vci_preempt(struct vci_interrupted *interrupted)
{
	struct vci_kthread *m = vci_local_bound();
	struct tick tick = {.m = m, .interrupted = interrupted};
	struct vci_finding finding;

	if (m == NULL || !vci_runtime_has_ticks(m->runtime)) {
		return; /* the program's */
	}
	vci_rcu_tick();
	if (m->current == NULL) {
		m->missed = true;
		return;
	}
	tick.now = vci_clock();
	finding = vci_place_find(m, interrupted);
	if (m->state == VCI_DETACHED) {
		tick_without(m, finding, tick.now);
		return;
	}
	if (__atomic_load_n(&m->processor->tick.at, __ATOMIC_RELAXED) > tick.now) {
		vci_tick_not_due(m);
		return;
	}
	vci_count(&m->processor->ticks, 1);
	if (finding.refusal != VCORE_REFUSAL_NONE) {
		refuse(m, finding.refusal, tick.now);
	} else if (vci_tick_begin(m->processor, tick.now)) {
		tick.place = finding.place;
		tick_with_processor(&tick);
	}
}

/* As vci_end_needs_tick, by another: whether it may be worth a tick. */
VCI_READS_RACILY static bool may_need_tick(const struct vcore_thread *thread)
{
	return ((VCI_READ(thread->flags) & VCORE_THREAD_DESTROY_ANYWHERE) ||
		VCI_READ(thread->polls)) &&
	       VCI_READ(thread->undestroyable) == 0;
}

/* Written once, before it was the keeper of any thread. */
VCI_READS_RACILY static int timer_of(const struct vci_kthread *keeper)
{
	return VCI_READ(keeper->timer);
}

void vci_preempt_doomed(struct vcore_runtime *runtime, struct vcore_thread *thread)
{
	const struct vci_kthread *keeper = __atomic_load_n(&thread->keeper, __ATOMIC_RELAXED);
	uint32_t number = __atomic_load_n(&thread->processor, __ATOMIC_RELAXED);

	if (!vci_runtime_has_ticks(runtime) || !may_need_tick(thread)) {
		return;
	}
	if (keeper != NULL) {
		vci_timer_set(timer_of(keeper), vci_clock());
	} else {
		vci_tick_now(&runtime->processors[number]);
	}
}
