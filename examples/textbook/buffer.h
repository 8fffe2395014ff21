/*
 * The textbook's bounded buffer, made from eventcounts and sequencers alone.
 *
 * A buffer holds up to a fixed number of messages, which are pointers.  Any
 * number of threads send and receive; a sender waits while the buffer is full
 * and a receiver while it is empty.  Messages leave in the order they came.
 *
 * There is no lock.  A sequencer gives each sender a ticket i, which makes it
 * the sender of message i, and an eventcount says how many messages are sent.
 * It fills its cell when
 *
 *	in  ≥ i		all messages before its own are sent, and
 *	out > i - cells	the message that was in its cell is received,
 *
 * and then counts in `in` that one more is sent.  Receivers do the same the
 * other way round.  So of all senders only one at a time passes both waits,
 * and of all receivers too; and each cell belongs to one of the two at a time.
 *
 * A ticket is a promise to send: a sender that gave up between its ticket and
 * its message would make all others wait for ever.  Hence no deadlines here.
 * In the library's buffer (vcore/buffer.h) one who waits has claimed nothing.
 *
 * Source: Saltzer & Kaashoek, 5.6; Reed & Kanodia, CACM 22, 2 (1979).
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef TEXTBOOK_BUFFER_H
#define TEXTBOOK_BUFFER_H

#include <stdint.h>
#include <vcore/eventcount.h>

struct buffer {
	struct vcore_eventcount in, out;           /* messages sent, received */
	struct vcore_sequencer senders, receivers; /* tickets */
	int64_t cells;
	void **cell; /* message i lies in cell[i % cells] */
};

void buffer_allocate(struct buffer *buffer, int64_t cells);
void buffer_deallocate(struct buffer *buffer);

void buffer_send(struct buffer *buffer, void *message);
void *buffer_receive(struct buffer *buffer);

#endif /* TEXTBOOK_BUFFER_H */
