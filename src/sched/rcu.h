/*
 * Read sections: what they ask of kernel threads, and forbid.
 *
 * A green thread reads through its kernel thread, which becomes a reader of
 * liburcu's (platform.h) at the first section, and online at the first of each
 * time that it runs threads.  Online it stays, so that a section costs neither a
 * fence nor shared memory; but it says that it is quiescent every so many
 * sections, and every so many choices of its processor, and goes offline at
 * every tick and when it has nothing to run.  So nobody else pays.
 *
 * Invariants
 *	R1  In a section (`nesting` > 0) the kernel thread is online, and the same
 *	    from beginning to end: the door is closed, and a call that would switch
 *	    finds that out behind it and panics; a tick does nothing (place.c);
 *	    destroy does not act (end.h).
 *	R2  A kernel thread that is online runs threads: it goes offline when it
 *	    loses its processor, or has nothing to run, or ends.
 *	R3  While it is online its processor's tick is armed within a quantum
 *	    (tick.h, T6), and takes it offline, if it is not in a section; else the
 *	    end of the section is a quiescent state.
 *	R4  A pthread is online in sections only: between them it owes nothing.
 *	R5  Who goes offline, in a handler or not, finds `nesting` 0 and is not in a
 *	    call-out; who begins a section raises it before it looks whether it is
 *	    online.
 *
 * The count is the kernel thread's, since the green thread has no other in
 * between; and so one for pthreads, too.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef VCI_RCU_H
#define VCI_RCU_H

#include "sched/sched.h"

/* Whether the caller is in a read section. */
static inline bool vci_rcu_is_inside(void)
{
	return vci_local()->reader.nesting > 0;
}

/*
 * Panics if it is, for `function` may switch, or end the thread.  The section is
 * over then: the hook of the panic may end the thread.
 */
#define VCI_RCU_NO_WAIT "the caller is in a read section, where nothing may wait"
void vci_rcu_refuse_inside(const char *function, const char *breach);

/* The thread ends of a fault: the section it is in is over, if it is in one. */
void vci_rcu_abandon(void);

/* The kernel thread is outside of sections: quiescent, if it is a reader. */
void vci_rcu_pass(void);

/* The same, and it has nothing to run: offline. */
void vci_rcu_rest(void);

/* The same, and it is no reader any more, unless the program said that it is. */
void vci_rcu_leave(void);

/* In the handler of a tick. */
void vci_rcu_tick(void);

/* In the handler, which wants others to run: closes the door. */
void vci_rcu_close_door(void);

/*
 * Given by comm/rcu.c: around fork; and how many kernel threads of the library's
 * wait for something to reclaim, and will do nothing before there is.
 */
void vci_reclaim_before_fork(void);
void vci_reclaim_after_fork_in_parent(void);
void vci_reclaim_after_fork_in_child(void);
unsigned vci_reclaim_idle(void);

#endif /* VCI_RCU_H */
