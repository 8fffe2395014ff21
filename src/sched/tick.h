/*
 * When a processor is interrupted.
 *
 * A tick is a SIGALRM to the kernel thread that carries the processor.  It is
 * armed only while something is due there: a thread that runs alone is left
 * alone.  It fires once, and the handler (preempt.c) arms it again if need be.
 *
 * Invariants, where there are ticks at all
 *	T1  A processor that runs a thread, and has others in its queue or in
 *	    its inbox, has its tick armed within a quantum (`soon`).
 *	T2  One that runs a thread has its tick armed no later than at the
 *	    earliest of its own timers.
 *	T3  If something is in the inbox of all, and nobody is idle or searches,
 *	    processors that run threads have their ticks armed within a quantum.
 *	T4  An `at` that has passed stands for a signal that is on its way, or for a
 *	    timer that the handler has set to come again.  One that came while
 *	    M had no `current` is noted as `missed`: M looks when it has one.
 *	T5  Who arms reads `soon` after it queued; the handler clears it before it
 *	    looks; both with a full fence between, or under the lock: one sees the
 *	    other.
 *	T6  One whose kernel thread is an online reader (rcu.h) has its tick armed
 *	    within a quantum.
 *	T7  One that runs a thread of an exclusive space, while threads of others are
 *	    held, has its tick armed no later than when that space's slice is over; and
 *	    each no later than when somebody must look after them (gang.h, G6).
 *
 * The lock is never taken by a handler that interrupted the library: its holder
 * may be below.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef VCI_TICK_H
#define VCI_TICK_H

#include "sched/sched.h"

/* Ticks that could do nothing come again after so long; later doubled each time. */
#define VCI_TICK_RETRY_NS INT64_C(100000)

void vci_tick_arm_soon(struct vci_processor *processor);
void vci_tick_arm_by(struct vci_processor *processor, vcore_instant at);

/* Something is runnable behind the thread that the processor runs. */
static inline void vci_tick_soon(struct vci_processor *processor)
{
	if (unlikely(!__atomic_load_n(&processor->tick.soon, __ATOMIC_RELAXED))) {
		vci_tick_arm_soon(processor);
	}
}

/* Something is due at an instant. */
static inline void vci_tick_by(struct vci_processor *processor, vcore_instant at)
{
	if (unlikely(at < __atomic_load_n(&processor->tick.at, __ATOMIC_RELAXED))) {
		vci_tick_arm_by(processor, at);
	}
}

/* Whatever it runs: at once. */
void vci_tick_now(struct vci_processor *processor);

/* Something is in the inbox of all, and nobody idle to take it: T3. */
void vci_tick_all(struct vcore_runtime *runtime);

/* Its own kernel thread is about to run a thread, or goes on with one. */
void vci_tick_go_on(struct vci_processor *processor);

/* The same in the handler, whose thread will be queued behind the next. */
void vci_tick_leave(struct vci_processor *processor);

/*
 * By who handles it, and may take the lock: none is armed, and none will be
 * until go_on.  False: it is not due yet.
 */
bool vci_tick_begin(struct vci_processor *processor, vcore_instant now);

/*
 * By a call, which does what a tick could not: that one need not come again, and the
 * next comes in a quantum, or when something is due.  False: none is due.
 */
bool vci_tick_catch_up(struct vci_processor *processor);

/*
 * In the handler, after go_on: what was due then could not be done, and is due still.
 * A call does it at once, or the tick when it comes again.
 */
void vci_tick_owe(struct vci_kthread *m, vcore_instant now);

/*
 * In the handler: one came that was not due.  It may have been set without the
 * lock (by a handler that comes again, or a destroyer), and replaced one that was.
 */
void vci_tick_not_due(const struct vci_kthread *m);

/* After how long a tick of m is to come again, since it could do nothing. */
int64_t vci_tick_retry_after(struct vci_kthread *m);

/* With the lock: another kernel thread carries it from now on. */
void vci_tick_move(struct vci_processor *processor, struct vci_kthread *to);

/* Of a processor that has none: the fields of a runtime that is being made. */
void vci_tick_init(struct vci_processor *processor);

#endif /* VCI_TICK_H */
