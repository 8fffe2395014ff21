/*
 * Processors: who runs next.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "sched/processor.h"

#include "sched/inbox.h"
#include "sched/queue_inline.h"
#include "sched/rcu.h"
#include "sched/timers.h"

/* What is done every so many choices; multiples of the first. */
#define EVERY_LOOK  16u
#define EVERY_CLOCK 64u
#define FAIR_PHASE  32u /* of the same 64 */

void vci_processor_look_at_clock(struct vci_processor *processor, struct vcore_thread *running)
{
	vcore_instant now = vci_clock();

	if (running != NULL) {
		int64_t used = __atomic_load_n(&running->cpu_time, __ATOMIC_RELAXED);

		used += now - processor->looked_at;
		__atomic_store_n(&running->cpu_time, used, __ATOMIC_RELAXED);
	}
	__atomic_store_n(&processor->looked_at, now, __ATOMIC_RELAXED);
}

bool vci_processor_is_leaving(struct vci_processor *processor)
{
	if (likely(!processor->server)) {
		return false;
	}
	if (!processor->leaving) {
		processor->leaving = vci_clock() >= processor->serves_until;
	}
	return processor->leaving;
}

void vci_processor_gather(struct vci_processor *processor, vcore_instant now)
{
	struct vcore_runtime *runtime = processor->runtime;

	vci_timers_expire_all(runtime, now);
	if (!processor->polls) {
		if (!vci_inbox_is_empty(&processor->inbox)) {
			vci_inbox_take(&processor->inbox, processor);
		}
		if (!vci_inbox_is_empty(&runtime->inbox)) {
			vci_inbox_take(&runtime->inbox, processor);
		}
	}
}

void vci_processor_begin_slice(struct vci_processor *processor, vcore_instant now)
{
	__atomic_store_n(&processor->slice_until, now + processor->runtime->quantum,
			 __ATOMIC_RELAXED);
}

/* So often it is the turn of those that have waited longest, as at choices: thread.h. */
#define EVERY_FAIR 64

int vci_processor_least(struct vci_processor *processor, int priority, vcore_instant now)
{
	if (now < processor->slice_until) {
		return priority + 1;
	}
	processor->passed_over++;
	if (processor->passed_over < EVERY_FAIR) {
		return priority;
	}
	processor->passed_over = 0;
	vci_pick_fairly_next(processor);
	return VCORE_PRIORITY_MIN;
}

/* Of a server with a number of turns to do. */
static bool has_turn(struct vci_processor *processor)
{
	if (processor->turns > 0) {
		processor->turns--;
		return true;
	}
	return !vci_processor_is_leaving(processor);
}

/*
 * What need not be looked at each time; and the fair choice, if it is its turn
 * and it finds one.
 */
static __attribute__((noinline)) struct vcore_thread *look_around(struct vci_processor *processor,
								  uint32_t choice)
{
	struct vci_inbox *shared = &processor->runtime->inbox;

	vci_rcu_pass();
	if (choice % EVERY_CLOCK == 0) {
		vci_processor_look_at_clock(processor, processor->kthread->current);
		vci_timers_expire_all(processor->runtime, processor->looked_at);
	} else if (vci_timers_next(&processor->timers) != VCORE_NEVER) {
		vci_processor_look_at_clock(processor, processor->kthread->current);
		vci_timers_expire(&processor->timers, processor->looked_at);
	}
	if (!processor->polls && !vci_inbox_is_empty(shared)) {
		vci_inbox_take(shared, processor);
	}
	return choice % EVERY_CLOCK == FAIR_PHASE ? vci_queue_pop_fair(&processor->queue) : NULL;
}

static __attribute__((noinline)) struct vcore_thread *
pick_from_shared(struct vci_processor *processor, int least)
{
	struct vci_inbox *shared = &processor->runtime->inbox;

	if (processor->polls || vci_inbox_is_empty(shared)) {
		return NULL;
	}
	vci_inbox_take(shared, processor);
	return vci_queue_pop(&processor->queue, least);
}

static inline struct vcore_thread *choose(struct vci_processor *processor, uint32_t choice,
					  int least)
{
	struct vcore_thread *thread = NULL;

	if (unlikely(choice % EVERY_LOOK == 0)) {
		thread = look_around(processor, choice);
	}
	if (likely(thread == NULL)) {
		thread = vci_queue_pop(&processor->queue, least);
	}
	return likely(thread != NULL) ? thread : pick_from_shared(processor, least);
}

struct vcore_thread *vci_pick(struct vci_processor *processor, int least)
{
	uint32_t choice = processor->choices + 1;

	__atomic_store_n(&processor->choices, choice, __ATOMIC_RELAXED);
	if (unlikely(!vci_inbox_is_empty(&processor->inbox) && !processor->polls)) {
		vci_inbox_take(&processor->inbox, processor);
	}
	if (unlikely(processor->server) && !has_turn(processor)) {
		return NULL;
	}
	return choose(processor, choice, least);
}

void vci_pick_fairly_next(struct vci_processor *processor)
{
	uint32_t choices = processor->choices;

	choices += (FAIR_PHASE - 1 - choices) % EVERY_CLOCK;
	__atomic_store_n(&processor->choices, choices, __ATOMIC_RELAXED);
}

struct vcore_thread *vci_pick_rotating(struct vci_processor *processor,
				       const struct vcore_thread *yielding)
{
	uint32_t choice = processor->choices + 1;
	struct vcore_thread *thread;

	if (unlikely(choice % EVERY_LOOK == 0 || processor->server ||
		     !vci_inbox_is_empty(&processor->inbox))) {
		return NULL;
	}
	thread = vci_queue_rotate(&processor->queue, yielding);
	if (thread != NULL) {
		__atomic_store_n(&processor->choices, choice, __ATOMIC_RELAXED);
	}
	return thread;
}
