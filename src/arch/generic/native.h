/*
 * Any processor, by ucontext(3): slower (a switch makes a system call for the
 * signal mask), and the floating-point environment always travels.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef VCI_NATIVE_H
#define VCI_NATIVE_H

#include <ucontext.h>

struct vci_context {
	ucontext_t ucontext;
	void (*entry)(void *argument);
	void *argument;
	void *carry; /* set by whoever resumes this context */
};

struct vci_fpenv {
	char none;
};

#define VCI_CONTEXT_CALLS_OUT 1

static inline void vci_relax(void)
{
	__asm__ volatile("" ::: "memory");
}

static inline void vci_fence_full(void)
{
	__sync_synchronize();
}

static inline void vci_fpenv_save(struct vci_fpenv *fpenv)
{
	fpenv->none = 0;
}

static inline void vci_fpenv_load(const struct vci_fpenv *fpenv)
{
	(void)fpenv;
}

#endif /* VCI_NATIVE_H */
