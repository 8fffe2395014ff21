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

#define VCI_CONTEXT_CALLS_OUT 0

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

/* For firm.h: one instruction each, of %0 and %1. */
#define VCI_FIRM_LOAD_8  "ldr %0, %1"
#define VCI_FIRM_LOAD_4  "ldr %w0, %1"
#define VCI_FIRM_LOAD_1  "ldrb %w0, %1"
#define VCI_FIRM_STORE_8 "str %1, %0"
#define VCI_FIRM_STORE_4 "str %w1, %0"
#define VCI_FIRM_STORE_1 "strb %w1, %0"
#define VCI_FIRM_MEMORY  "Q"
#define VCI_FIRM_BYTE    "r"

#endif /* VCI_NATIVE_H */
