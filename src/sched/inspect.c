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
#include "sched/thread.h"
#include "sched/waiter.h"

/* --- one thread ----------------------------------------------------------------------- */

/* Reads of fields that their owner may write at the same time. */
#define READ(field) (*(volatile __typeof__(field) *)&(field))

VCI_READS_RACILY static bool is_running(const struct vcore_thread *thread, unsigned processor)
{
	return READ(thread->runtime->kthreads[processor].current) == thread;
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
		info->state = is_running(thread, info->processor) ? VCORE_THREAD_RUNNING
								  : VCORE_THREAD_RUNNABLE;
		return true;
	}
	info->state = VCORE_THREAD_WAITING;
	info->wait = (enum vcore_wait_kind)READ(waiter->kind);
	info->object = READ(waiter->object);
	info->since = READ(waiter->since);
	timers = READ(waiter->timers);
	info->deadline = timers != NULL ? READ(waiter->timer.key) : VCORE_NEVER;
	info->value = READ(waiter->node.key);
	if (info->wait == VCORE_WAIT_JOIN) { /* which keeps the id there */
		info->joins = (uint64_t)info->value;
		info->value = 0;
		info->object = NULL;
	}
	return __atomic_load_n(&waiter->claim, __ATOMIC_ACQUIRE) == claim;
}

static void clear(struct vcore_thread_info *info)
{
	static const struct vcore_thread_info none;

	*info = none;
	info->size = sizeof *info;
	info->deadline = VCORE_NEVER;
}

VCI_READS_RACILY static void read_life(const struct vcore_thread *thread, uint64_t life,
				       struct vcore_thread_info *info)
{
	info->id = vci_id(life / VCI_LIFE_GENERATION, READ(thread->stack.index));
	info->priority = READ(thread->priority);
	info->processor = READ(thread->processor);
	info->destroyed = (life & VCI_LIFE_DESTROY) != 0;
	info->switches = READ(thread->switches);
	info->cpu_time = READ(thread->cpu_time);
	for (size_t i = 0; i < sizeof info->name; i++) {
		info->name[i] = READ(thread->name[i]);
	}
	info->name[sizeof info->name - 1] = '\0';
}

/* From its highest byte down to the lowest page that was ever touched. */
VCI_READS_RACILY static void read_stack(const struct vcore_thread *thread,
					struct vcore_thread_info *info)
{
	char *low = READ(thread->stack.low);
	size_t bytes = (size_t)((const char *)thread - low);

	info->stack_size = vci_stack_size(&thread->runtime->stacks, READ(thread->stack.kind));
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
	}
	statistics->wakes = LOAD(runtime->wakes);
	statistics->stack_bytes = LOAD(runtime->stacks.bytes);
	statistics->limit = LOAD(runtime->stacks.limit);
	return 0;
}
