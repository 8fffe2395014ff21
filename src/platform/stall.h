/*
 * Stalls: between the steps of a protocol a kernel thread may stand still, for
 * as long as the kernel likes.  That is rare, and what goes wrong then is rarer.
 * With the build option `stalls` it is frequent: each vci_stall is a place at
 * which a kernel thread now and then spins for a tick or two, or gives its CPU
 * away.  Such a build is for tests.  In any other a stall is nothing.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef VCI_STALL_H
#define VCI_STALL_H

#ifdef VCI_STALLS
void vci_stall(void);
#else
static inline void vci_stall(void)
{
}
#endif

#endif /* VCI_STALL_H */
