/*
 * Buffers for one sender and one receiver.
 *
 * Each has a number, `done`, up to which it has sent, or received; only it
 * writes that, and it looks at the other's only when it has come to the limit
 * that it saw last.  Cells are plain messages.
 *
 * Invariants
 *	C1  receiver.done ≤ sender.done ≤ receiver.done + capacity, but for a
 *	    sender that is about to find that it came too late (C3).
 *	C2  The cells from receiver.done up to sender.done are the receiver's,
 *	    the others the sender's.
 *	C3  Who closes sets CLOSING, fences, and with LIST of `in` says where
 *	    the messages `end`: at sender.done, or behind the cell that the
 *	    sender has reserved, which is what it has `promised`.  A sender
 *	    looks for CLOSING after it has changed either; if it finds it, it
 *	    settles with LIST: what it has sent behind the end was not sent.
 *	    A receiver that finds CLOSING behind sender.done waits for the end
 *	    to be said, and does not pass it.
 *	C4  A party says that it will wait by AWAITED of the other, fences, and
 *	    looks again.  The other looks for AWAITED after it has changed
 *	    `done`, takes it back, with LIST, and wakes whom it finds.  Where it
 *	    finds nobody, because the party does not wait yet, the party will
 *	    see, with LIST, that it was taken back, and does not wait.
 * Order
 *	O1  Changing `done` is a release, seeing it an acquire.
 *	O2  The fences of C3 and C4 are asymmetric: who sends or receives makes
 *	    the light one, who closes, or waits, the heavy one.  So a number
 *	    that was changed without a look that found CLOSING was changed
 *	    before the end was said.
 *
 * A heavy fence costs a system call, so such a buffer must be worth waiting for:
 * small ones are rings (buffer.c).
 *
 * Source: L. Lamport (1977); the cached limits: J. Giacomoni, T. Moseley and
 * M. Vachharajani, FastForward for efficient pipeline parallelism (2008).
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "comm/buffer.h"
#include "comm/copy.h"

/* In `asked`. */
#define AWAITED 1u /* the other party waits, or is about to */
#define CLOSING 2u /* of the sender: somebody closes, or has */

static inline char *cell_of(const struct vcore_buffer *buffer, const struct vci_party *party)
{
	return buffer->cells + party->index * buffer->stride;
}

static inline uint64_t done_by(const struct vci_party *party)
{
	return __atomic_load_n(&party->done, __ATOMIC_ACQUIRE);
}

/* What the other side, and who closes, ask of a party. */
static inline uint32_t asked_of(const struct vci_party *party)
{
	return __atomic_load_n(&party->asked, __ATOMIC_RELAXED);
}

static inline bool is_closing(const struct vcore_buffer *buffer)
{
	return (asked_of(&buffer->sender) & CLOSING) != 0;
}

/* --- waiting -------------------------------------------------------------------- */

static struct vci_party *awaited_by(struct vcore_buffer *buffer, bool sender)
{
	return sender ? &buffer->receiver : &buffer->sender;
}

void vci_spsc_announce(struct vcore_buffer *buffer, bool sends)
{
	__atomic_fetch_or(&awaited_by(buffer, sends)->asked, AWAITED, __ATOMIC_RELAXED);
	vci_fence_heavy();
}

static void take_back(struct vci_party *party)
{
	__atomic_fetch_and(&party->asked, ~AWAITED, __ATOMIC_RELAXED);
}

void vci_spsc_renounce(struct vcore_buffer *buffer, bool sends)
{
	take_back(awaited_by(buffer, sends));
}

/* Closed: where the messages end.  A promise that is given up brings it nearer. */
static uint64_t end_of(const struct vcore_buffer *buffer)
{
	return __atomic_load_n(&buffer->end, __ATOMIC_RELAXED);
}

static void set_end(struct vcore_buffer *buffer, uint64_t end)
{
	__atomic_store_n(&buffer->end, end, __ATOMIC_RELAXED);
}

/* All that was sent before the end has been received. */
static bool is_over(const struct vcore_buffer *buffer)
{
	return vci_buffer_is_closed(buffer) && done_by(&buffer->receiver) == end_of(buffer);
}

bool vci_spsc_is_full(const struct vcore_buffer *buffer)
{
	return (asked_of(&buffer->receiver) & AWAITED) &&
	       done_by(&buffer->sender) == done_by(&buffer->receiver) + buffer->capacity &&
	       !vci_buffer_is_closed(buffer);
}

bool vci_spsc_is_empty(const struct vcore_buffer *buffer)
{
	return (asked_of(&buffer->sender) & AWAITED) &&
	       done_by(&buffer->sender) == done_by(&buffer->receiver) && !is_over(buffer);
}

/* The party has come n numbers further, and says so. */
static inline void advance(const struct vcore_buffer *buffer, struct vci_party *party, size_t n)
{
	party->index += n;
	if (party->index >= buffer->capacity) {
		party->index -= buffer->capacity;
	}
	vci_stall();
	__atomic_store_n(&party->done, party->done + n, __ATOMIC_RELEASE);
}

/* --- sending ---------------------------------------------------------------------- */

/* How many messages can be sent, of n that are wanted. */
static inline size_t find_room(struct vcore_buffer *buffer, size_t n)
{
	struct vci_party *sender = &buffer->sender;

	if (unlikely(sender->limit - sender->done < n)) {
		sender->limit = done_by(&buffer->receiver) + buffer->capacity;
	}
	return sender->limit - sender->done < n ? sender->limit - sender->done : n;
}

/* How many messages it can send, of n; or -E… */
static inline ssize_t begin_to_send(struct vcore_buffer *buffer, size_t n)
{
	if (unlikely(is_closing(buffer))) {
		return -EPIPE;
	}
	n = find_room(buffer, n);
	return likely(n > 0) ? (ssize_t)n : -EAGAIN;
}

/* With LIST of `in`: of n that were just sent, how many were before the end. */
static size_t settle(struct vcore_buffer *buffer, size_t n)
{
	struct vci_party *sender = &buffer->sender;

	if (!vci_buffer_is_closed(buffer)) {
		return n;
	}
	if (sender->done > end_of(buffer)) { /* all n are behind it, and no more will be sent */
		__atomic_store_n(&sender->done, end_of(buffer), __ATOMIC_RELEASE);
		return 0;
	}
	set_end(buffer, sender->done); /* what was promised is sent, or was given up */
	return n;
}

static __attribute__((noinline)) size_t answer(struct vcore_buffer *buffer, size_t n)
{
	struct vci_waiters *in = &buffer->in;
	uint64_t word = vci_waiters_lock(in);
	struct vci_waiter *woken;

	take_back(&buffer->sender);
	n = settle(buffer, n);
	woken = vci_waiters_claim_first(in);
	vci_waiters_unlock(in, word);
	if (woken != NULL) {
		vci_waiter_wake(woken);
	}
	return n;
}

/* It has sent n, or given up what it had promised: how many were sent. */
static inline size_t stop_sending(struct vcore_buffer *buffer, size_t n)
{
	vci_fence_light(); /* pairs with those of announce and close: O2 */
	return unlikely(asked_of(&buffer->sender) != 0) ? answer(buffer, n) : n;
}

/* How many were sent, all or none: then -EPIPE. */
static inline ssize_t end_sending(struct vcore_buffer *buffer, size_t n)
{
	advance(buffer, &buffer->sender, n);
	return likely(stop_sending(buffer, n) == n) ? (ssize_t)n : -EPIPE;
}

/* n messages from the party's cell on, up to the last cell; then from the first one on. */
static size_t before_wrap(const struct vcore_buffer *buffer, const struct vci_party *party,
			  size_t n)
{
	size_t room = buffer->capacity - party->index;

	return n < room ? n : room;
}

static bool fill(struct vcore_buffer *buffer, const char *messages, size_t n)
{
	size_t first = before_wrap(buffer, &buffer->sender, n) * buffer->stride;

	return vci_copy(cell_of(buffer, &buffer->sender), messages, first) &&
	       vci_copy(buffer->cells, messages + first, n * buffer->stride - first);
}

/* Who faults has promised nothing yet, and begins again if it goes on. */
ssize_t vci_spsc_send_some(struct vcore_buffer *buffer, const void *messages, size_t n)
{
	ssize_t room = begin_to_send(buffer, n);

	while (room > 0 && unlikely(!fill(buffer, messages, (size_t)room))) {
		vci_touch(messages, (size_t)room * buffer->stride);
		room = begin_to_send(buffer, (size_t)room);
	}
	return likely(room > 0) ? end_sending(buffer, (size_t)room) : room;
}

int vci_spsc_send(struct vcore_buffer *buffer, const void *message)
{
	struct vci_small small;
	ssize_t room;

	if (unlikely(buffer->message_size > VCI_SMALL)) {
		room = vci_spsc_send_some(buffer, message, 1);
		return room < 0 ? (int)room : 0;
	}
	small = vci_small_fetch(message, buffer->message_size);
	room = begin_to_send(buffer, 1);
	if (unlikely(room < 0)) {
		return (int)room;
	}
	vci_small_store(cell_of(buffer, &buffer->sender), small, buffer->message_size);
	return likely(end_sending(buffer, 1) == 1) ? 0 : -EPIPE;
}

/* --- receiving ---------------------------------------------------------------------- */

/* CLOSING was found: waits, for a system call of the other's, until the end is said (C3). */
static __attribute__((noinline)) uint64_t sent_before_end(const struct vcore_buffer *buffer)
{
	unsigned rounds = 0;
	uint64_t sent, end;

	while (!vci_buffer_is_closed(buffer)) {
		vci_spin_round(&rounds);
	}
	end = end_of(buffer);
	sent = done_by(&buffer->sender);
	return sent < end ? sent : end;
}

/* Up to which number it can receive. */
static inline uint64_t find_limit(const struct vcore_buffer *buffer)
{
	uint64_t sent = done_by(&buffer->sender);

	vci_fence_light(); /* pairs with that of close: nothing behind the end is seen before it */
	return unlikely(is_closing(buffer)) ? sent_before_end(buffer) : sent;
}

/* How many messages are there, of n that are wanted; or -E… */
static inline ssize_t find_messages(struct vcore_buffer *buffer, size_t n)
{
	struct vci_party *receiver = &buffer->receiver;

	if (unlikely(receiver->limit - receiver->done < n)) {
		receiver->limit = find_limit(buffer);
	}
	if (unlikely(receiver->limit == receiver->done)) {
		return is_over(buffer) ? -EPIPE : -EAGAIN;
	}
	return (ssize_t)(receiver->limit - receiver->done < n ? receiver->limit - receiver->done
							      : n);
}

static __attribute__((noinline)) void wake_sender(struct vcore_buffer *buffer)
{
	struct vci_waiters *out = &buffer->out;
	uint64_t word = vci_waiters_lock(out);
	struct vci_waiter *woken;

	take_back(&buffer->receiver);
	woken = vci_waiters_claim_first(out);
	vci_waiters_unlock(out, word);
	if (woken != NULL) {
		vci_waiter_wake(woken);
	}
}

static inline void end_receiving(struct vcore_buffer *buffer, size_t n)
{
	advance(buffer, &buffer->receiver, n);
	vci_fence_light(); /* pairs with that of announce: O2 */
	if (unlikely(asked_of(&buffer->receiver) != 0)) {
		wake_sender(buffer);
	}
}

/* A fault leaves the messages where they are: who goes on receives them still. */
ssize_t vci_spsc_receive_some(struct vcore_buffer *buffer, void *messages, size_t n)
{
	ssize_t there = find_messages(buffer, n);
	size_t first, all;

	if (unlikely(there < 0)) {
		return there;
	}
	all = (size_t)there * buffer->stride;
	first = before_wrap(buffer, &buffer->receiver, (size_t)there) * buffer->stride;
	vci_copy_firmly(messages, cell_of(buffer, &buffer->receiver), first);
	vci_copy_firmly((char *)messages + first, buffer->cells, all - first);
	end_receiving(buffer, (size_t)there);
	return there;
}

int vci_spsc_receive(struct vcore_buffer *buffer, void *message)
{
	struct vci_small small;
	ssize_t there;

	if (unlikely(buffer->message_size > VCI_SMALL)) {
		there = vci_spsc_receive_some(buffer, message, 1);
		return there < 0 ? (int)there : 0;
	}
	there = find_messages(buffer, 1);
	if (unlikely(there < 0)) {
		return (int)there;
	}
	small = vci_small_load(cell_of(buffer, &buffer->receiver), buffer->message_size);
	end_receiving(buffer, 1);
	vci_small_deliver(message, small, buffer->message_size);
	return 0;
}

/* --- in place -------------------------------------------------------------------------- */

static void promise(struct vci_party *sender, uint64_t number)
{
	__atomic_store_n(&sender->promised, number, __ATOMIC_RELEASE);
}

/* Whether what it has just promised is before the end. */
static __attribute__((noinline)) bool is_promise_good(struct vcore_buffer *buffer)
{
	struct vci_party *sender = &buffer->sender;
	uint64_t word = vci_waiters_lock(&buffer->in);
	bool good = !vci_buffer_is_closed(buffer) || end_of(buffer) > sender->done;

	if (!good) {
		promise(sender, sender->done);
	}
	vci_waiters_unlock(&buffer->in, word);
	return good;
}

int vci_spsc_reserve(struct vcore_buffer *buffer, void **message)
{
	struct vci_party *sender = &buffer->sender;
	ssize_t room = begin_to_send(buffer, 1);

	if (room < 0) {
		return (int)room;
	}
	promise(sender, sender->done + 1);
	vci_fence_light(); /* pairs with that of close: O2 */
	if (unlikely(is_closing(buffer)) && !is_promise_good(buffer)) {
		return -EPIPE;
	}
	*message = cell_of(buffer, sender);
	return 0;
}

int vci_spsc_take(struct vcore_buffer *buffer, void **message)
{
	ssize_t there = find_messages(buffer, 1);

	if (there < 0) {
		return (int)there;
	}
	*message = cell_of(buffer, &buffer->receiver);
	return 0;
}

/* What was promised is before the end. */
void vci_spsc_commit(struct vcore_buffer *buffer)
{
	(void)end_sending(buffer, 1);
}

void vci_spsc_cancel(struct vcore_buffer *buffer)
{
	promise(&buffer->sender, buffer->sender.done);
	(void)stop_sending(buffer, 0);
}

void vci_spsc_done(struct vcore_buffer *buffer)
{
	end_receiving(buffer, 1);
}

/* --- closing ------------------------------------------------------------------------ */

void vci_spsc_close(struct vcore_buffer *buffer)
{
	__atomic_fetch_or(&buffer->sender.asked, CLOSING, __ATOMIC_RELAXED);
	vci_fence_heavy(); /* pairs with the light ones of who sends: O2 */
}

/* With LIST of `in`, once. */
void vci_spsc_say_end(struct vcore_buffer *buffer)
{
	uint64_t sent = done_by(&buffer->sender);
	uint64_t promised = __atomic_load_n(&buffer->sender.promised, __ATOMIC_ACQUIRE);

	set_end(buffer, promised > sent ? promised : sent);
}

size_t vci_spsc_count(const struct vcore_buffer *buffer)
{
	uint64_t received = done_by(&buffer->receiver);
	uint64_t count, before;

	do { /* it is what it was, so it was so when the other was read */
		before = received;
		count = find_limit(buffer) - before;
		received = done_by(&buffer->receiver);
	} while (received != before);
	return count < buffer->capacity ? count : buffer->capacity;
}
