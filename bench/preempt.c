/*
 * The workloads of preempt.h.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "preempt.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "stamp.h"

#define MICROSECOND 1000
#define MILLISECOND (1000 * INT64_C(1000))

/* Who waits longer than this for another thread to run waits in vain. */
#define PATIENCE (10000 * MILLISECOND)

static double stamps_per_microsecond(void)
{
	int64_t began = bench_now();
	uint64_t first = bench_stamp();
	int64_t now;

	do {
		now = bench_now();
	} while (now - began < 5 * MILLISECOND);
	return (double)(bench_stamp() - first) * MICROSECOND / (double)(now - began);
}

static int compare(const void *left, const void *right)
{
	double a = *(const double *)left;
	double b = *(const double *)right;

	return (a > b) - (a < b);
}

/* Sorts the values. */
static double percentile(double *values, long n, int percent)
{
	bench_check(n > 0, "nothing was seen");
	qsort(values, (size_t)n, sizeof(*values), compare);
	return values[(n - 1) * percent / 100];
}

/* --- gap: two threads that spin, and note when they were away --- */

/* Others on the same CPU make for absences too. */
#define ABSENCES_MAX 4096

/* At the begin and the end, one of the two does not know that it was away. */
#define LOST_CHANGES 4

/* From its last stamp before to its first one after. */
struct absence {
	uint64_t left, came;
};

struct spinner {
	struct game *game;
	long absences;
	struct absence absence[ABSENCES_MAX];
};

struct game {
	long wanted, changes;     /* from one to the other */
	uint64_t least, patience; /* stamps: of an absence, of the whole game */
	bool over;
	struct spinner *runner; /* who came back last */
	struct spinner spinners[2];
};

static void note_absence(struct spinner *spinner, uint64_t left, uint64_t came)
{
	struct game *game = spinner->game;

	if (spinner->absences < ABSENCES_MAX) {
		spinner->absence[spinner->absences++] = (struct absence){left, came};
	}
	if (__atomic_exchange_n(&game->runner, spinner, __ATOMIC_RELAXED) != spinner &&
	    __atomic_add_fetch(&game->changes, 1, __ATOMIC_RELAXED) == game->wanted) {
		__atomic_store_n(&game->over, true, __ATOMIC_RELAXED);
	}
}

static void *spin(void *argument)
{
	struct spinner *spinner = argument;
	struct game *game = spinner->game;
	uint64_t began = bench_stamp();
	uint64_t last = began;

	while (!__atomic_load_n(&game->over, __ATOMIC_RELAXED) && last - began < game->patience) {
		uint64_t now = bench_stamp();

		if (now - last > game->least) {
			note_absence(spinner, last, now);
		}
		last = now;
	}
	return NULL;
}

/* Adds the gaps where `to` came in the place of `from`, and returns how many. */
static long find_gaps(const struct spinner *from, const struct spinner *to, double *gaps)
{
	long n = 0;
	long j = 0;

	for (long i = 0; i < from->absences; i++) {
		while (j < to->absences && to->absence[j].came <= from->absence[i].left) {
			j++;
		}
		if (j < to->absences && to->absence[j].came < from->absence[i].came) {
			gaps[n++] = (double)(to->absence[j].came - from->absence[i].left);
		}
	}
	return n;
}

static void play(struct bench *bench, const struct bench_threads *threads, struct game *game)
{
	void *handles[2];

	bench_start(bench);
	for (int i = 0; i < 2; i++) {
		game->spinners[i].game = game;
		handles[i] = threads->spawn(bench, false, spin, &game->spinners[i]);
	}
	for (int i = 0; i < 2; i++) {
		threads->join(handles[i]);
	}
	bench_stop(bench, bench->n);
}

void bench_gap(struct bench *bench, const struct bench_threads *threads)
{
	double microsecond = stamps_per_microsecond();
	struct game *game = calloc(1, sizeof(*game));
	double *gaps = calloc((size_t)2 * ABSENCES_MAX, sizeof(*gaps));
	long n;

	game->wanted = bench->n + LOST_CHANGES;
	game->least = (uint64_t)(50 * microsecond); /* half the shortest quantum */
	game->patience = (uint64_t)(PATIENCE / MICROSECOND * microsecond);
	play(bench, threads, game);
	n = find_gaps(&game->spinners[0], &game->spinners[1], gaps);
	n += find_gaps(&game->spinners[1], &game->spinners[0], gaps + n);
	bench_value(bench, "gap", percentile(gaps, n, 50) / microsecond);
	bench_value(bench, "p99", percentile(gaps, n, 99) / microsecond);
	free(gaps);
	free(game);
}

/* --- lost: the same work, at once and one after another --- */

struct load {
	void (*work)(long units);
	long units; /* of each thread */
};

/* A chain of multiplications. */
static void compute(long units)
{
	uint64_t x = 1;

	for (long i = 0; i < 1000 * units; i++) {
		x *= 6364136223846793005u;
		__asm__ volatile("" : "+r"(x));
	}
}

#define BUFFER 32768

/* Nine parts of ten in memchr and memcpy. */
static void compute_in_libc(long units)
{
	char *from = calloc(1, BUFFER);
	char *to = calloc(1, BUFFER);

	for (long i = 0; i < units; i++) {
		for (int j = 0; j < 8; j++) {
			bench_check(memchr(from, 'x', BUFFER) == NULL, "memchr");
			memcpy(to, from, BUFFER);
			__asm__ volatile("" ::"r"(to) : "memory");
		}
		compute(1);
	}
	free(from);
	free(to);
}

static void *carry(void *argument)
{
	struct load *load = argument;

	load->work(load->units);
	return NULL;
}

/* How much of a work takes that long. */
static long units_for(void (*work)(long units), int64_t nanoseconds)
{
	long units = 1;
	int64_t took;

	for (;; units *= 2) {
		int64_t began = bench_now();

		work(units);
		took = bench_now() - began;
		if (took >= 2 * MILLISECOND) {
			return units * nanoseconds / took + 1;
		}
	}
}

static int64_t carry_in_turn(struct bench *bench, const struct bench_threads *threads,
			     struct load *load)
{
	int64_t began = bench_now();

	for (long i = 0; i < bench->threads; i++) {
		threads->join(threads->spawn(bench, false, carry, load));
	}
	return bench_now() - began;
}

static int64_t carry_at_once(struct bench *bench, const struct bench_threads *threads,
			     struct load *load)
{
	void **handles = calloc((size_t)bench->threads, sizeof(*handles));
	int64_t began = bench_now();

	for (long i = 0; i < bench->threads; i++) {
		handles[i] = threads->spawn(bench, false, carry, load);
	}
	for (long i = 0; i < bench->threads; i++) {
		threads->join(handles[i]);
	}
	free(handles);
	return bench_now() - began;
}

static int64_t lesser(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* What else the machine does makes either longer, never shorter: the least of some tries. */
static void weigh(struct bench *bench, const struct bench_threads *threads,
		  void (*work)(long units))
{
	struct load load = {work, units_for(work, bench->n * MILLISECOND)};
	int64_t in_turn = INT64_MAX;
	int64_t at_once = INT64_MAX;

	bench_start(bench);
	for (int i = 0; i < 4; i++) {
		in_turn = lesser(in_turn, carry_in_turn(bench, threads, &load));
		at_once = lesser(at_once, carry_at_once(bench, threads, &load));
	}
	bench_stop(bench, 1);
	bench_value(bench, "relative", 100 * (double)at_once / (double)in_turn);
}

void bench_lost(struct bench *bench, const struct bench_threads *threads)
{
	weigh(bench, threads, compute);
}

void bench_lost_in_libc(struct bench *bench, const struct bench_threads *threads)
{
	weigh(bench, threads, compute_in_libc);
}

/* --- handover: one blocks in the kernel, the other spins --- */

struct relay {
	const struct bench_threads *threads;
	long rounds;
	int pipe[2];
	uint64_t settle; /* stamps from hand-over to there being something to read */
	long blocked;    /* the rounds in which the reader has run */
	uint64_t *left, *back, *entered, *first;
};

static void *block(void *argument)
{
	struct relay *relay = argument;
	char byte;

	for (long i = 0; i < relay->rounds; i++) {
		if (relay->threads->come_back != NULL) {
			relay->threads->come_back();
		}
		relay->back[i] = bench_stamp();
		relay->entered[i] = bench_stamp(); /* before the other can know */
		__atomic_store_n(&relay->blocked, i + 1, __ATOMIC_RELEASE);
		bench_check(read(relay->pipe[0], &byte, 1) == 1, "read");
	}
	return NULL;
}

/* Spins until the other has run, and notes its last stamp before that and its first after. */
static void *stand_in(void *argument)
{
	struct relay *relay = argument;
	uint64_t left = bench_stamp();

	for (long i = 0; i < relay->rounds; i++) {
		while (__atomic_load_n(&relay->blocked, __ATOMIC_ACQUIRE) == i) {
			left = bench_stamp();
		}
		relay->left[i] = left;
		relay->first[i] = bench_stamp();
		do {
			left = bench_stamp();
		} while (left - relay->first[i] < relay->settle);
		bench_check(write(relay->pipe[1], "", 1) == 1, "write");
	}
	return NULL;
}

static uint64_t *open_column(const struct relay *relay)
{
	return calloc((size_t)relay->rounds, sizeof(uint64_t));
}

static void open_relay(struct relay *relay)
{
	bench_check(pipe(relay->pipe) == 0, "pipe");
	relay->left = open_column(relay);
	relay->back = open_column(relay);
	relay->entered = open_column(relay);
	relay->first = open_column(relay);
}

static void close_relay(struct relay *relay)
{
	close(relay->pipe[0]);
	close(relay->pipe[1]);
	free(relay->left);
	free(relay->back);
	free(relay->entered);
	free(relay->first);
}

/* The median of to - from, without the first round, which begins in between. */
static double median_between(const struct relay *relay, const uint64_t *from, const uint64_t *to)
{
	double *between = calloc((size_t)relay->rounds, sizeof(*between));
	double median;

	for (long i = 1; i < relay->rounds; i++) {
		between[i - 1] = (double)(int64_t)(to[i] - from[i]);
	}
	median = percentile(between, relay->rounds - 1, 50);
	free(between);
	return median;
}

void bench_handover(struct bench *bench, const struct bench_threads *threads)
{
	double microsecond = stamps_per_microsecond();
	struct relay relay = {
		.threads = threads,
		.rounds = bench->n + 1,
		.settle = (uint64_t)(100 * microsecond),
	};
	double quantum = threads->come_back != NULL ? (double)bench->quantum / MICROSECOND : 0;
	double handover;
	void *reader;
	void *spinner;

	open_relay(&relay);
	bench_start(bench);
	reader = threads->spawn(bench, false, block, &relay);
	spinner = threads->spawn(bench, false, stand_in, &relay);
	threads->join(reader);
	threads->join(spinner);
	bench_stop(bench, relay.rounds);
	handover = median_between(&relay, relay.entered, relay.first) / microsecond - quantum;
	bench_value(bench, "handover", handover > 0 ? handover : 0);
	bench_value(bench, "comeback",
		    median_between(&relay, relay.left, relay.back) / microsecond);
	close_relay(&relay);
}

/* --- late: one sleeps, the other spins --- */

#define NAP (3 * MILLISECOND)

struct bedroom {
	struct bench *bench;
	const struct bench_threads *threads;
	bool morning;
	double *late;
};

static void *nap(void *argument)
{
	struct bedroom *bedroom = argument;

	for (long i = 0; i < bedroom->bench->n; i++) {
		int64_t due = bench_now() + NAP;

		bedroom->threads->sleep_until(due);
		bedroom->late[i] = (double)(bench_now() - due);
	}
	__atomic_store_n(&bedroom->morning, true, __ATOMIC_RELAXED);
	return NULL;
}

static void *spin_till_morning(void *argument)
{
	struct bedroom *bedroom = argument;

	while (!__atomic_load_n(&bedroom->morning, __ATOMIC_RELAXED)) {
	}
	return NULL;
}

void bench_late(struct bench *bench, const struct bench_threads *threads)
{
	struct bedroom bedroom = {
		.bench = bench,
		.threads = threads,
		.late = calloc((size_t)bench->n, sizeof(double)),
	};
	void *sleeper;
	void *spinner;

	bench_start(bench);
	sleeper = threads->spawn(bench, true, nap, &bedroom);
	spinner = threads->spawn(bench, false, spin_till_morning, &bedroom);
	threads->join(sleeper);
	threads->join(spinner);
	bench_stop(bench, bench->n);
	bench_value(bench, "late", percentile(bedroom.late, bench->n, 50) / MICROSECOND);
	bench_value(bench, "p99", percentile(bedroom.late, bench->n, 99) / MICROSECOND);
	free(bedroom.late);
}
