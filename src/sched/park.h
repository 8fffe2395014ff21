/*
 * Parking: how a processor with nothing to do sleeps, and is woken.  The
 * invariants are those of idle.h.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef VCI_PARK_H
#define VCI_PARK_H

#include "sched/idle.h"

/*
 * How a sleep ended: by itself; called, and then the processor counts as
 * searching already; or the processor is somebody else's.
 */
enum vci_parked { VCI_PARKED_WOKE, VCI_PARKED_CALLED, VCI_PARKED_TAKEN };

/* Parks until there is work or a timer is due.  The caller counted as searching. */
enum vci_parked vci_park(struct vci_kthread *m);

/*
 * Sleeps a little, counted as searching.  Only what comes into its own inbox
 * wakes it before.
 */
void vci_park_doze(struct vci_kthread *m);

/* It has found something, or ends: I3, and I5, for it may have been the watcher. */
void vci_park_stop_searching(struct vci_processor *processor);

#endif /* VCI_PARK_H */
