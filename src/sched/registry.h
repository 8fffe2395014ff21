/*
 * What is one for the process: the list of runtimes, fork, the fault handler.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef VCI_REGISTRY_H
#define VCI_REGISTRY_H

#include "sched/sched.h"

/*
 * Guards what is one for the process and rarely changes: the list of runtimes,
 * the records of hosts not in use, the definitions of slots.  One lock for all,
 * so that fork has one to take.
 */
extern struct vci_spin vci_process_lock;

/* Once, before any of it is used: 0 or -E…  Thread-safe. */
int vci_registry_open(void);

int vci_registry_add(struct vcore_runtime *runtime);
void vci_registry_remove(struct vcore_runtime *runtime);

/*
 * Who owns a lock (owner.h): the thread's id, and its name in name[32]; false for
 * a pthread.
 */
bool vci_registry_name(uint64_t mark, uint64_t *id, char *name);

/*
 * A lock that is free in a child of fork, and what it guards whole: who forks
 * takes all of them, after the process lock; who has one must not take that.
 */
struct vci_fork_lock {
	struct vci_spin spin;
	struct vci_fork_lock *next, **place; /* guarded by vci_process_lock */
};

void vci_fork_lock_add(struct vci_fork_lock *lock);
void vci_fork_lock_remove(struct vci_fork_lock *lock);

#endif /* VCI_REGISTRY_H */
