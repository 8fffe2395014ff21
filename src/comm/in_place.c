/*
 * Messages that are made, or used, in place: see vcore/buffer.h.
 *
 * A cell that a thread keeps is noted among what it holds (sync/holds.h), so that
 * it is given up when the thread ends.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "comm/buffer.h"

#define NOT_RESERVED "the calling thread has not reserved this cell"
#define NOT_TAKEN    "the calling thread has not taken this cell"

static ssize_t reserve(struct vcore_buffer *buffer, void *cell, size_t n)
{
	(void)n;
	return buffer->spsc ? vci_spsc_reserve(buffer, cell)
			    : vci_ring_reserve(buffer, vci_wait_caller(), cell);
}

static ssize_t take(struct vcore_buffer *buffer, void *cell, size_t n)
{
	(void)n;
	return buffer->spsc ? vci_spsc_take(buffer, cell)
			    : vci_ring_take(buffer, vci_wait_caller(), cell);
}

static void begin_to_keep(struct vcore_buffer *buffer, struct vci_party *party)
{
	if (buffer->spsc) {
		vci_holds_note(vci_wait_caller(), vci_hold_note(buffer, VCI_HOLD_CELL));
	}
	if (buffer->declared) {
		party->has_cell = true;
	}
}

/* Before it gives the cell back: afterwards the buffer may be gone. */
static void stop_keeping(struct vcore_buffer *buffer, struct vci_party *party)
{
	if (buffer->declared) {
		party->has_cell = false;
	}
}

/* A sender, or a receiver, gets a cell. */
static int keep(const char *function, struct vcore_buffer *buffer, bool sends, void **cell,
		vcore_instant deadline)
{
	struct vci_waiter *self;
	struct vci_party *party;
	int result;

	if (buffer == NULL) {
		vci_panic(function, "buffer is NULL");
	}
	if (cell == NULL) {
		vci_panic(function, "cell is NULL");
	}
	self = vci_wait_self(vci_wait_enter_from(function));
	if (self == NULL || !vci_holds_make_room(self)) {
		return -ENOMEM;
	}
	party = sends ? &buffer->sender : &buffer->receiver;
	vci_buffer_check(buffer, party, NULL, function);
	result = (int)vci_buffer_do(buffer, sends ? VCORE_WAIT_SEND : VCORE_WAIT_RECEIVE,
				    sends ? reserve : take, (void *)cell, 1, false, deadline);
	if (result == 0) {
		begin_to_keep(buffer, party);
	}
	return result;
}

int vcore_buffer_reserve(struct vcore_buffer *buffer, void **cell, vcore_instant deadline)
{
	return keep(__func__, buffer, true, cell, deadline);
}

int vcore_buffer_take(struct vcore_buffer *buffer, void **cell, vcore_instant deadline)
{
	return keep(__func__, buffer, false, cell, deadline);
}

/* Of the kind for one sender and one receiver.  False: the caller does not have the cell. */
static bool give_plain(struct vcore_buffer *buffer, struct vci_party *party,
		       struct vci_waiter *self, const void *cell,
		       void (*give)(struct vcore_buffer *))
{
	bool kept = party->has_cell && cell == buffer->cells + party->index * buffer->stride &&
		    vci_holds_strike(self, vci_hold_note(buffer, VCI_HOLD_CELL));

	if (kept) {
		stop_keeping(buffer, party);
		give(buffer);
	}
	return kept;
}

/* Of a ring. */
static bool give_turned(struct vcore_buffer *buffer, struct vci_party *party,
			struct vci_waiter *self, void *cell,
			bool (*give)(struct vcore_buffer *, struct vci_waiter *, void *))
{
	bool has_cell = party->has_cell;
	bool given;

	stop_keeping(buffer, party);
	given = give(buffer, self, cell);
	if (!given && buffer->declared) {
		party->has_cell = has_cell;
	}
	return given;
}

/* A sender's, or a receiver's, cell. */
static void give_back(const char *function, struct vcore_buffer *buffer, bool sends, void *cell,
		      void (*plain)(struct vcore_buffer *),
		      bool (*turned)(struct vcore_buffer *, struct vci_waiter *, void *))
{
	struct vci_waiter *self = vci_wait_caller();
	struct vci_party *party;
	bool given;

	if (buffer == NULL) {
		vci_panic(function, "buffer is NULL");
	}
	party = sends ? &buffer->sender : &buffer->receiver;
	given = self != NULL && (buffer->spsc ? give_plain(buffer, party, self, cell, plain)
					      : give_turned(buffer, party, self, cell, turned));
	if (!given) {
		vci_panic(function, sends ? NOT_RESERVED : NOT_TAKEN);
	}
}

void vcore_buffer_commit(struct vcore_buffer *buffer, void *cell)
{
	give_back(__func__, buffer, true, cell, vci_spsc_commit, vci_ring_commit);
}

void vcore_buffer_cancel(struct vcore_buffer *buffer, void *cell)
{
	give_back(__func__, buffer, true, cell, vci_spsc_cancel, vci_ring_cancel);
}

void vcore_buffer_done(struct vcore_buffer *buffer, void *cell)
{
	give_back(__func__, buffer, false, cell, vci_spsc_done, vci_ring_done);
}

/* True: it is this party's cell that is given up. */
static bool abandon(struct vcore_buffer *buffer, struct vci_party *party,
		    const struct vci_waiter *self)
{
	bool has = party->has_cell && party->self == self;

	if (has) {
		stop_keeping(buffer, party);
	}
	return has;
}

void vci_buffer_abandon(struct vcore_buffer *buffer, struct vci_waiter *self, bool all)
{
	bool sender = abandon(buffer, &buffer->sender, self);

	if (!sender) {
		(void)abandon(buffer, &buffer->receiver, self);
	}
	if (!buffer->spsc) {
		while (vci_ring_abandon_one(buffer, self) && all) {
		}
	} else if (sender) {
		vci_spsc_cancel(buffer);
	} else {
		vci_spsc_done(buffer);
	}
}

static void reset(struct vci_waiters *side)
{
	side->order = NULL;
	side->word &= ~(VCI_LIST | VCI_WAITERS);
}

void vci_buffer_reset(struct vcore_buffer *buffer)
{
	reset(&buffer->in);
	reset(&buffer->out);
}
