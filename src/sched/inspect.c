/*
 * Inspection: see vcore/inspect.h.
 *
 * Threads are looked at while they run.  What a thread says of its wait is read
 * between two looks at its claim word, and counts only if both are the same;
 * likewise the whole between two looks at its life word.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "sched/inspect.h"

#include <errno.h>

#include "platform/panic.h"
#include "sched/census.h"
#include "sched/owner.h"
#include "sched/resident.h"
#include "sched/thread.h"
#include "sched/waiter.h"

/* --- one thread ----------------------------------------------------------------------- */

/* KEPT, or let go; else nothing is changed. */
VCI_READS_RACILY static void read_preemption(const struct vcore_thread *thread,
					     struct vcore_thread_info *info)
{
	bool has_keeper = __atomic_load_n(&thread->keeper, __ATOMIC_RELAXED) != NULL;

	info->preemptions = VCI_READ(thread->preemptions);
	info->hand_overs = VCI_READ(thread->hand_overs);
	info->refusals = VCI_READ(thread->refusals);
	info->refusal = (enum vcore_refusal)VCI_READ(thread->refusal);
	info->kept = has_keeper && (VCI_READ(thread->flags) & VCI_THREAD_KEPT) != 0;
	info->let_go = has_keeper && !info->kept;
	if (has_keeper) {
		info->state = info->kept ? VCORE_THREAD_RUNNABLE : VCORE_THREAD_RUNNING;
	}
}

/*
 * Who owns the lock that the wait is for.  The lock is there as long as the wait
 * lasts, which is seen afterwards: until then it may be anything.
 */
static uint64_t read_owner(const struct vcore_thread *thread, const struct vcore_thread_info *info)
{
	const struct vcore_thread *owner;
	uint64_t word, life;

	if (info->wait < VCORE_WAIT_LOCK || info->wait > VCORE_WAIT_WRITE ||
	    !vci_peek(&word, info->object, sizeof word)) {
		return 0;
	}
	owner = vci_owner_thread(thread->runtime, vci_owner_of(word));
	if (owner == NULL) {
		return 0;
	}
	life = __atomic_load_n(&owner->life, __ATOMIC_ACQUIRE);
	return vci_id(life / VCI_LIFE_GENERATION, vci_owner_index(vci_owner_of(word)));
}

/* What the thread waits for; false if that changed meanwhile. */
VCI_READS_RACILY static bool read_wait(const struct vcore_thread *thread,
				       struct vcore_thread_info *info)
{
	const struct vci_waiter *waiter = &thread->waiter;
	uint64_t claim = __atomic_load_n(&waiter->claim, __ATOMIC_ACQUIRE);
	const struct vci_timers *timers;

	info->wait = VCORE_WAIT_NONE;
	if (vci_claim_state(claim) != VCI_WAITING && vci_claim_state(claim) != VCI_WAITING_FIRM) {
		info->state = vci_owner_runs(thread->runtime, thread) ? VCORE_THREAD_RUNNING
								      : VCORE_THREAD_RUNNABLE;
		return true;
	}
	info->state = VCORE_THREAD_WAITING;
	info->wait = (enum vcore_wait_kind)VCI_READ(waiter->kind);
	info->object = VCI_READ(waiter->object);
	info->since = VCI_READ(waiter->since);
	timers = VCI_READ(waiter->timers);
	info->deadline = timers != NULL ? VCI_READ(waiter->timer.key) : VCORE_NEVER;
	info->value = VCI_READ(waiter->node.key);
	if (info->wait == VCORE_WAIT_JOIN) { /* which keeps the id there */
		info->joins = (uint64_t)info->value;
		info->object = NULL;
	}
	if (info->wait != VCORE_WAIT_EVENTCOUNT) {
		info->value = 0;
	}
	info->owner = read_owner(thread, info);
	return __atomic_load_n(&waiter->claim, __ATOMIC_ACQUIRE) == claim;
}

static void clear(struct vcore_thread_info *info)
{
	static const struct vcore_thread_info none;

	*info = none;
	info->size = sizeof *info;
	info->deadline = VCORE_NEVER;
}

VCI_READS_RACILY void vci_inspect_name(const struct vcore_thread *thread, char *name)
{
	for (size_t i = 0; i < sizeof thread->name; i++) {
		name[i] = VCI_READ(thread->name[i]);
	}
	name[sizeof thread->name - 1] = '\0';
}

VCI_READS_RACILY static void read_life(const struct vcore_thread *thread, uint64_t life,
				       struct vcore_thread_info *info)
{
	info->id = vci_id(life / VCI_LIFE_GENERATION, VCI_READ(thread->stack.index));
	info->priority = VCI_READ(thread->priority);
	info->processor = VCI_READ(thread->processor);
	info->destroyed = (life & VCI_LIFE_DESTROY) != 0;
	info->switches = VCI_READ(thread->switches);
	info->cpu_time = VCI_READ(thread->cpu_time);
	vci_inspect_name(thread, info->name);
}

/* From its highest byte down to the lowest page that was ever touched. */
VCI_READS_RACILY static void read_stack(const struct vcore_thread *thread,
					struct vcore_thread_info *info)
{
	bool outside = (VCI_READ(thread->flags) & VCI_THREAD_EXCLUSIVE) != 0;
	char *low = outside ? VCI_READ(thread->stack_low) : VCI_READ(thread->stack.low);
	const char *high = outside ? VCI_READ(thread->stack_high) : (const char *)thread;
	size_t bytes = (size_t)(high - low);

	info->stack_size = vci_resident_stack_size(thread);
	info->stack_used = bytes - vci_pages_untouched(low, bytes);
}

/* The wait may change while it is read: again, until it holds still. */
#define TRIES 100

static void read_all(const struct vcore_thread *thread, uint64_t life,
		     struct vcore_thread_info *info)
{
	int tries = TRIES;

	do {
		clear(info);
		read_life(thread, life, info);
		if (life & VCI_LIFE_ENDED) {
			info->state = VCORE_THREAD_ENDED;
			break;
		}
	} while (!read_wait(thread, info) && --tries > 0);
	read_preemption(thread, info);
	read_stack(thread, info);
}

bool vci_inspect_thread(const struct vcore_thread *thread, uint64_t life,
			struct vcore_thread_info *info)
{
	uint64_t generation = life / VCI_LIFE_GENERATION;
	uint64_t now;

	for (;;) {
		read_all(thread, life, info);
		now = __atomic_load_n(&thread->life, __ATOMIC_ACQUIRE);
		if (now == life) {
			return true;
		}
		if (now / VCI_LIFE_GENERATION != generation ||
		    !(now & (VCI_LIFE_ALIVE | VCI_LIFE_ENDED))) {
			return false; /* it has ended and been forgotten */
		}
		life = now; /* it ended, or was asked to: look again */
	}
}

/* --- all threads -------------------------------------------------------------------------- */

struct visit {
	int (*callback)(const struct vcore_thread_info *info, void *argument);
	void *argument;
};

static int visit_thread(struct vcore_thread *thread, uint64_t life, void *argument)
{
	const struct visit *visit = argument;
	struct vcore_thread_info info;

	if (!vci_inspect_thread(thread, life, &info)) {
		return 0;
	}
	return visit->callback(&info, visit->argument);
}

/* A callback that is destroyed would never end the walk. */
int vcore_inspect_threads(struct vcore_runtime *runtime,
			  int (*callback)(const struct vcore_thread_info *info, void *argument),
			  void *argument)
{
	struct visit visit = {callback, argument};
	int result;

	VCI_PANIC_IF(runtime == NULL || callback == NULL, "runtime or callback is NULL");
	if (vci_runtime_is_lost(runtime)) {
		return -ESHUTDOWN;
	}
	vcore_destroy_disable();
	result = vci_thread_walk(runtime, visit_thread, &visit);
	vcore_destroy_enable();
	return result;
}

#define LOAD(counter) __atomic_load_n(&(counter), __ATOMIC_RELAXED)

int vcore_inspect_runtime(struct vcore_runtime *runtime, struct vcore_statistics *statistics)
{
	static const struct vcore_statistics none;

	VCI_PANIC_IF(runtime == NULL || statistics == NULL, "runtime or statistics is NULL");
	if (vci_runtime_is_lost(runtime)) {
		return -ESHUTDOWN;
	}
	*statistics = none;
	statistics->size = sizeof *statistics;
	statistics->processors = runtime->n_processors;
	statistics->servers = LOAD(runtime->servers);
	statistics->idle = LOAD(runtime->idle);
	statistics->threads = vci_census_alive(runtime);
	statistics->allocated = LOAD(runtime->allocated_outside) - LOAD(runtime->refused_outside);
	for (uint32_t i = 0; i < vci_runtime_all(runtime); i++) {
		const struct vci_processor *processor = &runtime->processors[i];

		statistics->allocated += LOAD(processor->allocated);
		statistics->switches += LOAD(processor->switches);
		statistics->steals += LOAD(processor->steals);
		statistics->ticks += LOAD(processor->ticks);
		statistics->preemptions += LOAD(processor->preemptions);
		statistics->preemptions_light += LOAD(processor->preemptions_light);
		statistics->preemptions_fallen += LOAD(processor->preemptions_fallen);
		statistics->hand_overs += LOAD(processor->hand_overs);
		statistics->refusals += LOAD(processor->refusals);
	}
	statistics->quantum = runtime->quantum;
	statistics->unpreemptive = runtime->unpreemptive;
	statistics->kept = LOAD(runtime->kept);
	statistics->let_go = LOAD(runtime->let_go);
	statistics->spares = LOAD(runtime->spares.made);
	statistics->spares_short = LOAD(runtime->spares.short_of);
	statistics->spares_limit = LOAD(runtime->spares.limit);
	statistics->wakes = LOAD(runtime->wakes);
	statistics->stack_bytes = LOAD(runtime->stacks.bytes);
	statistics->limit = LOAD(runtime->stacks.limit);
	return 0;
}
