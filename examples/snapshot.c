/*
 * A bank is audited while it works.
 *
 * Clerks move money between accounts, all of which lie in one block.  Now and
 * then the auditor has them stop for as long as a snapshot takes, and then counts
 * in it at leisure, while they go on: the snapshot is the bank of that instant,
 * and what the clerks write since is not in it.  Nothing is copied but the pages
 * that they write meanwhile.
 *
 * Shows: snapshots of a block; a lock, for one instant of all accounts.
 * Prints: what the auditor found, which is always the same.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <stdatomic.h>
#include <stdio.h>
#include <vcore/vcore.h>

#include "check.h"

enum { ACCOUNTS = 50000, EACH = 100, CLERKS = 4, AUDITS = 10 };

static struct vcore_space *bank, *office;
static struct vcore_block *accounts;
static long *balance;           /* of each account, in the bank */
static struct vcore_lock moves; /* held while money is on its way */
static atomic_bool closing;

/* From one account to another, some of what it has. */
static void move(unsigned *random)
{
	long *from, *to, amount;

	*random = *random * 1103515245 + 12345;
	from = &balance[*random / 65536 * 7919 % ACCOUNTS];
	to = &balance[*random / 256 % ACCOUNTS];
	vcore_lock_acquire(&moves);
	amount = *from / 2;
	*from -= amount;
	*to += amount;
	vcore_lock_release(&moves);
}

static void *work(void *argument)
{
	unsigned random = *(const unsigned *)argument;

	while (!atomic_load(&closing)) {
		for (int i = 0; i < 100; i++) {
			move(&random);
		}
		vcore_yield();
	}
	return NULL;
}

static long count(void)
{
	struct vcore_block *then;
	void *address;
	const long *found;
	long sum = 0;

	vcore_lock_acquire(&moves);
	check(vcore_block_snapshot(accounts, &then), "vcore_block_snapshot");
	vcore_lock_release(&moves);

	check(vcore_space_map(office, then, VCORE_ANYWHERE, VCORE_PROTECT_READ, &address),
	      "vcore_space_map");
	found = address;
	for (int i = 0; i < ACCOUNTS; i++) {
		sum += found[i];
		if (i % 1000 == 0) {
			vcore_yield(); /* there is no hurry */
		}
	}
	check(vcore_space_unmap(office, address), "vcore_space_unmap");
	check(vcore_block_free(then), "vcore_block_free");
	return sum;
}

static void *audit(void *unused)
{
	static unsigned seeds[CLERKS];
	struct vcore_thread *clerks[CLERKS];

	for (unsigned i = 0; i < CLERKS; i++) {
		seeds[i] = i + 1;
		check(vcore_thread_allocate(&clerks[i], NULL, work, &seeds[i]),
		      "vcore_thread_allocate");
	}
	for (int i = 0; i < AUDITS; i++) {
		printf("audit %d: %ld\n", i + 1, count());
	}
	atomic_store(&closing, true);
	for (int i = 0; i < CLERKS; i++) {
		check(vcore_thread_join(clerks[i], NULL, VCORE_NEVER), "vcore_thread_join");
	}
	return unused;
}

int main(void)
{
	void *address;

	check(vcore_space_create(&bank, NULL), "vcore_space_create");
	check(vcore_space_create(&office, NULL), "vcore_space_create");
	check(vcore_block_allocate(&accounts, ACCOUNTS * sizeof(long)), "vcore_block_allocate");
	check(vcore_space_map(bank, accounts, VCORE_ANYWHERE, VCORE_PROTECT_READ_WRITE, &address),
	      "vcore_space_map");
	balance = address;
	for (int i = 0; i < ACCOUNTS; i++) {
		balance[i] = EACH;
	}

	check(vcore_run(NULL, audit, NULL, NULL), "vcore_run");

	check(vcore_space_delete(bank), "vcore_space_delete");
	check(vcore_space_delete(office), "vcore_space_delete");
	check(vcore_block_free(accounts), "vcore_block_free");
	return 0;
}
