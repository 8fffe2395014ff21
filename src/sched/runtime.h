/*
 * Making and unmaking runtimes; waiting for one's threads is done above
 * (facade/runtime.c).
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef VCI_RUNTIME_H
#define VCI_RUNTIME_H

#include "sched/sched.h"

/*
 * Opens one, as vcore_runtime_open does.  `on_drained` is called on one of its
 * processors when no thread is alive; or, with `ends_on_deadlock`, when none can
 * ever move again.
 */
int vci_runtime_make(struct vcore_runtime **runtime, const struct vcore_runtime_options *options,
		     bool ends_on_deadlock, void (*on_drained)(struct vcore_runtime *runtime));

/* Fills in what is zero.  0, or -EINVAL or -ENOTSUP. */
int vci_runtime_complete(struct vcore_runtime_options *options);

/* Ends its kernel threads and frees it.  No thread is alive, or will run. */
void vci_runtime_unmake(struct vcore_runtime *runtime);

/* See vcore_runtime_serve. */
int vci_runtime_serve(struct vcore_runtime *runtime, vcore_instant deadline);

#endif /* VCI_RUNTIME_H */
