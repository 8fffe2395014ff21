/*
 * Clock, futexes and fences.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <linux/membarrier.h>
#include <sched.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "platform/linux/linux.h"
#include "platform/panic.h"

#define SECOND 1000000000

static vcore_instant instant_of(const struct timespec *time)
{
	return (vcore_instant)time->tv_sec * SECOND + time->tv_nsec;
}

vcore_instant vci_clock(void)
{
	struct timespec now;

	(void)VCI_OUTSIDE(clock_gettime(CLOCK_MONOTONIC, &now));
	return instant_of(&now);
}

vcore_instant vci_clock_for_caller(void)
{
	struct timespec now;

	(void)VCI_AWAY(clock_gettime(CLOCK_MONOTONIC, &now));
	return instant_of(&now);
}

int64_t vci_cpu_clock(void)
{
	struct timespec used;

	(void)VCI_OUTSIDE(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used));
	return instant_of(&used);
}

/* FUTEX_WAIT_BITSET takes an absolute time on CLOCK_MONOTONIC. */
void vci_futex_wait(uint32_t *word, uint32_t expected, vcore_instant deadline)
{
	struct timespec until = {.tv_sec = 0};
	struct timespec *timeout = NULL;

	if (deadline != VCORE_NEVER) {
		if (deadline > 0) {
			until.tv_sec = deadline / SECOND;
			until.tv_nsec = deadline % SECOND;
		}
		timeout = &until;
	}
	(void)vci_system_call(SYS_futex, (long)word, FUTEX_WAIT_BITSET_PRIVATE, expected,
			      (long)timeout, 0, FUTEX_BITSET_MATCH_ANY);
}

void vci_futex_wait_away(uint32_t *word, uint32_t expected)
{
	(void)VCI_AWAY(syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, expected, NULL, NULL, 0));
}

void vci_futex_wake(uint32_t *word, int n)
{
	(void)vci_system_call(SYS_futex, (long)word, FUTEX_WAKE_PRIVATE, n, 0, 0, 0);
}

void vci_kernel_yield(void)
{
	(void)VCI_OUTSIDE(sched_yield());
}

bool vci_fences_asymmetric;

void vci_fences_open(void)
{
	vci_fences_asymmetric =
		vci_system_call(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0, 0,
				0, 0) == 0 &&
		vci_system_call(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0, 0, 0, 0) ==
			0;
}

void vci_fence_heavy(void)
{
	if (vci_fences_asymmetric) {
		long error = vci_system_call(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0,
					     0, 0, 0);

		VCI_PANIC_IF(error != 0, "membarrier(2) was forbidden after a runtime was opened");
	} else {
		vci_fence_full();
	}
}
