/*
 * Destroying threads from outside: see destroy.c.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef VCI_DESTROY_H
#define VCI_DESTROY_H

#include "sched/sched.h"

/* Asks every thread of the runtime to end, and each that is still to come. */
void vci_destroy_all(struct vcore_runtime *runtime);

#endif /* VCI_DESTROY_H */
