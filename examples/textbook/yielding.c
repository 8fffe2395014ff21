/*
 * The bounded buffer as the textbook first has it: a lock, and nothing to wait on.
 *
 * A sender that finds the buffer full can only let others run and look again.
 * It must release the lock before it yields, or the receiver could never make
 * room; and so it must look anew when it has acquired the lock again.  That is
 * right, but who waits goes on costing a processor's time; the next step in the
 * book is a way to wait (senders.c has it).
 *
 * Shows: ACQUIRE, RELEASE, YIELD.
 * Prints: what was sent and received, and that somebody had to look again.
 *
 * Source: Saltzer & Kaashoek, 5.2 and 5.5.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <inttypes.h>
#include <stdio.h>
#include <vcore/textbook.h>

#include "../check.h"

enum { N = 5, SENDERS = 3, MESSAGES = 400 /* of each sender */ };

struct buffer {
	struct vcore_lock lock;
	/* guarded by lock */
	int64_t message[N];
	int64_t in, out; /* sent, received */
	int64_t looks;   /* in vain */
};

static struct buffer buffer; /* all-zero: the lock is free */

static void look_again(struct buffer *p)
{
	p->looks++;
	RELEASE(&p->lock);
	YIELD();
	ACQUIRE(&p->lock);
}

static void send(struct buffer *p, int64_t message)
{
	ACQUIRE(&p->lock);
	while (p->in - p->out == N) {
		look_again(p);
	}
	p->message[p->in % N] = message;
	p->in++;
	RELEASE(&p->lock);
}

static int64_t receive(struct buffer *p)
{
	int64_t message;

	ACQUIRE(&p->lock);
	while (p->in == p->out) {
		look_again(p);
	}
	message = p->message[p->out % N];
	p->out++;
	RELEASE(&p->lock);
	return message;
}

static void *send_all(void *unused)
{
	for (int i = 1; i <= MESSAGES; i++) {
		send(&buffer, i);
	}
	return unused;
}

static void *start(void *unused)
{
	int64_t sum = 0;

	for (int i = 0; i < SENDERS; i++) {
		ALLOCATE_THREAD(send_all, NULL);
	}
	for (int i = 0; i < SENDERS * MESSAGES; i++) {
		sum += receive(&buffer);
	}
	printf("%" PRId64 " messages sent, %" PRId64 " received, sum %" PRId64 "\n", buffer.in,
	       buffer.out, sum);
	printf("somebody looked in vain: %s\n", buffer.looks > 0 ? "yes" : "no");
	return unused;
}

int main(void)
{
	check(vcore_run(NULL, start, NULL, NULL), "vcore_run");
	return 0;
}
