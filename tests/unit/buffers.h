/*
 * What all buffers promise is tested by the same text, compiled once for each
 * kind: BUFFER is the name of the suite, BUFFER_FLAGS are the flags of its
 * buffers, and BUFFER_MORE is how much larger they are than they need be: for
 * small ones the library takes another way.  So that it holds for one sender and one receiver, at
 * most one thread sends in such a test, and one receives; both may be the same.  And what these
 * tests share: messages, and clients that wait at a buffer.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef TESTS_UNIT_BUFFERS_H
#define TESTS_UNIT_BUFFERS_H

#include "ticking.h"

/* A Test, TestInside, … of the suite that bears the name. */
#define TestBuffer(how, name, ...)         TestBuffer_(how, BUFFER, name, ##__VA_ARGS__)
#define TestBuffer_(how, suite, name, ...) how(suite, name, ##__VA_ARGS__)

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/* How many messages a buffer holds that is to hold n at least. */
#define ROOM(n) ((size_t)(n) + BUFFER_MORE)

/* --- buffers of messages ------------------------------------------------------------------ */

/* With room for n. */
struct vcore_buffer *make_buffer(size_t n, size_t message_size);
struct vcore_buffer *make_buffer_from(uint64_t first, size_t n, size_t message_size);

/* The message of that number, and whether it is that. */
void make_message(void *message, size_t size, uint64_t number);
bool is_message(const void *message, size_t size, uint64_t number);

/* --- buffers of numbers ------------------------------------------------------------------- */

struct vcore_buffer *make_buffer_of_numbers(size_t n);

/* At once, or the check fails. */
void put(struct vcore_buffer *buffer, uint64_t number);
uint64_t get(struct vcore_buffer *buffer);
void *reserve_now(struct vcore_buffer *buffer);
void *take_now(struct vcore_buffer *buffer);
/* Whether it could not be sent, or received; nothing is. */
bool refuses_to_send(struct vcore_buffer *buffer);
bool refuses_to_receive(struct vcore_buffer *buffer);
/* What a sender fills a buffer with, so that it must wait. */
#define FILLER UINT64_MAX

/* Sends as many fillers as there is room for: how many; and receives so many. */
size_t fill(struct vcore_buffer *buffer);
void drain(struct vcore_buffer *buffer, size_t fillers);
/* Has ROOM(n), and nothing is in it. */
void check_is_empty_with_room(struct vcore_buffer *buffer, size_t n);

/* The calls that may wait; what is sent or received is one number. */
enum call { SEND, SEND_MANY, RESERVE, RECEIVE, RECEIVE_MANY, TAKE, CALLS };

bool is_sent_by(enum call call);
enum vcore_wait_kind wait_of(enum call call);
int call_with(enum call call, struct vcore_buffer *buffer, uint64_t *number,
	      vcore_instant deadline);

/* --- clients ------------------------------------------------------------------------------ */

/* Makes one call, for which it has to wait. */
struct client {
	enum call call;
	struct vcore_buffer *buffer;
	uint64_t number;        /* that it sends, or has received */
	vcore_instant deadline; /* 0: VCORE_NEVER */
	int result;
	size_t fillers;
	atomic_bool over;
	atomic_int tid;
	struct peer peer;
};
void *be_client(void *client); /* if it sends, it fills the buffer before */
bool client_waits(struct client *client);
/* Start it, as one of the caller's kind, or as a pthread: it waits then, or is over. */
void client_start(struct client *client);
void client_start_pthread(struct client *client);
int client_finish(struct client *client); /* its result */

/* What a client waits for happens, and it is done: its number has come through. */
void client_serve(struct client *client);

#endif /* TESTS_UNIT_BUFFERS_H */
