/*
 * Bounded buffers: what their two kinds, ring.c and spsc.c, have in common.
 *
 * Two objects are waited for (sync/waiters.h): `in`, which senders change and
 * receivers wait for, and `out`, the other way round.  Above LIST and WAITERS
 * the word of `in` has
 *
 *	CLOSED	nothing more can be sent
 *
 * Messages are numbered from the first one sent; numbers have 61 bits, and are
 * kept multiplied by VCI_MESSAGE, so that words and turns have bits below them.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef VCI_BUFFER_H
#define VCI_BUFFER_H

#include <errno.h>

#include <vcore/buffer.h>

#include "sync/holds.h"
#include "sync/waiters.h"

#define VCI_CLOSED  UINT64_C(4)
#define VCI_BITS    UINT64_C(7)
#define VCI_MESSAGE UINT64_C(8)

/* With one sender and one receiver: what one of them says to the other, and knows. */
struct vci_party {
	/* atomic; see spsc.c */
	uint64_t done;     /* the number it has come to */
	uint64_t promised; /* of the sender: the end of what it has reserved */
	uint32_t asked;    /* AWAITED, CLOSING */
	/* of this party alone */
	size_t index;                  /* of the cell that is next */
	uint64_t limit;                /* until then it need not look at the other's number */
	const struct vci_waiter *self; /* NULL: not known yet */
	bool has_cell;                 /* it has reserved, or taken, one */
};

struct vcore_buffer {
	/* constant */
	char *cells;
	size_t stride;       /* from one cell to the next, bytes */
	size_t header;       /* of a cell, before its message, bytes */
	size_t message_size; /* bytes */
	uint64_t capacity;
	size_t run_max; /* how many messages are copied in one go */
	bool spsc;      /* it is of that kind */
	bool declared;  /* only one sends and one receives, whatever its kind */
	/* of a ring */
	uint64_t mask;       /* capacity - 1, if it is a power of two; or 0 */
	uint64_t reciprocal; /* 2^64 / capacity */
	uint32_t *owners;    /* of each cell, who has reserved or taken it (owner.h) */
	bool keeps;          /* atomic: somebody has done so, ever */
	/* of the other kind */
	uint64_t end; /* atomic; written with LIST of `in`, once it is CLOSED */

	size_t bytes; /* of the mapping that all of this lies in */

	_Alignas(VCI_LINE_PAIR) struct vci_waiters in;
	struct vci_party sender;
	_Alignas(VCI_LINE_PAIR) struct vci_waiters out;
	struct vci_party receiver;
};

void vci_ring_begin(struct vcore_buffer *buffer, uint64_t first);

/*
 * What they do without waiting.  Returned are how many messages were sent or
 * received, or 0, as it says; -EAGAIN: the caller would have to wait; -EPIPE.
 */
int vci_ring_send(struct vcore_buffer *buffer, const void *message);
int vci_ring_receive(struct vcore_buffer *buffer, void *message);
ssize_t vci_ring_send_some(struct vcore_buffer *buffer, const void *messages, size_t n);
ssize_t vci_ring_receive_some(struct vcore_buffer *buffer, void *messages, size_t n);
int vci_spsc_send(struct vcore_buffer *buffer, const void *message);
int vci_spsc_receive(struct vcore_buffer *buffer, void *message);
ssize_t vci_spsc_send_some(struct vcore_buffer *buffer, const void *messages, size_t n);
ssize_t vci_spsc_receive_some(struct vcore_buffer *buffer, void *messages, size_t n);

/* In place.  False: the caller has not reserved, or taken, it. */
int vci_ring_reserve(struct vcore_buffer *buffer, struct vci_waiter *self, void **message);
int vci_ring_take(struct vcore_buffer *buffer, struct vci_waiter *self, void **message);
bool vci_ring_commit(struct vcore_buffer *buffer, struct vci_waiter *self, void *message);
bool vci_ring_cancel(struct vcore_buffer *buffer, struct vci_waiter *self, void *message);
bool vci_ring_done(struct vcore_buffer *buffer, struct vci_waiter *self, void *message);
int vci_spsc_reserve(struct vcore_buffer *buffer, void **message);
int vci_spsc_take(struct vcore_buffer *buffer, void **message);
void vci_spsc_commit(struct vcore_buffer *buffer);
void vci_spsc_cancel(struct vcore_buffer *buffer);
void vci_spsc_done(struct vcore_buffer *buffer);

/* One of the cells that a thread that ends has reserved or taken; false: it has none. */
bool vci_ring_abandon_one(struct vcore_buffer *buffer, struct vci_waiter *self);
/* Whether anybody has. */
bool vci_ring_is_kept(const struct vcore_buffer *buffer);

/*
 * Before a sender, or a receiver, waits: so that the other side will see it.
 * Then, with LIST of the side that it waits for: whether it must.
 */
void vci_spsc_announce(struct vcore_buffer *buffer, bool sends);
/* It does not wait, after all. */
void vci_spsc_renounce(struct vcore_buffer *buffer, bool sends);
/* Before it is closed; then, with LIST of `in`: where the messages end. */
void vci_spsc_close(struct vcore_buffer *buffer);
void vci_spsc_say_end(struct vcore_buffer *buffer);
bool vci_ring_is_full(const struct vcore_buffer *buffer);
bool vci_ring_is_empty(const struct vcore_buffer *buffer);
bool vci_spsc_is_full(const struct vcore_buffer *buffer);
bool vci_spsc_is_empty(const struct vcore_buffer *buffer);

size_t vci_ring_count(const struct vcore_buffer *buffer);
size_t vci_spsc_count(const struct vcore_buffer *buffer);

/* --- for both kinds ------------------------------------------------------------------ */

/* The first time somebody sends, or receives; or it is not the one who did then: panics. */
void vci_buffer_meet(struct vci_party *party, const struct vci_waiter *self, const char *function)
	__attribute__((cold));

/* Of a buffer that was declared so: whether it is the one sender, or receiver. */
static inline void vci_buffer_check(const struct vcore_buffer *buffer, struct vci_party *party,
				    const struct vci_kthread *m, const char *function)
{
	if (buffer->declared) {
		const struct vci_waiter *self =
			likely(m != NULL) ? &m->current->waiter : vci_wait_caller();

		if (unlikely(self != party->self || self == NULL || party->has_cell)) {
			vci_buffer_meet(party, self, function);
		}
	}
}

static inline int vci_buffer_send_one(struct vcore_buffer *buffer, const void *message)
{
	return buffer->spsc ? vci_spsc_send(buffer, message) : vci_ring_send(buffer, message);
}

static inline int vci_buffer_receive_one(struct vcore_buffer *buffer, void *message)
{
	return buffer->spsc ? vci_spsc_receive(buffer, message) : vci_ring_receive(buffer, message);
}

/*
 * The same with one type, for who repeats them: how many of n were done, or -E…
 * The argument is not changed by those that send.
 */
typedef ssize_t vci_operation(struct vcore_buffer *buffer, void *argument, size_t n);

/*
 * An operation could not be done: waits and repeats it, until it is, or never can
 * be, or the deadline.  A call that `reports` what it did before is not ended
 * while it waits: -ECANCELED, and the next door ends it.
 */
ssize_t vci_buffer_repeat(struct vcore_buffer *buffer, enum vcore_wait_kind kind,
			  vci_operation *operate, void *argument, size_t n, bool reports,
			  vcore_instant deadline);

/* Does it, at least in part. */
static inline ssize_t vci_buffer_do(struct vcore_buffer *buffer, enum vcore_wait_kind kind,
				    vci_operation *operate, void *argument, size_t n, bool reports,
				    vcore_instant deadline)
{
	ssize_t result = operate(buffer, argument, n);

	if (likely(result != -EAGAIN)) {
		return result;
	}
	return vci_buffer_repeat(buffer, kind, operate, argument, n, reports, deadline);
}

/* --- for select.c ------------------------------------------------------------------ */

/* A try: 0, -EAGAIN or -EPIPE. */
int vci_buffer_try(struct vcore_buffer *buffer, bool to_send, void *message);
/* False: the caller need not wait. */
bool vci_buffer_enroll(struct vcore_buffer *buffer, bool to_send, struct vci_proxy *proxy);
void vci_buffer_retract(struct vcore_buffer *buffer, bool to_send, struct vci_proxy *proxy);

/* Of who was woken for a place, or a message: vci_holds_owe. */
static inline uintptr_t vci_buffer_wake_note(const struct vcore_buffer *buffer, bool to_send)
{
	return vci_hold_note(buffer, to_send ? VCI_HOLD_PLACE : VCI_HOLD_MESSAGE);
}

static inline bool vci_buffer_is_closed(const struct vcore_buffer *buffer)
{
	return (__atomic_load_n(&buffer->in.word, __ATOMIC_ACQUIRE) & VCI_CLOSED) != 0;
}

#endif /* VCI_BUFFER_H */
