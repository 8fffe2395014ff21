/*
 * A client and a service, each in a thread of its own, that share nothing but
 * two bounded buffers.
 *
 * The service measures strings.  A client that called it as a procedure would
 * share its stack and its fate; through SEND and RECEIVE only messages pass, and
 * those are copied: the client changes its request as soon as it is sent.  Each
 * request says where the reply is to go, so one service serves several clients.
 * It is an endless loop, as services are; when the clients are done somebody else
 * destroys it, where it waits for a request that never comes.
 *
 * Shows: ALLOCATE_BOUNDED_BUFFER, SEND, RECEIVE, ALLOCATE_THREAD, DESTROY_THREAD,
 *	EXIT_THREAD, AWAIT, ADVANCE.
 * Prints: how long the words are that the clients ask for, in order, and how many
 *	requests were served.
 *
 * Source: Saltzer & Kaashoek, 4.1 and 5.2.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <stdio.h>
#include <string.h>
#include <vcore/textbook.h>

#include "../check.h"

enum { N = 2, CLIENTS = 2, WORDS = 4 };

struct request {
	struct vcore_buffer *replies;
	char text[16];
};

struct reply {
	size_t length;
};

struct client {
	struct vcore_buffer *replies;
	const char *word[WORDS];
	size_t length[WORDS]; /* what the service replied */
};

static struct vcore_buffer *requests;
static struct vcore_eventcount done; /* clients */
static int served;                   /* by the service alone */

static void *service(void *unused)
{
	struct request request;
	struct reply reply;

	for (;;) {
		RECEIVE(requests, &request);
		reply.length = strlen(request.text);
		served++;
		SEND(request.replies, &reply);
	}
	return unused;
}

static void *client(void *argument)
{
	struct client *self = argument;
	struct request request = {.replies = self->replies};
	struct reply reply;

	for (int i = 0; i < WORDS; i++) {
		snprintf(request.text, sizeof(request.text), "%s", self->word[i]);
		SEND(requests, &request);
		memset(request.text, 0, sizeof(request.text)); /* it was copied */
		RECEIVE(self->replies, &reply);
		self->length[i] = reply.length;
	}
	ADVANCE(&done);
	EXIT_THREAD();
}

static struct client clients[CLIENTS] = {
	{.word = {"interpreter", "memory", "link", "thread"}},
	{.word = {"buffer", "eventcount", "sequencer", "lock"}},
};

static void *start(void *unused)
{
	uint64_t service_id;

	requests = ALLOCATE_BOUNDED_BUFFER(N, sizeof(struct request));
	service_id = ALLOCATE_THREAD(service, NULL);
	for (int i = 0; i < CLIENTS; i++) {
		clients[i].replies = ALLOCATE_BOUNDED_BUFFER(N, sizeof(struct reply));
		ALLOCATE_THREAD(client, &clients[i]);
	}
	AWAIT(&done, CLIENTS - 1);
	for (int i = 0; i < CLIENTS * WORDS; i++) {
		struct client *client = &clients[i / WORDS];

		printf("%s: %zu\n", client->word[i % WORDS], client->length[i % WORDS]);
	}
	printf("%d requests were served\n", served);
	DESTROY_THREAD(service_id);
	return unused;
}

int main(void)
{
	check(vcore_run(NULL, start, NULL, NULL), "vcore_run");
	/*
	 * Not before: a client that has its last reply knows that it was sent, and
	 * not that the service has returned from SEND.
	 */
	DEALLOCATE_BOUNDED_BUFFER(requests);
	for (int i = 0; i < CLIENTS; i++) {
		DEALLOCATE_BOUNDED_BUFFER(clients[i].replies);
	}
	return 0;
}
