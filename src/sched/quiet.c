/*
 * Whether anything can still happen in a runtime: see quiet.h.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "sched/quiet.h"

#include "sched/census.h"
#include "sched/idle.h"
#include "sched/inbox.h"
#include "sched/rcu.h"
#include "sched/timers.h"

/*
 * With idle_lock: all processors are parked, or about to be, and none will find
 * anything.  What is pinned to a server that nobody serves does not count.
 */
static bool is_quiet(const struct vcore_runtime *runtime)
{
	/* Acquire: who came back queued its thread before it ceased to be let go. */
	if (__atomic_load_n(&runtime->let_go, __ATOMIC_ACQUIRE) != 0 ||
	    runtime->idle != runtime->n_processors || !vci_inbox_is_empty(&runtime->inbox)) {
		return false;
	}
	for (uint32_t i = 0; i < runtime->n_processors; i++) {
		const struct vci_processor *processor = &runtime->processors[i];

		if (!processor->idle || !vci_inbox_is_empty(&processor->inbox) ||
		    vci_queue_length(&processor->queue) != 0) {
			return false;
		}
	}
	return vci_timers_earliest(runtime) == VCORE_NEVER && vci_census_alive(runtime) > 0;
}

/*
 * Quiet, and nobody is in the process but its kernel threads, the reclaimer,
 * which has nothing to do, and who waits for the runtime: what waits now waits
 * forever.  The kernel threads are counted
 * between two looks that find the same, so that nobody who might have been
 * counted has come, woken a thread, and gone.
 */
bool vci_quiet_is_deadlocked(struct vcore_runtime *runtime)
{
	uint64_t wakes;
	bool quiet;

	if (!runtime->ends_on_deadlock) {
		return false;
	}
	vci_spin_lock(&runtime->idle_lock);
	quiet = !runtime->deadlocked && is_quiet(runtime);
	wakes = runtime->wakes;
	vci_spin_unlock(&runtime->idle_lock);
	if (!quiet ||
	    vci_task_count() != vci_runtime_kernel_threads(runtime) + vci_reclaim_idle() + 1) {
		return false;
	}
	vci_spin_lock(&runtime->idle_lock);
	quiet = !runtime->deadlocked && is_quiet(runtime) && wakes == runtime->wakes;
	if (quiet) {
		__atomic_store_n(&runtime->deadlocked, true, __ATOMIC_RELEASE);
	}
	vci_spin_unlock(&runtime->idle_lock);
	return quiet;
}

/* Servers that are parked would not see that they need not come again. */
static void send_servers_home(struct vcore_runtime *runtime)
{
	for (uint32_t i = 0; i < runtime->n_servers; i++) {
		vci_idle_wake(&runtime->processors[runtime->n_processors + i]);
	}
}

/* Who drains waits for the end; until then its own calls may be under way. */
void vci_quiet_check(struct vcore_runtime *runtime)
{
	if (vci_census_is_empty(runtime)) {
		send_servers_home(runtime);
	}
	if (__atomic_load_n(&runtime->draining, __ATOMIC_ACQUIRE) &&
	    (vci_census_alive(runtime) == 0 || vci_quiet_is_deadlocked(runtime))) {
		runtime->on_drained(runtime);
	}
}
