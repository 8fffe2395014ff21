/*
 * A bounded buffer: messages of one size, sent and received in order.
 *
 *	struct vcore_buffer *pieces;
 *	struct piece piece;
 *
 *	vcore_buffer_allocate(&pieces, 16, sizeof(piece), NULL);
 *	...
 *	vcore_buffer_send(pieces, &piece, VCORE_NEVER);		// waits when full
 *	vcore_buffer_close(pieces);				// no more will come
 *	...
 *	while (vcore_buffer_receive(pieces, &piece, VCORE_NEVER) == 0)
 *		work_on(&piece);				// waits when empty
 *	...
 *	vcore_buffer_deallocate(pieces);
 *
 * Any number of threads may send and receive at the same time; vcore threads of
 * any runtime and plain pthreads may use the same buffer.  A message is copied
 * in and out, or made and used in place (reserve and commit, take and done).  While
 * one is copied its thread is not preempted: half a millisecond for one of 4 MiB;
 * larger ones are better made in place.
 * Messages that one thread sends are received in the order in which it has
 * sent them; each is received once.  A sender that waits has claimed nothing: it
 * may time out, or be destroyed, and leaves no gap.  Those who wait are woken
 * in the order in which they came; but a thread that runs may be faster than
 * one that was woken, which then goes on waiting, before all others.
 *
 * Whoever has only one sender and one receiver may say so (VCORE_BUFFER_SPSC).  A
 * buffer of 128 messages or more needs no locked instruction then
 * (doc/benchmarks.md); smaller ones are as others, but for the check.
 *
 *				allocate,	send, receive,	try_, close,	commit,
 *				deallocate	_many, reserve,	count		cancel,
 *						take				done
 *	from a vcore thread	yes		yes		yes		yes (1)
 *	from a pthread		yes		yes		yes		yes (1)
 *	from a signal handler	no		no		no		no
 *	may switch threads	no		yes		no		no
 *	acts on destroy		no		yes (2)		no		no
 *	orders memory		-		a send before the receive of its message,
 *						a receive before the send into its place
 *
 *	(1) the one that has reserved or taken the cell.
 *	(2) on entry and while it waits: nothing was sent, or received, then.
 *	What send_many has sent before it waits it reports before destroy acts.
 *
 * A pointer to memory that the caller may not read (send) or write (receive)
 * faults, as in the caller's own code, and the buffer stays whole: nothing was
 * sent then; what was being received is lost if its thread ends of it.  A handler
 * that makes the memory accessible and returns lets the call go on; one that
 * leaves a receive in another way (siglongjmp) makes the buffer wait for its
 * thread's end.  This holds while a runtime is open; not under sanitizers, and not
 * where threads are switched by ucontext(3).
 *
 * In a child of fork a buffer that other threads used is to be made anew: they
 * may have been in the middle of a call.
 *
 * Sources: Saltzer & Kaashoek, 5.2 (SEND and RECEIVE); D. Vyukov's bounded
 * queue (2010: a sequence number in each cell); L. Lamport, Proving the
 * correctness of multiprocess programs (1977), for one sender and one receiver.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef VCORE_BUFFER_H
#define VCORE_BUFFER_H

#include <sys/types.h>

#include <vcore/base.h>

#ifdef __cplusplus
extern "C" {
#endif

struct vcore_buffer;

/*
 * One thread sends, one thread receives, the same ones as long as the buffer
 * lives (checked, but for threads that come after the end of another: panics).
 * While one has reserved, or taken, a cell it makes no other call for that side
 * but those that give it back (checked: panics).
 */
#define VCORE_BUFFER_SPSC 1u

struct vcore_buffer_options {
	size_t size;    /* sizeof(struct vcore_buffer_options), or 0 for the same */
	unsigned flags; /* 0 or VCORE_BUFFER_SPSC */
	uint64_t first; /* number of the first message, for tests; ≤ VCORE_BUFFER_FIRST_MAX */
};

/* Numbers have 61 bits: a buffer is good for 2^60 messages, decades at 10^9 a second. */
#define VCORE_BUFFER_FIRST_MAX (UINT64_C(1) << 60)

/*
 * Makes a buffer of `capacity` messages of `message_size` bytes each.  It is a
 * mapping of its own, of whole pages, that takes memory as it is used.
 *
 * Requires: capacity ≥ 1, message_size ≥ 1 (checked: panics).
 * Returns: 0.
 * Errors: -ENOMEM: no memory, or it would be larger than the address space.
 *	-EINVAL: an unknown flag, or `first` too large.  -EINVAL, -E2BIG: `size`
 *	is of no release, or of a later one and something in it is set.
 */
VCORE_API int vcore_buffer_allocate(struct vcore_buffer **buffer, size_t capacity,
				    size_t message_size,
				    const struct vcore_buffer_options *options);

/*
 * Frees it, with the messages that are in it.  NULL: no effect.
 *
 * Requires: every call on it has returned, no cell is reserved or taken (checked,
 *	as far as somebody waits or has a cell: panics), and a thread that ended
 *	with a cell has been joined.  To have received a message does not tell
 *	that its sender's call has returned: join the sender.
 */
VCORE_API void vcore_buffer_deallocate(struct vcore_buffer *buffer);

/*
 * Sends a message: copies message_size bytes from `message`.  Waits while the
 * buffer is full.  Where there is room the message is sent even if the deadline
 * has passed.
 *
 * Requires: message is not NULL (checked: panics), here and below.
 * Returns: 0.
 * Errors: -ETIMEDOUT; -EPIPE: the buffer is closed; -ENOMEM: there is no memory
 *	for a pthread's first call, or to note so many cells and locks held.
 */
VCORE_API int vcore_buffer_send(struct vcore_buffer *buffer, const void *message,
				vcore_instant deadline);

/*
 * Receives the next message into `message`.  Waits while there is none.
 *
 * Returns: 0.
 * Errors: -ETIMEDOUT; -EPIPE: the buffer is closed, and all that was sent has
 *	been received; -ENOMEM, as above.
 */
VCORE_API int vcore_buffer_receive(struct vcore_buffer *buffer, void *message,
				   vcore_instant deadline);

/* Sends if there is room now.  Returns: whether it did; never if it is closed. */
VCORE_API bool vcore_buffer_try_send(struct vcore_buffer *buffer, const void *message);

/*
 * Receives if there is a message now.  One that is longer than 4 KiB is not there
 * while it is being copied, nor is what is behind it.  Returns: whether it did.
 */
VCORE_API bool vcore_buffer_try_receive(struct vcore_buffer *buffer, void *message);

/*
 * Sends n messages that lie one behind the other.  Waits, as often as needed,
 * until all are sent.  Others' messages may come between them.
 *
 * Returns: how many were sent: n; or fewer, if the deadline came or the buffer
 *	was closed in between.
 * Errors: as vcore_buffer_send, if none was.
 */
VCORE_API ssize_t vcore_buffer_send_many(struct vcore_buffer *buffer, const void *messages,
					 size_t n, vcore_instant deadline);

/*
 * Receives what is there, up to n messages.  Waits for the first, not for more.
 *
 * Returns: how many, at least 1 (0 if n is 0).
 * Errors: as vcore_buffer_receive.
 */
VCORE_API ssize_t vcore_buffer_receive_many(struct vcore_buffer *buffer, void *messages, size_t n,
					    vcore_instant deadline);

/* --- in place ---------------------------------------------------------------- */

/*
 * Reserves the next cell, to make a message in it: message_size bytes, aligned to
 * the greatest power of two that divides message_size, up to 16.  Waits like
 * vcore_buffer_send.  What is behind it in the buffer cannot be received before it was
 * committed or cancelled.  Of a buffer for one sender one cell can be reserved
 * at a time (checked: panics).  A thread that ends cancels what it has reserved.
 *
 * Returns, Errors: as vcore_buffer_send.
 */
VCORE_API int vcore_buffer_reserve(struct vcore_buffer *buffer, void **cell,
				   vcore_instant deadline);

/*
 * The cell's message is sent.  Where the buffer was closed meanwhile it is, too.
 *
 * Requires: the calling thread has reserved the cell (checked: panics).
 */
VCORE_API void vcore_buffer_commit(struct vcore_buffer *buffer, void *cell);

/*
 * There will be no message in the cell.  It keeps its place until what is before
 * it in the buffer has been received.  Requires: as above.
 */
VCORE_API void vcore_buffer_cancel(struct vcore_buffer *buffer, void *cell);

/*
 * Receives the next message, to be used where it is.  Waits like
 * vcore_buffer_receive.  The cell stays occupied until it is done.  Of a buffer
 * for one receiver one cell can be taken at a time (checked: panics).  A thread
 * that ends is done with what it has taken.
 *
 * Returns, Errors: as vcore_buffer_receive.
 */
VCORE_API int vcore_buffer_take(struct vcore_buffer *buffer, void **cell, vcore_instant deadline);

/*
 * The cell is free again.
 *
 * Requires: the calling thread has taken the cell (checked: panics).
 */
VCORE_API void vcore_buffer_done(struct vcore_buffer *buffer, void *cell);

/* --- ------------------------------------------------------------------------- */

/*
 * No more can be sent: who sends, or waits to, gets -EPIPE.  What was sent can be
 * received; then who receives, or waits to, gets -EPIPE.  Closing twice has no
 * effect.
 */
VCORE_API void vcore_buffer_close(struct vcore_buffer *buffer);

/*
 * How many messages were sent and not yet received, at some instant during the
 * call: 0 … capacity.  What is in place may count as well: cells that are reserved,
 * or cancelled and not yet passed, or taken.
 */
VCORE_API size_t vcore_buffer_count(const struct vcore_buffer *buffer);

#ifdef __cplusplus
}
#endif

#include <vcore/select.h>

#endif /* VCORE_BUFFER_H */
