/*
 * Labours of preempt_storm: the library's own locks, held across application
 * text.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef TESTS_STRESS_ROUNDS_SYNC_H
#define TESTS_STRESS_ROUNDS_SYNC_H

#include "locks.h"

/* Something that is locked, and who is inside: its number + 1. */
struct sync_room {
	struct any_lock lock;
	unsigned writer; /* guarded by lock */
};

static struct sync_room sync_lock = {.lock = {LOCK, .lock = VCORE_LOCK_INITIALIZER}};
static struct sync_room sync_ticketlock = {
	.lock = {TICKETLOCK, .ticketlock = VCORE_TICKETLOCK_INITIALIZER},
};
static struct sync_room sync_fair = {.lock = {FAIR, .rwlock = VCORE_RWLOCK_FAIR}};

/* Owned across ticks, by one who is put off with it, perhaps. */
static void work_alone(struct worker *self, struct sync_room *room)
{
	int64_t patience = (int64_t)stress_below(&self->random, 10 * MILLISECOND);
	int result = any_acquire_until(&room->lock, vcore_after(patience));

	if (result == 0) {
		CHECK_IS(room->writer, 0);
		room->writer = self->number + 1;
		worker_compute(self);
		CHECK_IS(room->writer, self->number + 1);
		room->writer = 0;
		any_release(&room->lock);
	}
	CHECK(result == 0 || result == -ETIMEDOUT);
	worker_compute(self);
}

static void check_sync(struct sync_room *room)
{
	CHECK_IS(room->writer, 0);
	CHECK(any_try_acquire(&room->lock));
	any_release(&room->lock);
}

static void round_sync_lock(struct worker *self)
{
	work_alone(self, &sync_lock);
}

static void finish_sync_lock(void)
{
	check_sync(&sync_lock);
}

static void round_sync_ticketlock(struct worker *self)
{
	work_alone(self, &sync_ticketlock);
}

static void finish_sync_ticketlock(void)
{
	check_sync(&sync_ticketlock);
}

static void round_sync_rwlock(struct worker *self)
{
	if (stress_below(&self->random, 3) == 0) {
		work_alone(self, &sync_fair);
	}
	vcore_rwlock_acquire_read(&sync_fair.lock.rwlock);
	CHECK_IS(sync_fair.writer, 0);
	worker_compute(self);
	CHECK_IS(sync_fair.writer, 0);
	vcore_rwlock_release_read(&sync_fair.lock.rwlock);
}

static void finish_sync_rwlock(void)
{
	check_sync(&sync_fair);
}

/* Two tokens, and who has none waits for one. */
static struct {
	struct vcore_lock lock;
	struct vcore_condition returned;
	unsigned left; /* guarded by lock */
} sync_tokens = {VCORE_LOCK_INITIALIZER, VCORE_CONDITION_INITIALIZER, 2};

static void round_sync_condition(struct worker *self)
{
	vcore_lock_acquire(&sync_tokens.lock);
	while (sync_tokens.left == 0) {
		CHECK_IS(
			vcore_condition_wait(&sync_tokens.returned, &sync_tokens.lock, VCORE_NEVER),
			0);
	}
	sync_tokens.left--;
	compute(1, 5000);
	vcore_lock_release(&sync_tokens.lock);

	worker_compute(self);

	vcore_lock_acquire(&sync_tokens.lock);
	sync_tokens.left++;
	compute(1, 5000);
	vcore_condition_signal(&sync_tokens.returned);
	vcore_lock_release(&sync_tokens.lock);
}

static void finish_sync_condition(void)
{
	CHECK_IS(sync_tokens.left, 2);
}

static const struct labour sync_labours[] = {
	{.name = "a lock", .round = round_sync_lock, .finish = finish_sync_lock},
	{.name = "a ticketlock", .round = round_sync_ticketlock, .finish = finish_sync_ticketlock},
	{.name = "a reader-writer lock", .round = round_sync_rwlock, .finish = finish_sync_rwlock},
	{.name = "a condition", .round = round_sync_condition, .finish = finish_sync_condition},
};

#define SYNC_LABOURS (sizeof(sync_labours) / sizeof(sync_labours[0]))

#endif /* TESTS_STRESS_ROUNDS_SYNC_H */
