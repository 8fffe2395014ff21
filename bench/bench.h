/*
 * The harness: what every benchmark subject has in common.
 *
 * A subject is one implementation (ours, or a peer's) of some workloads.  It
 * is a program that measures one workload once and prints one line of JSON:
 *
 *	$ subjects/pthread spawn time=40
 *	{"ns": 18412.2}
 *	$ subjects/pthread --list
 *	switch
 *	spawn
 *	...
 *
 * so that every sample is a process of its own, and bench/run can interleave
 * the samples of all subjects.  In a subject a workload is a function that
 * performs bench->n operations and says between which two points they lie:
 *
 *	static void spawn(struct bench *bench)
 *	{
 *		bench_start(bench);
 *		for (long i = 0; i < bench->n; i++) {
 *			spawn_and_join();
 *		}
 *		bench_stop(bench, bench->n);
 *	}
 *
 *	static const struct bench_workload workloads[] = {
 *		{"spawn", spawn},
 *		{NULL, NULL},
 *	};
 *
 *	int main(int argc, char **argv)
 *	{
 *		return bench_main(workloads, argc, argv);
 *	}
 *
 * Its arguments, all numbers, all optional:
 *	time=MS		run with a growing n until a run takes that long; the
 *			last run counts
 *	n=N		run with this n instead
 *	warm=W		run W times before, not counted
 *	laps=1		after the run that counts, one more in which each
 *			bench_lap is timed: adds p50, p99 and p999
 *	threads=T, processors=P		for the workload to read
 *	quantum=US, light=1, higher=1	the same, of preemption
 *	writes=W	the same, of locks
 *	capacity=C, bytes=B, batch=M	the same, of buffers
 *	bytes=B, touched=1, huge=1, closed=1	the same, of spaces
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BENCH_H
#define BENCH_H

#include "histogram.h"

#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

#define BENCH_VALUES_MAX 4

struct bench;

struct bench_workload {
	const char *name;
	void (*run)(struct bench *bench);
};

/* A result beside "ns". */
struct bench_value {
	const char *name;
	double value;
};

struct bench {
	/* for the workload to read */
	long n;
	long threads;
	unsigned processors;
	int64_t quantum; /* nanoseconds; 0: the default */
	bool light;      /* threads may be preempted at less cost */
	bool higher;     /* urgent threads have a higher priority */
	long writes;     /* of 32 accesses */
	long capacity;   /* messages */
	long bytes;      /* a message; a block */
	long batch;      /* messages a call */
	bool touched;    /* each page is written to */
	bool huge;       /* a block is of huge pages */
	bool closed;     /* what is accessed is in a closed space */
	/* what was asked for */
	const struct bench_workload *workload;
	int64_t time; /* nanoseconds; 0: run with the n given */
	long warm;
	bool laps;
	/* the last run */
	int64_t started, elapsed;
	long done;
	/* the laps */
	bool timing_laps;
	int64_t lap_started;
	struct histogram histogram;
	/* what will be printed */
	double ns;
	struct bench_value values[BENCH_VALUES_MAX];
	unsigned n_values;
	const char *note;
};

/*
 * The main function of a subject.  A list of workloads ends with a NULL name.
 */
int bench_main(const struct bench_workload *workloads, int argc, char **argv);

/*
 * Its three parts, for those that must be in a thread of their own library to
 * measure: prepare reads the arguments (and ends the program if they are wrong,
 * or ask for the list), measure runs the workload, report prints.
 */
void bench_prepare(struct bench *bench, const struct bench_workload *workloads, int argc,
		   char **argv);
void bench_measure(struct bench *bench);
int bench_report(const struct bench *bench);

/* Between these two `done` operations are performed. */
void bench_start(struct bench *bench);
void bench_stop(struct bench *bench, long done);

/* Says how another quantity came out, and what the reader should know. */
void bench_value(struct bench *bench, const char *name, double value);
void bench_note(struct bench *bench, const char *note);

/* Ends the program with an error if a workload computed a wrong result. */
void bench_check(bool right, const char *what);

/* Nanoseconds on CLOCK_MONOTONIC. */
int64_t bench_now(void);

/* The memory of the process that is resident, in bytes. */
double bench_resident(void);

/* Binds the calling kernel thread to the i-th CPU the process may use. */
void bench_pin(unsigned i);

void bench_time_lap(struct bench *bench);

/* One operation whose latency is of interest has ended, the next begins. */
static inline void bench_lap(struct bench *bench)
{
	if (bench->timing_laps) {
		bench_time_lap(bench);
	}
}

#ifdef __cplusplus
}
#endif
#endif /* BENCH_H */
