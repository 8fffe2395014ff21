/*
 * The smallest program: one thread in a runtime that lives as long as it.
 * Shows: vcore_run.
 * Prints: "hello, world".
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <stdio.h>
#include <vcore/vcore.h>

#include "check.h"

static void *hello(void *name)
{
	printf("hello, %s\n", (const char *)name);
	return NULL;
}

int main(void)
{
	static char name[] = "world";

	check(vcore_run(NULL, hello, name, NULL), "vcore_run");
	return 0;
}
