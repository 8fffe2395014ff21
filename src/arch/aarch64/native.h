/*
 * AArch64, AAPCS64.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef VCI_NATIVE_H
#define VCI_NATIVE_H

#include <stdint.h>

/* The rest of a suspended computation lies on its stack: see switch.S. */
struct vci_context {
	void *sp;
};

struct vci_fpenv {
	uint64_t fpcr;
};

static inline void vci_relax(void)
{
	__asm__ volatile("yield" ::: "memory");
}

static inline void vci_fence_full(void)
{
	__asm__ volatile("dmb ish" ::: "memory");
}

static inline void vci_fpenv_save(struct vci_fpenv *fpenv)
{
	__asm__ volatile("mrs %0, fpcr" : "=r"(fpenv->fpcr));
}

static inline void vci_fpenv_load(const struct vci_fpenv *fpenv)
{
	__asm__ volatile("msr fpcr, %0" : : "r"(fpenv->fpcr));
}

#endif /* VCI_NATIVE_H */
