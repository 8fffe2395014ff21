/*
 * How many threads there are.
 *
 * Each processor counts those that it allocated and those that ended on it;
 * nobody keeps the difference, which all would have to write to.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef VCI_CENSUS_H
#define VCI_CENSUS_H

#include "sched/sched.h"

/* Threads that have been allocated and have not ended. */
uint64_t vci_census_alive(const struct vcore_runtime *runtime);

/* There are none, and no more are allocated. */
bool vci_census_is_empty(const struct vcore_runtime *runtime);

#endif /* VCI_CENSUS_H */
