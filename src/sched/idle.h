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
 *	    enters the list, and stops counting as searching in the same step,
 *	    makes a heavy fence, and looks at all queues once more.  One sees the
 *	    other: no work waits while all are parked.
 *	I3  A searcher that finds work, and was the last one, wakes another if
 *	    there may be more.
 *	I4  A parked processor was taken out of the list by whom it is woken by,
 *	    and then counts as searching.  So was one whose kernel thread lost
 *	    it; that one is a spare, finds `taken` set, and does nothing about
 *	    what it saw: who took the processor looked after that (I3).
 *	I5  While any processor is parked and any timer is set, one of the
 *	    parked, the watcher, sleeps no longer than to the earliest of all
 *	    timers; a processor that goes on running after it set an earlier
 *	    one wakes a parked processor to see to it.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef VCI_IDLE_H
#define VCI_IDLE_H

#include "sched/tick.h"

/*
 * Runs threads until the runtime is over, a server's time is up, or the kernel
 * thread has no processor any more.
 */
void vci_idle_run(struct vci_kthread *m);

/*
 * m, which has none, takes a processor that is parked and may run the thread;
 * false: there is none.
 */
bool vci_idle_take(struct vci_kthread *m, const struct vcore_thread *thread);

/* False: there was none. */
bool vci_idle_wake_any(struct vcore_runtime *runtime);

/* There is work in a queue that others may take from. */
static inline void vci_idle_wake_one(struct vcore_runtime *runtime)
{
	vci_fence_light(); /* pairs with the heavy fence in vci_park: I2 */
	if (unlikely(__atomic_load_n(&runtime->idle, __ATOMIC_RELAXED) != 0 &&
		     __atomic_load_n(&runtime->searching, __ATOMIC_RELAXED) == 0)) {
		(void)vci_idle_wake_any(runtime);
	}
}

/* There is more in its queue than the thread that it runs: for others, or later. */
static inline void vci_idle_offer(struct vci_processor *processor)
{
	vci_tick_soon(processor);
	vci_idle_wake_one(processor->runtime);
}

/* There is work in that processor's inbox. */
void vci_idle_wake(struct vci_processor *processor);

/* A timer was set: some parked processor must not oversleep it (I5). */
void vci_idle_watch(struct vcore_runtime *runtime, vcore_instant deadline);

/* Wakes every parked processor. */
void vci_idle_wake_all(struct vcore_runtime *runtime);

#endif /* VCI_IDLE_H */
