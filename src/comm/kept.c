/*
 * Cells of a ring that are made, or used, in place: see ring.c.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "comm/ring.h"

static uint32_t owner_id(struct vci_waiter *self)
{
	return (uint32_t)(vci_owner_mark(self) >> VCI_OWNER_SHIFT);
}

void vci_ring_keep(struct vcore_buffer *buffer, struct vci_waiter *self, uint64_t number,
		   enum vci_turn turn)
{
	size_t index = vci_index_of(buffer, number);

	__atomic_store_n(&buffer->owners[index], owner_id(self), __ATOMIC_RELAXED);
	__atomic_store_n(&buffer->keeps, true, __ATOMIC_RELAXED);
	vci_cell_publish(vci_cell_at(buffer, number, index), turn);
}

/* --- waking who was kept back ------------------------------------------------------ */

static bool may_be_awaited(const struct vci_waiters *side)
{
	vci_fence_full(); /* O2 */
	return (__atomic_load_n(&side->word, __ATOMIC_RELAXED) & (VCI_LIST | VCI_WAITERS)) != 0;
}

/*
 * With LIST of `in`: who receives claims numbers up to the first that is being
 * made.  What others claim meanwhile is counted as well, and wakes somebody in
 * vain.
 */
static struct vci_ordered *claim_receivers(struct vcore_buffer *buffer, uint64_t in)
{
	uint64_t out = vci_number_of(__atomic_load_n(&buffer->out.word, __ATOMIC_ACQUIRE));
	uint64_t number = out;
	struct vci_chain chain = {NULL, NULL};
	struct vci_waiter *first;

	while (number != vci_number_of(in) &&
	       !vci_cell_is(vci_cell_of(buffer, number), VCI_RESERVED) &&
	       (first = vci_waiters_claim_first(&buffer->in)) != NULL) {
		vci_chain_add(&chain, first);
		number += VCI_MESSAGE;
	}
	return chain.first;
}

void vci_ring_wake_receivers(struct vcore_buffer *buffer)
{
	struct vci_ordered *woken;
	uint64_t word;

	if (likely(!may_be_awaited(&buffer->in))) {
		return;
	}
	word = vci_waiters_lock(&buffer->in);
	woken = word & VCI_CLOSED ? vci_waiters_claim_all(&buffer->in)
				  : claim_receivers(buffer, word);
	vci_waiters_unlock(&buffer->in, word);
	vci_waiter_wake_chain(woken);
}

/* With LIST of `out`: likewise up to the first cell that is still used. */
static struct vci_ordered *claim_senders(struct vcore_buffer *buffer, uint64_t out)
{
	uint64_t in = vci_number_of(__atomic_load_n(&buffer->in.word, __ATOMIC_ACQUIRE));
	uint64_t end = vci_number_of(out) + buffer->capacity * VCI_MESSAGE;
	struct vci_chain chain = {NULL, NULL};
	struct vci_waiter *first;

	while (in != end &&
	       !vci_cell_is(vci_cell_earlier(buffer, vci_cell_of(buffer, in)), VCI_TAKEN) &&
	       (first = vci_waiters_claim_first(&buffer->out)) != NULL) {
		vci_chain_add(&chain, first);
		in += VCI_MESSAGE;
	}
	return chain.first;
}

void vci_ring_wake_senders(struct vcore_buffer *buffer)
{
	struct vci_ordered *woken;
	uint64_t word;

	if (likely(!may_be_awaited(&buffer->out))) {
		return;
	}
	word = vci_waiters_lock(&buffer->out);
	woken = claim_senders(buffer, word);
	vci_waiters_unlock(&buffer->out, word);
	vci_waiter_wake_chain(woken);
}

/* --- giving cells back ------------------------------------------------------------- */

static void commit(struct vcore_buffer *buffer, struct vci_cell cell)
{
	vci_cell_publish(cell, VCI_FULL);
	vci_ring_wake_receivers(buffer);
}

/* Who waits to receive what is behind it is told as well. */
static void cancel(struct vcore_buffer *buffer, struct vci_cell cell)
{
	vci_cell_publish(cell, VCI_SKIPPED);
	vci_ring_wake_receivers(buffer);
	vci_ring_drop_skipped(buffer);
}

void vci_ring_end_use(struct vcore_buffer *buffer, struct vci_cell cell)
{
	vci_cell_vacate(buffer, cell);
	vci_ring_wake_senders(buffer);
	vci_ring_drop_skipped(buffer); /* it may be the head since this one was taken */
}

/* A cell, at its present turn. */
static struct vci_cell present_cell(const struct vcore_buffer *buffer, size_t index,
				    enum vci_turn *turn)
{
	struct vci_cell cell = vci_cell_at(buffer, 0, index);
	uint64_t seen = vci_cell_turn(cell);

	cell.round = vci_number_of(seen);
	*turn = (enum vci_turn)(seen & VCI_BITS);
	return cell;
}

/* Takes over a cell that the caller keeps, which is found by its message; false: it does not. */
static bool find_kept(struct vcore_buffer *buffer, struct vci_waiter *self, const void *message,
		      enum vci_turn turn, struct vci_cell *cell)
{
	size_t offset = (uintptr_t)message - buffer->header - (uintptr_t)buffer->cells;
	size_t index = offset / buffer->stride;
	enum vci_turn present;

	if (index >= buffer->capacity || offset % buffer->stride != 0 ||
	    __atomic_load_n(&buffer->owners[index], __ATOMIC_RELAXED) != owner_id(self)) {
		return false;
	}
	*cell = present_cell(buffer, index, &present);
	return present == turn && vci_holds_strike(self, vci_hold_note(buffer, VCI_HOLD_CELL));
}

int vci_ring_reserve(struct vcore_buffer *buffer, struct vci_waiter *self, void **message)
{
	struct vci_run run;
	int error = vci_ring_claim_places(buffer, 1, true, &run);

	if (error == 0) {
		vci_holds_note(self, vci_hold_note(buffer, VCI_HOLD_CELL));
		vci_ring_keep(buffer, self, run.first, VCI_RESERVED);
		*message = vci_cell_message(buffer, vci_cell_of(buffer, run.first));
	}
	return error;
}

int vci_ring_take(struct vcore_buffer *buffer, struct vci_waiter *self, void **message)
{
	struct vci_run run;
	int error = vci_ring_claim_messages(buffer, 1, true, &run);

	if (error == 0) {
		vci_holds_note(self, vci_hold_note(buffer, VCI_HOLD_CELL));
		vci_ring_keep(buffer, self, run.first, VCI_TAKEN);
		*message = vci_cell_message(buffer, vci_cell_of(buffer, run.first));
	}
	return error;
}

bool vci_ring_commit(struct vcore_buffer *buffer, struct vci_waiter *self, void *message)
{
	struct vci_cell cell;
	bool found = find_kept(buffer, self, message, VCI_RESERVED, &cell);

	if (found) {
		commit(buffer, cell);
	}
	return found;
}

bool vci_ring_cancel(struct vcore_buffer *buffer, struct vci_waiter *self, void *message)
{
	struct vci_cell cell;
	bool found = find_kept(buffer, self, message, VCI_RESERVED, &cell);

	if (found) {
		cancel(buffer, cell);
	}
	return found;
}

bool vci_ring_done(struct vcore_buffer *buffer, struct vci_waiter *self, void *message)
{
	struct vci_cell cell;
	bool found = find_kept(buffer, self, message, VCI_TAKEN, &cell);

	if (found) {
		vci_ring_end_use(buffer, cell);
	}
	return found;
}

/* Cells that it kept once have other turns. */
bool vci_ring_abandon_one(struct vcore_buffer *buffer, struct vci_waiter *self)
{
	for (size_t i = 0; i < buffer->capacity; i++) {
		enum vci_turn turn;
		struct vci_cell cell = present_cell(buffer, i, &turn);

		if (__atomic_load_n(&buffer->owners[i], __ATOMIC_RELAXED) != owner_id(self)) {
			continue;
		}
		if (turn == VCI_RESERVED) {
			cancel(buffer, cell);
			return true;
		}
		if (turn == VCI_TAKEN) {
			vci_ring_end_use(buffer, cell);
			return true;
		}
	}
	return false;
}

bool vci_ring_is_kept(const struct vcore_buffer *buffer)
{
	for (size_t i = 0; buffer->keeps && i < buffer->capacity; i++) {
		enum vci_turn turn;

		(void)present_cell(buffer, i, &turn);
		if (turn == VCI_RESERVED || turn == VCI_TAKEN) {
			return true;
		}
	}
	return false;
}
