/*
 * Bounded buffers: see buffer.h.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "buffer.h"

#include <err.h>
#include <stdlib.h>
#include <vcore/textbook.h>

void buffer_allocate(struct buffer *buffer, int64_t cells)
{
	*buffer = (struct buffer){
		.cells = cells,
		.cell = calloc((size_t)cells, sizeof(void *)),
	};
	if (buffer->cell == NULL) {
		err(EXIT_FAILURE, "a buffer of %lld cells", (long long)cells);
	}
}

void buffer_deallocate(struct buffer *buffer)
{
	free(buffer->cell);
}

void buffer_send(struct buffer *buffer, void *message)
{
	int64_t i = TICKET(&buffer->senders);

	AWAIT(&buffer->in, i - 1);
	AWAIT(&buffer->out, i - buffer->cells);
	buffer->cell[i % buffer->cells] = message;
	ADVANCE(&buffer->in);
}

void *buffer_receive(struct buffer *buffer)
{
	int64_t i = TICKET(&buffer->receivers);
	void *message;

	AWAIT(&buffer->out, i - 1);
	AWAIT(&buffer->in, i);
	message = buffer->cell[i % buffer->cells];
	ADVANCE(&buffer->out);
	return message;
}
