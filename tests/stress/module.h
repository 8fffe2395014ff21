/*
 * What the module has.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef TESTS_STRESS_MODULE_H
#define TESTS_STRESS_MODULE_H

#include <stdatomic.h>
#include <stdbool.h>

/* Spins until the flag, an atomic bool, is set; returns its argument. */
void *module_spin(void *flag);

/* Returns its argument at once. */
void *module_enter(void *argument);

#endif /* TESTS_STRESS_MODULE_H */
