/*
 * What a processor architecture provides.  One of the directories beside this
 * file is chosen by the build and gives "native.h" and the code.
 *
 *	struct vci_context	a suspended computation (native.h)
 *	vci_relax		a spin loop's pause (native.h)
 *	vci_fence_full		a full memory barrier (native.h)
 *	struct vci_fpenv	floating-point control words (native.h)
 *	vci_fpenv_save, _load
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef VCI_ARCH_H
#define VCI_ARCH_H

#include <stddef.h>
#include <stdint.h>

#include "native.h"

#define likely(condition)   __builtin_expect(!!(condition), 1)
#define unlikely(condition) __builtin_expect(!!(condition), 0)

/*
 * Prepares `context` to call entry(carry) on the stack [low, high) when it is
 * first switched to.  Entry never returns, and unwinding ends there.
 */
void vci_context_init(struct vci_context *context, void *low, void *high,
		      void (*entry)(void *carry));

/*
 * Saves the computation in `from` and resumes `to`.  `carry` becomes the
 * return value of the switch (or the argument of the entry) that is resumed;
 * the call itself returns what is carried by whoever resumes `from`.
 *
 * Saved are the registers that a called function must preserve, no more:
 * neither signal mask nor floating-point control words.
 */
void *vci_context_switch(struct vci_context *from, struct vci_context *to,
			 void *carry);

#endif /* VCI_ARCH_H */
