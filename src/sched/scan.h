/*
 * Whether a thread may hold an address that is its kernel thread's own.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef VCI_SCAN_H
#define VCI_SCAN_H

#include "sched/sched.h"

/*
 * Looks through the live stack, on which the interrupted registers have been
 * saved as well, for addresses of thread-local variables of m.  Conservative:
 * what looks like one is one; and so is what is not looked at, beyond the bound.
 */
bool vci_scan_finds_local(const struct vci_kthread *m, const struct vci_interrupted *interrupted);

#endif /* VCI_SCAN_H */
