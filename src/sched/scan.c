/*
 * The conservative scan: see scan.h.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "sched/scan.h"

#include "sched/resident.h"

/* Some µs. */
#define BYTES_MAX ((uintptr_t)64 << 10)

__attribute__((no_sanitize("address", "thread"))) static bool holds(const struct vci_range *range,
								    const struct vci_range *wanted)
{
	const uintptr_t *end = (const uintptr_t *)range->to;    /* NOLINT(performance-*) */
	const uintptr_t *word = (const uintptr_t *)range->from; /* NOLINT(performance-*) */

	for (; word < end; word++) {
		if (*word - wanted->from < wanted->to - wanted->from) {
			return true;
		}
	}
	return false;
}

bool vci_scan_finds_local(const struct vci_kthread *m, const struct vci_interrupted *interrupted)
{
	struct vci_range ranges[VCI_INTERRUPTED_RANGES];

	vci_interrupted_holds(interrupted, vci_thread_high(m->current), ranges);
	for (int i = 0; i < VCI_INTERRUPTED_RANGES; i++) {
		if (ranges[i].to - ranges[i].from > BYTES_MAX || holds(&ranges[i], &m->tls)) {
			return true;
		}
	}
	return false;
}
