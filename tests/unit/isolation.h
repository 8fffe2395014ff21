/*
 * What the tests of isolation share: spaces with a page mapped, and threads that keep
 * one open.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef TESTS_UNIT_ISOLATION_H
#define TESTS_UNIT_ISOLATION_H

#include "spaces.h"
#include "ticking.h"

struct house {
	struct vcore_space *space;
	struct vcore_block *block;
	char *page;
};

static inline struct house build(enum vcore_space_level level)
{
	struct house house = {.space = space_of(level), .block = block_of(1)};

	house.page = map(house.space, house.block, VCORE_PROTECT_READ_WRITE);
	return house;
}

static inline void demolish(const struct house *house)
{
	space_gone(house->space);
	block_gone(house->block);
}

static inline struct vcore_thread *spawn_in(const struct house *house, void *(*entry)(void *),
					    void *argument)
{
	return spawn_with((struct vcore_thread_options){.space = house->space}, entry, argument);
}

/* A thread of the space that keeps it open, and the others closed. */
struct keeper {
	struct vcore_thread *thread;
	atomic_bool flag;
};

static inline void keep_open(struct keeper *keeper, const struct house *house)
{
	atomic_init(&keeper->flag, false);
	keeper->thread = spawn_in(house, yield_until, &keeper->flag);
	until(info_of(keeper->thread).switches > 0);
}

static inline void keep_no_more(struct keeper *keeper)
{
	atomic_store(&keeper->flag, true);
	finish(keeper->thread);
}

/* Tells the address of a local variable, and waits while others write to it. */
struct victim {
	char *_Atomic local;
	struct vcore_eventcount event;
};

static inline void *offer_its_stack(void *argument)
{
	struct victim *victim = argument;
	volatile char local = 0;

	atomic_store(&victim->local, (char *)&local);
	check(vcore_eventcount_await(&victim->event, 0, VCORE_NEVER) == 0);
	return local == 'w' ? victim : NULL;
}

#endif /* TESTS_UNIT_ISOLATION_H */
