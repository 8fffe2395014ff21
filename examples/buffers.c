/*
 * The same bounded buffer made twice: from a lock and two conditions, and from
 * eventcounts and sequencers.
 *
 * With a lock, all who send and receive exclude each other while they look at the
 * buffer, and a condition each lets those wait who found it full or empty.
 * With eventcounts there is no lock: each has a ticket, and awaits the counts that
 * make it its turn, so that no two are at the same cell.  A sender that waits on
 * the condition may give up; one that has a ticket has promised to send.
 *
 * Shows: lock and condition beside eventcount and sequencer.
 * Prints: what the receivers got through either, which is the same.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <inttypes.h>
#include <stdio.h>
#include <vcore/vcore.h>

#include "check.h"

enum { CELLS = 4, SENDERS = 3, RECEIVERS = 2, EACH = 1000, MESSAGES = SENDERS * EACH };

/* --- from a lock and two conditions --- */

static struct {
	struct vcore_lock lock;
	struct vcore_condition not_full, not_empty;
	/* guarded by lock */
	int64_t in, out; /* sent, received */
	int64_t cell[CELLS];
} locked;

static void locked_send(int64_t message)
{
	vcore_lock_acquire(&locked.lock);
	while (locked.in - locked.out == CELLS) {
		vcore_condition_wait(&locked.not_full, &locked.lock, VCORE_NEVER);
	}
	locked.cell[locked.in % CELLS] = message;
	locked.in++;
	vcore_condition_signal(&locked.not_empty);
	vcore_lock_release(&locked.lock);
}

static int64_t locked_receive(void)
{
	int64_t message;

	vcore_lock_acquire(&locked.lock);
	while (locked.in == locked.out) {
		vcore_condition_wait(&locked.not_empty, &locked.lock, VCORE_NEVER);
	}
	message = locked.cell[locked.out % CELLS];
	locked.out++;
	vcore_condition_signal(&locked.not_full);
	vcore_lock_release(&locked.lock);
	return message;
}

/* --- from eventcounts and sequencers --- */

static struct {
	struct vcore_eventcount in, out; /* sent, received */
	struct vcore_sequencer senders, receivers;
	int64_t cell[CELLS];
} counted;

static void counted_send(int64_t message)
{
	int64_t ticket = vcore_sequencer_ticket(&counted.senders);

	vcore_eventcount_await(&counted.in, ticket - 1, VCORE_NEVER);
	vcore_eventcount_await(&counted.out, ticket - CELLS, VCORE_NEVER);
	counted.cell[ticket % CELLS] = message;
	vcore_eventcount_advance(&counted.in);
}

static int64_t counted_receive(void)
{
	int64_t ticket = vcore_sequencer_ticket(&counted.receivers);
	int64_t message;

	vcore_eventcount_await(&counted.out, ticket - 1, VCORE_NEVER);
	vcore_eventcount_await(&counted.in, ticket, VCORE_NEVER);
	message = counted.cell[ticket % CELLS];
	vcore_eventcount_advance(&counted.out);
	return message;
}

/* --- the same use of both --- */

struct use {
	const char *name;
	void (*send)(int64_t message);
	int64_t (*receive)(void);
	struct vcore_sequencer numbers, turns; /* messages to send, to receive */
	int64_t sum;                           /* counted atomically */
};

static void *send_all(void *argument)
{
	struct use *use = argument;
	int64_t number;

	while ((number = vcore_sequencer_ticket(&use->numbers)) < MESSAGES) {
		use->send(number + 1);
	}
	return NULL;
}

static void *receive_all(void *argument)
{
	struct use *use = argument;

	while (vcore_sequencer_ticket(&use->turns) < MESSAGES) {
		__atomic_add_fetch(&use->sum, use->receive(), __ATOMIC_RELAXED);
	}
	return NULL;
}

static void *start(void *use)
{
	for (int i = 0; i < SENDERS; i++) {
		check(vcore_thread_allocate(NULL, NULL, send_all, use), "vcore_thread_allocate");
	}
	for (int i = 0; i < RECEIVERS; i++) {
		check(vcore_thread_allocate(NULL, NULL, receive_all, use), "vcore_thread_allocate");
	}
	return NULL;
}

static void try_out(struct use use)
{
	check(vcore_run(NULL, start, &use, NULL), "vcore_run");
	printf("%s: %d messages, sum %" PRId64 "\n", use.name, MESSAGES, use.sum);
}

int main(void)
{
	try_out((struct use){"lock and conditions", locked_send, locked_receive, {0}, {0}, 0});
	try_out((struct use){"eventcounts", counted_send, counted_receive, {0}, {0}, 0});
	return 0;
}
