/*
 * x86-64, System V ABI.
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
	uint32_t mxcsr;
	uint16_t x87;
};

#define VCI_CONTEXT_CALLS_OUT 0

static inline void vci_relax(void)
{
	__builtin_ia32_pause();
}

static inline void vci_fence_full(void)
{
	__asm__ volatile("lock; orl $0, -8(%%rsp)" ::: "memory", "cc");
}

static inline void vci_fpenv_save(struct vci_fpenv *fpenv)
{
	__asm__ volatile("stmxcsr %0\n\tfnstcw %1" : "=m"(fpenv->mxcsr), "=m"(fpenv->x87));
}

static inline void vci_fpenv_load(const struct vci_fpenv *fpenv)
{
	__asm__ volatile("ldmxcsr %0\n\tfldcw %1" : : "m"(fpenv->mxcsr), "m"(fpenv->x87));
}

/* For firm.h: one instruction each, of %0 and %1. */
#define VCI_FIRM_LOAD_8  "movq %1, %0"
#define VCI_FIRM_LOAD_4  "movl %1, %0"
#define VCI_FIRM_LOAD_1  "movzbl %1, %0"
#define VCI_FIRM_STORE_8 "movq %1, %0"
#define VCI_FIRM_STORE_4 "movl %1, %0"
#define VCI_FIRM_STORE_1 "movb %b1, %0"
#define VCI_FIRM_MEMORY  "m"
#define VCI_FIRM_BYTE    "q"

#endif /* VCI_NATIVE_H */
