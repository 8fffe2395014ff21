/*
 * A server that waits for several things at once: for a request; for the end of
 * the worker that it has given one to; for the word to stop; and not for ever.
 *
 * A request is a number, and the reply how many steps Collatz's rule takes from it
 * to 1 (halve what is even; else triple it and add 1).  From 0 it takes for ever:
 * a worker that has worked for too long is destroyed.  While there is a worker the
 * server takes no request, which is a case turned off.
 *
 * Shows: vcore_select with all kinds of cases but SEND, and a deadline.
 * Prints: the reply to each request, or that it took too long; then that the
 *	server has stopped.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <inttypes.h>
#include <stdio.h>
#include <vcore/vcore.h>

#include "check.h"

static const int64_t patience = 300000000; /* nanoseconds */

struct server {
	struct vcore_buffer *requests; /* int64_t */
	struct vcore_eventcount stop, replied;
	int64_t number;              /* the request at work */
	struct vcore_thread *worker; /* NULL: there is none */
	vcore_instant deadline;      /* of the worker */
};

static void *count_steps(void *argument)
{
	struct server *server = argument;
	intptr_t steps = 0;

	for (int64_t n = server->number; n != 1; steps++) {
		n = n % 2 == 0 ? n / 2 : 3 * n + 1;
		vcore_yield(); /* where it may be destroyed */
	}
	return (void *)steps;
}

static void begin(struct server *server)
{
	check(vcore_thread_allocate(&server->worker, NULL, count_steps, server),
	      "vcore_thread_allocate");
	server->deadline = vcore_after(patience);
}

static void reply(struct server *server, const struct vcore_exit *end)
{
	if (end->how == VCORE_RETURNED) {
		printf("%" PRId64 ": %" PRIdPTR " steps\n", server->number, (intptr_t)end->result);
	} else {
		printf("%" PRId64 ": took too long\n", server->number);
	}
	server->worker = NULL;
	server->deadline = VCORE_NEVER;
	vcore_eventcount_advance(&server->replied);
}

/* Its end comes as a case like any other. */
static void lose_patience(struct server *server)
{
	check(vcore_thread_destroy(server->worker), "vcore_thread_destroy");
	server->deadline = VCORE_NEVER;
}

static void *serve(void *argument)
{
	struct server *server = argument;
	enum { REQUEST, STOP, END, CASES };

	for (;;) {
		struct vcore_exit end;
		struct vcore_case cases[CASES] = {
			[REQUEST] = {.kind = VCORE_CASE_RECEIVE,
				     .buffer = server->worker == NULL ? server->requests : NULL,
				     .message = &server->number},
			[STOP] = {.kind = VCORE_CASE_AWAIT, .event = &server->stop, .value = 0},
			[END] = {.kind = VCORE_CASE_JOIN, .thread = server->worker, .exit = &end},
		};
		int done = vcore_select(cases, CASES, server->deadline);

		switch (done) {
		case REQUEST:
			begin(server);
			break;
		case END:
			reply(server, &end);
			break;
		case -ETIMEDOUT:
			lose_patience(server);
			break;
		case STOP:
			printf("stopped\n");
			return NULL;
		default:
			check(done, "vcore_select");
		}
	}
}

/* The client: all requests at once, then patience of its own. */
static void *ask(void *argument)
{
	static const int64_t numbers[] = {6, 27, 0, 97};
	enum { N = sizeof(numbers) / sizeof(numbers[0]) };
	struct server server = {.deadline = VCORE_NEVER};
	struct vcore_thread *thread;

	check(vcore_buffer_allocate(&server.requests, N, sizeof(numbers[0]), NULL),
	      "vcore_buffer_allocate");
	check(vcore_thread_allocate(&thread, NULL, serve, &server), "vcore_thread_allocate");
	for (int i = 0; i < N; i++) {
		check(vcore_buffer_send(server.requests, &numbers[i], VCORE_NEVER),
		      "vcore_buffer_send");
	}
	vcore_eventcount_await(&server.replied, N - 1, VCORE_NEVER);
	vcore_eventcount_advance(&server.stop);
	check(vcore_thread_join(thread, NULL, VCORE_NEVER), "vcore_thread_join");
	vcore_buffer_deallocate(server.requests);
	return argument;
}

int main(void)
{
	check(vcore_run(NULL, ask, NULL, NULL), "vcore_run");
	return 0;
}
