/*
 * Processors: who runs next.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "sched/processor.h"

#include "sched/inbox.h"
#include "sched/timers.h"

/*
 * What is done every so many choices; powers of two.  The fair choice falls on
 * another one than the look at the clock.
 */
#define EVERY_TIMERS 8u
#define EVERY_INBOX  16u
#define EVERY_CLOCK  64u
#define EVERY_FAIR   64u
#define FAIR_PHASE   32u

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

static __attribute__((noinline)) void look_around(struct vci_processor *processor)
{
	vci_processor_look_at_clock(processor, processor->kthread->current);
	(void)vci_timers_expire(&processor->timers, processor->looked_at);
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

/* Of a server with a number of turns to do. */
static bool has_turn(struct vci_processor *processor)
{
	if (processor->turns > 0) {
		processor->turns--;
		return true;
	}
	return !vci_processor_is_leaving(processor);
}

struct vcore_thread *vci_pick(struct vci_processor *processor, int least)
{
	struct vci_inbox *shared = &processor->runtime->inbox;
	uint32_t choice = processor->choices + 1;
	struct vcore_thread *thread;

	__atomic_store_n(&processor->choices, choice, __ATOMIC_RELAXED);
	if (unlikely(choice % EVERY_CLOCK == 0 ||
		     (choice % EVERY_TIMERS == 0 &&
		      vci_timers_next(&processor->timers) != VCORE_NEVER))) {
		look_around(processor);
	}
	if (unlikely(!vci_inbox_is_empty(&processor->inbox))) {
		vci_inbox_take(&processor->inbox, processor);
	}
	if (unlikely(choice % EVERY_INBOX == 0 && !vci_inbox_is_empty(shared))) {
		vci_inbox_take(shared, processor);
	}
	if (unlikely(processor->server) && !has_turn(processor)) {
		return NULL;
	}
	thread = vci_queue_pop(&processor->queue, least, choice % EVERY_FAIR == FAIR_PHASE);
	if (unlikely(thread == NULL && !vci_inbox_is_empty(shared))) {
		vci_inbox_take(shared, processor);
		thread = vci_queue_pop(&processor->queue, least, false);
	}
	return thread;
}
