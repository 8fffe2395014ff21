/*
 * Idle processors: see idle.h.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "sched/idle.h"

#include "sched/census.h"
#include "sched/inbox.h"
#include "sched/processor.h"
#include "sched/quiet.h"
#include "sched/steal.h"
#include "sched/switch.h"
#include "sched/timers.h"

/*
 * How long to search before parking, and the time between two looks at what
 * other processors have: each takes their queue's cache line from them.
 */
#define SEARCH_NS 20000
#define LOOK_NS   1000

/* A pause is 20 to 70 ns: some µs. */
#define LINGER_ROUNDS 50

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

static void unpark(struct vci_processor *processor)
{
	__atomic_store_n(&processor->parked, 0, __ATOMIC_RELEASE);
	vci_futex_wake(&processor->parked, 1);
}

/* The watcher is left to its watch, if another can be had. */
static struct vci_processor *choose_idler(const struct vcore_runtime *runtime)
{
	struct vci_processor *first = runtime->idlers;

	if (first != NULL && first == runtime->watcher && first->next_idle != NULL) {
		return first->next_idle;
	}
	return first;
}

void vci_idle_wake_any(struct vcore_runtime *runtime)
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
}

void vci_idle_wake(struct vci_processor *processor)
{
	struct vcore_runtime *runtime = processor->runtime;

	vci_fence_full(); /* pairs with the fences in park (I2) and doze */
	if (!__atomic_load_n(&processor->parked, __ATOMIC_RELAXED)) {
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

/* --- searching ------------------------------------------------------------------------ */

/* Timers of processors that are too busy to look at them, and its own. */
static void expire_timers(struct vcore_runtime *runtime, vcore_instant now)
{
	for (uint32_t i = 0; i < vci_runtime_all(runtime); i++) {
		(void)vci_timers_expire(&runtime->processors[i].timers, now);
	}
}

static bool is_done(struct vci_processor *processor)
{
	const struct vcore_runtime *runtime = processor->runtime;

	if (__atomic_load_n(&runtime->over, __ATOMIC_ACQUIRE)) {
		return true;
	}
	return unlikely(processor->server) &&
	       ((processor->turns == 0 && vci_processor_is_leaving(processor)) ||
		vci_census_is_empty(runtime));
}

/* Looks at all there is but other processors' queues. */
static struct vcore_thread *look_here(struct vci_processor *processor)
{
	vci_processor_look_at_clock(processor, NULL);
	expire_timers(processor->runtime, processor->looked_at);
	return vci_pick(processor, VCORE_PRIORITY_MIN);
}

static struct vcore_thread *search(struct vci_processor *processor, struct vci_sighting *sighting)
{
	struct vcore_thread *thread = look_here(processor);
	vcore_instant until = processor->looked_at + SEARCH_NS;
	vcore_instant next_look = 0;

	while (thread == NULL && !is_done(processor) && processor->looked_at < until) {
		if (processor->looked_at >= next_look) {
			next_look = processor->looked_at + LOOK_NS;
			thread = vci_steal(processor, sighting);
		}
		if (thread == NULL) {
			vci_relax();
			thread = look_here(processor);
		}
	}
	return thread;
}

/* I3, and I5: it may have been the watcher. */
static void stop_searching(struct vci_processor *processor)
{
	struct vcore_runtime *runtime = processor->runtime;
	uint32_t others = __atomic_sub_fetch(&runtime->searching, 1, __ATOMIC_SEQ_CST);

	if (others != 0 || __atomic_load_n(&runtime->idle, __ATOMIC_RELAXED) == 0) {
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

/* --- parking ---------------------------------------------------------------------------- */

static bool has_work(const struct vci_processor *processor)
{
	const struct vcore_runtime *runtime = processor->runtime;

	return !vci_inbox_is_empty(&processor->inbox) || !vci_inbox_is_empty(&runtime->inbox) ||
	       processor->queue.length > 0 || vci_steal_might(processor) > 0 ||
	       __atomic_load_n(&runtime->over, __ATOMIC_ACQUIRE);
}

/* Enters the list; returns how long to sleep at most. */
static vcore_instant become_idle(struct vci_processor *processor)
{
	struct vcore_runtime *runtime = processor->runtime;
	vcore_instant deadline;

	vci_spin_lock(&runtime->idle_lock);
	enlist(runtime, processor);
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

/* Leaves the list; true if it was taken out already, and so is searching. */
static bool become_busy(struct vci_processor *processor)
{
	struct vcore_runtime *runtime = processor->runtime;
	bool called;

	vci_spin_lock(&runtime->idle_lock);
	called = !processor->idle;
	if (!called) {
		delist(runtime, processor);
	}
	__atomic_store_n(&processor->parked, 0, __ATOMIC_RELAXED);
	vci_spin_unlock(&runtime->idle_lock);
	return called;
}

static bool has_surplus(const struct vcore_runtime *runtime)
{
	return vci_stacks_warm(&runtime->stacks) > WARM_KEPT;
}

/* Sleeps; gives memory back if the sleep is long and there is much of it. */
static void sleep_until(struct vci_processor *processor, vcore_instant deadline)
{
	struct vcore_runtime *runtime = processor->runtime;

	if (has_surplus(runtime)) {
		vcore_instant soon = vci_clock() + WARM_IDLE_NS;

		if (soon < deadline) {
			vci_futex_wait(&processor->parked, 1, soon);
			while (__atomic_load_n(&processor->parked, __ATOMIC_ACQUIRE) != 0 &&
			       vci_clock() < deadline &&
			       vci_stacks_trim(&runtime->stacks, WARM_KEPT)) {
			}
		}
	}
	if (__atomic_load_n(&processor->parked, __ATOMIC_ACQUIRE) != 0) {
		vci_futex_wait(&processor->parked, 1, deadline);
	}
}

/* Called while counted as searching; returns whether it is so again. */
static bool park(struct vci_processor *processor)
{
	struct vcore_runtime *runtime = processor->runtime;
	vcore_instant deadline = become_idle(processor);

	__atomic_fetch_sub(&runtime->searching, 1, __ATOMIC_SEQ_CST);
	vci_fence_heavy(); /* pairs with the light fences above: I2, I5 */
	if (!has_work(processor) &&
	    vci_timers_earliest(runtime) >=
		    __atomic_load_n(&runtime->watched_until, __ATOMIC_RELAXED)) {
		vci_quiet_check(runtime);
		sleep_until(processor, deadline);
	}
	return become_busy(processor);
}

/*
 * Sleeps a little, counted as searching.  Only what comes into its own inbox
 * wakes it before.
 */
static void doze(struct vci_processor *processor)
{
	vcore_instant until = processor->looked_at + DOZE_NS;
	vcore_instant earliest = vci_timers_earliest(processor->runtime);

	if (processor->server && processor->serves_until < until) {
		until = processor->serves_until;
	}
	__atomic_store_n(&processor->parked, 1, __ATOMIC_RELAXED);
	vci_fence_full(); /* pairs with the fence in vci_idle_wake */
	if (vci_inbox_is_empty(&processor->inbox) &&
	    !__atomic_load_n(&processor->runtime->over, __ATOMIC_ACQUIRE)) {
		vci_futex_wait(&processor->parked, 1, earliest < until ? earliest : until);
	}
	__atomic_store_n(&processor->parked, 0, __ATOMIC_RELAXED);
}

/*
 * A short wait for what is sent here, that touches nothing others write to but
 * the inboxes: most answers from another processor come within it.  It counts
 * neither as searching nor as idle; what is queued meanwhile is found after.
 */
static struct vcore_thread *linger(struct vci_processor *processor)
{
	const struct vci_inbox *shared = &processor->runtime->inbox;

	for (int i = 0; i < LINGER_ROUNDS; i++) {
		if (!vci_inbox_is_empty(&processor->inbox) || !vci_inbox_is_empty(shared)) {
			return vci_pick(processor, VCORE_PRIORITY_MIN);
		}
		vci_relax();
	}
	return NULL;
}

static struct vcore_thread *find(struct vci_processor *processor)
{
	struct vcore_runtime *runtime = processor->runtime;
	struct vci_sighting sighting = {.victim = processor->number + 1};
	struct vcore_thread *thread;
	bool searching = false;

	for (;;) {
		if (!searching) {
			__atomic_fetch_add(&runtime->searching, 1, __ATOMIC_SEQ_CST);
		}
		thread = search(processor, &sighting);
		if (thread != NULL || is_done(processor)) {
			stop_searching(processor);
			return thread;
		}
		searching = vci_steal_might(processor) == 1;
		if (searching) {
			doze(processor);
		} else {
			searching = park(processor);
		}
	}
}

void vci_idle_run(struct vci_kthread *m)
{
	struct vci_processor *processor = m->processor;

	while (!is_done(processor)) {
		struct vcore_thread *thread = vci_pick(processor, VCORE_PRIORITY_MIN);

		if (thread == NULL && !processor->server) {
			thread = linger(processor);
		}
		if (thread == NULL) {
			thread = find(processor);
		}
		if (thread != NULL) {
			vci_idle_watch(m->runtime, vci_timers_next(&processor->timers));
			vci_switch_to(m, thread);
		}
	}
}
