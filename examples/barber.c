/*
 * A barber sleeps until a customer comes; customers wait on three chairs, and
 * who finds none free comes back later.
 *
 * Each customer's coming is a permit that the barber acquires, and each cut is
 * one that a customer acquires.  The chairs are a semaphore too: of those,
 * nobody waits for one.
 *
 * When all have been served the barber sleeps for good.  He is sent home: a
 * thread that waits can always be destroyed.
 *
 * Shows: semaphores, try_acquire; destroying a thread that waits for one.
 * Prints: how many came, how many cuts there were, and how the barber ended.
 *
 * Source: E. W. Dijkstra, Cooperating sequential processes (1965).
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <stdio.h>
#include <vcore/vcore.h>

#include "check.h"

enum { CUSTOMERS = 20, CHAIRS = 3 };

struct shop {
	struct vcore_semaphore chairs; /* free ones */
	struct vcore_semaphore customers;
	struct vcore_semaphore ready; /* the barber, for the next */
	struct vcore_semaphore done;
	int cuts; /* by the barber alone */
};

static const int64_t walk = 100000; /* nanoseconds */

static void *cut_hair(void *argument)
{
	struct shop *shop = argument;

	for (;;) {
		vcore_semaphore_acquire(&shop->customers); /* sleeps here */
		vcore_semaphore_release(&shop->ready, 1);
		shop->cuts++;
		vcore_yield(); /* a cut takes a while */
		vcore_semaphore_release(&shop->done, 1);
	}
	return NULL;
}

static void *visit(void *argument)
{
	struct shop *shop = argument;

	while (!vcore_semaphore_try_acquire(&shop->chairs)) {
		vcore_sleep(vcore_after(walk));
	}
	vcore_semaphore_release(&shop->customers, 1);
	vcore_semaphore_acquire(&shop->ready);
	vcore_semaphore_release(&shop->chairs, 1);
	vcore_semaphore_acquire(&shop->done);
	return NULL;
}

static void *open_shop(void *unused)
{
	static struct shop shop = {.chairs = VCORE_SEMAPHORE_INITIALIZER(CHAIRS)};
	struct vcore_thread *barber;
	struct vcore_thread *customers[CUSTOMERS];
	struct vcore_exit end;

	check(vcore_thread_allocate(&barber, NULL, cut_hair, &shop), "vcore_thread_allocate");
	for (int i = 0; i < CUSTOMERS; i++) {
		check(vcore_thread_allocate(&customers[i], NULL, visit, &shop),
		      "vcore_thread_allocate");
	}
	for (int i = 0; i < CUSTOMERS; i++) {
		vcore_thread_join(customers[i], NULL, VCORE_NEVER);
	}
	vcore_thread_destroy(barber);
	vcore_thread_join(barber, &end, VCORE_NEVER);
	printf("%d customers came, %d cuts, %u of %d chairs are free\n", CUSTOMERS, shop.cuts,
	       vcore_semaphore_read(&shop.chairs), CHAIRS);
	printf("the barber %s\n",
	       end.how == VCORE_DESTROYED ? "was sent home from his sleep" : "left by himself");
	return unused;
}

int main(void)
{
	check(vcore_run(NULL, open_shop, NULL, NULL), "vcore_run");
	return 0;
}
