/*
 * Bounded buffers: see vcore/buffer.h.  Their two kinds are in ring.c and spsc.c,
 * what waits in buffer_wait.c, and what is done in place in in_place.c.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "comm/buffer.h"

#include <stdint.h>

#include "platform/options.h"

/*
 * Who declares one sender and one receiver gets the kind made for that, if it
 * is large enough: waiting costs it a system call more, which a few messages
 * are not worth.
 */
#define SPSC_LEAST 128

#define CELL_ALIGNMENT 16

/* At most so many messages, or bytes and one message, are copied between two ticks. */
#define RUN       64
#define RUN_BYTES ((size_t)64 << 10)

/* --- allocating ------------------------------------------------------------------ */

/* The greatest power of two that divides it, up to CELL_ALIGNMENT. */
static size_t alignment_of(size_t message_size)
{
	size_t alignment = message_size & -message_size;

	return alignment < CELL_ALIGNMENT ? alignment : CELL_ALIGNMENT;
}

/* False: it would be larger than memory can be. */
static bool lay_out(struct vcore_buffer *buffer)
{
	size_t alignment = alignment_of(buffer->message_size);
	size_t cells, owners, bytes;

	if (!buffer->spsc) {
		alignment = alignment < sizeof(uint64_t) ? sizeof(uint64_t) : alignment;
		buffer->header = alignment;
	}
	if (__builtin_add_overflow(buffer->message_size, buffer->header + alignment - 1,
				   &buffer->stride)) {
		return false;
	}
	buffer->stride &= ~(alignment - 1);
	owners = buffer->spsc ? 0 : sizeof(uint32_t);
	if (__builtin_mul_overflow(buffer->capacity, buffer->stride, &cells) ||
	    __builtin_mul_overflow(buffer->capacity, owners, &owners) ||
	    __builtin_add_overflow(cells, owners, &bytes) ||
	    __builtin_add_overflow(bytes, sizeof *buffer + vci_page_size, &bytes)) {
		return false;
	}
	buffer->bytes = bytes & ~(vci_page_size - 1);
	return buffer->bytes <= PTRDIFF_MAX;
}

static void set_divisor(struct vcore_buffer *buffer)
{
	if ((buffer->capacity & (buffer->capacity - 1)) == 0) {
		buffer->mask = buffer->capacity - 1;
	} else {
		buffer->reciprocal = UINT64_MAX / buffer->capacity;
	}
}

static void begin(struct vcore_buffer *buffer, uint64_t first)
{
	buffer->cells = (char *)(buffer + 1);
	if (buffer->spsc) {
		buffer->sender.done = first;
		buffer->sender.limit = first + buffer->capacity;
		buffer->receiver.done = first;
		buffer->receiver.limit = first;
	} else {
		buffer->owners =
			(uint32_t *)(void *)(buffer->cells + buffer->capacity * buffer->stride);
		vci_ring_begin(buffer, first);
	}
}

int vcore_buffer_allocate(struct vcore_buffer **result, size_t capacity, size_t message_size,
			  const struct vcore_buffer_options *options)
{
	struct vcore_buffer_options known;
	struct vcore_buffer plan = {.capacity = capacity, .message_size = message_size};
	struct vcore_buffer *buffer;
	int error = vci_options(&known, sizeof known, options);

	VCI_PANIC_IF(result == NULL, "buffer is NULL");
	VCI_PANIC_IF(capacity == 0, "capacity is 0");
	VCI_PANIC_IF(message_size == 0, "message_size is 0");
	if (error == 0) {
		error = vci_platform_open();
	}
	if (error != 0) {
		return error;
	}
	if ((known.flags & ~VCORE_BUFFER_SPSC) != 0 || known.first > VCORE_BUFFER_FIRST_MAX) {
		return -EINVAL;
	}
	plan.declared = (known.flags & VCORE_BUFFER_SPSC) != 0;
	plan.spsc = plan.declared && capacity >= SPSC_LEAST;
	plan.run_max = message_size < RUN_BYTES / RUN ? RUN : 1 + RUN_BYTES / message_size;
	set_divisor(&plan);
	if (!lay_out(&plan)) {
		return -ENOMEM;
	}
	buffer = vci_pages_reserve(plan.bytes);
	if (buffer == NULL) {
		return -ENOMEM;
	}
	*buffer = plan;
	begin(buffer, known.first);
	*result = buffer;
	return 0;
}

static bool is_kept(const struct vcore_buffer *buffer)
{
	return buffer->sender.has_cell || buffer->receiver.has_cell ||
	       (!buffer->spsc && vci_ring_is_kept(buffer));
}

void vcore_buffer_deallocate(struct vcore_buffer *buffer)
{
	if (buffer == NULL) {
		return;
	}
	VCI_PANIC_IF(buffer->in.order != NULL, "a thread waits to receive");
	VCI_PANIC_IF(buffer->out.order != NULL, "a thread waits to send");
	VCI_PANIC_IF(is_kept(buffer), "a cell is reserved, or taken");
	vci_pages_release(buffer, buffer->bytes);
}

/* --- messages ------------------------------------------------------------------------ */

static ssize_t send_some(struct vcore_buffer *buffer, void *messages, size_t n)
{
	n = n < buffer->run_max ? n : buffer->run_max;
	return buffer->spsc ? vci_spsc_send_some(buffer, messages, n)
			    : vci_ring_send_some(buffer, messages, n);
}

static ssize_t receive_some(struct vcore_buffer *buffer, void *messages, size_t n)
{
	n = n < buffer->run_max ? n : buffer->run_max;
	return buffer->spsc ? vci_spsc_receive_some(buffer, messages, n)
			    : vci_ring_receive_some(buffer, messages, n);
}

int vcore_buffer_send(struct vcore_buffer *buffer, const void *message, vcore_instant deadline)
{
	const struct vci_kthread *m;
	ssize_t result;

	VCI_PANIC_IF(buffer == NULL, "buffer is NULL");
	VCI_PANIC_IF(message == NULL, "message is NULL");
	m = vci_wait_enter();
	vci_buffer_check(buffer, &buffer->sender, m, __func__);
	result = vci_buffer_send_one(buffer, message);
	if (unlikely(result == -EAGAIN)) {
		result = vci_buffer_repeat(buffer, VCORE_WAIT_SEND, send_some, (void *)message, 1,
					   false, deadline);
	}
	return result < 0 ? (int)result : 0;
}

int vcore_buffer_receive(struct vcore_buffer *buffer, void *message, vcore_instant deadline)
{
	const struct vci_kthread *m;
	ssize_t result;

	VCI_PANIC_IF(buffer == NULL, "buffer is NULL");
	VCI_PANIC_IF(message == NULL, "message is NULL");
	m = vci_wait_enter();
	vci_buffer_check(buffer, &buffer->receiver, m, __func__);
	result = vci_buffer_receive_one(buffer, message);
	if (unlikely(result == -EAGAIN)) {
		result = vci_buffer_repeat(buffer, VCORE_WAIT_RECEIVE, receive_some, message, 1,
					   false, deadline);
	}
	return result < 0 ? (int)result : 0;
}

bool vcore_buffer_try_send(struct vcore_buffer *buffer, const void *message)
{
	VCI_PANIC_IF(buffer == NULL, "buffer is NULL");
	VCI_PANIC_IF(message == NULL, "message is NULL");
	vci_buffer_check(buffer, &buffer->sender, NULL, __func__);
	return vci_buffer_send_one(buffer, message) == 0;
}

bool vcore_buffer_try_receive(struct vcore_buffer *buffer, void *message)
{
	VCI_PANIC_IF(buffer == NULL, "buffer is NULL");
	VCI_PANIC_IF(message == NULL, "message is NULL");
	vci_buffer_check(buffer, &buffer->receiver, NULL, __func__);
	return vci_buffer_receive_one(buffer, message) == 0;
}

ssize_t vcore_buffer_send_many(struct vcore_buffer *buffer, const void *messages, size_t n,
			       vcore_instant deadline)
{
	const char *next = messages;
	size_t sent = 0;

	VCI_PANIC_IF(buffer == NULL, "buffer is NULL");
	VCI_PANIC_IF(messages == NULL && n > 0, "messages is NULL");
	vci_buffer_check(buffer, &buffer->sender, vci_wait_enter(), __func__);
	while (sent < n) {
		ssize_t some = vci_buffer_do(buffer, VCORE_WAIT_SEND, send_some, (void *)next,
					     n - sent, sent > 0, deadline);

		if (some < 0) {
			return sent > 0 ? (ssize_t)sent : some;
		}
		sent += (size_t)some;
		next += (size_t)some * buffer->message_size;
		(void)vci_enter(); /* a tick may act between two runs */
	}
	return (ssize_t)sent;
}

ssize_t vcore_buffer_receive_many(struct vcore_buffer *buffer, void *messages, size_t n,
				  vcore_instant deadline)
{
	size_t received = 0;
	ssize_t some;

	VCI_PANIC_IF(buffer == NULL, "buffer is NULL");
	VCI_PANIC_IF(messages == NULL && n > 0, "messages is NULL");
	vci_buffer_check(buffer, &buffer->receiver, vci_wait_enter(), __func__);
	some = n > 0 ? vci_buffer_do(buffer, VCORE_WAIT_RECEIVE, receive_some, messages, n, false,
				     deadline)
		     : 0;
	while (some > 0 && (received += (size_t)some) < n) {
		(void)vci_enter(); /* a tick may act between two runs */
		some = receive_some(buffer, (char *)messages + received * buffer->message_size,
				    n - received);
	}
	return received > 0 ? (ssize_t)received : some;
}

/* --- closing ------------------------------------------------------------------------- */

static void wake_receivers(struct vcore_buffer *buffer)
{
	uint64_t word = vci_waiters_lock(&buffer->in);
	struct vci_ordered *woken = vci_waiters_claim_all(&buffer->in);

	if (buffer->spsc && !(word & VCI_CLOSED)) {
		vci_spsc_say_end(buffer);
	}
	vci_waiters_unlock(&buffer->in, word | VCI_CLOSED);
	vci_waiter_wake_chain(woken);
}

static void wake_senders(struct vcore_buffer *buffer)
{
	uint64_t word = vci_waiters_lock(&buffer->out);
	struct vci_ordered *woken = vci_waiters_claim_all(&buffer->out);

	vci_waiters_unlock(&buffer->out, word);
	vci_waiter_wake_chain(woken);
}

void vcore_buffer_close(struct vcore_buffer *buffer)
{
	VCI_PANIC_IF(buffer == NULL, "buffer is NULL");
	if (buffer->spsc) {
		vci_spsc_close(buffer);
	}
	wake_receivers(buffer);
	wake_senders(buffer);
}

size_t vcore_buffer_count(const struct vcore_buffer *buffer)
{
	VCI_PANIC_IF(buffer == NULL, "buffer is NULL");
	return buffer->spsc ? vci_spsc_count(buffer) : vci_ring_count(buffer);
}
