/*
 * The first frame of a computation: what switch.S will pop.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "arch/arch.h"

void vci_context_start(void);

struct frame {
	uint64_t r15, r14, r13, r12, rbx, rbp, rip;
	uint64_t none[2]; /* the stack is aligned to 16 where rip is popped */
};

_Static_assert(offsetof(struct frame, none) == 56 && sizeof(struct frame) % 16 == 8,
	       "above seven registers the stack is aligned to 16");

void vci_context_init(struct vci_context *context, void *low, void *high,
		      void (*entry)(void *carry))
{
	struct frame *frame = (struct frame *)((uintptr_t)high & ~(uintptr_t)15) - 1;

	(void)low;
	frame->rbx = (uintptr_t)entry;
	frame->rbp = 0;
	frame->rip = (uintptr_t)vci_context_start;
	frame->none[0] = 0;
	frame->none[1] = 0;
	context->sp = frame;
}
