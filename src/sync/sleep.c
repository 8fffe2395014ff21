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

static int finish(struct vci_waiter *waiter, enum vci_claim reason)
{
	if (reason == VCI_DESTROYED) {
		vci_wait_destroyed(waiter);
	}
	return 0;
}

int vcore_sleep(vcore_instant deadline)
{
	struct vci_waiter *waiter;

	vci_wait_enter();
	if (vci_wait_is_over(deadline)) {
		return 0;
	}
	waiter = vci_wait_self(__func__);
	waiter->kind = VCORE_WAIT_SLEEP;
	waiter->object = NULL;
	waiter->publish = publish;
	waiter->finish = finish;
	return vci_wait(waiter, deadline);
}
