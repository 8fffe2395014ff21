/*
 * Holds: see holds.h.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "sync/holds.h"

#include "sched/end.h"

#define ROOM_FAR 512 /* entries: a page */

/* Of the word of any lock: who holds it, and whether one before has ended so. */
#define VCI_HELD_ALONE (~VCI_OWNER_LOW | VCI_OWNED | VCI_DEAD)

static size_t bytes_of(uint32_t room)
{
	return room * sizeof(uintptr_t);
}

static void begin(struct vci_waiter *self)
{
	self->holds.at = self->holds.near;
	self->holds.room = VCI_HOLDS_NEAR;
	self->owes = 0;
	if (!self->host) {
		vci_waiter_thread(self)->has_holds = true;
	}
}

static void give_back(const struct vci_holds *holds)
{
	if (holds->at != holds->near) {
		vci_pages_release(holds->at, bytes_of(holds->room));
	}
}

bool vci_holds_make_room_slowly(struct vci_waiter *self)
{
	struct vci_holds *holds = &self->holds;
	uint32_t room = holds->at != holds->near ? 2 * holds->room : ROOM_FAR;
	uintptr_t *far;

	if (holds->room == 0) {
		begin(self);
		return true;
	}
	far = vci_pages_reserve(bytes_of(room));
	if (far == NULL) {
		return false;
	}
	for (uint32_t i = 0; i < holds->n; i++) {
		far[i] = holds->at[i];
	}
	give_back(holds);
	holds->at = far;
	holds->room = room;
	return true;
}

bool vci_holds_strike_slowly(struct vci_holds *holds, uintptr_t note)
{
	uint32_t i = holds->n;

	do {
		if (i == 0) {
			return false;
		}
		i--;
	} while (holds->at[i] != note);
	holds->n--;
	for (; i < holds->n; i++) {
		holds->at[i] = holds->at[i + 1];
	}
	return true;
}

static void abandon(struct vci_waiter *self, uintptr_t note)
{
	struct vci_waiters *object = (struct vci_waiters *)(note & ~VCI_HOLD_KIND);

	switch ((enum vci_hold)(note & VCI_HOLD_KIND)) {
	case VCI_HOLD_LOCK:
		vci_mutex_abandon(object, false);
		break;
	case VCI_HOLD_TICKETLOCK:
		vci_mutex_abandon(object, true);
		break;
	case VCI_HOLD_READ:
		vci_rwlock_abandon_read(object);
		break;
	case VCI_HOLD_WRITE:
		vci_rwlock_abandon_write(object);
		break;
	case VCI_HOLD_CELL:
	case VCI_HOLD_CELLS:
		vci_buffer_abandon((struct vcore_buffer *)object, self,
				   (note & VCI_HOLD_KIND) == VCI_HOLD_CELLS);
		break;
	case VCI_HOLD_MESSAGE:
	case VCI_HOLD_PLACE:
		vci_buffer_pass_on((struct vcore_buffer *)object,
				   (note & VCI_HOLD_KIND) == VCI_HOLD_PLACE);
		break;
	}
}

void vci_holds_reset(struct vci_waiter *self)
{
	for (uint32_t i = 0; i < self->holds.n; i++) {
		struct vci_waiters *object =
			(struct vci_waiters *)(self->holds.at[i] & ~VCI_HOLD_KIND);

		if ((self->holds.at[i] & VCI_HOLD_KIND) >= VCI_HOLD_CELL) {
			vci_buffer_reset((struct vcore_buffer *)object);
			continue;
		}
		object->order = NULL;
		object->word &= VCI_HELD_ALONE;
	}
}

void vci_holds_abandon(struct vci_waiter *self)
{
	struct vci_holds *holds = &self->holds;

	if (self->owes != 0) {
		abandon(self, self->owes);
		self->owes = 0;
	}
	while (holds->n > 0) {
		holds->n--;
		abandon(self, holds->at[holds->n]);
	}
	give_back(holds);
	holds->at = NULL;
	holds->room = 0;
}

void vci_holds_fail(const char *function, int result)
{
	const char *breach = "there is no memory to wait with, or to note what is held";

	if (result == -EOWNERDEAD) {
		breach = "a thread that owned the lock has ended without releasing it";
	} else if (result == -ENOTRECOVERABLE) {
		breach = "a thread that owned the lock has ended, and what it guards was not "
			 "recovered";
	}
	vci_wait_pass();
	vci_panic(function, breach);
}
