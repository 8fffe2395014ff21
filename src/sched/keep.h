/*
 * Threads that are KEPT, and how those of exclusive spaces are.
 *
 * Mostly the kernel thread of a thread that is KEPT waits in the handler of the
 * tick, on the thread's stack.  The stack of a thread of an exclusive space may be
 * closed meanwhile.  So its kernel thread leaves it for its own, as at any
 * switch (VCI_KEEP, VCI_STOP), with `keeps` set; gives its processor to another
 * from there, and waits as a spare does, but goes on with that thread alone.  Its
 * frame of the handler lies on the thread's stack, and SIGALRM stays blocked.
 *
 * On its own stack it can do more than in the handler: the thread's space may be
 * closed, and another opened for who comes next.  And if there is no kernel thread
 * for anybody else it goes back, or waits with its processor until it may.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef VCI_KEEP_H
#define VCI_KEEP_H

#include "sched/sched.h"

/* m keeps the thread from now on, and has no processor; once it is queued, it may be given one. */
void vci_keep_begin(struct vci_kthread *m, struct vcore_thread *thread);

/* m has a processor, and goes on with it. */
void vci_keep_end(struct vci_kthread *m, struct vcore_thread *thread);

/* Who gets the processor of a kernel thread that is in the handler of a tick. */
struct vci_successor {
	struct vci_kthread *m;
	struct vcore_thread *next; /* NULL: the one that m keeps, or there is none */
	bool passes;               /* the processor stays inside with it: gang.h */
};

/*
 * For one of priority `least` or above.  False: nobody is to run, or there is no
 * kernel thread for who is.
 */
bool vci_keep_choose(struct vci_kthread *m, int least, struct vci_successor *successor);

/* On m's own stack, and `keeps` is set: gives the processor away, or goes on. */
void vci_keep_turn(struct vci_kthread *m);

#endif /* VCI_KEEP_H */
