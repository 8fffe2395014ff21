/*
 * Looking at one thread.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef VCI_INSPECT_H
#define VCI_INSPECT_H

#include "sched/sched.h"

/* Of the thread that had this life; false: it is not what it was. */
bool vci_inspect_thread(const struct vcore_thread *thread, uint64_t life,
			struct vcore_thread_info *info);

/* Its name in name[32], as it is at some instant. */
void vci_inspect_name(const struct vcore_thread *thread, char *name);

#endif /* VCI_INSPECT_H */
