/*
 * A thread ends in the middle of a change, and the next who comes puts it right.
 *
 * A clerk moves money from one account to another, under a lock.  He has taken it
 * from the first when he must wait for somebody, and there he is destroyed: the
 * lock stays locked, and the money is nowhere.  Whoever acquires the lock next
 * inherits it: acquire_until returns -EOWNERDEAD.  The note that each transfer
 * leaves before it begins says what is to be done; then the lock is as good as
 * new.
 *
 * Who cannot put things right releases the lock without a word, and then nobody
 * gets it any more: -ENOTRECOVERABLE.
 *
 * Shows: a lock whose owner has ended, vcore_lock_recovered; vcore_thread_destroy.
 * Prints: what the heir finds and does, and who gets the lock afterwards.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <errno.h>
#include <stdio.h>
#include <vcore/vcore.h>

#include "check.h"

struct bank {
	struct vcore_lock lock;
	/* guarded by it */
	int from, to; /* what is in the two accounts */
	int moving;   /* the note: so much is on its way from one to the other */
};

static struct vcore_eventcount halfway, never;

static void *transfer(void *argument)
{
	struct bank *bank = argument;

	vcore_lock_acquire(&bank->lock);
	bank->moving = 30;
	bank->from -= bank->moving;
	vcore_eventcount_advance(&halfway);
	vcore_eventcount_await(&never, 0, VCORE_NEVER); /* here he is destroyed */
	bank->to += bank->moving;
	bank->moving = 0;
	vcore_lock_release(&bank->lock);
	return NULL;
}

/* A clerk who got as far as that, and no further. */
static void lose_clerk(struct bank *bank, int64_t which)
{
	struct vcore_thread *clerk;

	check(vcore_thread_allocate(&clerk, NULL, transfer, bank), "vcore_thread_allocate");
	vcore_eventcount_await(&halfway, which, VCORE_NEVER);
	vcore_thread_destroy(clerk);
	check(vcore_thread_join(clerk, NULL, VCORE_NEVER), "vcore_thread_join");
}

static void put_right(struct bank *bank)
{
	printf("%d + %d, and %d on its way\n", bank->from, bank->to, bank->moving);
	bank->to += bank->moving;
	bank->moving = 0;
}

static const char *word_for(int result)
{
	switch (result) {
	case 0:
		return "the lock is mine";
	case -EOWNERDEAD:
		return "the lock is mine, its owner has ended";
	case -ENOTRECOVERABLE:
		return "nobody gets the lock any more";
	default:
		return "something else";
	}
}

static int acquire(struct bank *bank)
{
	int result = vcore_lock_acquire_until(&bank->lock, VCORE_NEVER);

	printf("%s\n", word_for(result));
	return result;
}

static void *inherit(void *unused)
{
	struct bank bank = {.from = 100};

	lose_clerk(&bank, 0);
	if (acquire(&bank) == -EOWNERDEAD) {
		put_right(&bank);
		vcore_lock_recovered(&bank.lock);
	}
	vcore_lock_release(&bank.lock);

	if (acquire(&bank) == 0) {
		printf("%d + %d\n", bank.from, bank.to);
		vcore_lock_release(&bank.lock);
	}

	lose_clerk(&bank, 1);
	if (acquire(&bank) == -EOWNERDEAD) {
		vcore_lock_release(&bank.lock); /* without having put things right */
	}
	(void)acquire(&bank);
	return unused;
}

int main(void)
{
	check(vcore_run(NULL, inherit, NULL, NULL), "vcore_run");
	return 0;
}
