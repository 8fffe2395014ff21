/*
 * The tour's streams (../tour/stream.h) made from the textbook's bounded buffer
 * (buffer.h), which the tour was first written with.
 *
 * That one carries pointers: a message is copied into memory of its own.  And it
 * cannot be closed: a receiver has taken its ticket when it waits, and only a
 * message ends the wait.  So the end is a message, too, and there must be one for
 * each receiver.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "../tour/stream.h"

#include <stdlib.h>
#include <string.h>

#include "../tour/trouble.h"
#include "buffer.h"

struct stream {
	struct buffer buffer;
	size_t message_bytes;
	int64_t receivers;
};

struct stream *stream_open(size_t cells, size_t message_bytes, int64_t receivers)
{
	struct stream *stream = allocate(sizeof(*stream));

	buffer_allocate(&stream->buffer, (int64_t)cells);
	stream->message_bytes = message_bytes;
	stream->receivers = receivers;
	return stream;
}

/* Some messages may never have been received. */
void stream_close(struct stream *stream)
{
	int64_t left = vcore_eventcount_read(&stream->buffer.in) -
		       vcore_eventcount_read(&stream->buffer.out);

	for (int64_t i = 0; i < left; i++) {
		free(buffer_receive(&stream->buffer));
	}
	buffer_deallocate(&stream->buffer);
	free(stream);
}

void stream_send(struct stream *stream, const void *message)
{
	void *copy = allocate(stream->message_bytes);

	memcpy(copy, message, stream->message_bytes);
	buffer_send(&stream->buffer, copy);
}

bool stream_receive(struct stream *stream, void *message)
{
	void *copy = buffer_receive(&stream->buffer);

	if (copy == NULL) {
		return false;
	}
	memcpy(message, copy, stream->message_bytes);
	free(copy);
	return true;
}

void stream_end(struct stream *stream)
{
	for (int64_t i = 0; i < stream->receivers; i++) {
		buffer_send(&stream->buffer, NULL);
	}
}

int64_t stream_sent(const struct stream *stream)
{
	return vcore_eventcount_read(&stream->buffer.in);
}
