/*
 * Deadlines that pass while a lock is released, or handed over.
 *
 *	races	who got the lock has it alone, and who did not has waited to its
 *		deadline; no acquisition is lost on somebody who left, and the
 *		lock works on.
 *	order	those who stay in a line are served in the order in which they
 *		came, whoever left it.
 *	giving up  readers wait for a writer that waits: when it gives up, they
 *		are let in.
 *	passing on  who was woken finds the lock owned again, and its deadline
 *		over: when the lock comes free, the next gets it.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "locks.h"

/* --- races --------------------------------------------------------------------------- */

#define RACERS   12
#define PLAIN    3 /* of these, pthreads */
#define ATTEMPTS stress_size(150, 20)

struct race {
	struct any_lock lock;
	uint64_t acquisitions; /* guarded by lock */
	bool owned;            /* guarded by lock */
};

struct racer {
	struct race *race;
	uint64_t random;
	unsigned acquired, late;
};

static void own(struct racer *self)
{
	struct race *race = self->race;

	CHECK(!race->owned);
	race->owned = true;
	race->acquisitions++;
	self->acquired++;
	compute(1, stress_below(&self->random, 20000));
	if (stress_below(&self->random, 8) == 0) {
		vcore_sleep(vcore_after((int64_t)stress_below(&self->random, 50 * MICROSECOND)));
	}
	CHECK(race->owned);
	race->owned = false;
}

static void look(struct racer *self)
{
	CHECK(!self->race->owned);
	compute(1, stress_below(&self->random, 20000));
	CHECK(!self->race->owned);
}

/* With a deadline somewhere about the end of the present holding. */
static void *run_race(void *argument)
{
	struct racer *self = argument;
	struct any_lock *lock = &self->race->lock;

	for (size_t i = 0; i < ATTEMPTS; i++) {
		bool reads = any_has_readers(lock) && stress_below(&self->random, 2) == 0;
		int64_t patience = (int64_t)stress_below(&self->random, 200 * MICROSECOND);
		vcore_instant deadline = vcore_after(patience);
		int result = any_enter_until(lock, reads, deadline);

		if (result == 0) {
			(reads ? look : own)(self);
			any_leave(lock, reads);
		} else {
			CHECK_IS(result, -ETIMEDOUT);
			CHECK(vcore_now() >= deadline);
			self->late++;
		}
	}
	return NULL;
}

/* Were a wake owed to somebody who left, the one who waits here would not come. */
static void *wait_in_turn(void *argument)
{
	struct race *race = *(struct race **)argument;

	if (CHECK_IS(any_acquire_until(&race->lock, stress_patience()), 0)) {
		any_release(&race->lock);
	}
	return NULL;
}

static void probe(struct vcore_runtime *runtime, struct race *race)
{
	struct stress_crew crew = {.vcore = 1, .plain = 1};
	struct race *arguments[] = {race, race};

	if (!CHECK_IS(any_acquire_until(&race->lock, stress_patience()), 0)) {
		return;
	}
	stress_crew_start(&crew, runtime, wait_in_turn, arguments, sizeof(arguments[0]));
	ticks_until(locks_waiting(runtime, &race->lock.lock) == 1);
	any_release(&race->lock);
	stress_crew_join(&crew);
}

/* Returns how many attempts were in vain. */
static unsigned race(const struct ticks *ticks, enum lock_kind kind)
{
	struct stress_crew crew = {.vcore = RACERS - PLAIN, .plain = PLAIN};
	struct race race = {.acquisitions = 0};
	struct racer racers[RACERS];
	unsigned acquired = 0, late = 0;

	any_make(&race.lock, kind);
	for (unsigned i = 0; i < RACERS; i++) {
		racers[i] = (struct racer){.race = &race};
		racers[i].random = stress_seed * RACERS + i;
	}
	stress_crew_start(&crew, ticks->runtime, run_race, racers, sizeof(racers[0]));
	stress_crew_join(&crew);
	for (unsigned i = 0; i < RACERS; i++) {
		acquired += racers[i].acquired;
		late += racers[i].late;
	}
	CHECK_IS(race.acquisitions, acquired);
	probe(ticks->runtime, &race);
	return late;
}

static void races(const struct ticks *ticks)
{
	unsigned late = 0;

	for (unsigned kind = 0; kind < LOCK_KINDS; kind++) {
		late += race(ticks, kind);
	}
	tap_say("%u of %zu attempts were in vain", late, LOCK_KINDS * RACERS * ATTEMPTS);
	locks_case(ticks, "deadlines race with releases");
}

/* --- order --------------------------------------------------------------------------- */

#define QUEUE 24

/* Threads that stand in line for a lock, and who was served. */
struct line {
	struct any_lock lock;
	_Atomic unsigned gone;
	unsigned served; /* guarded by lock */
	unsigned order[QUEUE];
};

struct stander {
	struct line *line;
	unsigned number;
	vcore_instant deadline;
	uint64_t dwells; /* steps */
};

static void *stand(void *argument)
{
	const struct stander *self = argument;
	struct line *line = self->line;
	int result = any_acquire_until(&line->lock, self->deadline);

	if (result == 0) {
		line->order[line->served++] = self->number;
		compute(1, self->dwells);
		any_release(&line->lock);
	} else {
		CHECK_IS(result, -ETIMEDOUT);
		atomic_fetch_add(&line->gone, 1);
	}
	return NULL;
}

/* One comes when the one before is in the line, or has left it. */
static void line_up(struct vcore_runtime *runtime, struct stander *standers,
		    struct vcore_thread **threads)
{
	struct line *line = standers[0].line;

	for (unsigned i = 0; i < QUEUE; i++) {
		threads[i] = stress_spawn(runtime, stand, &standers[i]);
		ticks_until(atomic_load(&line->gone) + locks_waiting(runtime, &line->lock.lock) >
			    i);
	}
}

/* The impatient leave at any time, until the last is served. */
static unsigned make_standers(struct stander *standers, struct line *line, uint64_t *random)
{
	unsigned patient = 0;

	for (unsigned i = 0; i < QUEUE; i++) {
		standers[i] = (struct stander){line, i, VCORE_NEVER, stress_below(random, 20000)};
		if (stress_below(random, 2) == 0) {
			standers[i].deadline = vcore_after(
				(int64_t)stress_below(random, (2 + i) * 100 * MICROSECOND));
		} else {
			patient++;
		}
	}
	return patient;
}

static void serve_line(const struct ticks *ticks, enum lock_kind kind, uint64_t *random)
{
	struct line line = {.served = 0};
	struct stander standers[QUEUE];
	struct vcore_thread *threads[QUEUE];
	unsigned patient;

	any_make(&line.lock, kind);
	any_acquire(&line.lock);
	patient = make_standers(standers, &line, random);
	line_up(ticks->runtime, standers, threads);
	any_release(&line.lock);
	for (unsigned i = 0; i < QUEUE; i++) {
		stress_join(threads[i]);
	}
	CHECK(line.served >= patient);
	CHECK_IS(line.served + line.gone, QUEUE);
	for (unsigned i = 1; i < line.served; i++) {
		CHECK(line.order[i - 1] < line.order[i]);
	}
}

static void order(const struct ticks *ticks, uint64_t *random)
{
	static const enum lock_kind ordered[] = {TICKETLOCK, FAIR, SEMAPHORE};

	for (size_t i = stress_size(8, 2) * 3; i > 0; i--) {
		serve_line(ticks, ordered[i % 3], random);
	}
	locks_case(ticks, "a line is served in order");
}

/* --- giving up ------------------------------------------------------------------------- */

#define READERS       4
#define PLAIN_READERS 1

/* A reader has it, a writer waits, and more readers come. */
struct library {
	struct vcore_rwlock lock;
	vcore_instant deadline; /* of the writer */
	struct vcore_eventcount entered;
};

static void *write_until(void *argument)
{
	struct library *library = argument;
	int result = vcore_rwlock_acquire_write_until(&library->lock, library->deadline);

	CHECK_IS(result, -ETIMEDOUT);
	return NULL;
}

static void *read_after(void *argument)
{
	struct library *library = *(struct library **)argument;

	if (CHECK_IS(vcore_rwlock_acquire_read_until(&library->lock, stress_patience()), 0)) {
		vcore_eventcount_advance(&library->entered);
		vcore_rwlock_release_read(&library->lock);
	}
	return NULL;
}

/* Main reads until all others have got in. */
static void give_up(const struct ticks *ticks, struct vcore_rwlock policy, uint64_t *random)
{
	struct stress_crew crew = {.vcore = READERS - PLAIN_READERS, .plain = PLAIN_READERS};
	struct library library = {.lock = policy}, *arguments[READERS];
	struct vcore_thread *writer;

	vcore_rwlock_acquire_read(&library.lock);
	library.deadline = vcore_after((int64_t)stress_below(random, 300 * MICROSECOND));
	writer = stress_spawn(ticks->runtime, write_until, &library);
	for (int i = 0; i < READERS; i++) {
		arguments[i] = &library;
	}
	stress_crew_start(&crew, ticks->runtime, read_after, arguments, sizeof(arguments[0]));
	CHECK_IS(vcore_eventcount_await(&library.entered, READERS - 1, stress_patience()), 0);
	stress_join(writer);
	vcore_rwlock_release_read(&library.lock);
	stress_crew_join(&crew);
}

static void giving_up(const struct ticks *ticks, uint64_t *random)
{
	static const struct vcore_rwlock policies[] = {VCORE_RWLOCK_WRITERS_FIRST,
						       VCORE_RWLOCK_FAIR};

	for (size_t i = 2 * stress_size(40, 4); i > 0; i--) {
		give_up(ticks, policies[i % 2], random);
	}
	locks_case(ticks, "a writer gives up, and readers enter");
}

/* --- passing on ----------------------------------------------------------------------------- */

/* Main owns a lock for which a hasty one waits, and behind it a patient one. */
struct errand {
	struct any_lock *lock;
	vcore_instant deadline;
};

static void *wait_hastily(void *argument)
{
	const struct errand *self = argument;
	int result = any_acquire_until(self->lock, self->deadline);

	CHECK(result == 0 || result == -ETIMEDOUT);
	if (result == 0) {
		any_release(self->lock);
	}
	return NULL;
}

static void *wait_patiently(void *argument)
{
	const struct errand *self = argument;

	if (CHECK_IS(any_acquire_until(self->lock, self->deadline), 0)) {
		any_release(self->lock);
	}
	return NULL;
}

/* Returns when it waits, as well as can be seen, or at the limit. */
static void start_waiting(const struct ticks *ticks, struct stress_crew *crew,
			  void *(*wait)(void *), struct errand *errand, vcore_instant limit)
{
	size_t waiting = locks_waiting(ticks->runtime, &errand->lock->lock);

	stress_crew_start(crew, ticks->runtime, wait, errand, sizeof(*errand));
	while (crew->vcore > 0 && vcore_now() < limit &&
	       locks_waiting(ticks->runtime, &errand->lock->lock) == waiting) {
		vcore_yield();
	}
}

static void compute_until(vcore_instant end)
{
	while (vcore_now() < end) {
		compute(1, 100);
	}
}

/* Releases it about the hasty one's deadline, and has it again, for a moment. */
static void pass_on(const struct ticks *ticks, enum lock_kind kind, uint64_t *random)
{
	struct stress_crew hasty_one = {.plain = stress_below(random, 2)},
			   patient_one = {.vcore = 1};
	struct any_lock lock;
	struct errand hasty = {&lock, 0}, patient = {&lock, stress_patience()};

	any_make(&lock, kind);
	any_acquire(&lock);
	hasty_one.vcore = 1 - hasty_one.plain;
	hasty.deadline = vcore_after(100 * MICROSECOND);
	start_waiting(ticks, &hasty_one, wait_hastily, &hasty, hasty.deadline);
	start_waiting(ticks, &patient_one, wait_patiently, &patient, hasty.deadline);
	compute_until(hasty.deadline - (int64_t)stress_below(random, 20 * MICROSECOND));
	any_release(&lock);
	if (any_try_acquire(&lock)) {
		compute_until(vcore_after((int64_t)stress_below(random, 30 * MICROSECOND)));
		any_release(&lock);
	}
	stress_crew_join(&hasty_one);
	stress_crew_join(&patient_one);
}

static void passing_on(const struct ticks *ticks, uint64_t *random)
{
	for (size_t i = stress_size(300, 20); i > 0; i--) {
		pass_on(ticks, i % 4 == 0 ? READERS_FIRST : LOCK, random);
	}
	locks_case(ticks, "who was woken in vain passes it on");
}

static void time_out(const struct ticks *ticks)
{
	uint64_t random = stress_seed + ticks->processors;

	races(ticks);
	order(ticks, &random);
	giving_up(ticks, &random);
	passing_on(ticks, &random);
}

int main(int argc, char **argv)
{
	return locks_main(argc, argv, time_out);
}
