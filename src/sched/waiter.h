/*
 * Claiming and waking waiters: see struct vci_waiter in sched.h.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef VCI_WAITER_H
#define VCI_WAITER_H

#include "sched/sched.h"

static inline enum vci_claim vci_claim_state(uint64_t word)
{
	return (enum vci_claim)(word & VCI_CLAIM_STATE);
}

/* Whose place in an object's order it is. */
static inline struct vci_waiter *vci_waiter_of(struct vci_ordered *node)
{
	return (struct vci_waiter *)((char *)node - offsetof(struct vci_waiter, node));
}

/*
 * By publish, the last step before the object is unlocked: from here on the
 * waiter may be claimed, and its record must not be touched.
 */
void vci_waiter_commit(struct vci_waiter *waiter);

/*
 * Of one that waits for several objects, instead: before it is put into the
 * first, and when it is in all, none of them locked.  False: it was claimed
 * meanwhile.
 */
void vci_waiter_enroll(struct vci_waiter *waiter);
bool vci_waiter_enrolled(struct vci_waiter *waiter);

/*
 * Claims a waiter that was found in a structure, with its lock held.  True: it
 * is the caller's, who must wake it, after the structure was unlocked.
 */
bool vci_waiter_claim(struct vci_waiter *waiter, enum vci_claim reason);

/*
 * Claims, as destroyed, the very wait that `word` was read from.  True: as
 * above.
 */
bool vci_waiter_destroy(struct vcore_thread *thread, uint64_t word);

/*
 * Instead of waking a claimed waiter: it waits on, for an object into which the
 * caller has put it, without deadline, and cannot be destroyed meanwhile.  The
 * last step before that object is unlocked, like commit.
 */
void vci_waiter_divert(struct vci_waiter *waiter);

/* Wakes one claimed waiter: it may be gone when this returns. */
void vci_waiter_wake(struct vci_waiter *waiter);

/* Wakes a chain of claimed waiters, linked by node.next, in order. */
void vci_waiter_wake_chain(struct vci_ordered *chain);

/* Makes a claimed, or otherwise exclusively held, thread runnable. */
void vci_ready(struct vcore_thread *thread);

#endif /* VCI_WAITER_H */
