/*
 * Streams: how pieces and tables travel through the tour.
 *
 * A stream holds up to a fixed number of messages, all of one size, which are copied
 * in and out.  Any number of threads send and receive; a sender waits while the stream
 * is full and a receiver while it is empty.  Messages leave in the order they came.  A
 * stream ends: its receivers get what was sent, then are told so.
 *
 * There are two: stream.c, which the tour uses, is one of the library's bounded
 * buffers; ../textbook/stream.c is the textbook's, made from eventcounts and
 * sequencers.  The tour is built with either.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef TOUR_STREAM_H
#define TOUR_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct stream;

/* A stream of so many cells, which so many threads will receive from. */
struct stream *stream_open(size_t cells, size_t message_bytes, int64_t receivers);

/* Nobody uses it any more. */
void stream_close(struct stream *stream);

void stream_send(struct stream *stream, const void *message);

/* Returns: whether there was another message; false: it has ended. */
bool stream_receive(struct stream *stream, void *message);

/* No more will be sent: the caller was the last to send. */
void stream_end(struct stream *stream);

/* How many messages were sent so far. */
int64_t stream_sent(const struct stream *stream);

#endif /* TOUR_STREAM_H */
