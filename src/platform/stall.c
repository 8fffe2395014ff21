/*
 * Stalls, in the builds that have them: see stall.h.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "platform/stall.h"

#include "platform/platform.h"

/* One of so many: a short one, of less than so long; and a long one. */
#define SHORT    16
#define SHORT_NS 4000
#define LONG     16384
#define LONG_NS  500000

/* Numerical Recipes, 2nd ed., 7.1. */
static uint32_t draw(void)
{
	static _Thread_local uint32_t state;

	if (state == 0) {
		state = (uint32_t)vci_clock() | 1;
	}
	state = state * 1664525 + 1013904223;
	return state >> 8;
}

static void spin_for(int64_t nanoseconds)
{
	vcore_instant until = vci_clock() + nanoseconds;

	while (vci_clock() < until) {
		vci_relax();
	}
}

/* It may be called with any lock held, and in the handler of ticks. */
void vci_stall(void)
{
	uint32_t number = draw();

	if (number % LONG == 0) {
		spin_for(draw() % LONG_NS);
	} else if (number % SHORT == 1) {
		vci_kernel_yield();
	} else if (number % SHORT == 2) {
		spin_for(draw() % SHORT_NS);
	}
}
