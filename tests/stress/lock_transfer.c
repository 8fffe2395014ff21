/*
 * Conditions: every signal arrives at somebody who was waiting.
 *
 *	signals	those whose deadlines pass, or who are destroyed, race with
 *		signals that patient waiters could have had: each signal ends
 *		exactly one wait, and not that of one who came later.
 *	broadcasts  each ends the waits of hundreds, vcore threads and pthreads,
 *		while deadlines pass.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "locks.h"
#include <limits.h>

/* --- signals ---------------------------------------------------------------------------- */

#define PATIENT    6 /* wait without a deadline */
#define IMPATIENT  6 /* with one */
#define DOOMED     4 /* without one, and are destroyed again and again */
#define PLAIN      2 /* of the patient, and of the impatient, pthreads */
#define SIGNALLERS 3

/*
 * A signal is given only if more patient ones are here than signals under way:
 * so one of them could have it, and it must arrive.
 */
struct exchange {
	struct vcore_lock lock;
	struct vcore_condition condition;
	/* guarded by lock */
	unsigned arrived;   /* waits begun */
	unsigned patient;   /* of those that have not returned, without a deadline */
	unsigned under_way; /* signals given, less those that arrived */
	unsigned given, received;
	unsigned *horizons;  /* of each that was given: who came before it */
	unsigned *receivers; /* of each that was received: who */
	/* not guarded */
	size_t most; /* signals */
	_Atomic unsigned trading;
	_Atomic bool over;
};

struct trader {
	struct exchange *exchange;
	uint64_t random;
	unsigned waits;
	bool patient;
};

static void receive(struct exchange *exchange, unsigned number)
{
	if (CHECK(exchange->under_way > 0)) {
		exchange->under_way--;
		exchange->receivers[exchange->received++] = number;
	}
}

static void wait_once(struct trader *self)
{
	struct exchange *exchange = self->exchange;
	vcore_instant deadline = VCORE_NEVER;
	unsigned number;
	int result;

	vcore_lock_acquire(&exchange->lock);
	number = exchange->arrived++;
	exchange->patient += self->patient;
	if (!self->patient) {
		deadline = vcore_after((int64_t)stress_below(&self->random, 200 * MICROSECOND));
	}
	result = vcore_condition_wait(&exchange->condition, &exchange->lock, deadline);
	exchange->patient -= self->patient;
	if (result == 0) {
		receive(exchange, number);
	} else {
		CHECK_IS(result, -ETIMEDOUT);
		CHECK(vcore_now() >= deadline);
	}
	vcore_lock_release(&exchange->lock);
}

static void *trade(void *argument)
{
	struct trader *self = argument;

	for (unsigned i = 0; i < self->waits; i++) {
		wait_once(self);
		compute(1, stress_below(&self->random, 2000));
	}
	atomic_fetch_sub(&self->exchange->trading, 1);
	return NULL;
}

/* Its cleanup has the lock; until the wait has returned. */
static void release_lock(void *exchange)
{
	vcore_lock_release(&((struct exchange *)exchange)->lock);
}

static void *wait_for_doom(void *argument)
{
	struct exchange *exchange = argument;
	struct vcore_cleanup cleanup;

	for (;;) {
		unsigned number;

		vcore_lock_acquire(&exchange->lock);
		number = exchange->arrived++;
		vcore_cleanup_push(&cleanup, release_lock, exchange);
		CHECK_IS(vcore_condition_wait(&exchange->condition, &exchange->lock, VCORE_NEVER),
			 0);
		receive(exchange, number);
		vcore_cleanup_pop(&cleanup, true);
	}
	return exchange;
}

/* Sometimes when the lock is released already: then others may have come. */
static void give(struct exchange *exchange, bool early)
{
	unsigned *horizon;

	if (exchange->patient <= exchange->under_way || !CHECK(exchange->given < exchange->most)) {
		vcore_lock_release(&exchange->lock);
		return;
	}
	exchange->under_way++;
	horizon = &exchange->horizons[exchange->given++];
	*horizon = early ? exchange->arrived : UINT_MAX;
	if (early) {
		vcore_condition_signal(&exchange->condition);
	}
	vcore_lock_release(&exchange->lock);
	if (!early) {
		vcore_condition_signal(&exchange->condition);
	}
}

static void *signal_many(void *argument)
{
	struct trader *self = argument;

	while (!atomic_load(&self->exchange->over)) {
		vcore_lock_acquire(&self->exchange->lock);
		give(self->exchange, stress_below(&self->random, 2) == 0);
		if (stress_below(&self->random, 4) == 0) {
			vcore_sleep(vcore_after(
				(int64_t)stress_below(&self->random, 50 * MICROSECOND)));
		} else {
			vcore_yield();
		}
	}
	return NULL;
}

static int compare(const void *a, const void *b)
{
	unsigned x = *(const unsigned *)a, y = *(const unsigned *)b;

	return x < y ? -1 : x > y;
}

/* In order of both, each was received by one who had come before it was given. */
static void check_signals(const struct exchange *exchange)
{
	CHECK_IS(exchange->under_way, 0);
	CHECK_IS(exchange->patient, 0);
	if (!CHECK_IS(exchange->received, exchange->given)) {
		return;
	}
	qsort(exchange->horizons, exchange->given, sizeof(unsigned), compare);
	qsort(exchange->receivers, exchange->received, sizeof(unsigned), compare);
	for (unsigned i = 0; i < exchange->given; i++) {
		CHECK(exchange->receivers[i] < exchange->horizons[i]);
	}
}

static void destroy(struct vcore_thread *thread)
{
	CHECK_IS(vcore_thread_destroy(thread), 0);
	stress_join(thread);
}

/* Destroys them, others in their place, as long as there is trade. */
static void doom(const struct ticks *ticks, struct exchange *exchange, uint64_t *random)
{
	struct vcore_thread *doomed[DOOMED];

	for (int i = 0; i < DOOMED; i++) {
		doomed[i] = stress_spawn(ticks->runtime, wait_for_doom, exchange);
	}
	while (atomic_load(&exchange->trading) > 0) {
		struct vcore_thread **one = &doomed[stress_below(random, DOOMED)];

		vcore_sleep(vcore_after((int64_t)stress_below(random, 50 * MICROSECOND)));
		destroy(*one);
		*one = stress_spawn(ticks->runtime, wait_for_doom, exchange);
	}
	atomic_store(&exchange->over, true);
	for (int i = 0; i < DOOMED; i++) {
		destroy(doomed[i]);
	}
}

/*
 * As many signals as there can be: each patient one is served in turn, with all
 * others between.
 */
static void make_exchange(struct exchange *exchange, size_t waits)
{
	*exchange = (struct exchange){.trading = PATIENT + IMPATIENT};
	exchange->most = (PATIENT * waits + 1) * (IMPATIENT + DOOMED + 1);
	exchange->horizons = calloc(exchange->most, sizeof(unsigned));
	exchange->receivers = calloc(exchange->most, sizeof(unsigned));
}

static void signals(const struct ticks *ticks)
{
	struct stress_crew patient = {.vcore = PATIENT - PLAIN, .plain = PLAIN};
	struct stress_crew impatient = {.vcore = IMPATIENT - PLAIN, .plain = PLAIN};
	struct stress_crew signallers = {.vcore = SIGNALLERS - 1, .plain = 1};
	struct trader traders[PATIENT + IMPATIENT + SIGNALLERS];
	uint64_t random = stress_seed;
	size_t waits = stress_size(600, 10);
	struct exchange exchange;

	make_exchange(&exchange, waits);
	for (unsigned i = 0; i < PATIENT + IMPATIENT + SIGNALLERS; i++) {
		traders[i] = (struct trader){&exchange, stress_random(&random), (unsigned)waits,
					     .patient = i < PATIENT};
	}
	stress_crew_start(&patient, ticks->runtime, trade, traders, sizeof(traders[0]));
	stress_crew_start(&impatient, ticks->runtime, trade, &traders[PATIENT], sizeof(traders[0]));
	stress_crew_start(&signallers, ticks->runtime, signal_many, &traders[PATIENT + IMPATIENT],
			  sizeof(traders[0]));
	doom(ticks, &exchange, &random);
	stress_crew_join(&patient);
	stress_crew_join(&impatient);
	stress_crew_join(&signallers);
	check_signals(&exchange);
	tap_say("%u waits, %u signals", exchange.arrived, exchange.given);
	free(exchange.horizons);
	free(exchange.receivers);
	locks_case(ticks, "each signal arrives");
}

/* --- broadcasts ------------------------------------------------------------------------------ */

#define CROWD       200
#define PLAIN_CROWD 4

struct crowd {
	struct vcore_lock lock;
	struct vcore_condition called, full;
	/* guarded by lock */
	unsigned calls, waiting;
	/* not guarded */
	unsigned size, most_calls;
};

struct member {
	struct crowd *crowd;
	uint64_t random;
};

/* Some look up now and then. */
static void wait_for_call(struct member *self, unsigned call)
{
	struct crowd *crowd = self->crowd;
	int64_t patience = (int64_t)stress_below(&self->random, 2 * MILLISECOND);

	while (crowd->calls < call) {
		vcore_instant deadline =
			patience < MILLISECOND ? vcore_after(patience) : VCORE_NEVER;
		int result = vcore_condition_wait(&crowd->called, &crowd->lock, deadline);

		CHECK(result == 0 || result == -ETIMEDOUT);
		patience = MILLISECOND;
	}
	CHECK_IS(crowd->calls, call);
}

static void *follow(void *argument)
{
	struct member *self = argument;
	struct crowd *crowd = self->crowd;

	for (unsigned call = 1; call <= crowd->most_calls; call++) {
		vcore_lock_acquire(&crowd->lock);
		crowd->waiting++;
		if (crowd->waiting == crowd->size) {
			vcore_condition_signal(&crowd->full);
		}
		wait_for_call(self, call);
		vcore_lock_release(&crowd->lock);
	}
	return NULL;
}

/* When all wait for it; sometimes when the lock is released already. */
static void call_all(struct crowd *crowd, bool early)
{
	vcore_lock_acquire(&crowd->lock);
	while (crowd->waiting < crowd->size) {
		CHECK_IS(vcore_condition_wait(&crowd->full, &crowd->lock, VCORE_NEVER), 0);
	}
	crowd->waiting = 0;
	crowd->calls++;
	if (early) {
		vcore_condition_broadcast(&crowd->called);
	}
	vcore_lock_release(&crowd->lock);
	if (!early) {
		vcore_condition_broadcast(&crowd->called);
	}
}

static void broadcasts(const struct ticks *ticks)
{
	size_t size = stress_size(CROWD, 40);
	struct stress_crew crew = {.vcore = size, .plain = PLAIN_CROWD};
	struct crowd crowd = {.size = (unsigned)size + PLAIN_CROWD};
	struct member *members = calloc(crowd.size, sizeof(members[0]));
	uint64_t random = stress_seed;

	crowd.most_calls = (unsigned)stress_size(100, 10);
	for (unsigned i = 0; i < crowd.size; i++) {
		members[i] = (struct member){&crowd, stress_random(&random)};
	}
	stress_crew_start(&crew, ticks->runtime, follow, members, sizeof(members[0]));
	for (unsigned i = 0; i < crowd.most_calls; i++) {
		call_all(&crowd, stress_below(&random, 2) == 0);
	}
	stress_crew_join(&crew);
	free(members);
	locks_case(ticks, "a broadcast ends the waits of all");
}

static void transfer(const struct ticks *ticks)
{
	signals(ticks);
	broadcasts(ticks);
}

int main(int argc, char **argv)
{
	return locks_main(argc, argv, transfer);
}
