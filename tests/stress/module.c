/*
 * A module that preempt_modules loads.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "module.h"

/*
 * It calls nothing, TSan's accesses neither: the stubs of calls are the module's
 * as well, and allowed where this function is not.
 */
__attribute__((no_sanitize("thread"))) void *module_spin(void *flag)
{
	while (!atomic_load((_Atomic bool *)flag)) {
	}
	return flag;
}

void *module_enter(void *argument)
{
	return argument;
}
