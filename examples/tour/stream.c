/*
 * Streams made from the library's bounded buffers: see stream.h.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "stream.h"

#include <stdlib.h>
#include <vcore/buffer.h>

#include "trouble.h"

struct stream {
	struct vcore_buffer *buffer;
	int64_t sent; /* counted atomically */
};

struct stream *stream_open(size_t cells, size_t message_bytes, int64_t receivers)
{
	struct stream *stream = allocate(sizeof(*stream));

	(void)receivers; /* whoever they are, they are told */
	check(vcore_buffer_allocate(&stream->buffer, cells, message_bytes, NULL),
	      "vcore_buffer_allocate");
	return stream;
}

void stream_close(struct stream *stream)
{
	vcore_buffer_deallocate(stream->buffer);
	free(stream);
}

void stream_send(struct stream *stream, const void *message)
{
	check(vcore_buffer_send(stream->buffer, message, VCORE_NEVER), "vcore_buffer_send");
	__atomic_add_fetch(&stream->sent, 1, __ATOMIC_RELAXED);
}

bool stream_receive(struct stream *stream, void *message)
{
	int result = vcore_buffer_receive(stream->buffer, message, VCORE_NEVER);

	if (result == -EPIPE) {
		return false;
	}
	check(result, "vcore_buffer_receive");
	return true;
}

void stream_end(struct stream *stream)
{
	vcore_buffer_close(stream->buffer);
}

int64_t stream_sent(const struct stream *stream)
{
	return __atomic_load_n(&stream->sent, __ATOMIC_RELAXED);
}
