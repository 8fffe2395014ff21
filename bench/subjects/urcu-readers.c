/*
 * Readers of liburcu's: see urcu-readers.h.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "urcu-readers.h"

#include "contest.h"

#define _LGPL_SOURCE /* what is small is inline, as in programs that care */
#if defined(READERS_QSBR)
#include <urcu/urcu-qsbr.h>
#define URCU(name) urcu_qsbr_##name
/* Where there is no other place: every so many sections, at an end. */
#define SECTIONS 1024
#elif defined(READERS_MEMB)
#include <urcu/urcu-memb.h>
#define URCU(name) urcu_memb_##name
#endif

static void enter(void *lock, void *place)
{
	(void)lock;
	(void)place;
	URCU(register_thread)();
}

static void leave(void *lock, void *place)
{
	(void)lock;
	(void)place;
	URCU(unregister_thread)();
}

static void begin_reading(void *lock, void *place)
{
	(void)lock;
	(void)place;
	URCU(read_lock)();
}

static void end_reading(void *lock, void *place)
{
	(void)lock;
	URCU(read_unlock)();
#ifdef READERS_QSBR
	if (++*(long *)place % SECTIONS == 0) {
		URCU(quiescent_state)();
	}
#else
	(void)place;
#endif
}

static const struct bench_lock rcu = {
	.acquire_read = begin_reading, .release_read = end_reading, .enter = enter, .leave = leave};

static void *read_only(void *contestant)
{
	return bench_compete(contestant, &rcu);
}

void bench_read_only(struct bench *bench)
{
	bench_contest(bench, &bench_kernel_threads, read_only, NULL);
}
