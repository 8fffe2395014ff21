/*
 * Counts that must come out right: permits, rounds and calls.
 *
 *	permits	are neither lost nor made when deadlines pass and threads are
 *		destroyed while they wait; there are never more inside.
 *	batches	of permits let in as many as they have permits for.
 *	rounds	of a barrier do not mix, whoever leaves and comes again.
 *	departures  of threads that are destroyed do not spoil a round.
 *	once	the function is called again as long as it ends its thread, and
 *		once more; nobody returns before it has.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "locks.h"

/* --- permits -------------------------------------------------------------------------- */

#define PERMITS 3
#define TAKERS  14
#define PLAIN   3 /* of these, pthreads */
#define DOOMED  4

struct pool {
	struct vcore_semaphore semaphore;
	_Atomic int out;
	_Atomic bool over;
};

struct taker {
	struct pool *pool;
	uint64_t random;
};

static bool take(struct taker *self)
{
	struct vcore_semaphore *semaphore = &self->pool->semaphore;
	vcore_instant deadline;
	int result;

	switch (stress_below(&self->random, 4)) {
	case 0:
		return vcore_semaphore_try_acquire(semaphore);
	case 1:
		vcore_semaphore_acquire(semaphore);
		return true;
	default:
		deadline = vcore_after((int64_t)stress_below(&self->random, 100 * MICROSECOND));
		result = vcore_semaphore_acquire_until(semaphore, deadline);
		CHECK(result == 0 || (result == -ETIMEDOUT && vcore_now() >= deadline));
		return result == 0;
	}
}

/*
 * Takes one to three, as they come, and gives them back together.  It is
 * destroyed only where it has none.
 */
static void borrow(struct taker *self)
{
	uint32_t taken = take(self);

	vcore_destroy_disable(); /* it was the last moment to end it */
	CHECK(atomic_fetch_add(&self->pool->out, (int)taken) + (int)taken <= PERMITS);
	while (taken > 0 && taken < PERMITS &&
	       vcore_semaphore_try_acquire(&self->pool->semaphore)) {
		CHECK(atomic_fetch_add(&self->pool->out, 1) < PERMITS);
		taken++;
	}
	compute(1, stress_below(&self->random, 10000));
	vcore_yield();
	atomic_fetch_sub(&self->pool->out, (int)taken);
	vcore_semaphore_release(&self->pool->semaphore, taken);
	vcore_destroy_enable();
}

static void *borrow_often(void *argument)
{
	for (size_t i = stress_size(300, 20); i > 0; i--) {
		borrow(argument);
	}
	return NULL;
}

static void *borrow_until_doom(void *argument)
{
	struct taker *self = argument;

	while (!atomic_load(&self->pool->over)) {
		borrow(self);
	}
	return NULL;
}

static void destroy(struct vcore_thread *thread)
{
	CHECK_IS(vcore_thread_destroy(thread), 0);
	stress_join(thread);
}

static void doom_takers(const struct ticks *ticks, struct taker *takers, uint64_t *random)
{
	struct vcore_thread *doomed[DOOMED];

	for (int i = 0; i < DOOMED; i++) {
		doomed[i] = stress_spawn(ticks->runtime, borrow_until_doom, &takers[i]);
	}
	for (size_t i = stress_size(150, 20); i > 0; i--) {
		unsigned one = (unsigned)stress_below(random, DOOMED);

		vcore_sleep(vcore_after((int64_t)stress_below(random, 50 * MICROSECOND)));
		destroy(doomed[one]);
		doomed[one] = stress_spawn(ticks->runtime, borrow_until_doom, &takers[one]);
	}
	atomic_store(&takers[0].pool->over, true);
	for (int i = 0; i < DOOMED; i++) {
		stress_join(doomed[i]);
	}
}

static void permits(const struct ticks *ticks)
{
	struct stress_crew crew = {.vcore = TAKERS - PLAIN, .plain = PLAIN};
	struct pool pool = {.semaphore = VCORE_SEMAPHORE_INITIALIZER(PERMITS)};
	struct taker takers[TAKERS + DOOMED];
	uint64_t random = stress_seed;

	for (int i = 0; i < TAKERS + DOOMED; i++) {
		takers[i] = (struct taker){&pool, stress_random(&random)};
	}
	stress_crew_start(&crew, ticks->runtime, borrow_often, &takers[DOOMED], sizeof(takers[0]));
	doom_takers(ticks, takers, &random);
	stress_crew_join(&crew);
	CHECK_IS(vcore_semaphore_read(&pool.semaphore), PERMITS);
	for (int i = 0; i < PERMITS; i++) {
		CHECK(vcore_semaphore_try_acquire(&pool.semaphore));
	}
	CHECK(!vcore_semaphore_try_acquire(&pool.semaphore));
	locks_case(ticks, "permits are kept");
}

/* --- batches -------------------------------------------------------------------------- */

#define KEEPERS       7
#define PLAIN_KEEPERS 2
#define PASSERS       5 /* vcore threads */

static void *keep_one(void *argument)
{
	struct pool *pool = *(struct pool **)argument;

	CHECK_IS(vcore_semaphore_acquire_until(&pool->semaphore, stress_patience()), 0);
	return NULL;
}

/* Gives up early, or gives it back. */
static void *pass_one(void *argument)
{
	struct taker *self = argument;
	vcore_instant deadline =
		vcore_after((int64_t)stress_below(&self->random, 200 * MICROSECOND));

	if (vcore_semaphore_acquire_until(&self->pool->semaphore, deadline) == 0) {
		vcore_semaphore_release(&self->pool->semaphore, 1);
	}
	return NULL;
}

/* A permit for each keeper, a few at a time. */
static void release_in_batches(const struct ticks *ticks, uint64_t *random)
{
	struct stress_crew keepers = {.vcore = KEEPERS - PLAIN_KEEPERS, .plain = PLAIN_KEEPERS};
	struct stress_crew passers = {.vcore = PASSERS};
	struct pool pool = {.out = 0}, *pools[KEEPERS];
	struct taker takers[PASSERS];
	uint32_t left = KEEPERS;

	for (int i = 0; i < KEEPERS; i++) {
		pools[i] = &pool;
	}
	for (int i = 0; i < PASSERS; i++) {
		takers[i] = (struct taker){&pool, stress_random(random)};
	}
	stress_crew_start(&passers, ticks->runtime, pass_one, takers, sizeof(takers[0]));
	stress_crew_start(&keepers, ticks->runtime, keep_one, pools, sizeof(pools[0]));
	vcore_sleep(vcore_after((int64_t)stress_below(random, 200 * MICROSECOND)));
	while (left > 0) {
		uint32_t n = 1 + (uint32_t)stress_below(random, left);

		vcore_semaphore_release(&pool.semaphore, n);
		left -= n;
	}
	stress_crew_join(&keepers);
	stress_crew_join(&passers);
	CHECK_IS(vcore_semaphore_read(&pool.semaphore), 0);
}

static void batches(const struct ticks *ticks)
{
	uint64_t random = stress_seed;

	for (size_t i = stress_size(60, 5); i > 0; i--) {
		release_in_batches(ticks, &random);
	}
	locks_case(ticks, "batches let as many in");
}

/* --- rounds --------------------------------------------------------------------------- */

#define PARTIES       9
#define PLAIN_PARTIES 3

struct meeting {
	struct vcore_barrier barrier;
	size_t rounds;
	_Atomic size_t last; /* to arrive: how often somebody was told so */
	struct party {
		struct meeting *meeting;
		uint64_t random;
		size_t round; /* its own, from 1: others look after theirs */
	} parties[PARTIES];
};

/* Leaves now and then, and comes again: it has not arrived until it stays. */
static void meet(struct party *self)
{
	struct meeting *meeting = self->meeting;
	vcore_instant deadline = VCORE_NEVER;
	int result;

	do {
		if (stress_below(&self->random, 2) == 0) {
			deadline = vcore_after(
				(int64_t)stress_below(&self->random, 100 * MICROSECOND));
		}
		result = vcore_barrier_wait(&meeting->barrier, deadline);
		deadline = VCORE_NEVER;
	} while (result == -ETIMEDOUT);
	CHECK(result == 0 || result == 1);
	atomic_fetch_add(&meeting->last, (size_t)result);
}

/*
 * Between two rounds each party reads what all wrote before the first: plain
 * memory, which the barrier orders.
 */
static void *keep_meeting(void *argument)
{
	struct party *self = argument;
	struct meeting *meeting = self->meeting;

	for (size_t round = 1; round <= meeting->rounds; round++) {
		compute(1, stress_below(&self->random, 5000));
		self->round = round;
		meet(self);
		for (int i = 0; i < PARTIES; i++) {
			CHECK_IS(meeting->parties[i].round, round);
		}
		meet(self);
	}
	return NULL;
}

static void rounds(const struct ticks *ticks)
{
	struct stress_crew crew = {.vcore = PARTIES - PLAIN_PARTIES, .plain = PLAIN_PARTIES};
	struct meeting meeting = {.barrier = VCORE_BARRIER_INITIALIZER(PARTIES)};
	uint64_t random = stress_seed;

	meeting.rounds = stress_size(1000, 20);
	for (int i = 0; i < PARTIES; i++) {
		meeting.parties[i] = (struct party){&meeting, stress_random(&random), 0};
	}
	stress_crew_start(&crew, ticks->runtime, keep_meeting, meeting.parties,
			  sizeof(meeting.parties[0]));
	stress_crew_join(&crew);
	CHECK_IS(atomic_load(&meeting.last), 2 * meeting.rounds);
	locks_case(ticks, "rounds do not mix");
}

/* --- departures -------------------------------------------------------------------------- */

#define CROWD 8 /* at a barrier for fewer */
#define SEATS 5

struct table {
	struct vcore_barrier barrier;
	_Atomic unsigned first, others; /* returns with 1 and 0 */
	_Atomic bool over;
};

static void *sit_down(void *argument)
{
	struct table *table = argument;

	while (!atomic_load(&table->over)) {
		int result = vcore_barrier_wait(&table->barrier, VCORE_NEVER);

		CHECK(result == 0 || result == 1);
		atomic_fetch_add(result == 1 ? &table->first : &table->others, 1);
		vcore_yield();
	}
	return NULL;
}

static void *sit_once(void *argument)
{
	struct table *table = *(struct table **)argument;

	CHECK(vcore_barrier_wait(&table->barrier, stress_patience()) >= 0);
	return NULL;
}

/*
 * Who was destroyed when its round was complete has arrived, and did not return.
 * What the last ones left is an empty table: as many as it seats make a round.
 */
static void check_table(const struct ticks *ticks, struct table *table, unsigned destroyed)
{
	struct stress_crew crew = {.vcore = SEATS - 1, .plain = 1};
	struct table *tables[SEATS];
	unsigned due = atomic_load(&table->first) * (SEATS - 1);
	unsigned others = atomic_load(&table->others);

	CHECK(others <= due && others + destroyed >= due);
	for (int i = 0; i < SEATS; i++) {
		tables[i] = table;
	}
	stress_crew_start(&crew, ticks->runtime, sit_once, tables, sizeof(tables[0]));
	stress_crew_join(&crew);
}

static void departures(const struct ticks *ticks)
{
	struct table table = {.barrier = VCORE_BARRIER_INITIALIZER(SEATS)};
	struct vcore_thread *threads[CROWD];
	uint64_t random = stress_seed;
	size_t times = stress_size(200, 20);

	for (int i = 0; i < CROWD; i++) {
		threads[i] = stress_spawn(ticks->runtime, sit_down, &table);
	}
	for (size_t i = 0; i < times; i++) {
		struct vcore_thread **one = &threads[stress_below(&random, CROWD)];

		vcore_sleep(vcore_after((int64_t)stress_below(&random, 50 * MICROSECOND)));
		destroy(*one);
		*one = stress_spawn(ticks->runtime, sit_down, &table);
	}
	for (int i = 0; i < CROWD; i++) {
		destroy(threads[i]);
	}
	check_table(ticks, &table, (unsigned)times + CROWD);
	locks_case(ticks, "who was destroyed spoils no round");
}

/* --- once --------------------------------------------------------------------------------- */

#define CALLERS       12
#define PLAIN_CALLERS 3

struct task {
	struct vcore_once once;
	unsigned calls, done; /* by who is at it */
	unsigned failures;    /* calls that end their threads */
	_Atomic unsigned returned;
};

struct caller {
	struct task *task;
	uint64_t random;
};

static void perform(void *argument)
{
	struct task *task = argument;

	task->calls++;
	vcore_yield();
	if (vcore_thread_self() != NULL && task->failures > 0) {
		task->failures--;
		vcore_thread_exit(NULL);
	}
	task->done++;
}

static void *call(void *argument)
{
	struct caller *self = argument;
	struct task *task = self->task;
	int result = -ETIMEDOUT;

	if (stress_below(&self->random, 2) == 0) {
		result = vcore_once_call_until(
			&task->once, perform, task,
			vcore_after((int64_t)stress_below(&self->random, 50 * MICROSECOND)));
		CHECK(result == 0 || result == -ETIMEDOUT);
	}
	if (result != 0) {
		vcore_once_call(&task->once, perform, task);
	}
	CHECK_IS(task->done, 1);
	atomic_fetch_add(&task->returned, 1);
	return NULL;
}

/* All come at one time; some are destroyed, and may do so while they wait. */
static void call_together(const struct ticks *ticks, uint64_t *random)
{
	struct stress_crew crew = {.vcore = CALLERS - PLAIN_CALLERS, .plain = PLAIN_CALLERS};
	struct task task = {.failures = (unsigned)stress_below(random, CALLERS)};
	struct caller callers[CALLERS];
	unsigned failures = task.failures, destroyed = 0;

	for (int i = 0; i < CALLERS; i++) {
		callers[i] = (struct caller){&task, stress_random(random)};
	}
	stress_crew_start(&crew, ticks->runtime, call, callers, sizeof(callers[0]));
	if (stress_below(random, 2) == 0) {
		CHECK_IS(vcore_thread_destroy(crew.threads[0]), 0);
		destroyed++;
	}
	stress_crew_join(&crew);
	failures -= task.failures;
	CHECK_IS(task.done, 1);
	CHECK_IS(task.calls, failures + 1);
	CHECK(task.returned + failures + destroyed >= CALLERS);
}

static void once(const struct ticks *ticks)
{
	uint64_t random = stress_seed;

	for (size_t i = stress_size(150, 10); i > 0; i--) {
		call_together(ticks, &random);
	}
	locks_case(ticks, "once is done once");
}

static void count(const struct ticks *ticks)
{
	permits(ticks);
	batches(ticks);
	rounds(ticks);
	departures(ticks);
	once(ticks);
}

int main(int argc, char **argv)
{
	return locks_main(argc, argv, count);
}
