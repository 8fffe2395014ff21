/*
 * Timers that send ticks to one kernel thread.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <signal.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "platform/linux/linux.h"

#define SECOND 1000000000

char vci_timer_mark;

#ifndef sigev_notify_thread_id
#define sigev_notify_thread_id _sigev_un._tid
#endif

int vci_timer_make(enum vci_timer_kind kind)
{
	clockid_t clock = kind == VCI_TIMER_CPU ? CLOCK_THREAD_CPUTIME_ID : CLOCK_MONOTONIC;
	struct sigevent event;
	int timer;
	long error;

	__builtin_memset(&event, 0, sizeof event);
	event.sigev_notify = SIGEV_THREAD_ID;
	event.sigev_signo = SIGALRM;
	event.sigev_value.sival_ptr = &vci_timer_mark;
	event.sigev_notify_thread_id = (int)vci_system_call(SYS_gettid, 0, 0, 0, 0, 0, 0);
	error = vci_system_call(SYS_timer_create, clock, (long)&event, (long)&timer, 0, 0, 0);
	return error == 0 ? timer : -EAGAIN;
}

void vci_timer_free(int timer)
{
	(void)vci_system_call(SYS_timer_delete, timer, 0, 0, 0, 0, 0);
}

static void set_timer(int timer, int flags, int64_t nanoseconds)
{
	struct itimerspec value = {{0, 0}, {0, 1}}; /* 0 would disarm it */

	if (nanoseconds > 0) {
		value.it_value.tv_sec = nanoseconds / SECOND;
		value.it_value.tv_nsec = nanoseconds % SECOND;
	}
	(void)vci_system_call(SYS_timer_settime, timer, flags, (long)&value, 0, 0, 0);
}

void vci_timer_set(int timer, vcore_instant at)
{
	set_timer(timer, TIMER_ABSTIME, at);
}

void vci_timer_set_cpu(int timer, int64_t nanoseconds)
{
	set_timer(timer, 0, nanoseconds);
}
