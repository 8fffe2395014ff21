/*
 * Idle processors: searching, parking, and waking them.
 *
 * A processor with nothing to run *searches* for a while: it looks at inboxes,
 * at other processors' queues and at timers.  If it finds nothing, it *parks*
 * on a futex.  Waking a parked one is dear (20 to 60 µs on a virtual machine),
 * so that one is woken only when there is work and nobody searches.  If all
 * there is is a lone thread that its processor will mostly run next itself (two
 * threads that wake each other in turn), it *dozes*: it still counts as
 * searching, so that nobody wakes it, but looks only now and then.
 *
 * Invariants
 *	I1  `searching` counts processors that will look everywhere again before
 *	    they park; `idle` those in the list of idlers.
 *	I2  Who queues work makes a light fence, then looks at both; who parks
 *	    enters the list, stops counting as searching, makes a heavy fence,
 *	    and looks at all queues once more.  One sees the other: no work
 *	    waits while all are parked.
 *	I3  A searcher that finds work, and was the last one, wakes another if
 *	    there may be more.
 *	I4  A parked processor was taken out of the list by whom it is woken by,
 *	    and then counts as searching.
 *	I5  While any processor is parked and any timer is set, one of the
 *	    parked, the watcher, sleeps no longer than to the earliest of all
 *	    timers; a processor that goes on running after it set an earlier
 *	    one wakes a parked processor to see to it.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef VCI_IDLE_H
#define VCI_IDLE_H

#include "sched/sched.h"

/* Runs threads until the runtime is over, or a server's time is up. */
void vci_idle_run(struct vci_kthread *m);

void vci_idle_wake_any(struct vcore_runtime *runtime);

/* There is work in a queue that others may take from. */
static inline void vci_idle_wake_one(struct vcore_runtime *runtime)
{
	vci_fence_light(); /* pairs with the heavy fence in park: I2 */
	if (unlikely(__atomic_load_n(&runtime->idle, __ATOMIC_RELAXED) != 0 &&
		     __atomic_load_n(&runtime->searching, __ATOMIC_RELAXED) == 0)) {
		vci_idle_wake_any(runtime);
	}
}

/* There is work in that processor's inbox. */
void vci_idle_wake(struct vci_processor *processor);

/* A timer was set by a processor that now runs a thread: I5. */
void vci_idle_watch(struct vcore_runtime *runtime, vcore_instant deadline);

/* Wakes every parked processor. */
void vci_idle_wake_all(struct vcore_runtime *runtime);

#endif /* VCI_IDLE_H */
