/*
 * When a processor is interrupted: see tick.h.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "sched/tick.h"

#include "sched/end.h"
#include "sched/gang.h"
#include "sched/inbox.h"
#include "sched/timers.h"

/* In a runtime without ticks: so early that nobody ever arms. */
#define NO_TICKS INT64_MIN

static bool has_ticks(const struct vci_processor *processor)
{
	return vci_runtime_has_ticks(processor->runtime);
}

/* --- with the lock held ------------------------------------------------------------- */

static void set(struct vci_processor *processor, bool soon, vcore_instant at)
{
	__atomic_store_n(&processor->tick.soon, soon, __ATOMIC_RELAXED);
	__atomic_store_n(&processor->tick.at, at, __ATOMIC_RELAXED);
}

static void arm(struct vci_processor *processor, bool soon, vcore_instant at)
{
	int timer = __atomic_load_n(&processor->kthread->timer, __ATOMIC_RELAXED);

	set(processor, soon, at);
	if (timer >= 0) { /* a server that is away has none */
		vci_timer_set(timer, at);
	}
}

void vci_tick_init(struct vci_processor *processor)
{
	bool ticks = has_ticks(processor);

	set(processor, !ticks, ticks ? VCORE_NEVER : NO_TICKS);
}

void vci_tick_move(struct vci_processor *processor, struct vci_kthread *to)
{
	vci_spin_lock(&processor->tick.lock);
	__atomic_store_n(&processor->kthread, to, __ATOMIC_RELAXED);
	vci_tick_init(processor);
	vci_spin_unlock(&processor->tick.lock);
}

/* --- arming ------------------------------------------------------------------------------ */

/* Who waits has its turn when the present slice is over; each arming is a system call. */
static vcore_instant end_of_slice(const struct vci_processor *processor)
{
	vcore_instant until = __atomic_load_n(&processor->slice_until, __ATOMIC_RELAXED);
	vcore_instant now = vci_clock();

	return until > now ? until : now + processor->runtime->quantum;
}

void vci_tick_arm_soon(struct vci_processor *processor)
{
	struct vci_tick *tick = &processor->tick;
	vcore_instant latest = end_of_slice(processor);

	vci_spin_lock(&tick->lock);
	if (!tick->soon && tick->at <= latest) {
		set(processor, true, tick->at); /* early enough, or on its way: T4 */
	} else if (!tick->soon) {
		arm(processor, true, latest);
	}
	vci_spin_unlock(&tick->lock);
}

void vci_tick_arm_by(struct vci_processor *processor, vcore_instant at)
{
	struct vci_tick *tick = &processor->tick;

	vci_spin_lock(&tick->lock);
	if (at < tick->at) {
		arm(processor, tick->soon, at);
	}
	vci_spin_unlock(&tick->lock);
}

void vci_tick_now(struct vci_processor *processor)
{
	if (has_ticks(processor)) {
		vci_spin_lock(&processor->tick.lock);
		arm(processor, processor->tick.soon, vci_clock());
		vci_spin_unlock(&processor->tick.lock);
	}
}

/* Each of them: one whose thread cannot be interrupted would let it wait. */
void vci_tick_all(struct vcore_runtime *runtime)
{
	if (!vci_runtime_has_ticks(runtime)) {
		return;
	}
	for (uint32_t i = 0; i < runtime->n_processors; i++) {
		vci_tick_soon(&runtime->processors[i]);
	}
}

/* --- by its own kernel thread ---------------------------------------------------------------- */

/* What it was armed for has come, and been missed (T4), or is being handled. */
static void forget(struct vci_processor *processor)
{
	vci_spin_lock(&processor->tick.lock);
	set(processor, false, VCORE_NEVER);
	vci_spin_unlock(&processor->tick.lock);
}

static bool has_come(const struct vci_processor *processor, struct vci_kthread *m)
{
	bool missed;

	__atomic_signal_fence(__ATOMIC_SEQ_CST); /* after `current` was set */
	missed = m->missed;
	m->missed = false;
	return missed || __atomic_load_n(&processor->tick.at, __ATOMIC_RELAXED) == NO_TICKS;
}

/* Its thread was asked to end, where only a tick can end it: see destroy.c. */
static bool has_doomed(const struct vci_processor *processor)
{
	const struct vcore_thread *current = processor->kthread->current;

	return current != NULL && vci_end_needs_tick(current);
}

/* Its thread is of an exclusive space, and others wait: T7. */
static vcore_instant end_inside(const struct vci_processor *processor)
{
	const struct vcore_thread *current = processor->kthread->current;
	vcore_instant until;

	if (current == NULL || !vci_gang_has(current)) {
		return VCORE_NEVER;
	}
	until = __atomic_load_n(&vci_gang_until, __ATOMIC_RELAXED);
	return until > processor->looked_at
		       ? until
		       : processor->looked_at + vci_tick_retry_after(processor->kthread);
}

/* When somebody must look after those that are held; soon, if it is being done just now. */
static vcore_instant next_gang_look(const struct vci_processor *processor)
{
	vcore_instant at = __atomic_load_n(&vci_gang_look_at, __ATOMIC_RELAXED);

	return at > processor->looked_at ? at : processor->looked_at + VCI_TICK_RETRY_NS;
}

static bool has_others(const struct vci_processor *processor)
{
	return vci_queue_length(&processor->queue) > 0 || !vci_inbox_is_empty(&processor->inbox) ||
	       !vci_inbox_is_empty(&processor->runtime->inbox);
}

static void go_on(struct vci_processor *processor, bool soon)
{
	if (!has_ticks(processor)) {
		return;
	}
	if (has_come(processor, processor->kthread)) {
		forget(processor);
	}
	vci_fence_full(); /* T5; pairs with the fence in vci_inbox_send */
	if (soon || has_others(processor) || vci_local()->reader.online) {
		vci_tick_soon(processor);
	}
	if (has_doomed(processor)) {
		vci_tick_by(processor,
			    processor->looked_at + vci_tick_retry_after(processor->kthread));
	}
	vci_tick_by(processor, end_inside(processor));
	vci_tick_by(processor, next_gang_look(processor));
	vci_tick_by(processor, vci_timers_next(&processor->timers));
	if (processor->server) {
		if (processor->serves_until > processor->looked_at) {
			vci_tick_by(processor, processor->serves_until);
		}
	} else {
		vci_tick_by(processor, vci_timers_orphaned(processor->runtime));
	}
}

void vci_tick_go_on(struct vci_processor *processor)
{
	go_on(processor, false);
}

void vci_tick_leave(struct vci_processor *processor)
{
	go_on(processor, true);
}

bool vci_tick_begin(struct vci_processor *processor, vcore_instant now)
{
	struct vci_tick *tick = &processor->tick;
	bool due;

	vci_spin_lock(&tick->lock);
	due = tick->at <= now;
	if (due) {
		set(processor, true, NO_TICKS);
	}
	vci_spin_unlock(&tick->lock);
	return due;
}

/* The first ones come quickly: mostly the thread has moved on by then. */
#define QUICK 8u

int64_t vci_tick_retry_after(struct vci_kthread *m)
{
	int64_t quantum = m->runtime->quantum;
	unsigned doublings = m->retries < QUICK ? 0 : m->retries - QUICK;
	int64_t after = VCI_TICK_RETRY_NS << (doublings < 20 ? doublings : 20);

	m->retries++;
	return after < quantum ? after : quantum;
}

bool vci_tick_catch_up(struct vci_processor *processor)
{
	if (!has_ticks(processor) || !vci_tick_begin(processor, processor->looked_at)) {
		return false;
	}
	vci_tick_go_on(processor);
	return true;
}

void vci_tick_owe(struct vci_kthread *m, vcore_instant now)
{
	struct vci_processor *processor = m->processor;
	struct vci_tick *tick = &processor->tick;
	vcore_instant again = now + vci_tick_retry_after(m);

	vci_spin_lock(&tick->lock);
	if (tick->at > now && tick->at < again) {
		again = tick->at;
	}
	set(processor, true, now);
	vci_spin_unlock(&tick->lock);
	vci_timer_set(m->timer, again);
}

void vci_tick_not_due(const struct vci_kthread *m)
{
	const struct vci_tick *tick = &m->processor->tick;
	vcore_instant at;

	do {
		at = __atomic_load_n(&tick->at, __ATOMIC_RELAXED);
		if (at != VCORE_NEVER) {
			vci_timer_set(m->timer, at);
		}
	} while (at != __atomic_load_n(&tick->at, __ATOMIC_RELAXED));
}
