/*
 * Five philosophers dine, and each needs the two forks beside the plate.
 *
 * If each takes the left fork first, all may have one and wait for the other
 * for ever: here they do, because each waits until all have one.  vcore_run
 * finds out, reports it on standard error, where every philosopher is seen to
 * wait for a fork of the next, IN A CIRCLE, and returns -EDEADLK.
 *
 * There are three classic ways out.  The forks may have an order, in which all
 * take them: then there is no circle.  A waiter may let only four sit down: then
 * one of them has two forks.  Or they may take forks one after the other, first
 * come, first served: then who has the turn waits only for those who eat.
 *
 * Shows: locks, a ticket lock, a semaphore, a barrier; how a deadlock is found.
 * Prints: how each of the four dinners went.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <stdio.h>
#include <vcore/vcore.h>

#include "check.h"

enum { PHILOSOPHERS = 5, MEALS = 200 };

struct dinner;

struct philosopher {
	struct dinner *dinner;
	struct vcore_lock *left, *right; /* forks */
	int meals;
};

/* How one comes by two forks, and gives them back. */
struct manners {
	const char *name;
	void (*take)(struct philosopher *philosopher);
	void (*put_back)(struct philosopher *philosopher);
};

struct dinner {
	const struct manners *manners;
	struct vcore_lock forks[PHILOSOPHERS];
	struct philosopher philosophers[PHILOSOPHERS];
	struct vcore_barrier all_have_one;
	struct vcore_semaphore seats;
	struct vcore_ticketlock turn;
};

static void put_back_both(struct philosopher *self)
{
	vcore_lock_release(self->left);
	vcore_lock_release(self->right);
}

/* --- each the left one first --- */

static void take_left_first(struct philosopher *self)
{
	vcore_lock_acquire(self->left);
	vcore_barrier_wait(&self->dinner->all_have_one, VCORE_NEVER);
	vcore_lock_acquire(self->right);
}

static const struct manners left_first = {"the left fork first", take_left_first, put_back_both};

/* --- in order: the forks lie in an array --- */

static void take_lower_first(struct philosopher *self)
{
	bool left_is_lower = self->left < self->right;

	vcore_lock_acquire(left_is_lower ? self->left : self->right);
	vcore_lock_acquire(left_is_lower ? self->right : self->left);
}

static const struct manners lower_first = {"the lower fork first", take_lower_first, put_back_both};

/* --- a waiter: four at the table --- */

static void sit_down_and_take(struct philosopher *self)
{
	vcore_semaphore_acquire(&self->dinner->seats);
	vcore_lock_acquire(self->left);
	vcore_lock_acquire(self->right);
}

static void put_back_and_get_up(struct philosopher *self)
{
	put_back_both(self);
	vcore_semaphore_release(&self->dinner->seats, 1);
}

static const struct manners four_seats = {"four at the table", sit_down_and_take,
					  put_back_and_get_up};

/* --- a ticket: one after the other --- */

static void take_in_turn(struct philosopher *self)
{
	vcore_ticketlock_acquire(&self->dinner->turn);
	vcore_lock_acquire(self->left);
	vcore_lock_acquire(self->right);
	vcore_ticketlock_release(&self->dinner->turn);
}

static const struct manners in_turn = {"one takes forks at a time", take_in_turn, put_back_both};

/* --- the dinner --- */

static void *philosophize(void *argument)
{
	struct philosopher *self = argument;
	const struct manners *manners = self->dinner->manners;

	while (self->meals < MEALS) {
		manners->take(self);
		self->meals++;
		vcore_yield(); /* eating takes a while */
		manners->put_back(self);
	}
	return NULL;
}

static void *serve(void *argument)
{
	static const char *const names[PHILOSOPHERS] = {"Plato", "Kant", "Hume", "Marx", "Frege"};
	struct dinner *dinner = argument;

	for (int i = 0; i < PHILOSOPHERS; i++) {
		struct vcore_thread_options options = {.size = sizeof(options), .name = names[i]};

		dinner->philosophers[i] = (struct philosopher){
			.dinner = dinner,
			.left = &dinner->forks[i],
			.right = &dinner->forks[(i + 1) % PHILOSOPHERS],
		};
		check(vcore_thread_allocate(NULL, &options, philosophize, &dinner->philosophers[i]),
		      "vcore_thread_allocate");
	}
	return NULL;
}

static void dine(const struct manners *manners)
{
	struct dinner dinner = {
		.manners = manners,
		.all_have_one = VCORE_BARRIER_INITIALIZER(PHILOSOPHERS),
		.seats = VCORE_SEMAPHORE_INITIALIZER(PHILOSOPHERS - 1),
	};
	int meals = 0;
	int result = vcore_run(NULL, serve, &dinner, NULL);

	if (result != -EDEADLK) {
		check(result, "vcore_run");
	}
	for (int i = 0; i < PHILOSOPHERS; i++) {
		meals += dinner.philosophers[i].meals;
	}
	printf("%s: %s after %d meals\n", manners->name,
	       result == -EDEADLK ? "deadlock" : "all are full", meals);
}

int main(void)
{
	dine(&left_first);
	dine(&lower_first);
	dine(&four_seats);
	dine(&in_turn);
	return 0;
}
