/*
 * Shared by the files of this directory.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef VCI_LINUX_H
#define VCI_LINUX_H

#include "platform/linux/outside.h"

/* The result, or -E…; the caller's errno is left alone. */
long vci_system_call(long number, long a, long b, long c, long d, long e, long f);

/* What our timers carry: its address tells their signals from others. */
extern char vci_timer_mark;

void vci_fences_open(void);
void vci_kernel_threads_open(void);
void vci_leaves_open(void);
void vci_pages_open(void);

#endif /* VCI_LINUX_H */
