/*
 * Holds: what a thread owns, so that nothing stays owned when it ends.
 *
 * Each acquisition of a lock is noted by who acquired it, and struck out at the
 * release: a store each, for the last noted is mostly the first to go.  Only the
 * thread itself touches its notes; others while it has been left (condition.c).
 *
 * A note is the address of the object, and in its lowest bits how it is held.
 *
 * Invariant
 *	H1  Who is about to acquire makes room first, and fails if it cannot: what
 *	    is acquired can be noted.  One entry more is free: for who finds out
 *	    only in the middle that it must keep something.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef VCI_HOLDS_H
#define VCI_HOLDS_H

#include <errno.h>

#include "sched/owner.h"
#include "sync/waiters.h"

enum vci_hold {
	VCI_HOLD_LOCK,
	VCI_HOLD_TICKETLOCK,
	VCI_HOLD_READ,
	VCI_HOLD_WRITE,
	VCI_HOLD_CELL,  /* reserved or taken, of a buffer */
	VCI_HOLD_CELLS, /* all that it has, of a buffer */
	/* It was woken for a message, or a place, of a buffer, and has not tried yet. */
	VCI_HOLD_MESSAGE,
	VCI_HOLD_PLACE,
};

#define VCI_HOLD_KIND ((uintptr_t)7)

static inline uintptr_t vci_hold_note(const void *object, enum vci_hold kind)
{
	return (uintptr_t)object | (uintptr_t)kind;
}

bool vci_holds_make_room_slowly(struct vci_waiter *self);

/* Whether a note can be made at once; then the caller has its number (owner.h). */
static inline bool vci_holds_have_room(const struct vci_waiter *self)
{
	return likely(self->holds.n + 1 < self->holds.room);
}

/* False: there is no memory for more (H1). */
static inline bool vci_holds_make_room(struct vci_waiter *self)
{
	return vci_holds_have_room(self) || vci_holds_make_room_slowly(self);
}

/* Strikes out a note that is not the last; false if it is not there. */
bool vci_holds_strike_slowly(struct vci_holds *holds, uintptr_t note);

/* There is room. */
static inline void vci_holds_note(struct vci_waiter *self, uintptr_t note)
{
	struct vci_holds *holds = &self->holds;

	holds->at[holds->n] = note;
	holds->n++;
}

/* False: it is not there. */
static inline bool vci_holds_strike(struct vci_waiter *self, uintptr_t note)
{
	struct vci_holds *holds = &self->holds;

	if (likely(holds->n > 0 && holds->at[holds->n - 1] == note)) {
		holds->n--;
		return true;
	}
	return vci_holds_strike_slowly(holds, note);
}

/* Whether it is there. */
static inline bool vci_holds_has(const struct vci_waiter *self, uintptr_t note)
{
	for (uint32_t i = self->holds.n; i > 0; i--) {
		if (self->holds.at[i - 1] == note) {
			return true;
		}
	}
	return false;
}

/* A lock was acquired: notes it; the result, by the word from before. */
static inline int vci_holds_acquired(struct vci_waiter *self, uintptr_t note, uint64_t word)
{
	vci_holds_note(self, note);
	return unlikely(word & VCI_DEAD) ? -EOWNERDEAD : 0;
}

/*
 * It was woken: should it end before it has used that, somebody else is woken.
 * The note is kept apart; 0: there is none.  Returns the one from before: that of a
 * call that has faulted, and is being mended; it is kept among the others meanwhile.
 */
static inline uintptr_t vci_holds_owe(struct vci_waiter *self, uintptr_t note)
{
	uintptr_t before = self->owes;

	if (vci_holds_make_room(self) && unlikely(before != 0)) { /* so that the end looks */
		vci_holds_note(self, before);
	}
	self->owes = note;
	return before;
}

/* It has used that: it owes what it did before. */
static inline void vci_holds_owe_again(struct vci_waiter *self, uintptr_t before)
{
	if (unlikely(before != 0)) {
		(void)vci_holds_strike(self, before);
	}
	self->owes = before;
}

/* --- calls without a result -------------------------------------------------------------- */

/*
 * A call without a result acquires a lock whose owner has ended, or cannot:
 * panics.  But who is to end does so instead, for where many end one after the
 * other each finds what the one before has left.
 */
void vci_holds_fail(const char *function, int result) __attribute__((noreturn, cold));

/* The caller's waiter, of a call that does not wait; NULL if there is no memory. */
static inline struct vci_waiter *vci_holds_caller(void)
{
	struct vci_waiter *self = vci_wait_caller();

	return likely(self != NULL) ? self : vci_wait_host();
}

/* The same of one that will hold more. */
static inline struct vci_waiter *vci_holds_taker(const char *function)
{
	struct vci_waiter *self = vci_holds_caller();

	if (unlikely(self == NULL || !vci_holds_make_room(self))) {
		vci_holds_fail(function, -ENOMEM);
	}
	return self;
}

/* A lock was tried: whether it was acquired, and the word from before. */
static inline bool vci_holds_tried(const char *function, struct vci_waiter *self, uintptr_t note,
				   bool acquired, uint64_t word)
{
	int result = word & VCI_LOST ? -ENOTRECOVERABLE : 0;

	if (acquired) {
		result = vci_holds_acquired(self, note, word);
	}
	if (unlikely(result != 0)) {
		vci_holds_fail(function, result);
	}
	return acquired;
}

/* --- what becomes of it when the owner ends: given by what is held ---------------------- */

void vci_mutex_abandon(struct vci_waiters *mutex, bool fifo);
void vci_rwlock_abandon_read(struct vci_waiters *rwlock);
void vci_rwlock_abandon_write(struct vci_waiters *rwlock);

struct vcore_buffer;
void vci_buffer_abandon(struct vcore_buffer *buffer, struct vci_waiter *self, bool all);
void vci_buffer_pass_on(struct vcore_buffer *buffer, bool to_send);
/* In a child of fork: nobody waits. */
void vci_buffer_reset(struct vcore_buffer *buffer);

#endif /* VCI_HOLDS_H */
