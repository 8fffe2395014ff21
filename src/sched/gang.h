/*
 * Exclusive spaces: the threads of at most one of them run at a time, all over the
 * process.
 *
 * A thread of an exclusive space runs on a stack that lies in it, and cannot take
 * a step while the space is closed.  So whoever is about to go to its stack asks
 * the gate first, and tells it when the stack was left.  The gate lets threads of
 * one space in, which it has opened; those of others are held back, out of all
 * queues.  When the last one inside has left, the next space that waits is opened,
 * and its threads that were held are made runnable again.
 *
 * Inside are
 *	- processors that run a thread of the space, from when it was let in until
 *	  its stack was left (by whom it was left for: switch.c)
 *	- threads that were let go (DETACHED) and run on, away from a processor.
 * Who is KEPT is not inside: its kernel thread waits on its own stack (keep.h).
 *
 * A space that others wait for has a slice, from when it was opened.  When that is
 * over it is closing: nobody is let in any more, and who is inside leaves at the
 * next tick, or call.  While nobody is held a space stays open, its threads come
 * and go, and there are no system calls.
 *
 * The two ways to ask:
 *	enter	on a stack that lies in no exclusive space, where the one that is
 *		open can be closed: the thread is let in, or held
 *	join	anywhere: let in, if its space is open and not closing, or nothing
 *		has happened
 * From thread to thread of one space the processor stays inside (vci_gang_passes).
 *
 * Invariants
 *	G1  A stack of an exclusive space is touched only by a kernel thread that is
 *	    inside, or has its own thread there; and by the kernel for it.
 *	    `open` changes only while nobody is inside.
 *	G2  At most one exclusive space that has threads is open, but between the
 *	    two halves of a change (`changing`), when the old one is being closed
 *	    first.  Nobody is let in then but who makes the change.
 *	G3  A thread that is held is RUNNABLE, and in the list of its gang, and in
 *	    no queue.  A gang is in the list of those that wait exactly while it
 *	    has held threads, or one that tries again and again (keep.h); the next
 *	    one to be opened is the first.
 *	G4  While any wait, somebody is inside; or the open one was `called`: its
 *	    threads were sent, and one of them is to come.  Until then, or until
 *	    its slice is over, nobody else is let in: else who has just left would
 *	    come back before them, again and again.
 *	G5  While any wait, `vci_gang_until` is the end of the slice, and the tick
 *	    of each processor inside is armed no later (tick.h, T7).
 *	G6  While any wait, somebody looks at `vci_gang_look_at` (as at timers): for
 *	    those who were called and do not come, being pinned where nobody serves,
 *	    or behind others; and to count stalls.
 *	G7  What others touch of a waiting thread lies in its control block, which is
 *	    outside, or in areas that it has outside (resident.h).
 *
 * So a space whose threads are held is open after at most the slices of those that
 * wait before it, and of the open one; plus, for each, as long as its threads stay
 * inside after their slice: in a system call or other foreign code (a stall), with
 * preemption disabled, in a read section, or where there are no ticks; and, to be
 * put off, a spare.
 *
 * Order of locks: the gate's, then that of a tick.  Threads are sent, and spaces
 * opened and closed, without it.
 *
 * Model: doc/models/gang.pml.
 *
 * Source: J. Ousterhout, Scheduling Techniques for Concurrent Systems (1982).
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef VCI_GANG_H
#define VCI_GANG_H

#include "sched/sched.h"

/*
 * Atomic; VCORE_NEVER while nobody is held.  When the open one's slice is over, and
 * when somebody is to look.
 */
extern vcore_instant vci_gang_until, vci_gang_look_at;

/* A space gets a thread, its first perhaps; has one less.  0, or -ENOMEM. */
int vci_gang_begin(struct vcore_space *space);
void vci_gang_end(struct vcore_space *space);

/* The processor is about to run the thread.  False: it is held. */
bool vci_gang_enter(struct vci_processor *processor, struct vcore_thread *thread);

/*
 * The same, but false: it is not held; somebody must try again.  Meanwhile its space
 * waits for its turn.
 */
bool vci_gang_try(struct vci_processor *processor, struct vcore_thread *thread);

/* False: nothing has happened.  On any stack. */
bool vci_gang_join(struct vci_processor *processor, struct vcore_thread *thread);

/* Its thread was left. */
void vci_gang_leave(struct vci_processor *processor);

/* Its thread was let go: inside, without it.  NULL: and the processor stays. */
void vci_gang_let_go(struct vci_processor *processor);

/* A thread that was let go has a processor again; or was left without one. */
void vci_gang_come_back(struct vci_processor *processor);
void vci_gang_leave_alone(void);

/* The instant has come to look. */
void vci_gang_look(vcore_instant now);

/* In a child of fork, where there are no threads. */
void vci_gang_reset(void);

/* Whether the space is one that the thread cannot touch (NULL: of no space). */
bool vci_gang_is_closed_to(const struct vcore_space *space, const struct vcore_thread *thread);

static inline bool vci_gang_has(const struct vcore_thread *thread)
{
	return (thread->flags & VCI_THREAD_EXCLUSIVE) != 0;
}

static inline bool vci_gang_slice_is_over(void)
{
	vcore_instant until = __atomic_load_n(&vci_gang_until, __ATOMIC_RELAXED);

	return unlikely(until != VCORE_NEVER) && until <= vci_clock();
}

/* Whether the thread, which is inside, is to leave. */
static inline bool vci_gang_is_over(const struct vcore_thread *thread)
{
	return unlikely(vci_gang_has(thread)) && vci_gang_slice_is_over();
}

/* Whether a processor may go from one to the other, and stay inside. */
static inline bool vci_gang_passes(const struct vcore_thread *from, const struct vcore_thread *to)
{
	return (from->flags & to->flags & VCI_THREAD_EXCLUSIVE) && from->space == to->space &&
	       !vci_gang_slice_is_over();
}

#endif /* VCI_GANG_H */
