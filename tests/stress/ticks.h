/*
 * What the programs about preemption share: runtimes for each quantum and
 * number of processors, ways to see what ticks have done, labours, and hearts.
 *
 * No check is about time.  A thread of the host's waits until it sees what must
 * come, and the watchdog ends a program in which it does not.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef TESTS_STRESS_TICKS_H
#define TESTS_STRESS_TICKS_H

#include "compute.h"
#include "stress.h"

/* Whether memory is accessed by calls into a tool, which are foreign code. */
#ifdef STRESS_TSAN
#define TSAN true
#else
#define TSAN false
#endif

/* A runtime and what is known of it. */
struct ticks {
	struct vcore_runtime *runtime;
	int64_t quantum;
	unsigned processors;
	unsigned flags;  /* of the threads that are spawned in it */
	const char *off; /* why no ticks come; NULL: they do */
};

static inline struct vcore_statistics ticks_statistics(const struct ticks *ticks)
{
	struct vcore_statistics statistics = {.size = sizeof(statistics)};

	CHECK_IS(vcore_inspect_runtime(ticks->runtime, &statistics), 0);
	return statistics;
}

static inline struct ticks ticks_open(struct vcore_runtime_options options)
{
	struct ticks ticks = {.quantum = options.quantum, .processors = options.processors};

	ticks.runtime = stress_open_with(options);
	ticks.off = ticks_statistics(&ticks).unpreemptive;
	return ticks;
}

/* Whose kernel threads lost their processor to a tick, so far. */
static inline uint64_t ticks_switches(const struct ticks *ticks)
{
	struct vcore_statistics statistics = ticks_statistics(ticks);

	return statistics.preemptions + statistics.hand_overs;
}

struct ticks_look {
	uint64_t id;
	struct vcore_thread_info info;
};

static inline int ticks_look_callback(const struct vcore_thread_info *info, void *argument)
{
	struct ticks_look *look = argument;

	if (info->id != look->id) {
		return 0;
	}
	look->info = *info;
	return 1;
}

/* What is known of a thread that has not been joined. */
static inline struct vcore_thread_info ticks_info(const struct ticks *ticks,
						  const struct vcore_thread *thread)
{
	struct ticks_look look = {.id = vcore_thread_id(thread)};

	CHECK_IS(vcore_inspect_threads(ticks->runtime, ticks_look_callback, &look), 1);
	return look.info;
}

/* On a thread of the host's: waits until the condition holds. */
#define ticks_until(condition)                                                                     \
	do {                                                                                       \
		while (!(condition)) {                                                             \
			vcore_sleep(vcore_after(200 * MICROSECOND));                               \
		}                                                                                  \
	} while (0)

static inline struct vcore_thread *ticks_spawn(const struct ticks *ticks,
					       struct vcore_thread_options options,
					       void *(*work)(void *), void *argument)
{
	struct vcore_thread *thread;

	options.runtime = ticks->runtime;
	options.flags |= ticks->flags;
	if (!CHECK_IS(vcore_thread_allocate(&thread, &options, work, argument), 0)) {
		tap_case("allocate a thread");
		exit(tap_done());
	}
	return thread;
}

/* The same, on processor 0. */
static inline struct vcore_thread *ticks_spawn_pinned(const struct ticks *ticks,
						      void *(*work)(void *), void *argument)
{
	return ticks_spawn(ticks, (struct vcore_thread_options){.flags = VCORE_THREAD_PINNED}, work,
			   argument);
}

/* Computes until the flag is set: an endless loop of the application's. */
static inline void *ticks_spin(void *flag)
{
	while (!atomic_load((_Atomic bool *)flag)) {
		compute(1, 100);
	}
	return NULL;
}

/* Two that wait for each other without a call: only ticks let them. */
struct game {
	_Atomic unsigned ball;
	struct player {
		struct game *game;
		unsigned first; /* 0 or 1: which passes are its own */
	} players[2];
};

#define GAME_PASSES 10

static inline void game_prepare(struct game *game)
{
	*game = (struct game){.players = {{game, 0}, {game, 1}}};
}

static inline void *game_play(void *argument)
{
	struct player *self = argument;

	for (unsigned i = self->first; i < GAME_PASSES; i += 2) {
		while (atomic_load(&self->game->ball) != i) {
			compute(1, 100);
		}
		atomic_fetch_add(&self->game->ball, 1);
	}
	return NULL;
}

/* A thread that sleeps, again and again, until it is to end. */
struct heart {
	_Atomic bool stop;
	_Atomic uint64_t beats;
	struct vcore_thread *thread;
};

static inline void *heart_beat(void *argument)
{
	struct heart *heart = argument;

	while (!atomic_load(&heart->stop)) {
		vcore_sleep(vcore_after(MILLISECOND));
		atomic_fetch_add(&heart->beats, 1);
	}
	return NULL;
}

static inline void heart_start(struct heart *heart, const struct ticks *ticks)
{
	*heart = (struct heart){0};
	heart->thread = ticks_spawn(ticks, (struct vcore_thread_options){.name = "heart"},
				    heart_beat, heart);
}

/* Waits for so many beats from now on. */
static inline void heart_await(const struct heart *heart, uint64_t beats)
{
	uint64_t enough = atomic_load(&heart->beats) + beats;

	ticks_until(atomic_load(&heart->beats) >= enough);
}

static inline void heart_stop(struct heart *heart)
{
	atomic_store(&heart->stop, true);
	stress_join(heart->thread);
}

/*
 * Labours: what several threads do at the same time, over and over, each round
 * with checks of its own.
 */
struct worker {
	const struct shift *shift;
	unsigned number; /* from 0 */
	uint64_t random;
	uint64_t rounds;
	struct vcore_thread *thread;
};

struct labour {
	const char *name;
	void (*round)(struct worker *worker);
	void (*prepare)(void); /* before all, or NULL */
	void (*finish)(void);  /* after all, with checks, or NULL */
	bool needs_ticks;
};

#define SHIFT_WORKERS 6

/* One labour at work. */
struct shift {
	const struct ticks *ticks;
	const struct labour *labour;
	_Atomic bool over;
	struct worker workers[SHIFT_WORKERS];
};

static inline void *worker_work(void *argument)
{
	struct worker *self = argument;

	do {
		self->shift->labour->round(self);
		self->rounds++;
	} while (!atomic_load(&self->shift->over));
	return NULL;
}

/* Up to so many steps of computing, often longer than the shortest quantum. */
static inline void worker_compute(struct worker *self)
{
	compute(1, stress_below(&self->random, stress_divisor > 1 ? 10000 : 100000));
}

static inline void shift_start(struct shift *shift, const struct ticks *ticks,
			       const struct labour *labour)
{
	*shift = (struct shift){.ticks = ticks, .labour = labour};
	if (labour->prepare != NULL) {
		labour->prepare();
	}
	for (unsigned i = 0; i < SHIFT_WORKERS; i++) {
		struct worker *worker = &shift->workers[i];

		*worker = (struct worker){.shift = shift, .number = i};
		worker->random = stress_seed * SHIFT_WORKERS + i;
		worker->thread =
			ticks_spawn(ticks, (struct vcore_thread_options){.name = labour->name},
				    worker_work, worker);
	}
}

static inline void shift_end(struct shift *shift)
{
	atomic_store(&shift->over, true);
	for (unsigned i = 0; i < SHIFT_WORKERS; i++) {
		stress_join(shift->workers[i].thread);
		CHECK(shift->workers[i].rounds > 0);
	}
	if (shift->labour->finish != NULL) {
		shift->labour->finish();
	}
}

/* How a case ends that was tried with one quantum on some processors. */
static inline void ticks_case(const struct ticks *ticks, const char *name)
{
	tap_case("%s, %jd us on %u", name, (intmax_t)(ticks->quantum / MICROSECOND),
		 ticks->processors);
}

/* A whole shift: a while, and until a tick has come: who is let go may stay so. */
static inline void ticks_labour(const struct ticks *ticks, const struct labour *labour)
{
	uint64_t enough = ticks_switches(ticks) + (ticks->off == NULL);
	struct shift shift;

	if (labour->needs_ticks && ticks->off != NULL) {
		tap_skip(labour->name, ticks->off);
		return;
	}
	shift_start(&shift, ticks, labour);
	vcore_sleep(vcore_after((int64_t)stress_size(20, 5) * MILLISECOND));
	ticks_until(ticks_switches(ticks) >= enough);
	shift_end(&shift);
	ticks_case(ticks, labour->name);
}

/* A case that needs ticks. */
static inline void ticks_try(const struct ticks *ticks, const char *name,
			     void (*run)(const struct ticks *ticks))
{
	if (ticks->off != NULL) {
		tap_skip(name, ticks->off);
		return;
	}
	run(ticks);
	ticks_case(ticks, name);
}

/* Each quantum on 1, 2 and 4 processors. */
#define TICKS_SETTINGS 9

static inline struct vcore_runtime_options ticks_setting(int number)
{
	static const int64_t quanta[] = {100 * MICROSECOND, MILLISECOND, 10 * MILLISECOND};
	static const unsigned processors[] = {1, 2, 4};

	return (struct vcore_runtime_options){.quantum = quanta[number / 3],
					      .processors = processors[number % 3]};
}

/*
 * Where a tick takes longer than the shortest quanta, in an emulator say, nobody
 * would get anywhere: VCORE_STRESS_QUANTUM is the least to try, in µs.
 */
static inline int64_t ticks_least_quantum(void)
{
	const char *least = getenv("VCORE_STRESS_QUANTUM");

	return least != NULL ? atol(least) * MICROSECOND : 0;
}

static inline int ticks_first_setting(void)
{
	int i = 0;

	while (i < TICKS_SETTINGS - 3 && ticks_setting(i).quantum < ticks_least_quantum()) {
		i += 3;
	}
	return i;
}

static inline void ticks_close(const struct ticks *ticks)
{
	stress_close(ticks->runtime);
	ticks_case(ticks, "close");
}

/* A whole program: its work with each setting. */
static inline int ticks_main(int argc, char **argv, void (*work)(const struct ticks *ticks))
{
	stress_begin(argc, argv);
	for (int i = ticks_first_setting(); i < TICKS_SETTINGS; i++) {
		struct ticks ticks = ticks_open(ticks_setting(i));

		work(&ticks);
		ticks_close(&ticks);
	}
	return tap_done();
}

#endif /* TESTS_STRESS_TICKS_H */
