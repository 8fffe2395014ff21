/*
 * Rings: buffers for any number of senders and receivers.
 *
 * The word of `in` is the number of the next message to be sent, that of `out`
 * the number of the next to be received.  A cell has a turn: the number that it
 * is for, and
 *
 *	FREE		the message with this number can be sent
 *	FULL		it can be received
 *	RESERVED	it is being made in place
 *	SKIPPED		there will be none
 *	TAKEN		it was received, and is used in place
 *
 * A sender claims a number by a compare and swap of the word of `in`, when it
 * has seen that the cell is FREE for that number; fills the cell, and publishes
 * it as FULL.  A receiver claims a number of `out` that it has seen FULL, empties
 * the cell, and publishes it as FREE for the number one round later.
 *
 * Invariants
 *	B1  out ≤ in ≤ out + capacity, up to claims that are being made.
 *	B2  A cell's turn is changed only by who has claimed its number.
 *	B3  Between claim and publication there are a few dozen instructions of
 *	    library text, or a run's copies, each of at most VCI_COPIED bytes: no
 *	    tick switches there, and a fault of the caller's memory ends the
 *	    claim (copy.h).  So others may spin for it.  Whoever keeps a cell
 *	    for longer says so in the turn, and others wait.
 *	B4  Who must wait has claimed nothing.  It may time out, be destroyed,
 *	    or be overtaken, and leaves no gap.
 *	B5  A receiver waits only if, with LIST of `in`, nothing is sent that
 *	    is not received, or the next message is RESERVED.  Who sends meets
 *	    LIST or WAITERS in its compare and swap (waiters.h, L1), claims the
 *	    first who waits together with the number, and wakes it when the
 *	    message is there.  Who commits looks for them after a full fence.
 *	    Senders wait likewise for `out`.
 *	B6  Who was woken tries again: a message, or a place, is nobody's before
 *	    it is claimed.  One that finds nothing waits on before all others.
 *	    A wake is not lost with a waiter that does not use it: a deadline or
 *	    a destroyer has to claim it before the sender does.
 * Order
 *	O1  Publishing a turn is a release, seeing it an acquire: FULL carries
 *	    the message, FREE the end of its use.
 *	O2  A committer stores the turn, fences, reads the word of `in`; a
 *	    receiver sets LIST there, fences, reads the turn: one sees the other.
 *
 * Source: D. Vyukov, Bounded MPMC queue (2010); what waits is new.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "comm/ring.h"

#include "comm/copy.h"

/* Who copies longer messages keeps the cell meanwhile, and others wait. */
#define VCI_COPIED 4096 /* bytes */

/* How many numbers from this one on, up to n, are at this turn. */
static inline size_t count_turns(const struct vcore_buffer *buffer, uint64_t number, size_t n,
				 enum vci_turn turn)
{
	size_t i = 0;

	while (i < n && vci_cell_is(vci_cell_of(buffer, number), turn)) {
		number += VCI_MESSAGE;
		i++;
	}
	return i;
}

void vci_ring_begin(struct vcore_buffer *buffer, uint64_t first)
{
	buffer->in.word = first * VCI_MESSAGE;
	buffer->out.word = first * VCI_MESSAGE;
	for (uint64_t i = 0; first != 0 && i < buffer->capacity; i++) {
		vci_cell_publish(vci_cell_of(buffer, (first + i) * VCI_MESSAGE), VCI_FREE);
	}
}

/* --- whether one must wait --------------------------------------------------------- */

/* False as well where something changes: to be looked at again. */
bool vci_ring_is_full(const struct vcore_buffer *buffer)
{
	uint64_t in = __atomic_load_n(&buffer->in.word, __ATOMIC_ACQUIRE);
	struct vci_cell cell = vci_cell_earlier(buffer, vci_cell_of(buffer, in));
	uint64_t turn = vci_cell_turn(cell);
	uint64_t out = vci_number_of(__atomic_load_n(&buffer->out.word, __ATOMIC_ACQUIRE));

	if (in & VCI_CLOSED) {
		return false;
	}
	return turn == (cell.round | VCI_TAKEN) ||
	       (out == vci_number_of(in) - buffer->capacity * VCI_MESSAGE &&
		turn != (cell.round | VCI_SKIPPED));
}

bool vci_ring_is_empty(const struct vcore_buffer *buffer)
{
	uint64_t next = vci_number_of(__atomic_load_n(&buffer->out.word, __ATOMIC_ACQUIRE));
	bool reserved = vci_cell_is(vci_cell_of(buffer, next), VCI_RESERVED);
	uint64_t in = __atomic_load_n(&buffer->in.word, __ATOMIC_ACQUIRE);

	return reserved || (vci_number_of(in) == next && !(in & VCI_CLOSED));
}

/* --- claiming ------------------------------------------------------------------------ */

struct vci_ordered *vci_ring_claim_waiters(struct vci_waiters *side, size_t n)
{
	struct vci_chain chain = {NULL, NULL};
	struct vci_waiter *first;

	while (n-- > 0 && (first = vci_waiters_claim_first(side)) != NULL) {
		vci_chain_add(&chain, first);
	}
	return chain.first;
}

/*
 * Somebody waits for this side, or looks who does.  Who keeps the cells wakes
 * nobody before it is done.
 */
static bool claim_slowly(struct vcore_buffer *buffer, struct vci_waiters *side, enum vci_turn turn,
			 size_t n, bool keeps, struct vci_run *run)
{
	uint64_t word = vci_waiters_lock(side);

	run->first = vci_number_of(word);
	run->n = word & VCI_CLOSED ? 0 : count_turns(buffer, run->first, n, turn);
	run->woken = keeps ? NULL : vci_ring_claim_waiters(side, run->n);
	vci_waiters_unlock(side, word + run->n * VCI_MESSAGE);
	return run->n > 0;
}

/* Claims up to n numbers of a side whose cells are at this turn; false: none is. */
static inline bool claim(struct vcore_buffer *buffer, struct vci_waiters *side, enum vci_turn turn,
			 size_t n, bool keeps, struct vci_run *run)
{
	uint64_t word = __atomic_load_n(&side->word, __ATOMIC_RELAXED);
	unsigned rounds = 0;

	run->woken = NULL;
	while (likely((word & VCI_BITS) == 0)) {
		run->first = word;
		run->n = count_turns(buffer, word, n, turn);
		if (run->n == 0) {
			return false;
		}
		vci_stall();
		if (likely(__atomic_compare_exchange_n(&side->word, &word,
						       word + run->n * VCI_MESSAGE, false,
						       __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))) {
			return true;
		}
		vci_back_off(&rounds);
		word = __atomic_load_n(&side->word, __ATOMIC_RELAXED);
	}
	return claim_slowly(buffer, side, turn, n, keeps, run);
}

static void drop_head(struct vcore_buffer *buffer)
{
	uint64_t word = vci_waiters_lock(&buffer->out);
	struct vci_ordered *woken;
	size_t n = 0;

	while (vci_cell_is(vci_cell_of(buffer, word), VCI_SKIPPED)) {
		vci_cell_vacate(buffer, vci_cell_of(buffer, word));
		word += VCI_MESSAGE;
		n++;
	}
	woken = vci_ring_claim_waiters(&buffer->out, n);
	vci_waiters_unlock(&buffer->out, word);
	vci_waiter_wake_chain(woken);
}

void vci_ring_drop_skipped(struct vcore_buffer *buffer)
{
	uint64_t out = __atomic_load_n(&buffer->out.word, __ATOMIC_ACQUIRE);

	if (vci_cell_is(vci_cell_of(buffer, out), VCI_SKIPPED)) {
		drop_head(buffer);
	}
}

static __attribute__((noinline)) int claim_place_slowly(struct vcore_buffer *buffer, size_t n,
							bool keeps, struct vci_run *run)
{
	unsigned rounds = 0;

	do {
		if (vci_buffer_is_closed(buffer)) {
			return -EPIPE;
		}
		vci_ring_drop_skipped(buffer);
		if (vci_ring_is_full(buffer)) {
			return -EAGAIN;
		}
		vci_spin_round(&rounds);
	} while (!claim(buffer, &buffer->in, VCI_FREE, n, keeps, run));
	return 0;
}

int vci_ring_claim_places(struct vcore_buffer *buffer, size_t n, bool keeps, struct vci_run *run)
{
	if (likely(claim(buffer, &buffer->in, VCI_FREE, n, keeps, run))) {
		return 0;
	}
	return claim_place_slowly(buffer, n, keeps, run);
}

/* Closed, and all that was sent has been received. */
static bool is_drained(const struct vcore_buffer *buffer)
{
	uint64_t out = __atomic_load_n(&buffer->out.word, __ATOMIC_ACQUIRE);
	uint64_t in = __atomic_load_n(&buffer->in.word, __ATOMIC_ACQUIRE);

	return (in & VCI_CLOSED) && vci_number_of(in) == vci_number_of(out);
}

static __attribute__((noinline)) int claim_message_slowly(struct vcore_buffer *buffer, size_t n,
							  bool keeps, struct vci_run *run)
{
	unsigned rounds = 0;

	do {
		vci_ring_drop_skipped(buffer);
		if (is_drained(buffer)) {
			return -EPIPE;
		}
		if (vci_ring_is_empty(buffer)) {
			return -EAGAIN;
		}
		vci_spin_round(&rounds);
	} while (!claim(buffer, &buffer->out, VCI_FULL, n, keeps, run));
	return 0;
}

int vci_ring_claim_messages(struct vcore_buffer *buffer, size_t n, bool keeps, struct vci_run *run)
{
	int error = 0;

	if (unlikely(!claim(buffer, &buffer->out, VCI_FULL, n, keeps, run))) {
		error = claim_message_slowly(buffer, n, keeps, run);
	}
	if (unlikely(error == 0 && run->woken != NULL)) {
		/* More than these may send: a skipped cell may be the head now. */
		vci_fence_full(); /* pairs with those of cancel and skip_rest */
		vci_ring_drop_skipped(buffer);
	}
	return error;
}

/* --- messages ------------------------------------------------------------------------- */

/* Whether the copy is so long that others must not spin for it. */
static bool is_long(const struct vcore_buffer *buffer)
{
	return buffer->message_size > VCI_COPIED;
}

/* As if reserved, by nobody who could give it up. */
static void reserve_for_copying(struct vcore_buffer *buffer, uint64_t number)
{
	size_t index = vci_index_of(buffer, number);

	__atomic_store_n(&buffer->owners[index], 0, __ATOMIC_RELAXED);
	vci_cell_publish(vci_cell_at(buffer, number, index), VCI_RESERVED);
}

static bool fill(struct vcore_buffer *buffer, uint64_t number, const char *message)
{
	struct vci_cell cell = vci_cell_of(buffer, number);
	bool filled;

	if (unlikely(is_long(buffer))) {
		reserve_for_copying(buffer, number);
	}
	filled = vci_copy(vci_cell_message(buffer, cell), message, buffer->message_size);
	vci_cell_publish(cell, filled ? VCI_FULL : VCI_SKIPPED);
	if (unlikely(is_long(buffer))) {
		vci_ring_wake_receivers(buffer);
	}
	return filled;
}

/* The i-th message faults, and was skipped; so are those behind it. */
static void skip_rest(struct vcore_buffer *buffer, const struct vci_run *run, size_t i)
{
	while (++i < run->n) {
		vci_cell_publish(vci_cell_of(buffer, run->first + i * VCI_MESSAGE), VCI_SKIPPED);
	}
	vci_fence_full(); /* pairs with that of claim_messages */
	vci_ring_drop_skipped(buffer);
}

/* How many were sent.  Where memory faulted it is there now, or the caller is not. */
static size_t send_run(struct vcore_buffer *buffer, const struct vci_run *run, const char *messages)
{
	size_t i = 0;

	while (i < run->n && likely(fill(buffer, run->first + i * VCI_MESSAGE, messages))) {
		messages += buffer->message_size;
		i++;
	}
	if (unlikely(i < run->n)) {
		skip_rest(buffer, run, i);
	}
	vci_waiter_wake_chain(run->woken);
	if (unlikely(i < run->n)) {
		vci_touch(messages, buffer->message_size);
	}
	return i;
}

/*
 * Messages that are long, or fault: the caller keeps their cells meanwhile, with
 * one note for all (H1).
 */
static void receive_firmly(struct vcore_buffer *buffer, const struct vci_run *run, char *messages)
{
	struct vci_waiter *self = vci_wait_caller();
	uintptr_t note = vci_hold_note(buffer, VCI_HOLD_CELLS);

	vci_holds_note(self, note);
	for (size_t i = 0; i < run->n; i++) {
		vci_ring_keep(buffer, self, run->first + i * VCI_MESSAGE, VCI_TAKEN);
	}
	vci_waiter_wake_chain(run->woken);
	for (size_t i = 0; i < run->n; i++) {
		struct vci_cell cell = vci_cell_of(buffer, run->first + i * VCI_MESSAGE);

		vci_copy_firmly(messages + i * buffer->message_size, vci_cell_message(buffer, cell),
				buffer->message_size);
		vci_ring_end_use(buffer, cell);
	}
	(void)vci_holds_strike(self, note);
}

static void receive_run(struct vcore_buffer *buffer, struct vci_run *run, char *messages)
{
	for (; run->n > 0; run->n--) {
		struct vci_cell cell = vci_cell_of(buffer, run->first);

		if (unlikely(is_long(buffer) || !vci_copy(messages, vci_cell_message(buffer, cell),
							  buffer->message_size))) {
			receive_firmly(buffer, run, messages);
			return;
		}
		vci_cell_vacate(buffer, cell);
		run->first += VCI_MESSAGE;
		messages += buffer->message_size;
	}
	vci_waiter_wake_chain(run->woken);
}

ssize_t vci_ring_send_some(struct vcore_buffer *buffer, const void *messages, size_t n)
{
	struct vci_run run;
	size_t sent;

	do {
		int error = vci_ring_claim_places(buffer, n, is_long(buffer), &run);

		if (error != 0) {
			return error;
		}
		sent = send_run(buffer, &run, messages);
	} while (unlikely(sent == 0));
	return (ssize_t)sent;
}

/* So that the cells that it claims can be kept, should it fault: false, if they cannot. */
static inline bool may_receive(void)
{
	struct vci_waiter *self = vci_holds_caller();

	return likely(self != NULL) && vci_holds_make_room(self);
}

ssize_t vci_ring_receive_some(struct vcore_buffer *buffer, void *messages, size_t n)
{
	struct vci_run run;
	ssize_t received;
	int error;

	if (unlikely(!may_receive())) {
		return -ENOMEM;
	}
	error = vci_ring_claim_messages(buffer, n, is_long(buffer), &run);
	if (error != 0) {
		return error;
	}
	received = (ssize_t)run.n;
	receive_run(buffer, &run, messages);
	return received;
}

/* The next number of a side, if nobody waits for it and its cell is at this turn. */
static inline bool claim_one(struct vcore_buffer *buffer, struct vci_waiters *side,
			     enum vci_turn turn, uint64_t *number, struct vci_cell *cell)
{
	unsigned rounds = 0;

	for (;;) {
		*number = __atomic_load_n(&side->word, __ATOMIC_RELAXED);
		*cell = vci_cell_of(buffer, *number);
		if (unlikely((*number & VCI_BITS) != 0 || !vci_cell_is(*cell, turn))) {
			return false;
		}
		if (likely(__atomic_compare_exchange_n(&side->word, number, *number + VCI_MESSAGE,
						       false, __ATOMIC_ACQ_REL,
						       __ATOMIC_RELAXED))) {
			return true;
		}
		vci_back_off(&rounds);
	}
}

static __attribute__((noinline)) int send_slowly(struct vcore_buffer *buffer, const void *message)
{
	ssize_t sent = vci_ring_send_some(buffer, message, 1);

	return sent < 0 ? (int)sent : 0;
}

int vci_ring_send(struct vcore_buffer *buffer, const void *message)
{
	size_t size = buffer->message_size;
	struct vci_cell cell;
	uint64_t number;

	if (likely(size <= VCI_SMALL)) {
		struct vci_small small = vci_small_fetch(message, size);

		if (likely(claim_one(buffer, &buffer->in, VCI_FREE, &number, &cell))) {
			vci_small_store(vci_cell_message(buffer, cell), small, size);
			vci_cell_publish(cell, VCI_FULL);
			return 0;
		}
	} else if (likely(!is_long(buffer) &&
			  claim_one(buffer, &buffer->in, VCI_FREE, &number, &cell))) {
		struct vci_run run = {number, 1, NULL};

		if (likely(send_run(buffer, &run, message) == 1)) {
			return 0;
		}
	}
	return send_slowly(buffer, message);
}

static __attribute__((noinline)) int receive_slowly(struct vcore_buffer *buffer, void *message)
{
	ssize_t received = vci_ring_receive_some(buffer, message, 1);

	return received < 0 ? (int)received : 0;
}

int vci_ring_receive(struct vcore_buffer *buffer, void *message)
{
	size_t size = buffer->message_size;
	struct vci_small small;
	struct vci_cell cell;
	uint64_t number;

	if (unlikely(size > VCI_SMALL ||
		     !claim_one(buffer, &buffer->out, VCI_FULL, &number, &cell))) {
		return receive_slowly(buffer, message);
	}
	small = vci_small_load(vci_cell_message(buffer, cell), size);
	vci_cell_vacate(buffer, cell);
	vci_small_deliver(message, small, size);
	return 0;
}

size_t vci_ring_count(const struct vcore_buffer *buffer)
{
	uint64_t out = vci_number_of(__atomic_load_n(&buffer->out.word, __ATOMIC_ACQUIRE));
	uint64_t count, before;

	do { /* it is what it was, so it was so when the other was read */
		before = out;
		count = vci_number_of(__atomic_load_n(&buffer->in.word, __ATOMIC_ACQUIRE)) - before;
		out = vci_number_of(__atomic_load_n(&buffer->out.word, __ATOMIC_ACQUIRE));
	} while (out != before);
	count /= VCI_MESSAGE;
	return count < buffer->capacity ? count : buffer->capacity;
}
