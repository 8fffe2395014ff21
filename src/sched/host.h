/*
 * Hosts: pthreads that are no kernel threads of a runtime, but wait on the same
 * objects or have slots.
 *
 * A host's record is found through its thread-local variables.  It is made at
 * the first need, given back when the pthread ends, and never freed: a waker
 * may still look at the claim word of one that has gone.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef VCI_HOST_H
#define VCI_HOST_H

#include "sched/sched.h"

struct vci_host {
	struct vci_waiter waiter;
	struct vci_slots slots; /* meaningful if has_slots */
	bool has_slots;
	uint8_t delays; /* of its end, so far */
	struct vci_host *next_free;
};

/* The calling pthread's; NULL if there is no memory for one. */
struct vci_host *vci_host_self(void);

#endif /* VCI_HOST_H */
