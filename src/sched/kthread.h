/*
 * Kernel threads: those of a runtime's processors and its spares; and the program's
 * own, while they serve.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef VCI_KTHREAD_H
#define VCI_KTHREAD_H

#include "sched/sched.h"

/* Starts those of the processors, and spares.  0 or -E…: none is left. */
int vci_kthreads_start(struct vcore_runtime *runtime);

/* The runtime is over: ends those of the first n processors. */
void vci_kthreads_end(struct vcore_runtime *runtime, uint32_t n);

/* The calling kernel thread enters the runtime as m.  False: there are no timers. */
bool vci_kthread_take_up(struct vci_kthread *m);

/* It owns the processor that it came with. */
void vci_kthread_begin(struct vci_kthread *m);

/* It leaves the runtime. */
void vci_kthread_lay_down(struct vci_kthread *m);

#endif /* VCI_KTHREAD_H */
