/*
 * Threads that end while they hold locks, or wait for them.
 *
 *	heirs	holders and waiters are destroyed at random, or just end; who
 *		comes next is told, once for each writer that ended so, and
 *		never otherwise; readers leave nothing behind.
 *	anywhere  the same with threads that are destroyed wherever they are.
 *	lost	what an heir does not recover nobody gets, and nobody waits for.
 *	stop	a runtime ends whose threads wait for objects of all kinds, each
 *		with a lock of its own held; what they waited for works on.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "locks.h"

/* --- heirs -------------------------------------------------------------------------- */

#define ROOMS  10
#define STAYS  3 /* at a time, of a guest */
#define GUESTS 14
#define PLAIN  3 /* of these, pthreads: they end by themselves */

struct room {
	struct any_lock lock;
	bool torn; /* guarded by lock: a writer is, or was, at work */
};

struct house {
	struct room rooms[ROOMS];
	bool anywhere;         /* guests are destroyed wherever they are */
	_Atomic unsigned told; /* writers: -EOWNERDEAD */
	_Atomic bool over;
	unsigned left; /* rooms, by writers that ended; main's */
};

struct guest {
	struct house *house;
	uint64_t random;
	unsigned stays;
	struct stay {
		struct room *room;
		bool reads;
	} at[STAYS];
	struct vcore_thread *thread;
	pthread_t pthread;
};

/* Where it is destroyed, perhaps. */
static void linger(struct guest *self)
{
	compute(1, stress_below(&self->random, 2000));
	if (stress_below(&self->random, 3) == 0) {
		vcore_yield();
	}
}

/* Puts right what the one before left. */
static void inherit(struct guest *self, struct room *room)
{
	CHECK(room->torn || self->house->anywhere);
	atomic_fetch_add(&self->house->told, 1);
	linger(self);
	room->torn = false;
	any_recovered(&room->lock);
}

static int get_in(struct guest *self, struct room *room, bool reads)
{
	vcore_instant deadline = VCORE_NEVER;

	if (stress_below(&self->random, 2) == 0) {
		deadline = vcore_after((int64_t)stress_below(&self->random, 100 * MICROSECOND));
	}
	return any_enter_until(&room->lock, reads, deadline);
}

static void enter(struct guest *self, struct room *room)
{
	bool reads = any_has_readers(&room->lock) && stress_below(&self->random, 2) == 0;
	int result = get_in(self, room, reads);

	CHECK(result == 0 || result == -EOWNERDEAD || result == -ETIMEDOUT);
	if (result == -ETIMEDOUT) {
		return;
	}
	self->at[self->stays++] = (struct stay){room, reads};
	if (result == 0) {
		CHECK(!room->torn);
	} else if (!reads) {
		inherit(self, room);
	}
	if (!reads) {
		room->torn = true;
	}
}

static void leave(struct guest *self)
{
	struct stay stay = self->at[--self->stays];

	if (!stay.reads) {
		stay.room->torn = false;
	}
	any_leave(&stay.room->lock, stay.reads);
}

/* Through rooms in order, and out; until one day it ends with what it holds. */
static void *stay(void *argument)
{
	struct guest *self = argument;
	struct house *house = self->house;

	while (!atomic_load(&house->over)) {
		unsigned number = (unsigned)stress_below(&self->random, ROOMS);

		while (number < ROOMS && self->stays < STAYS) {
			enter(self, &house->rooms[number]);
			linger(self);
			number += 1 + (unsigned)stress_below(&self->random, ROOMS);
		}
		if (stress_below(&self->random, 30) == 0) {
			break;
		}
		while (self->stays > 0) {
			leave(self);
			linger(self);
		}
	}
	return NULL;
}

static bool is_plain(const struct guest *guests, const struct guest *guest)
{
	return guest < &guests[PLAIN];
}

static void invite(const struct ticks *ticks, struct guest *guests, struct guest *guest)
{
	struct vcore_thread_options options = {.flags = 0};

	guest->stays = 0;
	if (is_plain(guests, guest)) {
		CHECK_IS(pthread_create(&guest->pthread, NULL, stay, guest), 0);
		return;
	}
	options.flags = guest->house->anywhere ? VCORE_THREAD_DESTROY_ANYWHERE : 0;
	guest->thread = ticks_spawn(ticks, options, stay, guest);
}

/* What it has left: only what it wrote in counts. */
static void send_off(struct guest *guests, struct guest *guest)
{
	if (is_plain(guests, guest)) {
		pthread_join(guest->pthread, NULL);
	} else {
		CHECK_IS(vcore_thread_destroy(guest->thread), 0);
		stress_join(guest->thread);
	}
	for (unsigned i = 0; i < guest->stays; i++) {
		guest->house->left += !guest->at[i].reads;
	}
}

/* The last heir finds every lock free, or left by one who ended. */
static void inspect_house(struct house *house)
{
	for (unsigned i = 0; i < ROOMS; i++) {
		int result = any_acquire_until(&house->rooms[i].lock, stress_patience());

		CHECK(result == -EOWNERDEAD || (result == 0 && !house->rooms[i].torn));
		if (result == -EOWNERDEAD) {
			atomic_fetch_add(&house->told, 1);
			any_recovered(&house->rooms[i].lock);
		}
		any_release(&house->rooms[i].lock);
	}
	if (!house->anywhere) {
		CHECK_IS(atomic_load(&house->told), house->left);
	}
}

static void live_in(const struct ticks *ticks, bool anywhere)
{
	struct house house = {.anywhere = anywhere};
	struct guest guests[GUESTS];
	uint64_t random = stress_seed;

	for (unsigned i = 0; i < ROOMS; i++) {
		any_make(&house.rooms[i].lock, i % SEMAPHORE);
	}
	for (unsigned i = 0; i < GUESTS; i++) {
		guests[i] = (struct guest){.house = &house, .random = stress_random(&random)};
		invite(ticks, guests, &guests[i]);
	}
	for (size_t i = stress_size(400, 40); i > 0; i--) {
		struct guest *guest = &guests[stress_below(&random, GUESTS)];

		vcore_sleep(vcore_after((int64_t)stress_below(&random, 100 * MICROSECOND)));
		send_off(guests, guest);
		invite(ticks, guests, guest);
	}
	atomic_store(&house.over, true);
	for (unsigned i = 0; i < GUESTS; i++) {
		send_off(guests, &guests[i]);
	}
	inspect_house(&house);
	tap_say("%u heirs were told", atomic_load(&house.told));
}

static void heirs(const struct ticks *ticks)
{
	live_in(ticks, false);
	locks_case(ticks, "heirs are told");
}

static void anywhere(const struct ticks *ticks)
{
	const char *name = "heirs of threads destroyed anywhere are told";

	if (ticks->off != NULL || vcore_preempt_obstacle() != NULL) {
		tap_skip(name, ticks->off != NULL ? ticks->off : vcore_preempt_obstacle());
		return;
	}
	live_in(ticks, true);
	locks_case(ticks, name);
}

/* --- lost ----------------------------------------------------------------------------- */

#define SEEKERS       8
#define PLAIN_SEEKERS 2

struct seeker {
	struct any_lock *lock;
	uint64_t random;
};

static void *seek(void *argument)
{
	struct seeker *self = argument;
	bool reads = any_has_readers(self->lock) && stress_below(&self->random, 2) == 0;
	bool hurries = stress_below(&self->random, 2) == 0;

	CHECK_IS(any_enter_until(self->lock, reads, hurries ? stress_patience() : VCORE_NEVER),
		 -ENOTRECOVERABLE);
	return NULL;
}

static void *end_with(void *lock)
{
	CHECK_IS(any_acquire_until(lock, VCORE_NEVER), 0);
	return NULL;
}

static void lose(const struct ticks *ticks, enum lock_kind kind, uint64_t *random)
{
	struct stress_crew crew = {.vcore = SEEKERS - PLAIN_SEEKERS, .plain = PLAIN_SEEKERS};
	struct stress_crew owner = {.plain = stress_below(random, 2)};
	struct seeker seekers[SEEKERS];
	struct any_lock lock;

	any_make(&lock, kind);
	owner.vcore = 1 - owner.plain;
	stress_crew_start(&owner, ticks->runtime, end_with, &lock, sizeof(lock));
	stress_crew_join(&owner);
	CHECK_IS(any_acquire_until(&lock, VCORE_NEVER), -EOWNERDEAD);
	for (int i = 0; i < SEEKERS; i++) {
		seekers[i] = (struct seeker){&lock, stress_random(random)};
	}
	stress_crew_start(&crew, ticks->runtime, seek, seekers, sizeof(seekers[0]));
	vcore_sleep(vcore_after((int64_t)stress_below(random, 100 * MICROSECOND)));
	any_release(&lock);
	stress_crew_join(&crew);
	CHECK_IS(any_acquire_until(&lock, 0), -ENOTRECOVERABLE);
}

static void lost(const struct ticks *ticks)
{
	uint64_t random = stress_seed;

	for (size_t i = SEMAPHORE * stress_size(10, 1); i > 0; i--) {
		lose(ticks, i % SEMAPHORE, &random);
	}
	locks_case(ticks, "what was lost nobody waits for");
}

/* --- stop ------------------------------------------------------------------------------- */

#define PRISONERS 70
#define THINGS    (LOCK_KINDS + 4)

/* What main has, or what never comes. */
struct prison {
	struct any_lock locks[LOCK_KINDS];
	struct vcore_lock lock; /* of the condition */
	struct vcore_condition condition;
	struct vcore_eventcount event;
	struct vcore_once once;
	_Atomic bool calling;   /* once */
	_Atomic unsigned calls; /* of it, complete */
	_Atomic unsigned waiting;
};

struct prisoner {
	struct prison *prison;
	unsigned number;
	struct any_lock own;
	struct vcore_barrier barrier; /* for it and another */
};

static void release_lock(void *lock)
{
	vcore_lock_release(lock);
}

static void wait_for_signal(struct prison *prison)
{
	struct vcore_cleanup cleanup;

	vcore_lock_acquire(&prison->lock);
	vcore_cleanup_push(&cleanup, release_lock, &prison->lock);
	vcore_condition_wait(&prison->condition, &prison->lock, VCORE_NEVER);
	vcore_cleanup_pop(&cleanup, true);
}

static void call_once(void *prison)
{
	struct prison *self = prison;

	atomic_store(&self->calling, true);
	vcore_eventcount_await(&self->event, 0, VCORE_NEVER);
	atomic_fetch_add(&self->calls, 1);
}

static void *call_first(void *prison)
{
	vcore_once_call(&((struct prison *)prison)->once, call_once, prison);
	return NULL;
}

/* Its own lock is not released: it will be its heir's. */
static void *wait_forever(void *argument)
{
	struct prisoner *self = argument;
	struct prison *prison = self->prison;
	unsigned thing = self->number % THINGS;

	any_acquire(&self->own);
	atomic_fetch_add(&prison->waiting, 1);
	if (thing < LOCK_KINDS) {
		any_acquire_until(&prison->locks[thing], VCORE_NEVER);
	} else if (thing == LOCK_KINDS) {
		wait_for_signal(prison);
	} else if (thing == LOCK_KINDS + 1) {
		vcore_once_call(&prison->once, call_once, prison);
	} else if (thing == LOCK_KINDS + 2) {
		vcore_barrier_wait(&self->barrier, VCORE_NEVER);
	} else {
		vcore_rwlock_acquire_read(&prison->locks[FAIR].rwlock);
	}
	CHECK(!"nobody comes out");
	return NULL;
}

static void fill(struct vcore_runtime *runtime, struct prison *prison, struct prisoner *prisoners)
{
	for (unsigned i = 0; i < LOCK_KINDS; i++) {
		any_make(&prison->locks[i], i);
		any_acquire(&prison->locks[i]);
	}
	for (unsigned i = 0; i < PRISONERS; i++) {
		prisoners[i] = (struct prisoner){
			.prison = prison, .number = i, .barrier = VCORE_BARRIER_INITIALIZER(2)};
		any_make(&prisoners[i].own, i % SEMAPHORE);
		CHECK_IS(vcore_thread_detach(stress_spawn(runtime, wait_forever, &prisoners[i])),
			 0);
	}
	ticks_until(atomic_load(&prison->waiting) == PRISONERS);
}

static void inspect_prison(struct prison *prison, struct prisoner *prisoners)
{
	for (unsigned i = 0; i < LOCK_KINDS; i++) {
		any_release(&prison->locks[i]);
		CHECK(any_try_acquire(&prison->locks[i]));
		any_release(&prison->locks[i]);
	}
	CHECK(vcore_lock_try_acquire(&prison->lock));
	vcore_lock_release(&prison->lock);
	for (unsigned i = 0; i < PRISONERS; i++) {
		CHECK_IS(any_acquire_until(&prisoners[i].own, 0), -EOWNERDEAD);
		any_release(&prisoners[i].own);
		CHECK_IS(vcore_barrier_wait(&prisoners[i].barrier, 0), -ETIMEDOUT);
	}
	CHECK_IS(atomic_load(&prison->calls), 1);
}

static void stop_once(const struct ticks *ticks, uint64_t *random)
{
	struct vcore_runtime_options options = {.processors = ticks->processors,
						.quantum = ticks->quantum};
	struct vcore_runtime *runtime = stress_open_with(options);
	struct prison prison = {.calls = 0};
	struct prisoner prisoners[PRISONERS];
	pthread_t first;

	CHECK_IS(pthread_create(&first, NULL, call_first, &prison), 0);
	ticks_until(atomic_load(&prison.calling));
	fill(runtime, &prison, prisoners);
	vcore_sleep(vcore_after((int64_t)stress_below(random, 100 * MICROSECOND)));
	vcore_lock_acquire(&prison.lock); /* those of the condition are to have it first */
	CHECK_IS(vcore_runtime_stop(runtime), 0);
	vcore_sleep(vcore_after((int64_t)stress_below(random, 100 * MICROSECOND)));
	vcore_lock_release(&prison.lock);
	stress_close(runtime);
	vcore_eventcount_advance(&prison.event);
	pthread_join(first, NULL);
	inspect_prison(&prison, prisoners);
}

static void stop(const struct ticks *ticks)
{
	uint64_t random = stress_seed;

	for (size_t i = stress_size(20, 2); i > 0; i--) {
		stop_once(ticks, &random);
	}
	locks_case(ticks, "all end when the runtime is stopped");
}

static void end(const struct ticks *ticks)
{
	heirs(ticks);
	anywhere(ticks);
	lost(ticks);
	stop(ticks);
}

int main(int argc, char **argv)
{
	return locks_main(argc, argv, end);
}
