/*
 * Seats: a small number for each processor of the process, whatever its runtime.
 *
 * What is kept for each processor (a pool's free objects, say) is kept by seat.
 * A runtime takes seats for its processors when it is opened, and leaves them
 * when it is closed, its kernel threads having ended: what was done in a seat
 * happened before what whoever has it next does there.  In a child of fork the
 * seats of the lost runtimes stay taken: what they were at is half done.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef VCI_SEAT_H
#define VCI_SEAT_H

#include "sched/sched.h"

/* Processors beyond that many have seats of this number or more: none. */
#define VCI_SEATS 4096u

/* With vci_process_lock. */
void vci_seats_take(struct vcore_runtime *runtime);
void vci_seats_leave(const struct vcore_runtime *runtime);

#endif /* VCI_SEAT_H */
