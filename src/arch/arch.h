/*
 * What a processor architecture provides.  One of the directories beside this
 * file is chosen by the build and gives "native.h" and the code.
 *
 *	struct vci_context	a suspended computation (native.h)
 *	VCI_CONTEXT_CALLS_OUT	whether a switch leaves library text (native.h)
 *	vci_relax		a spin loop's pause (native.h)
 *	vci_fence_full		a full memory barrier (native.h)
 *	struct vci_fpenv	floating-point control words (native.h)
 *	vci_fpenv_save, _load
 *
 * pair.h is one for all: the compilers know how.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef VCI_ARCH_H
#define VCI_ARCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "native.h"

#include "arch/pair.h"

#define likely(condition)   __builtin_expect(!!(condition), 1)
#define unlikely(condition) __builtin_expect(!!(condition), 0)

/*
 * Prepares `context` to call entry(argument) on the stack [low, high) when it
 * is first switched to.  Entry never returns, and unwinding ends there.
 */
void vci_context_init(struct vci_context *context, void *low, void *high,
		      void (*entry)(void *argument), void *argument);

/*
 * Saves the computation in `from` and resumes `to`: calls
 * vci_context_arrive(carry) on its stack, whose result becomes that of the
 * switch that is resumed.
 *
 * Saved are the registers that a called function must preserve, no more:
 * neither signal mask nor floating-point control words.
 *
 * Where the switch is the last thing that a function does, and what remains to
 * be done is done in arrive, the compiler makes it a jump, and the resumed
 * computation goes on in that function's caller at once: no return address is
 * predicted from what another computation has called.
 */
int vci_context_switch(struct vci_context *from, struct vci_context *to, void *carry);

/*
 * Copies n bytes.  False: memory that may not be read, or written, was met, and
 * anything may have been copied.  That is so where VCI_COPY_SURVIVES is defined,
 * and a handler of faults in [vci_copy, vci_copy_fault) goes on at the latter;
 * elsewhere the fault is the process's.
 */
bool vci_copy(void *to, const void *from, size_t n);
extern const char vci_copy_fault[];

/* Given by the scheduler. */
int vci_context_arrive(void *carry);

#endif /* VCI_ARCH_H */
