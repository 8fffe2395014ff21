/*
 * The first frame of a computation: what switch.S will load.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "arch/arch.h"

void vci_context_start(void);

struct frame {
	uint64_t x19, x20, x21_to_x28[8], x29, x30;
	uint64_t d8_to_d15[8];
};

_Static_assert(sizeof(struct frame) == 160, "as in switch.S");

void vci_context_init(struct vci_context *context, void *low, void *high,
		      void (*entry)(void *argument), void *argument)
{
	struct frame *frame = (struct frame *)((uintptr_t)high & ~(uintptr_t)15) - 1;

	(void)low;
	frame->x19 = (uintptr_t)entry;
	frame->x20 = (uintptr_t)argument;
	frame->x29 = 0;
	frame->x30 = (uintptr_t)vci_context_start;
	context->sp = frame;
}
