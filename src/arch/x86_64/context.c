/*
 * The first frame of a computation: what switch.S will pop.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "arch/arch.h"

void vci_context_start(void);

struct frame {
	uint64_t gap, r15, r14, r13, r12, rbx, rbp, rip;
	uint64_t end[2]; /* where a caller would be */
};

_Static_assert(offsetof(struct frame, end) % 16 == 0 && sizeof(struct frame) % 16 == 0,
	       "the stack is aligned to 16 at both calls");

void vci_context_init(struct vci_context *context, void *low, void *high,
		      void (*entry)(void *argument), void *argument)
{
	struct frame *frame = (struct frame *)((uintptr_t)high & ~(uintptr_t)15) - 1;

	(void)low;
	frame->r12 = (uintptr_t)argument;
	frame->rbx = (uintptr_t)entry;
	frame->rbp = 0;
	frame->rip = (uintptr_t)vci_context_start;
	frame->end[0] = 0;
	context->sp = frame;
}
