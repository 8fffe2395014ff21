/*
 * Idle processors: see idle.h.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "sched/idle.h"

#include "sched/census.h"
#include "sched/gang.h"
#include "sched/inbox.h"
#include "sched/keep.h"
#include "sched/park.h"
#include "sched/processor.h"
#include "sched/rcu.h"
#include "sched/resident.h"
#include "sched/spare.h"
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

/*
 * A stolen thread that keeps its thief busy for less than twice what taking it cost
 * both was stolen in vain; after so many, less those that were not, the thief dozes
 * first.  Twice, because threads that meet on two processors also keep each other
 * busy for a while: a reader-writer lock of four threads did 7 to 14 million a second
 * so, and does 20 (doc/benchmarks.md).
 */
#define VAIN_NS 40000
#define VAIN    4

/* So many switches of the others while one searched or dozed: they are lively. */
#define LIVELY_SWITCHES 32

/* --- searching ------------------------------------------------------------------------ */

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
	vci_timers_expire_all(processor->runtime, processor->looked_at);
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
			processor->stole_at = thread != NULL ? vci_clock() : 0;
		}
		if (thread == NULL) {
			vci_relax();
			thread = look_here(processor);
		}
	}
	return thread;
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

/*
 * Whether others have switched many times since the last look, though they leave
 * no thread to take: some hand something to and fro.  If this processor parked,
 * the next push would pay for waking it, again and again.
 */
static bool are_lively(const struct vcore_runtime *runtime, uint64_t *before)
{
	uint64_t switches = 0;
	bool lively;

	for (uint32_t i = 0; i < vci_runtime_all(runtime); i++) {
		switches += __atomic_load_n(&runtime->processors[i].switches, __ATOMIC_RELAXED);
	}
	lively = switches - *before >= LIVELY_SWITCHES;
	*before = switches;
	return lively;
}

/*
 * Whether what was stolen lately came back to waiting at once: some hand
 * something to and fro where they were, and are slower with one of them here.
 */
static bool steals_in_vain(struct vci_processor *processor)
{
	if (processor->stole_at == 0) {
		return false;
	}
	if (vci_clock() - processor->stole_at >= VAIN_NS) {
		processor->in_vain -= processor->in_vain > 0;
	} else if (processor->in_vain < VAIN) {
		processor->in_vain++;
	}
	processor->stole_at = 0;
	return processor->in_vain == VAIN;
}

/* NULL: the runtime is over, a server's time is up, or the processor was taken. */
static struct vcore_thread *find(struct vci_kthread *m)
{
	struct vci_processor *processor = m->processor;
	struct vcore_runtime *runtime = processor->runtime;
	struct vci_sighting sighting = {.victim = processor->number + 1};
	struct vcore_thread *thread;
	enum vci_parked outcome = VCI_PARKED_WOKE;
	uint64_t switches = 0;

	vci_rcu_rest();
	(void)are_lively(runtime, &switches);
	do {
		if (outcome == VCI_PARKED_WOKE) {
			__atomic_fetch_add(&runtime->searching, 1, __ATOMIC_SEQ_CST);
		}
		if (steals_in_vain(processor)) {
			vci_park_doze(m);
		}
		thread = search(processor, &sighting);
		if (thread != NULL || is_done(processor)) {
			vci_park_stop_searching(processor);
			return thread;
		}
		if (are_lively(runtime, &switches) || vci_steal_might(processor) == 1) {
			vci_park_doze(m);
			outcome = VCI_PARKED_CALLED; /* it still counts as searching */
		} else {
			outcome = vci_park(m);
		}
	} while (outcome != VCI_PARKED_TAKEN);
	vci_spare_disowned(m);
	return NULL;
}

/* The thread that came with the processor, or the next there is. */
static struct vcore_thread *next_thread(struct vci_kthread *m)
{
	struct vci_processor *processor = m->processor;
	struct vcore_thread *thread = m->next;

	m->next = NULL;
	if (thread == NULL) {
		thread = vci_pick(processor, VCORE_PRIORITY_MIN);
	}
	if (thread == NULL && !processor->server) {
		thread = linger(processor);
	}
	return thread != NULL ? thread : find(m);
}

/*
 * A thread that is KEPT runs on its own kernel thread, which gets the processor.
 * But a server belongs to its kernel thread: then it is for the processor that
 * ran it last.  One of an exclusive space must be let in first.  True: m is to
 * run it.
 */
static bool may_run(struct vci_kthread *m, struct vcore_thread *thread)
{
	bool kept = (thread->flags & VCI_THREAD_KEPT) != 0;

	if (kept && m->processor->server) {
		vci_inbox_send_to(&m->runtime->processors[thread->processor], thread);
		return false;
	}
	if (vci_gang_has(thread)) {
		if (!vci_gang_enter(m->processor, thread)) {
			return false;
		}
		vci_resident_enter(thread);
	}
	if (kept) {
		vci_spare_yield_to(m, thread);
	}
	return !kept;
}

static void run(struct vci_kthread *m, struct vcore_thread *thread)
{
	vci_idle_watch(m->runtime, vci_timers_next(&m->processor->timers));
	if ((thread->flags & (VCI_THREAD_KEPT | VCI_THREAD_EXCLUSIVE)) && !may_run(m, thread)) {
		return;
	}
	vci_switch_to(m, thread);
}

void vci_idle_run(struct vci_kthread *m)
{
	while (m->state == VCI_OWNER &&
	       (m->next != NULL || m->keeps != NULL || !is_done(m->processor))) {
		struct vcore_thread *thread = NULL;

		if (unlikely(m->keeps != NULL)) {
			vci_keep_turn(m);
		} else {
			thread = next_thread(m);
		}
		if (thread != NULL) {
			run(m, thread);
		}
	}
}
