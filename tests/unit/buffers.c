/*
 * Messages, and clients that wait at a buffer; see buffers.h.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "buffers.h"

#include <stdlib.h>

struct vcore_buffer *make_buffer_from(uint64_t first, size_t n, size_t message_size)
{
	struct vcore_buffer_options options = {
		.size = sizeof(options), .flags = BUFFER_FLAGS, .first = first};
	struct vcore_buffer *buffer;

	check(vcore_buffer_allocate(&buffer, ROOM(n), message_size, &options) == 0);
	return buffer;
}

struct vcore_buffer *make_buffer(size_t n, size_t message_size)
{
	return make_buffer_from(0, n, message_size);
}

struct vcore_buffer *make_buffer_of_numbers(size_t n)
{
	return make_buffer(n, sizeof(uint64_t));
}

void make_message(void *message, size_t size, uint64_t number)
{
	unsigned char *bytes = message;

	for (size_t i = 0; i < size; i++) {
		bytes[i] = (unsigned char)(number + (number >> 8) + 7 * i);
	}
}

bool is_message(const void *message, size_t size, uint64_t number)
{
	unsigned char *expected = malloc(size);
	bool is_it;

	make_message(expected, size, number);
	is_it = memcmp(message, expected, size) == 0;
	free(expected);
	return is_it;
}

void put(struct vcore_buffer *buffer, uint64_t number)
{
	check(vcore_buffer_send(buffer, &number, PAST) == 0);
}

uint64_t get(struct vcore_buffer *buffer)
{
	uint64_t number;

	check(vcore_buffer_receive(buffer, &number, PAST) == 0);
	return number;
}

bool refuses_to_send(struct vcore_buffer *buffer)
{
	uint64_t number = FILLER;

	return !vcore_buffer_try_send(buffer, &number) &&
	       vcore_buffer_send(buffer, &number, PAST) == -ETIMEDOUT;
}

bool refuses_to_receive(struct vcore_buffer *buffer)
{
	uint64_t number = 77;

	return !vcore_buffer_try_receive(buffer, &number) &&
	       vcore_buffer_receive(buffer, &number, PAST) == -ETIMEDOUT && number == 77;
}

size_t fill(struct vcore_buffer *buffer)
{
	uint64_t filler = FILLER;
	size_t n = 0;

	while (vcore_buffer_try_send(buffer, &filler)) {
		n++;
	}
	return n;
}

void drain(struct vcore_buffer *buffer, size_t fillers)
{
	for (size_t i = 0; i < fillers; i++) {
		check(get(buffer) == FILLER);
	}
}

void check_is_empty_with_room(struct vcore_buffer *buffer, size_t n)
{
	check(refuses_to_receive(buffer));
	check(fill(buffer) == ROOM(n));
	check(refuses_to_send(buffer));
	drain(buffer, ROOM(n));
	check(refuses_to_receive(buffer));
}

void *reserve_now(struct vcore_buffer *buffer)
{
	void *cell;

	check(vcore_buffer_reserve(buffer, &cell, PAST) == 0);
	return cell;
}

void *take_now(struct vcore_buffer *buffer)
{
	void *cell;

	check(vcore_buffer_take(buffer, &cell, PAST) == 0);
	return cell;
}

bool is_sent_by(enum call call)
{
	return call <= RESERVE;
}

enum vcore_wait_kind wait_of(enum call call)
{
	return is_sent_by(call) ? VCORE_WAIT_SEND : VCORE_WAIT_RECEIVE;
}

static int place(struct vcore_buffer *buffer, uint64_t number, vcore_instant deadline)
{
	void *cell;
	int result = vcore_buffer_reserve(buffer, &cell, deadline);

	if (result == 0) {
		*(uint64_t *)cell = number;
		vcore_buffer_commit(buffer, cell);
	}
	return result;
}

static int take(struct vcore_buffer *buffer, uint64_t *number, vcore_instant deadline)
{
	void *cell;
	int result = vcore_buffer_take(buffer, &cell, deadline);

	if (result == 0) {
		*number = *(uint64_t *)cell;
		vcore_buffer_done(buffer, cell);
	}
	return result;
}

/* Of one that was done, or of the error. */
static int result_of_one(ssize_t result)
{
	check(result < 0 || result == 1);
	return result == 1 ? 0 : (int)result;
}

int call_with(enum call call, struct vcore_buffer *buffer, uint64_t *number, vcore_instant deadline)
{
	switch (call) {
	case SEND:
		return vcore_buffer_send(buffer, number, deadline);
	case SEND_MANY:
		return result_of_one(vcore_buffer_send_many(buffer, number, 1, deadline));
	case RESERVE:
		return place(buffer, *number, deadline);
	case RECEIVE:
		return vcore_buffer_receive(buffer, number, deadline);
	case RECEIVE_MANY:
		return result_of_one(vcore_buffer_receive_many(buffer, number, 1, deadline));
	default:
		return take(buffer, number, deadline);
	}
}

/* --- clients ------------------------------------------------------------------------------ */

void *be_client(void *argument)
{
	struct client *client = argument;
	vcore_instant deadline = client->deadline != 0 ? client->deadline : VCORE_NEVER;

	if (is_sent_by(client->call)) {
		client->fillers = fill(client->buffer);
	}
	atomic_store(&client->tid, thread_id_of_kernel());
	client->result = call_with(client->call, client->buffer, &client->number, deadline);
	atomic_store(&client->over, true);
	return NULL;
}

bool client_waits(struct client *client)
{
	pid_t tid = atomic_load(&client->tid);

	return client->peer.thread != NULL
		       ? is_waiting_for(client->peer.thread, wait_of(client->call))
		       : tid != 0 && is_asleep(tid);
}

/* On a slow machine its deadline may be over before it is seen. */
static void until_it_waits(struct client *client)
{
	until(atomic_load(&client->over) || client_waits(client));
}

void client_start(struct client *client)
{
	client->peer = peer_start(be_client, client);
	until_it_waits(client);
}

void client_start_pthread(struct client *client)
{
	client->peer = (struct peer){.pthread = start_pthread(be_client, client)};
	until_it_waits(client);
}

int client_finish(struct client *client)
{
	peer_finish(client->peer);
	return client->result;
}

void client_serve(struct client *client)
{
	if (is_sent_by(client->call)) {
		drain(client->buffer, client->fillers);
		check(client_finish(client) == 0);
		check(get(client->buffer) == client->number);
	} else {
		put(client->buffer, 4711);
		check(client_finish(client) == 0);
		check(client->number == 4711);
	}
}
