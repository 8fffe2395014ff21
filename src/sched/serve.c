/*
 * Servers: kernel threads of the program that carry a processor for a while.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <errno.h>

#include "sched/census.h"
#include "sched/idle.h"
#include "sched/inbox.h"
#include "sched/kthread.h"
#include "sched/processor.h"
#include "sched/queue_inline.h"
#include "sched/quiet.h"
#include "sched/runtime.h"
#include "sched/tick.h"
#include "sched/timers.h"

static bool is_finished(const struct vcore_runtime *runtime)
{
	return __atomic_load_n(&runtime->over, __ATOMIC_ACQUIRE) || vci_census_is_empty(runtime);
}

/* The lowest free server, or -E… */
static int enter_service(struct vcore_runtime *runtime)
{
	int result = -EBUSY;

	vci_spin_lock(&runtime->idle_lock);
	if (is_finished(runtime)) {
		result = -ESHUTDOWN;
	}
	for (unsigned i = 0; result == -EBUSY && i < runtime->n_servers; i++) {
		if (!runtime->serving[i]) {
			__atomic_store_n(&runtime->serving[i], true, __ATOMIC_RELAXED);
			__atomic_fetch_add(&runtime->servers, 1, __ATOMIC_RELAXED);
			result = (int)i;
		}
	}
	vci_spin_unlock(&runtime->idle_lock);
	return result;
}

/* From here on its timers are for others to look at: vci_timers_orphaned. */
static void leave_service(struct vcore_runtime *runtime, unsigned i)
{
	struct vci_processor *processor = &runtime->processors[runtime->n_processors + i];
	vcore_instant next;

	vci_spin_lock(&runtime->idle_lock);
	__atomic_store_n(&runtime->serving[i], false, __ATOMIC_RELAXED);
	vci_spin_unlock(&runtime->idle_lock);
	vci_fence_full(); /* pairs with the fence in vci_tick_go_on */
	next = vci_timers_next(&processor->timers);
	vci_idle_watch(runtime, next);
	vci_tick_by(&runtime->processors[0], next);
	vci_quiet_check(runtime); /* it may have run the last thread */
}

/* What is runnable and free is for others to run; the rest waits, in order. */
static void pass_on(struct vci_processor *processor)
{
	struct vcore_thread *pinned = NULL;
	struct vcore_thread **last = &pinned;
	struct vcore_thread *thread;

	while ((thread = vci_queue_pop(&processor->queue, VCORE_PRIORITY_MIN)) != NULL) {
		if (thread->flags & VCORE_THREAD_PINNED) {
			*last = thread;
			last = &thread->next;
		} else {
			vci_inbox_send(thread);
		}
	}
	*last = NULL;
	vci_queue_push_chain(&processor->queue, pinned);
}

/* With the deadline past: as many turns as there are threads to run now. */
static void plan_turns(struct vci_processor *processor)
{
	processor->leaving = false;
	processor->turns = 0;
	vci_timers_expire(&processor->timers, vci_clock());
	processor->polls = processor->serves_until <= vci_clock();
	if (processor->polls) {
		vci_inbox_take(&processor->inbox, processor);
		vci_inbox_take(&processor->runtime->inbox, processor);
		processor->turns = processor->queue.length;
	}
}

/* Runs threads until the deadline, or a turn each. */
static void serve(struct vci_kthread *m, vcore_instant deadline)
{
	struct vci_processor *processor = m->processor;

	vci_tick_move(processor, m);
	vci_kthread_begin(m);
	processor->serves_until = deadline;
	plan_turns(processor);
	vci_idle_run(m);
	processor->polls = false;
	pass_on(processor);
}

int vci_runtime_serve(struct vcore_runtime *runtime, vcore_instant deadline)
{
	struct vci_kthread *m;
	int server = enter_service(runtime);
	int error = 0;

	if (server < 0) {
		return server;
	}
	m = runtime->processors[runtime->n_processors + (unsigned)server].kthread;
	if (m->signal_stack.pages == NULL) {
		error = vci_signal_stack_make(&m->signal_stack);
	}
	if (error == 0) {
		error = vci_kthread_take_up(m) ? 0 : -EAGAIN;
		if (error == 0) {
			serve(m, deadline);
		}
		vci_kthread_lay_down(m);
	}
	leave_service(runtime, (unsigned)server);
	if (error == 0 && is_finished(runtime)) {
		error = -ESHUTDOWN;
	}
	__atomic_fetch_sub(&runtime->servers, 1, __ATOMIC_RELEASE); /* the last touch */
	return error;
}
