/*
 * A program with more thread-local variables than a kernel thread of the
 * library's has stack.
 * Prints: "each its own".
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <stdio.h>
#include <vcore/vcore.h>

static _Thread_local char locals[1 << 20];

static void *touch(void *argument)
{
	for (size_t i = 0; i < sizeof(locals); i += 4096) {
		locals[i] = 1;
	}
	return argument;
}

int main(void)
{
	struct vcore_exit end;

	if (vcore_run(NULL, touch, locals, &end) != 0 || end.result != locals || locals[0] != 0) {
		return 1;
	}
	puts("each its own");
	return 0;
}
