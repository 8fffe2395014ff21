/*
 * Alternate signal stacks: where faults are handled.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <errno.h>
#include <signal.h>

#include "platform/linux/linux.h"

#define HANDLER_STACK ((size_t)32 << 10)

int vci_signal_stack_make(struct vci_signal_stack *stack)
{
	stack->used = false;
	stack->bytes = vci_round_up(HANDLER_STACK + vci_signal_frame(), vci_page_size);
	stack->pages = vci_pages_reserve(stack->bytes);
	return stack->pages != NULL ? 0 : -ENOMEM;
}

void vci_signal_stack_free(struct vci_signal_stack *stack)
{
	vci_pages_release(stack->pages, stack->bytes);
	stack->pages = NULL;
}

void vci_signal_stack_set(struct vci_signal_stack *stack)
{
	stack_t present;
	stack_t ours = {.ss_sp = stack->pages, .ss_size = stack->bytes};

	stack->used = VCI_OUTSIDE(sigaltstack(NULL, &present)) == 0 &&
		      (present.ss_flags & SS_DISABLE) != 0 &&
		      VCI_OUTSIDE(sigaltstack(&ours, NULL)) == 0;
}

void vci_signal_stack_unset(struct vci_signal_stack *stack)
{
	stack_t none = {.ss_flags = SS_DISABLE};

	if (stack->used) {
		(void)VCI_OUTSIDE(sigaltstack(&none, NULL));
		stack->used = false;
	}
}
