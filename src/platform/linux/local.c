/*
 * The calling kernel thread's own variables.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <errno.h>

#include "platform/linux/outside.h"

_Thread_local struct vci_local vci_local_of_caller;

__attribute__((noinline)) struct vci_local *vci_local(void)
{
	__asm__ volatile("");
	return &vci_local_of_caller;
}

__attribute__((noinline)) void *vci_local_carrier(void)
{
	__asm__ volatile("");
	return vci_local_of_caller.carrier;
}

__attribute__((noinline)) void *vci_local_door(void)
{
	__asm__ volatile("");
	return vci_local_of_caller.door;
}

__attribute__((noinline)) void *vci_local_bound(void)
{
	__asm__ volatile("");
	return vci_local_of_caller.bound;
}

__attribute__((noinline)) int *vci_errno_address(void)
{
	return VCI_OUTSIDE(&errno);
}

/* Of the Itanium C++ ABI; there only if the program has a C++ runtime. */
extern struct vci_exceptions *__cxa_get_globals(void) __attribute__((weak));

__attribute__((noinline)) struct vci_exceptions *vci_exceptions_address(void)
{
	return __cxa_get_globals != NULL ? VCI_OUTSIDE(__cxa_get_globals()) : NULL;
}
