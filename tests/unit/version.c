/*
 * The version: what include/vcore/version.h promises, one promise to a test.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "support.h"

#include <stdio.h>

TestSuite(version, .timeout = 100);

TestEverywhere(version, the_library_says_the_three_numbers_of_its_header)
{
	char expected[64];

	snprintf(expected, sizeof(expected), "%d.%d.%d", VCORE_VERSION_MAJOR, VCORE_VERSION_MINOR,
		 VCORE_VERSION_PATCH);
	check(strcmp(vcore_version(), expected) == 0);
}

static char seen_in_handler[64];

static void ask_in_handler(int number)
{
	(void)number;
	strncpy(seen_in_handler, vcore_version(), sizeof(seen_in_handler) - 1);
}

Test(version, a_signal_handler_may_ask_too)
{
	signal(SIGUSR1, ask_in_handler);
	raise(SIGUSR1);
	cr_assert_str_eq(seen_in_handler, vcore_version());
}
