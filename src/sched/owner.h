/*
 * Owners: what a lock's word says of who owns it.
 *
 * An owner is a number of 32 bits: that of its runtime, and the index of its
 * control block; or HOSTS, and the index of a pthread's record.  Control blocks
 * are type-stable while their runtime is open (S4), so that a thread of the same
 * runtime may look at the owner it has read, though it may have ended.  Who ends
 * while it owns a lock is taken out of the word first (sync/holds.h): so a
 * number that is found there is of somebody who lives.
 *
 * The words of lock, ticketlock and rwlock are alike in this
 *	OWNED	the upper half says who owns it, or writes
 *	DEAD	an owner ended without releasing it
 *	LOST	the next one released it without saying that all is well again
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef VCI_OWNER_H
#define VCI_OWNER_H

#include "sched/sched.h"

#define VCI_OWNED       UINT64_C(4)
#define VCI_DEAD        UINT64_C(32)
#define VCI_LOST        UINT64_C(64)
#define VCI_OWNER_SHIFT 32
#define VCI_OWNER_LOW   UINT64_C(0xffffffff) /* the rest of the word */

#define VCI_OWNER_INDEX_BITS 24
#define VCI_OWNER_HOSTS      255u /* in the place of a runtime's number, 1 … 254 */

/* Gives the caller a number, at its first need. */
uint32_t vci_owner_number(struct vci_waiter *self);

/* The caller's, as it stands in the word of a lock it owns. */
static inline uint64_t vci_owner_mark(struct vci_waiter *self)
{
	uint32_t id = self->id;

	if (unlikely(id == 0)) {
		id = vci_owner_number(self);
	}
	return (uint64_t)id << VCI_OWNER_SHIFT | VCI_OWNED;
}

static inline uint64_t vci_owner_of(uint64_t word)
{
	return (word & VCI_OWNED) != 0 ? word & (~VCI_OWNER_LOW | VCI_OWNED) : 0;
}

/* The word when the owner has released it. */
static inline uint64_t vci_owner_clear(uint64_t word)
{
	return word & VCI_OWNER_LOW & ~VCI_OWNED;
}

/* Of the control block. */
static inline uint32_t vci_owner_index(uint64_t mark)
{
	return ((uint32_t)(mark >> VCI_OWNER_SHIFT) & ((UINT32_C(1) << VCI_OWNER_INDEX_BITS) - 1)) -
	       1;
}

static inline bool vci_owner_is_host(uint64_t mark)
{
	return mark >> (VCI_OWNER_SHIFT + VCI_OWNER_INDEX_BITS) == VCI_OWNER_HOSTS;
}

/* The thread, if it is one of that runtime; it may end at any instant. */
struct vcore_thread *vci_owner_thread(struct vcore_runtime *runtime, uint64_t mark);

/* Panics: the caller does not own the lock, and who does, by its word. */
void vci_owner_refuse(const char *function, uint64_t word) __attribute__((noreturn, cold));

/* Whether a thread of the runtime runs; it may have ended. */
bool vci_owner_runs(const struct vcore_runtime *runtime, const struct vcore_thread *thread);

/*
 * Whether it is worth a moment's waiting that the owner releases: for a thread,
 * if the owner runs on another processor; for a pthread, and of pthreads, which
 * the library cannot see, if there are other CPUs.
 */
bool vci_owner_may_release_soon(const struct vci_kthread *m, uint64_t mark);

/*
 * How long that is: looks at the object, with pauses between them, each four
 * times as long as the one before.  The pauses must be long: a lock that is
 * looked at all the time is slow for its owner, and who gets it after a short
 * one will be disturbed by the next after a short one.
 */
struct vci_patience {
	unsigned looks, pause;
};

/* In all 340 pauses, some 5 to 20 µs. */
#define VCI_PATIENCE_LOOKS 4
#define VCI_PATIENCE_PAUSE 4

/* False: it is used up. */
static inline bool vci_patience_pause(struct vci_patience *patience)
{
	if (patience->looks == 0) {
		return false;
	}
	patience->looks--;
	for (unsigned i = 0; i < patience->pause; i++) {
		vci_relax();
	}
	patience->pause *= 4;
	return true;
}

#endif /* VCI_OWNER_H */
