/*
 * Workloads of preemption: what threads that compute lose when they take turns,
 * and how long those wait who cannot take theirs.
 *
 * They are the same for every implementation of threads in C, which only says
 * how its threads are made:
 *
 *	static const struct bench_threads threads = {spawn, join, sleep_until, NULL};
 *
 *	BENCH_PREEMPT_RUN(gap, threads)	// defines run_gap
 *
 * All of them are for one processor.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BENCH_PREEMPT_H
#define BENCH_PREEMPT_H

#include "bench.h"

struct bench_threads {
	/* An urgent one has a higher priority than others, where there are any. */
	void *(*spawn)(struct bench *bench, bool urgent, void *(*entry)(void *), void *argument);
	void (*join)(void *thread);
	void (*sleep_until)(int64_t instant); /* of bench_now */
	/*
	 * After a call that blocked: waits until the caller runs under the
	 * implementation's own scheduling again.  NULL: it never left it.
	 */
	void (*come_back)(void);
};

/*
 * Two threads spin until one has taken the other's place n times.  "gap", "p99":
 * how long neither of them ran then, microseconds.
 */
void bench_gap(struct bench *bench, const struct bench_threads *threads);

/*
 * bench->threads threads compute for about n milliseconds each, all at once
 * and one after another.  "relative": the time of the former in percent of the
 * latter.  The second computes mostly inside of libc.
 */
void bench_lost(struct bench *bench, const struct bench_threads *threads);
void bench_lost_in_libc(struct bench *bench, const struct bench_threads *threads);

/*
 * n times, a thread that blocks in read(2) has its place taken by one that
 * spins, and takes it back when there is something to read.  "handover": from
 * the end of its quantum (0: from the call) until the other runs; "comeback":
 * from when the other stops to when it runs; medians in microseconds.
 */
void bench_handover(struct bench *bench, const struct bench_threads *threads);

/*
 * A thread sleeps n times beside one that spins.  "late", "p99": by how much
 * it wakes too late, microseconds.
 */
void bench_late(struct bench *bench, const struct bench_threads *threads);

/* One of them as a subject's workload. */
#define BENCH_PREEMPT_RUN(name, threads)                                                           \
	static void run_##name(struct bench *bench)                                                \
	{                                                                                          \
		bench_##name(bench, &(threads));                                                   \
	}

#endif /* BENCH_PREEMPT_H */
