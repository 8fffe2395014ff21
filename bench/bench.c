/*
 * The harness of bench.h: arguments, the growing run, and the line of JSON.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "bench.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define MICROSECOND INT64_C(1000)
#define MILLISECOND INT64_C(1000000)

/* A run that was too short may have been so short that it says nothing. */
#define GROWTH_MAX 100

/* The CPUs of the process, before any of its threads was pinned. */
static cpu_set_t allowed;

static void die(const char *what, const char *which)
{
	fprintf(stderr, "%s: %s\n", what, which);
	exit(2);
}

static void list(const struct bench_workload *workloads)
{
	for (; workloads->name != NULL; workloads++) {
		puts(workloads->name);
	}
}

static const struct bench_workload *find(const struct bench_workload *workloads, const char *name)
{
	for (; workloads->name != NULL; workloads++) {
		if (strcmp(workloads->name, name) == 0) {
			return workloads;
		}
	}
	die("no such workload", name);
	return NULL;
}

/* The number in "name=number", if the argument has that name. */
static bool read_number(const char *argument, const char *name, long *number)
{
	size_t length = strlen(name);
	char *end;

	if (strncmp(argument, name, length) != 0 || argument[length] != '=') {
		return false;
	}
	*number = strtol(argument + length + 1, &end, 10);
	if (*end != '\0' || *number < 0) {
		die("not a number", argument);
	}
	return true;
}

static void read_argument(struct bench *bench, const char *argument)
{
	long number;

	if (read_number(argument, "time", &number)) {
		bench->time = number * MILLISECOND;
	} else if (read_number(argument, "processors", &number)) {
		bench->processors = (unsigned)number;
	} else if (read_number(argument, "quantum", &number)) {
		bench->quantum = number * MICROSECOND;
	} else if (read_number(argument, "laps", &number)) {
		bench->laps = number != 0;
	} else if (read_number(argument, "light", &number)) {
		bench->light = number != 0;
	} else if (read_number(argument, "higher", &number)) {
		bench->higher = number != 0;
	} else if (read_number(argument, "touched", &number)) {
		bench->touched = number != 0;
	} else if (read_number(argument, "huge", &number)) {
		bench->huge = number != 0;
	} else if (read_number(argument, "closed", &number)) {
		bench->closed = number != 0;
	} else if (!read_number(argument, "n", &bench->n) &&
		   !read_number(argument, "warm", &bench->warm) &&
		   !read_number(argument, "threads", &bench->threads) &&
		   !read_number(argument, "writes", &bench->writes) &&
		   !read_number(argument, "capacity", &bench->capacity) &&
		   !read_number(argument, "bytes", &bench->bytes) &&
		   !read_number(argument, "batch", &bench->batch)) {
		die("no such argument", argument);
	}
}

void bench_prepare(struct bench *bench, const struct bench_workload *workloads, int argc,
		   char **argv)
{
	if (argc < 2) {
		fprintf(stderr, "usage: %s --list | workload [name=number]...\n", argv[0]);
		exit(2);
	}
	if (strcmp(argv[1], "--list") == 0) {
		list(workloads);
		exit(0);
	}
	bench_check(sched_getaffinity(0, sizeof(allowed), &allowed) == 0, "affinity");
	*bench = (struct bench){
		.n = 1,
		.threads = 2,
		.processors = 1,
		.capacity = 1024,
		.bytes = 8,
		.batch = 1,
		.workload = find(workloads, argv[1]),
	};
	for (int i = 2; i < argc; i++) {
		read_argument(bench, argv[i]);
	}
}

/* The n with which a run would take a little longer than was asked for. */
static long next_n(const struct bench *bench)
{
	double factor = GROWTH_MAX;

	if (bench->elapsed * GROWTH_MAX > bench->time) {
		factor = 1.2 * (double)bench->time / (double)bench->elapsed;
	}
	return (long)((double)bench->n * factor) + 1;
}

static void run_growing(struct bench *bench)
{
	bench->workload->run(bench);
	while (bench->elapsed < bench->time) {
		bench->n = next_n(bench);
		bench->workload->run(bench);
	}
}

/* A run apart: reading the clock at each lap would be part of the result. */
static void run_laps(struct bench *bench)
{
	bench->timing_laps = true;
	bench->workload->run(bench);
	bench->timing_laps = false;
	bench_value(bench, "p50", (double)histogram_percentile(&bench->histogram, 50));
	bench_value(bench, "p99", (double)histogram_percentile(&bench->histogram, 99));
	bench_value(bench, "p999", (double)histogram_percentile(&bench->histogram, 99.9));
}

void bench_measure(struct bench *bench)
{
	for (long i = 0; i < bench->warm; i++) {
		bench->workload->run(bench);
	}
	bench->n_values = 0;
	run_growing(bench);
	bench->ns = (double)bench->elapsed / (double)bench->done;
	if (bench->laps) {
		run_laps(bench);
	}
}

int bench_report(const struct bench *bench)
{
	printf("{\"ns\": %.6g", bench->ns);
	for (unsigned i = 0; i < bench->n_values; i++) {
		printf(", \"%s\": %.6g", bench->values[i].name, bench->values[i].value);
	}
	if (bench->note != NULL) {
		printf(", \"note\": \"%s\"", bench->note);
	}
	printf("}\n");
	return ferror(stdout) != 0;
}

int bench_main(const struct bench_workload *workloads, int argc, char **argv)
{
	static struct bench bench;

	bench_prepare(&bench, workloads, argc, argv);
	bench_measure(&bench);
	return bench_report(&bench);
}

void bench_start(struct bench *bench)
{
	bench->started = bench_now();
	bench->lap_started = bench->started;
}

void bench_stop(struct bench *bench, long done)
{
	bench->elapsed = bench_now() - bench->started;
	bench->done = done;
}

void bench_value(struct bench *bench, const char *name, double value)
{
	bench_check(bench->n_values < BENCH_VALUES_MAX, "number of values");
	bench->values[bench->n_values++] = (struct bench_value){name, value};
}

void bench_note(struct bench *bench, const char *note)
{
	bench->note = note;
}

void bench_check(bool right, const char *what)
{
	if (!right) {
		die("wrong", what);
	}
}

int64_t bench_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * (1000 * MILLISECOND) + now.tv_nsec;
}

double bench_resident(void)
{
	FILE *statm = fopen("/proc/self/statm", "r");
	long size;
	long resident = 0;

	bench_check(statm != NULL && fscanf(statm, "%ld %ld", &size, &resident) == 2,
		    "/proc/self/statm");
	fclose(statm);
	return (double)resident * (double)sysconf(_SC_PAGESIZE);
}

/* The i-th member of a set, counting round when there are fewer. */
static size_t nth_cpu(const cpu_set_t *set, unsigned i)
{
	size_t cpu = 0;

	for (i %= (unsigned)CPU_COUNT(set); i > 0 || !CPU_ISSET(cpu, set); cpu++) {
		i -= CPU_ISSET(cpu, set) ? 1 : 0;
	}
	return cpu;
}

void bench_pin(unsigned i)
{
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET(nth_cpu(&allowed, i), &one);
	bench_check(sched_setaffinity(0, sizeof(one), &one) == 0, "pinning");
}

void bench_time_lap(struct bench *bench)
{
	int64_t now = bench_now();

	histogram_record(&bench->histogram, (uint64_t)(now - bench->lap_started));
	bench->lap_started = now;
}
