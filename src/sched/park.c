/*
 * Parking: see park.h, and the invariants in idle.h.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "sched/park.h"

#include "sched/inbox.h"
#include "sched/processor.h"
#include "sched/quiet.h"
#include "sched/spare.h"
#include "sched/steal.h"
#include "sched/timers.h"

/* How long to doze. */
#define DOZE_NS 100000

/* Warm stacks to keep of a size; the others are given back after a while. */
#define WARM_KEPT    256
#define WARM_IDLE_NS 100000000

/* --- the list of idlers, with idle_lock held ---------------------------------- */

static void enlist(struct vcore_runtime *runtime, struct vci_processor *processor)
{
	processor->prev_idle = NULL;
	processor->next_idle = runtime->idlers;
	if (runtime->idlers != NULL) {
		runtime->idlers->prev_idle = processor;
	}
	runtime->idlers = processor;
	processor->idle = true;
	__atomic_store_n(&processor->parked, 1, __ATOMIC_RELAXED);
	__atomic_store_n(&runtime->idle, runtime->idle + 1, __ATOMIC_RELAXED);
}

static void set_watch(struct vcore_runtime *runtime, struct vci_processor *watcher,
		      vcore_instant until)
{
	runtime->watcher = watcher;
	__atomic_store_n(&runtime->watched_until, until, __ATOMIC_RELAXED);
}

static void delist(struct vcore_runtime *runtime, struct vci_processor *processor)
{
	if (processor->prev_idle != NULL) {
		processor->prev_idle->next_idle = processor->next_idle;
	} else {
		runtime->idlers = processor->next_idle;
	}
	if (processor->next_idle != NULL) {
		processor->next_idle->prev_idle = processor->prev_idle;
	}
	processor->idle = false;
	__atomic_store_n(&runtime->idle, runtime->idle - 1, __ATOMIC_RELAXED);
	if (runtime->watcher == processor) {
		set_watch(runtime, NULL, VCORE_NEVER);
	}
}

/* --- waking ------------------------------------------------------------------------ */

/* Takes it out of the list on its behalf: it is searching from now on (I4). */
static void call(struct vcore_runtime *runtime, struct vci_processor *processor)
{
	delist(runtime, processor);
	vci_count(&runtime->wakes, 1);
	__atomic_fetch_add(&runtime->searching, 1, __ATOMIC_SEQ_CST);
}

/* Its kernel thread may change meanwhile: that one does not sleep, then. */
static void unpark(struct vci_processor *processor)
{
	__atomic_store_n(&processor->parked, 0, __ATOMIC_RELEASE);
	vci_fence_full(); /* pairs with the gate: whoever sleeps for it read it before `parked` */
	vci_gate_open(__atomic_load_n(&processor->kthread, __ATOMIC_RELAXED));
}

/*
 * A server may not run threads that are KEPT, and sends them back: it comes last.
 * The watcher is left to its watch, if another can be had.
 */
enum { WATCHING_SERVER, SERVER, WATCHING_PROCESSOR, PROCESSOR };

static int rank_of(const struct vci_processor *idler)
{
	return (idler->server ? WATCHING_SERVER : WATCHING_PROCESSOR) +
	       (idler != idler->runtime->watcher);
}

static struct vci_processor *choose_idler(const struct vcore_runtime *runtime)
{
	struct vci_processor *best = runtime->idlers;
	struct vci_processor *idler = best;

	while (idler != NULL && rank_of(best) != PROCESSOR) {
		best = rank_of(idler) > rank_of(best) ? idler : best;
		idler = idler->next_idle;
	}
	return best;
}

bool vci_idle_wake_any(struct vcore_runtime *runtime)
{
	struct vci_processor *idler;

	vci_spin_lock(&runtime->idle_lock);
	idler = choose_idler(runtime);
	if (idler != NULL) {
		call(runtime, idler);
	}
	vci_spin_unlock(&runtime->idle_lock);
	if (idler != NULL) {
		unpark(idler);
	}
	return idler != NULL;
}

void vci_idle_wake(struct vci_processor *processor)
{
	struct vcore_runtime *runtime = processor->runtime;

	vci_fence_full(); /* pairs with the fences in park (I2), doze and go_on */
	if (!__atomic_load_n(&processor->parked, __ATOMIC_RELAXED)) {
		vci_tick_soon(processor); /* it runs a thread, or is about to look */
		return;
	}
	vci_spin_lock(&runtime->idle_lock);
	if (processor->idle) {
		call(runtime, processor);
	}
	vci_spin_unlock(&runtime->idle_lock);
	unpark(processor);
}

void vci_idle_wake_all(struct vcore_runtime *runtime)
{
	for (uint32_t i = 0; i < vci_runtime_all(runtime); i++) {
		vci_idle_wake(&runtime->processors[i]);
	}
}

void vci_idle_watch(struct vcore_runtime *runtime, vcore_instant deadline)
{
	vci_fence_light(); /* pairs with the heavy fence in park: I5 */
	if (deadline < __atomic_load_n(&runtime->watched_until, __ATOMIC_RELAXED)) {
		vci_idle_wake_one(runtime);
	}
}

void vci_park_stop_searching(struct vci_processor *processor)
{
	struct vcore_runtime *runtime = processor->runtime;
	uint32_t others = __atomic_sub_fetch(&runtime->searching, 1, __ATOMIC_SEQ_CST);

	if (others != 0) {
		return;
	}
	if (__atomic_load_n(&runtime->idle, __ATOMIC_RELAXED) == 0) {
		vci_fence_full(); /* pairs with the fence in vci_inbox_send */
		if (!vci_inbox_is_empty(&runtime->inbox)) {
			vci_tick_all(runtime); /* it was left to this searcher */
		}
		return;
	}
	/* Who queued work and saw a searcher woke nobody: see what it queued. */
	vci_fence_heavy(); /* pairs with the light fence in vci_idle_wake_one */
	if (vci_queue_spare(&processor->queue) > 0 || vci_steal_might(processor) > 0 ||
	    !vci_inbox_is_empty(&runtime->inbox) ||
	    vci_timers_earliest(runtime) <
		    __atomic_load_n(&runtime->watched_until, __ATOMIC_RELAXED)) {
		vci_idle_wake_any(runtime);
	}
}

/* --- taking a processor that is parked ---------------------------------------------- */

/* One that may run the thread; servers belong to their kernel threads. */
static struct vci_processor *find_idler(const struct vcore_runtime *runtime,
					const struct vcore_thread *thread)
{
	struct vci_processor *idler = runtime->idlers;

	while (idler != NULL && (idler->server || ((thread->flags & VCORE_THREAD_PINNED) &&
						   idler->number != thread->pin))) {
		idler = idler->next_idle;
	}
	return idler;
}

/*
 * Its kernel thread is parked, and need not be woken for that: it is a spare
 * where it is.  `taken` tells it, whenever it looks.
 */
bool vci_idle_take(struct vci_kthread *m, const struct vcore_thread *thread)
{
	struct vcore_runtime *runtime = m->runtime;
	struct vci_processor *idler;

	vci_spin_lock(&runtime->idle_lock);
	idler = find_idler(runtime, thread);
	if (idler != NULL) {
		struct vci_kthread *loser = idler->kthread;

		call(runtime, idler);
		__atomic_store_n(&idler->parked, 0, __ATOMIC_RELAXED);
		loser->taken = true;
		loser->next = NULL;
		__atomic_store_n(&loser->processor, NULL, __ATOMIC_RELAXED);
		vci_tick_move(idler, m);
		m->processor = idler;
		vci_spare_enlist(loser);
	}
	vci_spin_unlock(&runtime->idle_lock);
	if (idler != NULL) {
		vci_processor_look_at_clock(idler, NULL);
		vci_park_stop_searching(idler);
	}
	return idler != NULL;
}

/* --- parking ---------------------------------------------------------------------------- */

static bool has_work(const struct vci_processor *processor)
{
	const struct vcore_runtime *runtime = processor->runtime;

	return !vci_inbox_is_empty(&processor->inbox) || !vci_inbox_is_empty(&runtime->inbox) ||
	       vci_queue_length(&processor->queue) > 0 || vci_steal_might(processor) > 0 ||
	       __atomic_load_n(&runtime->over, __ATOMIC_ACQUIRE);
}

/*
 * Enters the list, and counts as searching no more: one of these without the
 * other, and who takes the processor would leave what is queued to a kernel thread
 * that has no processor to run it (I4).  Returns how long to sleep at most.
 */
static vcore_instant become_idle(struct vci_processor *processor)
{
	struct vcore_runtime *runtime = processor->runtime;
	vcore_instant deadline;

	vci_spin_lock(&runtime->idle_lock);
	enlist(runtime, processor);
	__atomic_fetch_sub(&runtime->searching, 1, __ATOMIC_SEQ_CST);
	deadline = vci_timers_earliest(runtime);
	if (deadline < runtime->watched_until) {
		set_watch(runtime, processor, deadline);
	} else {
		deadline = VCORE_NEVER;
	}
	vci_spin_unlock(&runtime->idle_lock);
	if (processor->server && processor->serves_until < deadline) {
		deadline = processor->serves_until;
	}
	return deadline;
}

/*
 * Leaves the list.  VCI_PARKED_CALLED: it was taken out already, and so is searching;
 * VCI_PARKED_TAKEN: and the processor is somebody else's.
 */
static enum vci_parked become_busy(struct vci_kthread *m, struct vci_processor *processor)
{
	struct vcore_runtime *runtime = m->runtime;
	enum vci_parked outcome;

	vci_spin_lock(&runtime->idle_lock);
	if (m->taken) {
		m->taken = false;
		outcome = VCI_PARKED_TAKEN;
	} else {
		outcome = processor->idle ? VCI_PARKED_WOKE : VCI_PARKED_CALLED;
		if (outcome == VCI_PARKED_WOKE) {
			delist(runtime, processor);
		}
		__atomic_store_n(&processor->parked, 0, __ATOMIC_RELAXED);
	}
	vci_spin_unlock(&runtime->idle_lock);
	return outcome;
}

static bool has_surplus(const struct vcore_runtime *runtime)
{
	return vci_stacks_warm(&runtime->stacks) > WARM_KEPT;
}

static bool is_parked(const struct vci_processor *processor)
{
	return __atomic_load_n(&processor->parked, __ATOMIC_ACQUIRE) != 0;
}

/*
 * Whether m is to sleep on.  The processor may have been taken, parked by another, and
 * m given one: then it must not.
 */
static bool may_sleep(const struct vci_kthread *m, const struct vci_processor *processor)
{
	return is_parked(processor) &&
	       __atomic_load_n(&m->processor, __ATOMIC_ACQUIRE) == processor;
}

/* Until called, or the deadline; or not at all. */
static void sleep_until(struct vci_kthread *m, const struct vci_processor *processor,
			vcore_instant deadline)
{
	uint32_t seen = vci_gate_read(m);

	if (may_sleep(m, processor)) {
		vci_gate_wait(m, seen, deadline);
	}
}

/* The same; gives memory back if the sleep is long and there is much of it. */
static void sleep_long(struct vci_kthread *m, struct vci_processor *processor,
		       vcore_instant deadline)
{
	struct vcore_runtime *runtime = processor->runtime;

	if (has_surplus(runtime)) {
		vcore_instant soon = vci_clock() + WARM_IDLE_NS;

		if (soon < deadline) {
			sleep_until(m, processor, soon);
			while (may_sleep(m, processor) && vci_clock() < deadline &&
			       vci_stacks_trim(&runtime->stacks, WARM_KEPT)) {
			}
		}
	}
	sleep_until(m, processor, deadline);
}

enum vci_parked vci_park(struct vci_kthread *m)
{
	struct vci_processor *processor = m->processor;
	struct vcore_runtime *runtime = processor->runtime;
	vcore_instant deadline = become_idle(processor);

	vci_fence_heavy(); /* pairs with the light fences above: I2, I5 */
	if (!has_work(processor) &&
	    vci_timers_earliest(runtime) >=
		    __atomic_load_n(&runtime->watched_until, __ATOMIC_RELAXED)) {
		vci_quiet_check(runtime);
		sleep_long(m, processor, deadline);
	}
	return become_busy(m, processor);
}

void vci_park_doze(struct vci_kthread *m)
{
	struct vci_processor *processor = m->processor;
	vcore_instant until = processor->looked_at + DOZE_NS;
	vcore_instant earliest = vci_timers_earliest(processor->runtime);

	if (processor->server && processor->serves_until < until) {
		until = processor->serves_until;
	}
	__atomic_store_n(&processor->parked, 1, __ATOMIC_RELAXED);
	vci_fence_full(); /* pairs with the fence in vci_idle_wake */
	if (vci_inbox_is_empty(&processor->inbox) &&
	    !__atomic_load_n(&processor->runtime->over, __ATOMIC_ACQUIRE)) {
		sleep_until(m, processor, earliest < until ? earliest : until);
	}
	__atomic_store_n(&processor->parked, 0, __ATOMIC_RELAXED);
}
