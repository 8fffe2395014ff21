/*
 * Mutual exclusion: nobody is alone in a room but its one writer, and what one
 * did there the next one sees.
 *
 * Rooms have locks of all kinds.  Visitors, vcore threads and pthreads on the
 * same rooms, hold up to three at a time, entered in order and left in any,
 * with all forms of acquire, as readers where there are, and downgrade; inside
 * they compute, yield and sleep.  Everything in a room but its number of readers
 * is plain memory: TSan sees whether the locks order it.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "locks.h"

#define ROOMS    8
#define STAYS    3 /* at a time, of a visitor */
#define VISITORS 14
#define PLAIN    3 /* of these, pthreads */

struct room {
	struct any_lock lock;
	unsigned writer; /* its number + 1; guarded by lock */
	uint64_t stays;  /* of writers; guarded by lock */
	_Atomic unsigned readers;
};

/* A visitor, and where it is: in `stays` rooms. */
struct visitor {
	struct room *rooms;
	unsigned number, visits;
	uint64_t random;
	uint64_t wrote[ROOMS]; /* stays as a writer */
	unsigned stays;
	struct stay {
		struct room *room;
		bool reads;
	} at[STAYS];
};

static void dawdle(struct visitor *self)
{
	switch (stress_below(&self->random, 16)) {
	case 0:
		vcore_yield();
		break;
	case 1:
		vcore_sleep(vcore_after((int64_t)stress_below(&self->random, 50 * MICROSECOND)));
		break;
	case 2:
		compute(1, stress_below(&self->random, 50000));
		break;
	default:
		compute(1, stress_below(&self->random, 200));
	}
}

static bool try_room(struct room *room, bool reads)
{
	return reads ? vcore_rwlock_try_acquire_read(&room->lock.rwlock)
		     : any_try_acquire(&room->lock);
}

static void wait_for_room(struct room *room, bool reads)
{
	if (reads) {
		vcore_rwlock_acquire_read(&room->lock.rwlock);
	} else {
		any_acquire(&room->lock);
	}
}

static bool hurry_into_room(struct visitor *self, struct room *room, bool reads)
{
	int64_t patience = (int64_t)stress_below(&self->random, 100 * MICROSECOND);
	vcore_instant deadline = vcore_after(patience - 10 * MICROSECOND);
	int result = any_enter_until(&room->lock, reads, deadline);

	CHECK(result == 0 || (result == -ETIMEDOUT && vcore_now() >= deadline));
	return result == 0;
}

static bool get_in(struct visitor *self, struct room *room, bool reads)
{
	switch (stress_below(&self->random, 4)) {
	case 0:
		return try_room(room, reads);
	case 1:
		return hurry_into_room(self, room, reads);
	default:
		wait_for_room(room, reads);
		return true;
	}
}

static void begin_stay(const struct visitor *self, const struct stay *stay)
{
	CHECK_IS(stay->room->writer, 0);
	if (stay->reads) {
		atomic_fetch_add(&stay->room->readers, 1);
	} else {
		CHECK_IS(atomic_load(&stay->room->readers), 0);
		stay->room->writer = self->number + 1;
	}
}

static void enter(struct visitor *self, unsigned number)
{
	struct room *room = &self->rooms[number];
	struct stay stay = {.room = room};

	stay.reads = any_has_readers(&room->lock) && stress_below(&self->random, 2) == 0;
	if (get_in(self, room, stay.reads)) {
		begin_stay(self, &stay);
		self->wrote[number] += !stay.reads;
		self->at[self->stays++] = stay;
	}
}

static void end_writing(struct visitor *self, struct stay *stay)
{
	struct room *room = stay->room;

	CHECK_IS(atomic_load(&room->readers), 0);
	CHECK_IS(room->writer, self->number + 1);
	room->writer = 0;
	room->stays++;
	if (any_has_readers(&room->lock) && stress_below(&self->random, 4) == 0) {
		vcore_rwlock_downgrade(&room->lock.rwlock);
		stay->reads = true;
		begin_stay(self, stay);
		dawdle(self);
	}
}

static void leave(struct visitor *self, struct stay *stay)
{
	if (!stay->reads) {
		end_writing(self, stay);
	}
	if (stay->reads) {
		CHECK_IS(stay->room->writer, 0);
		atomic_fetch_sub(&stay->room->readers, 1);
	}
	any_leave(&stay->room->lock, stay->reads);
}

/* The rooms in order, so that no circle comes about; then out in any. */
static void *visit(void *argument)
{
	struct visitor *self = argument;

	for (unsigned i = 0; i < self->visits; i++) {
		unsigned number = (unsigned)stress_below(&self->random, ROOMS);

		while (number < ROOMS && self->stays < STAYS) {
			enter(self, number);
			dawdle(self);
			number += 1 + (unsigned)stress_below(&self->random, ROOMS);
		}
		while (self->stays > 0) {
			unsigned last = --self->stays;
			unsigned next = (unsigned)stress_below(&self->random, last + 1);
			struct stay stay = self->at[next];

			self->at[next] = self->at[last];
			leave(self, &stay);
		}
		dawdle(self);
	}
	return NULL;
}

static void check_room(struct room *room, uint64_t stays)
{
	CHECK_IS(room->stays, stays);
	CHECK_IS(room->writer, 0);
	CHECK_IS(atomic_load(&room->readers), 0);
	CHECK(any_try_acquire(&room->lock));
	any_release(&room->lock);
}

static void exclude(const struct ticks *ticks)
{
	struct stress_crew crew = {.vcore = VISITORS - PLAIN, .plain = PLAIN};
	struct room rooms[ROOMS] = {0};
	struct visitor visitors[VISITORS];

	for (unsigned i = 0; i < ROOMS; i++) {
		any_make(&rooms[i].lock, i % LOCK_KINDS);
	}
	for (unsigned i = 0; i < VISITORS; i++) {
		visitors[i] = (struct visitor){.rooms = rooms, .number = i};
		visitors[i].random = stress_seed * VISITORS + i;
		visitors[i].visits = (unsigned)stress_size(1500, 20);
	}
	stress_crew_start(&crew, ticks->runtime, visit, visitors, sizeof(visitors[0]));
	stress_crew_join(&crew);
	for (unsigned i = 0; i < ROOMS; i++) {
		uint64_t stays = 0;

		for (unsigned j = 0; j < VISITORS; j++) {
			stays += visitors[j].wrote[i];
		}
		check_room(&rooms[i], stays);
	}
	locks_case(ticks, "one writer, or readers");
}

int main(int argc, char **argv)
{
	return locks_main(argc, argv, exclude);
}
