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

#endif /* VCI_REGISTRY_H */
