/*
 * How many threads there are: see census.h.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "sched/census.h"

/*
 * Both counts only grow, and each thread is counted as allocated before it can
 * be counted as ended: with the ended read first, they are equal only if at
 * some instant between no thread was alive.
 */
uint64_t vci_census_alive(const struct vcore_runtime *runtime)
{
	uint64_t ended = __atomic_load_n(&runtime->refused_outside, __ATOMIC_ACQUIRE);
	uint64_t allocated;

	for (uint32_t i = 0; i < vci_runtime_all(runtime); i++) {
		ended += __atomic_load_n(&runtime->processors[i].ended, __ATOMIC_ACQUIRE);
	}
	allocated = __atomic_load_n(&runtime->allocated_outside, __ATOMIC_ACQUIRE);
	for (uint32_t i = 0; i < vci_runtime_all(runtime); i++) {
		allocated += __atomic_load_n(&runtime->processors[i].allocated, __ATOMIC_ACQUIRE);
	}
	return allocated - ended;
}

bool vci_census_is_empty(const struct vcore_runtime *runtime)
{
	return unlikely(__atomic_load_n(&runtime->closing, __ATOMIC_ACQUIRE)) &&
	       vci_census_alive(runtime) == 0;
}
