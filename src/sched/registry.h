/*
 * What is one for the process: the list of runtimes, fork, the fault handler.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef VCI_REGISTRY_H
#define VCI_REGISTRY_H

#include "sched/sched.h"

int vci_registry_add(struct vcore_runtime *runtime);
void vci_registry_remove(struct vcore_runtime *runtime);

#endif /* VCI_REGISTRY_H */
