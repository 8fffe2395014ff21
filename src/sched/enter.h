/*
 * The door of the library: calls that may switch threads begin here.
 *
 * A tick that comes at an instant when it can do nothing closes the door
 * (struct vci_local): the next call that enters finds it closed, and does what
 * was due.  So does a kernel thread that was let go without a processor; and in
 * a read section (rcu.h), where it is closed, the call panics.  For all others it
 * is the one load that tells who is calling.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef VCI_ENTER_H
#define VCI_ENTER_H

#include "sched/end.h"

/* Out of line: the door is closed, or there is none. */
struct vci_kthread *vci_enter_slowly(const char *function, bool yields);

/* The calling green thread has a processor, or gets one: its kernel thread. */
struct vci_kthread *vci_enter_return(void);

/*
 * The calling kernel thread, with a processor and nothing pending; NULL for a
 * plain pthread.  May switch, but for a call that yields: it lets others run itself,
 * and once is enough.  Panics, naming the function, in a read section.
 */
static inline struct vci_kthread *vci_enter_from(const char *function, bool yields)
{
	struct vci_kthread *m = vci_local_door();

	return likely(m != NULL) ? m : vci_enter_slowly(function, yields);
}

#define vci_enter()          vci_enter_from(__func__, false)
#define vci_enter_to_yield() vci_enter_from(__func__, true)

#endif /* VCI_ENTER_H */
