/*
 * Time and version: see vcore/base.h and vcore/version.h.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <vcore/version.h>

#include "platform/platform.h"

#define TEXT_OF(number)                   #number
#define VERSION_TEXT(major, minor, patch) TEXT_OF(major) "." TEXT_OF(minor) "." TEXT_OF(patch)

const char *vcore_version(void)
{
	return VERSION_TEXT(VCORE_VERSION_MAJOR, VCORE_VERSION_MINOR, VCORE_VERSION_PATCH);
}

vcore_instant vcore_now(void)
{
	return vci_clock_for_caller();
}

vcore_instant vcore_after(int64_t nanoseconds)
{
	vcore_instant instant;

	if (__builtin_add_overflow(vci_clock_for_caller(), nanoseconds, &instant)) {
		return VCORE_NEVER;
	}
	return instant > 0 ? instant : 0;
}
