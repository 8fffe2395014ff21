/*
 * A thread that writes where it may not: if faults are caught it ends, alone.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <stdio.h>
#include <vcore/vcore.h>

static void ignore(const struct vcore_fault *fault)
{
	(void)fault;
}

static void *write_nowhere(void *unused)
{
	volatile int *volatile nowhere = NULL;

	*nowhere = 1;
	return unused;
}

int main(void)
{
	struct vcore_runtime_options options = {.fault = ignore};
	struct vcore_exit end;
	int error = vcore_run(&options, write_nowhere, NULL, &end);

	printf("%s\n", error == 0 && end.how == VCORE_FAULTED ? "ended, alone" : "went on");
	return 0;
}
