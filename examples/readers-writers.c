/*
 * Readers and writers come to a lock one after the other, and who may enter
 * first depends on its policy.
 *
 * A director has them come in the same order each time, and sees to it that each
 * is inside or waits before the next comes.  When all are there it lets those
 * inside leave, again and again, and looks who is inside then.
 *
 * Shows: the three policies of a reader-writer lock; inspection, which tells the
 *	director who waits.
 * Prints: for each policy a row for each thread, in which . is a step at which it
 *	waited, and # one at which it was inside.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <stdio.h>
#include <string.h>
#include <vcore/vcore.h>

#include "check.h"

enum { ACTORS = 6, STEPS = 2 * ACTORS };

static const int64_t millisecond = 1000000;

struct actor {
	const char *name;
	bool writes;
	struct vcore_rwlock *lock;
	struct vcore_thread *thread; /* NULL: it has not come yet, or has left */
	uint64_t id;
	bool inside;                   /* set by the actor */
	bool waiting;                  /* as the director saw it */
	struct vcore_eventcount leave; /* what the director says */
	char row[STEPS + 1];           /* a mark for each step */
};

struct play {
	const char *policy;
	struct vcore_rwlock lock;
	int step;
	struct actor actors[ACTORS];
};

static void *act(void *argument)
{
	struct actor *self = argument;

	if (self->writes) {
		vcore_rwlock_acquire_write(self->lock);
	} else {
		vcore_rwlock_acquire_read(self->lock);
	}
	__atomic_store_n(&self->inside, true, __ATOMIC_RELEASE);
	vcore_eventcount_await(&self->leave, 0, VCORE_NEVER);
	if (self->writes) {
		vcore_rwlock_release_write(self->lock);
	} else {
		vcore_rwlock_release_read(self->lock);
	}
	return NULL;
}

static bool is_inside(const struct actor *actor)
{
	return actor->thread != NULL && __atomic_load_n(&actor->inside, __ATOMIC_ACQUIRE);
}

/* Of each thread: is it an actor who waits for the lock? */
static int note_waiting(const struct vcore_thread_info *info, void *argument)
{
	struct play *play = argument;

	for (int i = 0; i < ACTORS; i++) {
		struct actor *actor = &play->actors[i];

		if (actor->thread != NULL && actor->id == info->id) {
			actor->waiting =
				info->state == VCORE_THREAD_WAITING && info->object == &play->lock;
		}
	}
	return 0;
}

static bool is_settled(struct play *play)
{
	check(vcore_inspect_threads(vcore_runtime_self(), note_waiting, play),
	      "vcore_inspect_threads");
	for (int i = 0; i < ACTORS; i++) {
		const struct actor *actor = &play->actors[i];

		if (actor->thread != NULL && !actor->waiting && !is_inside(actor)) {
			return false;
		}
	}
	return true;
}

/* Waits until each who is there is inside or waits, and notes which. */
static void look(struct play *play)
{
	while (!is_settled(play)) {
		vcore_sleep(vcore_after(millisecond));
	}
	for (int i = 0; i < ACTORS; i++) {
		struct actor *actor = &play->actors[i];

		actor->row[play->step] = actor->thread == NULL ? ' ' : is_inside(actor) ? '#' : '.';
	}
	play->step++;
}

static void enter(struct actor *actor)
{
	check(vcore_thread_allocate(&actor->thread, NULL, act, actor), "vcore_thread_allocate");
	actor->id = vcore_thread_id(actor->thread);
}

/* Has all leave who are inside; false if nobody was. */
static bool clear_stage(struct play *play)
{
	bool leaves[ACTORS];
	bool any = false;

	for (int i = 0; i < ACTORS; i++) {
		leaves[i] = is_inside(&play->actors[i]);
		any |= leaves[i];
	}
	for (int i = 0; i < ACTORS; i++) {
		struct actor *actor = &play->actors[i];

		if (leaves[i]) {
			vcore_eventcount_advance(&actor->leave);
			vcore_thread_join(actor->thread, NULL, VCORE_NEVER);
			actor->thread = NULL;
		}
	}
	return any;
}

static void *direct(void *argument)
{
	struct play *play = argument;

	for (int i = 0; i < ACTORS; i++) {
		play->actors[i].lock = &play->lock;
		enter(&play->actors[i]);
		look(play);
	}
	while (clear_stage(play)) {
		look(play);
	}
	return NULL;
}

static void perform(struct play play)
{
	static const struct actor actors[ACTORS] = {
		{.name = "reader 1"}, {.name = "writer 1", .writes = true}, {.name = "reader 2"},
		{.name = "reader 3"}, {.name = "writer 2", .writes = true}, {.name = "reader 4"},
	};

	memcpy(play.actors, actors, sizeof(actors));
	check(vcore_run(NULL, direct, &play, NULL), "vcore_run");
	printf("%s\n", play.policy);
	for (int i = 0; i < ACTORS; i++) {
		printf("  %s |%s|\n", play.actors[i].name, play.actors[i].row);
	}
}

int main(void)
{
	perform((struct play){.policy = "readers first", .lock = VCORE_RWLOCK_READERS_FIRST});
	perform((struct play){.policy = "writers first", .lock = VCORE_RWLOCK_WRITERS_FIRST});
	perform((struct play){.policy = "fair", .lock = VCORE_RWLOCK_FAIR});
	return 0;
}
