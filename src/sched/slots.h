/*
 * The slot values of one thread, green or not.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef VCI_SLOTS_H
#define VCI_SLOTS_H

#include "sched/sched.h"

/* At the end of a thread that has slots: calls the destructors, frees the table. */
void vci_slots_destroy(struct vci_slots *slots);

/* The same without the destructors. */
void vci_slots_forget(struct vci_slots *slots);

#endif /* VCI_SLOTS_H */
