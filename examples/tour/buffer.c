/*
 * Bounded buffers: see buffer.h.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "buffer.h"

#include <stdlib.h>

#include "memory.h"

void buffer_allocate(struct buffer *buffer, int64_t cells)
{
	*buffer = (struct buffer){
		.cells = cells,
		.cell = allocate((size_t)cells * sizeof(void *)),
	};
}

void buffer_deallocate(struct buffer *buffer)
{
	free(buffer->cell);
}

void buffer_send(struct buffer *buffer, void *message)
{
	int64_t i = vcore_sequencer_ticket(&buffer->senders);

	vcore_eventcount_await(&buffer->in, i - 1, VCORE_NEVER);
	vcore_eventcount_await(&buffer->out, i - buffer->cells, VCORE_NEVER);
	buffer->cell[i % buffer->cells] = message;
	vcore_eventcount_advance(&buffer->in);
}

void *buffer_receive(struct buffer *buffer)
{
	int64_t i = vcore_sequencer_ticket(&buffer->receivers);
	void *message;

	vcore_eventcount_await(&buffer->out, i - 1, VCORE_NEVER);
	vcore_eventcount_await(&buffer->in, i, VCORE_NEVER);
	message = buffer->cell[i % buffer->cells];
	vcore_eventcount_advance(&buffer->out);
	return message;
}
