/*
 * Sleeping: waiting for nothing but the deadline.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "sync/wait.h"

/* There is no object: the timers alone contain the waiter. */
static bool publish(struct vci_waiter *waiter)
{
	vci_waiter_commit(waiter);
	return true;
}

static int finish(struct vci_kthread *m, struct vci_waiter *waiter, enum vci_claim reason)
{
	(void)m;
	if (reason == VCI_DESTROYED) {
		vci_wait_destroyed(waiter);
	}
	return 0;
}

/* Nobody could wake it: it needs no waiter. */
static void sleep_as_pthread(vcore_instant deadline)
{
	uint32_t never = 0;

	do {
		vci_futex_wait(&never, 0, deadline);
	} while (!vci_wait_is_over(deadline));
}

int vcore_sleep(vcore_instant deadline)
{
	struct vci_kthread *m = vci_wait_enter();
	struct vci_waiter *waiter;

	if (vci_wait_is_over(deadline)) {
		return 0;
	}
	if (m == NULL) {
		sleep_as_pthread(deadline);
		return 0;
	}
	waiter = vci_wait_self(m);
	waiter->kind = VCORE_WAIT_SLEEP;
	waiter->object = NULL;
	waiter->publish = publish;
	waiter->finish = finish;
	return vci_wait(m, waiter, deadline);
}
