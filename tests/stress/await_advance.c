/*
 * Await and advance, with deadlines and destroy racing: the accounting of
 * wakes is exact.
 *
 *	races	nobody returns 0 before the count exceeds the value, or
 *		-ETIMEDOUT before the deadline; after the last advance
 *		everybody returns, and every thread is accounted for.
 *	exact	an advance wakes those who are due and nobody else.
 *	order	what one advance wakes runs in the order of values, and among
 *		equals in the order of arrival (on one processor, advanced
 *		from a pthread: there the queue is first in, first out).
 *	memory	an eventcount is poisoned and freed by the last awaiter to
 *		return, while the advance that woke it may still be returning.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "stress.h"

#define TOP 64 /* the count that ends a round of races */

struct race {
	struct vcore_eventcount event;
	_Atomic unsigned started, woken, late, destroyed;
};

struct awaiter {
	struct race *race;
	int64_t value;
	int64_t patience; /* nanoseconds, or VCORE_NEVER */
};

static void count_destroyed(void *race)
{
	atomic_fetch_add(&((struct race *)race)->destroyed, 1);
}

static void await_once(struct awaiter *self)
{
	struct race *race = self->race;
	vcore_instant deadline = VCORE_NEVER;
	int result;

	if (self->patience != VCORE_NEVER) {
		deadline = vcore_after(self->patience);
	}
	result = vcore_eventcount_await(&race->event, self->value, deadline);
	if (result == 0) {
		CHECK(vcore_eventcount_read(&race->event) > self->value);
		atomic_fetch_add(&race->woken, 1);
	} else {
		CHECK_IS(result, -ETIMEDOUT);
		CHECK(vcore_now() >= deadline);
		atomic_fetch_add(&race->late, 1);
	}
}

static void *await_as_vcore_thread(void *awaiter)
{
	struct awaiter *self = awaiter;
	struct vcore_cleanup cleanup;

	atomic_fetch_add(&self->race->started, 1);
	vcore_cleanup_push(&cleanup, count_destroyed, self->race);
	await_once(self);
	vcore_cleanup_pop(&cleanup, false);
	return self;
}

static void *await_as_pthread(void *awaiter)
{
	atomic_fetch_add(&((struct awaiter *)awaiter)->race->started, 1);
	await_once(awaiter);
	return NULL;
}

/* Advances until TOP is reached; several do so at once, each as it likes. */
static void *advance_to_top(void *argument)
{
	struct race *race = *(struct race **)argument;
	uint64_t random = stress_seed ^ (uintptr_t)argument;

	for (int64_t before = 0, now; before < TOP; before = now) {
		int64_t n = (int64_t)stress_below(&random, 4);

		now = n == 1 ? vcore_eventcount_advance(&race->event)
			     : vcore_eventcount_advance_by(&race->event, n);
		CHECK(now >= before + n);
		if (stress_below(&random, 4) == 0) {
			vcore_sleep(vcore_after((int64_t)stress_below(&random, 50) * MICROSECOND));
		} else {
			vcore_yield();
		}
	}
	return NULL;
}

static void make_awaiter(struct awaiter *awaiter, struct race *race, uint64_t *random)
{
	*awaiter = (struct awaiter){.race = race, .patience = VCORE_NEVER};
	awaiter->value = (int64_t)stress_below(random, TOP + 4) - 4;
	if (stress_below(random, 3) == 0) {
		awaiter->patience = (int64_t)stress_below(random, 500 * MICROSECOND) - 1000;
	}
}

static void race_once(struct vcore_runtime *runtime, uint64_t *random)
{
	enum { THREADS = 60, PTHREADS = 3 };
	struct race race = {.event = VCORE_EVENTCOUNT_INITIALIZER}, *shared[3];
	struct awaiter awaiters[THREADS], plain[PTHREADS];
	struct vcore_thread *threads[THREADS];
	struct stress_crew crew = {.plain = PTHREADS}, advancers = {.vcore = 2, .plain = 1};
	struct vcore_exit how;
	unsigned destroyed = 0;

	for (int i = 0; i < PTHREADS; i++) {
		make_awaiter(&plain[i], &race, random);
		shared[i] = &race;
	}
	stress_crew_start(&crew, runtime, await_as_pthread, plain, sizeof(plain[0]));
	for (int i = 0; i < THREADS; i++) {
		make_awaiter(&awaiters[i], &race, random);
		threads[i] = stress_spawn(runtime, await_as_vcore_thread, &awaiters[i]);
	}
	stress_crew_start(&advancers, runtime, advance_to_top, shared, sizeof(shared[0]));
	for (int i = 0; i < THREADS; i += 1 + (int)stress_below(random, 5)) {
		CHECK_IS(vcore_thread_destroy(threads[i]), 0);
	}
	for (int i = 0; i < THREADS; i++) {
		CHECK_IS(vcore_thread_join(threads[i], &how, stress_patience()), 0);
		destroyed += how.how == VCORE_DESTROYED;
	}
	stress_crew_join(&advancers);
	stress_crew_join(&crew);
	/* Who was destroyed either never started or ran its cleanup. */
	CHECK_IS(race.started + destroyed - race.destroyed, THREADS + PTHREADS);
	CHECK_IS(race.woken + race.late + race.destroyed, race.started);
	CHECK(vcore_eventcount_read(&race.event) >= TOP);
}

/* Who was woken, in order. */
struct parade {
	struct vcore_eventcount event;
	struct vcore_eventcount arrived, left;
	int64_t *order;
};

struct marcher {
	struct parade *parade;
	int64_t number, value;
};

static void *march(void *argument)
{
	struct marcher *self = argument;
	struct parade *parade = self->parade;

	vcore_eventcount_advance(&parade->arrived);
	CHECK_IS(vcore_eventcount_await(&parade->event, self->value, VCORE_NEVER), 0);
	parade->order[vcore_eventcount_advance(&parade->left) - 1] = self->number;
	return NULL;
}

static int count_waiting(const struct vcore_thread_info *info, void *waiting)
{
	*(size_t *)waiting += info->wait == VCORE_WAIT_EVENTCOUNT;
	return 0;
}

/* Until n threads of the runtime wait on eventcounts. */
static void await_waiting(struct vcore_runtime *runtime, size_t n)
{
	vcore_instant deadline = stress_patience();
	size_t waiting;

	do {
		waiting = 0;
		CHECK_IS(vcore_inspect_threads(runtime, count_waiting, &waiting), 0);
		vcore_sleep(vcore_after(20 * MICROSECOND));
	} while (waiting < n && CHECK(vcore_now() < deadline));
}

/* Marchers arrive one by one, in the order of their numbers. */
static struct vcore_thread **line_up(struct vcore_runtime *runtime, struct marcher *marchers,
				     size_t n)
{
	struct vcore_thread **threads = calloc(n, sizeof(threads[0]));

	for (size_t i = 0; i < n; i++) {
		threads[i] = stress_spawn(runtime, march, &marchers[i]);
		CHECK_IS(vcore_eventcount_await(&marchers[i].parade->arrived, (int64_t)i,
						stress_patience()),
			 0);
	}
	await_waiting(runtime, n);
	return threads;
}

static int compare_marchers(const void *a, const void *b)
{
	const struct marcher *x = a, *y = b;

	if (x->value != y->value) {
		return x->value < y->value ? -1 : 1;
	}
	return x->number < y->number ? -1 : 1;
}

/* One advance wakes all; only one processor runs them, in order. */
static void order(unsigned processors, uint64_t *random)
{
	struct vcore_runtime *runtime = stress_open(processors);
	size_t n = stress_size(300, 80);
	struct parade parade = {.order = calloc(n, sizeof(parade.order[0]))};
	struct marcher *marchers = calloc(n, sizeof(marchers[0]));
	struct vcore_thread **threads;

	for (size_t i = 0; i < n; i++) {
		marchers[i] = (struct marcher){
			.parade = &parade,
			.number = (int64_t)i,
			.value = (int64_t)stress_below(random, n / 4),
		};
	}
	threads = line_up(runtime, marchers, n);
	vcore_eventcount_advance_by(&parade.event, (int64_t)n);
	for (size_t i = 0; i < n; i++) {
		stress_join(threads[i]);
	}
	qsort(marchers, n, sizeof(marchers[0]), compare_marchers);
	for (size_t i = 0; processors == 1 && i < n; i++) {
		CHECK_IS(parade.order[i], marchers[i].number);
	}
	free(threads);
	free(marchers);
	free(parade.order);
	stress_close(runtime);
}

/* Single advances wake those who are due, and leave the others waiting. */
static void exact(struct vcore_runtime *runtime, uint64_t *random)
{
	enum { MARCHERS = 100, VALUES = 20 };
	int64_t order[MARCHERS], due[VALUES] = {0}, gone = 0;
	struct parade parade = {.order = order};
	struct marcher marchers[MARCHERS];
	struct vcore_thread **threads;

	for (int i = 0; i < MARCHERS; i++) {
		int64_t value = (int64_t)stress_below(random, VALUES);

		marchers[i] = (struct marcher){&parade, i, value};
		due[value]++;
	}
	threads = line_up(runtime, marchers, MARCHERS);
	for (int value = 0; value < VALUES; value++) {
		CHECK_IS(vcore_eventcount_advance(&parade.event), value + 1);
		gone += due[value];
		CHECK_IS(vcore_eventcount_await(&parade.left, gone - 1, stress_patience()), 0);
		await_waiting(runtime, (size_t)(MARCHERS - gone));
		CHECK_IS(vcore_eventcount_read(&parade.left), gone);
	}
	for (int i = 0; i < MARCHERS; i++) {
		stress_join(threads[i]);
	}
	free(threads);
}

/* An eventcount with a life of its own: its last awaiter ends it. */
struct mortal {
	struct vcore_eventcount event;
	_Atomic int awaiters;
};

struct mourner {
	struct mortal *mortal;
	int64_t patience;
	bool frees; /* or poisons, and leaves it to main to look */
};

#define POISON 0xa5

static void *mourn(void *argument)
{
	const struct mourner *self = argument;
	struct mortal *mortal = self->mortal;
	vcore_instant deadline = VCORE_NEVER;

	if (self->patience != VCORE_NEVER) {
		deadline = vcore_after(self->patience);
	}
	if (vcore_eventcount_await(&mortal->event, 0, deadline) != 0) {
		while (vcore_eventcount_read(&mortal->event) == 0) {
			vcore_yield();
		}
	}
	if (atomic_fetch_sub(&mortal->awaiters, 1) == 1) {
		memset(&mortal->event, POISON, sizeof(mortal->event));
		if (self->frees) {
			free(mortal);
		}
	}
	return NULL;
}

static void *advance_once(void *argument)
{
	struct mortal *mortal = *(struct mortal **)argument;

	CHECK_IS(vcore_eventcount_advance(&mortal->event), 1);
	return NULL;
}

static void check_poison(const struct mortal *mortal)
{
	const unsigned char *bytes = (const unsigned char *)&mortal->event;

	for (size_t i = 0; i < sizeof(mortal->event); i++) {
		CHECK_IS(bytes[i], POISON);
	}
}

static void die_once(struct vcore_runtime *runtime, uint64_t *random)
{
	enum { MOURNERS = 5, PTHREADS = 1 };
	struct stress_crew crew = {.vcore = MOURNERS - PTHREADS, .plain = PTHREADS};
	struct stress_crew advancer = {.plain = stress_below(random, 2)};
	struct mortal *mortal = calloc(1, sizeof(*mortal));
	struct mourner mourners[MOURNERS];
	bool frees = stress_below(random, 2) == 0;

	mortal->awaiters = MOURNERS;
	for (int i = 0; i < MOURNERS; i++) {
		mourners[i] = (struct mourner){mortal, VCORE_NEVER, frees};
		if (stress_below(random, 3) == 0) {
			mourners[i].patience = (int64_t)stress_below(random, 100 * MICROSECOND);
		}
	}
	advancer.vcore = 1 - advancer.plain;
	stress_crew_start(&crew, runtime, mourn, mourners, sizeof(mourners[0]));
	stress_crew_start(&advancer, runtime, advance_once, &mortal, sizeof(mortal));
	stress_crew_join(&crew);
	stress_crew_join(&advancer);
	if (!frees) {
		check_poison(mortal);
		free(mortal);
	}
}

static void await_advance(unsigned processors)
{
	uint64_t random = stress_seed * 31 + processors;
	struct vcore_runtime *runtime = stress_open(processors);

	for (size_t i = stress_size(60, 3); i > 0; i--) {
		race_once(runtime, &random);
	}
	exact(runtime, &random);
	for (size_t i = stress_size(400, 20); i > 0; i--) {
		die_once(runtime, &random);
	}
	stress_close(runtime);
	order(processors, &random);
}

int main(int argc, char **argv)
{
	return stress_main(argc, argv, "await and advance", await_advance);
}
