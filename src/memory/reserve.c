/*
 * The reserve below a stack: see stack.h.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "memory/stack.h"

char *vci_stack_floor(const struct vci_stacks *stacks, char *low, enum vci_reserve reserve)
{
	switch (reserve) {
	case VCI_RESERVE_CLOSED:
		return low;
	case VCI_RESERVE_HALF:
		return low - stacks->reserve / 2;
	case VCI_RESERVE_ALL:
		return low - stacks->reserve;
	default:
		return low - stacks->guard + vci_page_size;
	}
}

int vci_stack_open(const struct vci_stacks *stacks, char *low, enum vci_reserve reserve)
{
	char *floor = vci_stack_floor(stacks, low, reserve);

	return vci_pages_unguard(floor, (size_t)(low - floor));
}

int vci_stack_shut(struct vci_stacks *stacks, char *low)
{
	char *base = low - stacks->guard;

	vci_pages_purge(base, stacks->guard);
	return vci_pages_guard(base, stacks->guard, &stacks->limit);
}
