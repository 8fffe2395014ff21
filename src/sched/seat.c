/*
 * Seats: see seat.h.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "sched/seat.h"

#define WORD_BITS 64u

/* guarded by vci_process_lock: a bit each */
static uint64_t taken[VCI_SEATS / WORD_BITS];

static uint32_t take_lowest(void)
{
	for (uint32_t i = 0; i < VCI_SEATS / WORD_BITS; i++) {
		if (taken[i] != UINT64_MAX) {
			uint32_t bit = (uint32_t)__builtin_ctzll(~taken[i]);

			taken[i] |= UINT64_C(1) << bit;
			return i * WORD_BITS + bit;
		}
	}
	return VCI_SEATS;
}

void vci_seats_take(struct vcore_runtime *runtime)
{
	for (uint32_t i = 0; i < vci_runtime_all(runtime); i++) {
		runtime->processors[i].seat = take_lowest();
	}
}

void vci_seats_leave(const struct vcore_runtime *runtime)
{
	for (uint32_t i = 0; i < vci_runtime_all(runtime); i++) {
		uint32_t seat = runtime->processors[i].seat;

		if (seat < VCI_SEATS) {
			taken[seat / WORD_BITS] &= ~(UINT64_C(1) << seat % WORD_BITS);
		}
	}
}
