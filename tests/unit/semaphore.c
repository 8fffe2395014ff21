/*
 * Semaphores: what include/vcore/semaphore.h promises, one promise to a test.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "pages.h"
#include "ticking.h"

#include <stdio.h>
#include <unistd.h>

TestSuite(semaphore, .timeout = 100);

TestEverywhere(semaphore, zero_bytes_are_one_without_permits)
{
	struct vcore_semaphore semaphore = {0};

	check(vcore_semaphore_read(&semaphore) == 0);
	check(!vcore_semaphore_try_acquire(&semaphore));
	check(vcore_semaphore_acquire_until(&semaphore, PAST) == -ETIMEDOUT);
}

TestEverywhere(semaphore, its_initialiser_says_how_many_permits_there_are)
{
	static struct vcore_semaphore three = VCORE_SEMAPHORE_INITIALIZER(3);
	struct vcore_semaphore none = VCORE_SEMAPHORE_INITIALIZER(0);
	struct vcore_semaphore all = VCORE_SEMAPHORE_INITIALIZER(VCORE_SEMAPHORE_MAX);

	check(vcore_semaphore_read(&three) == 3);
	check(vcore_semaphore_read(&none) == 0);
	check(vcore_semaphore_read(&all) == VCORE_SEMAPHORE_MAX);
}

TestEverywhere(semaphore, each_acquire_takes_one_permit)
{
	struct vcore_semaphore semaphore = VCORE_SEMAPHORE_INITIALIZER(3);

	vcore_semaphore_acquire(&semaphore);
	check(vcore_semaphore_read(&semaphore) == 2);
	check(vcore_semaphore_try_acquire(&semaphore));
	check(vcore_semaphore_read(&semaphore) == 1);
	check(vcore_semaphore_acquire_until(&semaphore, PAST) == 0); /* after its deadline too */
	check(vcore_semaphore_read(&semaphore) == 0);
	check(!vcore_semaphore_try_acquire(&semaphore));
}

TestEverywhere(semaphore, a_release_gives_as_many_as_it_says)
{
	struct vcore_semaphore semaphore = {0};

	vcore_semaphore_release(&semaphore, 2);
	check(vcore_semaphore_read(&semaphore) == 2);
	vcore_semaphore_release(&semaphore, 0);
	check(vcore_semaphore_read(&semaphore) == 2);
	vcore_semaphore_release(&semaphore, VCORE_SEMAPHORE_MAX - 2);
	check(vcore_semaphore_read(&semaphore) == VCORE_SEMAPHORE_MAX);
}

/* --- waiting ---------------------------------------------------------------------------- */

/* Wants a permit. */
struct guest {
	struct vcore_semaphore *semaphore;
	vcore_instant deadline; /* 0: VCORE_NEVER */
	struct journal *journal;
	char letter;
	int result;
	atomic_bool served;
	atomic_int tid;
	struct peer peer;
};

static void *dine(void *argument)
{
	struct guest *guest = argument;

	atomic_store(&guest->tid, thread_id_of_kernel());
	guest->result = vcore_semaphore_acquire_until(
		guest->semaphore, guest->deadline != 0 ? guest->deadline : VCORE_NEVER);
	if (guest->result == 0) {
		note(guest->journal, guest->letter);
		atomic_store(&guest->served, true);
	}
	return NULL;
}

static bool guest_waits(struct guest *guest)
{
	pid_t tid = atomic_load(&guest->tid);

	return guest->peer.thread != NULL ? is_waiting_for(guest->peer.thread, VCORE_WAIT_SEMAPHORE)
					  : tid != 0 && is_asleep(tid);
}

static int guest_finish(struct guest *guest)
{
	peer_finish(guest->peer);
	return guest->result;
}

/* They come one after the other, as letters; the upper case as pthreads. */
static void guests_start(struct guest *guests, const char *letters,
			 struct vcore_semaphore *semaphore, struct journal *journal)
{
	for (size_t i = 0; letters[i] != '\0'; i++) {
		guests[i] = (struct guest){
			.semaphore = semaphore, .journal = journal, .letter = letters[i]};
		if (letters[i] < 'a') {
			guests[i].peer.pthread = start_pthread(dine, &guests[i]);
		} else {
			guests[i].peer = peer_start(dine, &guests[i]);
		}
		until(guest_waits(&guests[i]));
	}
}

TestEverywhere(semaphore, those_who_wait_are_served_in_the_order_in_which_they_came)
{
	struct vcore_semaphore semaphore = {0};
	struct journal journal = {0};
	struct guest guests[4];

	guests_start(guests, "abcd", &semaphore, &journal);
	for (int i = 0; i < 4; i++) {
		vcore_semaphore_release(&semaphore, 1);
		check(guest_finish(&guests[i]) == 0);
		check(atomic_load(&journal.length) == (unsigned)i + 1);
	}
	check(strcmp(journal.text, "abcd") == 0);
}

TestAround(semaphore, vcore_threads_and_pthreads_stand_in_one_line)
{
	struct vcore_semaphore semaphore = {0};
	struct journal journal = {0};
	struct guest guests[4];

	guests_start(guests, "aBcD", &semaphore, &journal);
	for (int i = 0; i < 4; i++) {
		vcore_semaphore_release(&semaphore, 1);
		check(guest_finish(&guests[i]) == 0);
	}
	check(strcmp(journal.text, "aBcD") == 0);
}

TestEverywhere(semaphore, a_release_of_n_lets_n_in)
{
	struct vcore_semaphore semaphore = {0};
	struct journal journal = {0};
	struct guest guests[4];

	guests_start(guests, "abcd", &semaphore, &journal);
	vcore_semaphore_release(&semaphore, 3);
	for (int i = 0; i < 3; i++) {
		check(guest_finish(&guests[i]) == 0);
	}
	check(guest_waits(&guests[3]));
	check(vcore_semaphore_read(&semaphore) == 0);
	vcore_semaphore_release(&semaphore, 3); /* two are left over */
	check(guest_finish(&guests[3]) == 0);
	check(vcore_semaphore_read(&semaphore) == 2);
}

TestInTurns(semaphore, nobody_overtakes_who_waits)
{
	struct vcore_semaphore semaphore = {0};
	struct journal journal = {0};
	struct guest guest;

	guests_start(&guest, "a", &semaphore, &journal);
	vcore_semaphore_release(&semaphore, 1);
	check(!vcore_semaphore_try_acquire(&semaphore));
	check(vcore_semaphore_acquire_until(&semaphore, PAST) == -ETIMEDOUT);
	check(!atomic_load(&guest.served));
	check(guest_finish(&guest) == 0);
}

TestInTurns(semaphore, who_waits_leaves_the_processor_to_others)
{
	struct vcore_semaphore semaphore = {0};
	struct journal journal = {0};
	struct guest guest;

	guests_start(&guest, "a", &semaphore, &journal);
	check(finish(spawn(do_nothing, &guest)) == &guest);
	check(guest_waits(&guest));
	vcore_semaphore_release(&semaphore, 1);
	check(guest_finish(&guest) == 0);
}

TestAround(semaphore, of_who_waits_kind_and_object_are_told)
{
	struct vcore_semaphore semaphore = {0};
	struct journal journal = {0};
	struct guest guest;
	char what[64];

	guests_start(&guest, "a", &semaphore, &journal);
	check(info_of(guest.peer.thread).object == &semaphore);
	check(info_of(guest.peer.thread).owner == 0);
	snprintf(what, sizeof(what), "for semaphore %p,", (void *)&semaphore);
	check(strstr(dumped_line("waiting"), what) != NULL);
	vcore_semaphore_release(&semaphore, 1);
	check(guest_finish(&guest) == 0);
}

enum { ROUNDS = 500 };

static void *acquire_and_pass_on(void *argument)
{
	struct vcore_semaphore *semaphores = argument;

	for (int i = 0; i < ROUNDS; i++) {
		vcore_semaphore_acquire(&semaphores[0]);
		vcore_semaphore_release(&semaphores[1], 1);
	}
	return NULL;
}

static void pass_to_and_fro(struct vcore_semaphore *semaphores)
{
	for (int i = 0; i < ROUNDS; i++) {
		vcore_semaphore_release(&semaphores[0], 1);
		vcore_semaphore_acquire(&semaphores[1]);
	}
}

TestEverywhere(semaphore, permits_have_no_owner)
{
	struct vcore_semaphore semaphores[2] = {0};
	struct peer peer = peer_start(acquire_and_pass_on, semaphores);

	pass_to_and_fro(semaphores);
	peer_finish(peer);
}

TestAround(semaphore, a_vcore_thread_and_a_pthread_wait_for_each_other)
{
	struct vcore_semaphore semaphores[2] = {0};
	pthread_t pthread = start_pthread(acquire_and_pass_on, semaphores);

	pass_to_and_fro(semaphores);
	finish_pthread(pthread);
}

/* At most so many are inside. */
struct room {
	struct vcore_semaphore seats;
	atomic_int inside;
};

static void *sit_down_and_leave(void *argument)
{
	struct room *room = argument;

	for (int i = 0; i < ROUNDS / 5; i++) {
		vcore_semaphore_acquire(&room->seats);
		check(atomic_fetch_add(&room->inside, 1) < 2);
		vcore_yield();
		atomic_fetch_sub(&room->inside, 1);
		vcore_semaphore_release(&room->seats, 1);
	}
	return NULL;
}

TestEverywhere(semaphore, at_most_as_many_as_permits_are_inside)
{
	struct room room = {.seats = VCORE_SEMAPHORE_INITIALIZER(2)};
	struct peer peers[5];

	for (int i = 0; i < 5; i++) {
		peers[i] = peer_start(sit_down_and_leave, &room);
	}
	for (int i = 0; i < 5; i++) {
		peer_finish(peers[i]);
	}
	check(vcore_semaphore_read(&room.seats) == 2);
}

/* --- giving up -------------------------------------------------------------------------- */

TestEverywhere(semaphore, a_wait_ends_at_its_deadline_and_not_before)
{
	struct vcore_semaphore semaphore = {0};
	vcore_instant deadline = vcore_after(2 * MILLISECOND);

	check(vcore_semaphore_acquire_until(&semaphore, deadline) == -ETIMEDOUT);
	check(vcore_now() >= deadline);
}

TestEverywhere(semaphore, who_gave_up_takes_no_permit)
{
	struct vcore_semaphore semaphore = {0};
	struct journal journal = {0};
	struct guest impatient = {.semaphore = &semaphore, .journal = &journal}, guest;

	impatient.deadline = vcore_after(10 * MILLISECOND);
	impatient.peer = peer_start(dine, &impatient);
	check(guest_finish(&impatient) == -ETIMEDOUT);
	guests_start(&guest, "a", &semaphore, &journal);
	vcore_semaphore_release(&semaphore, 2);
	check(guest_finish(&guest) == 0);
	check(vcore_semaphore_read(&semaphore) == 1);
}

static void *ask_twice(void *argument)
{
	struct guest *guest = argument;

	check(vcore_semaphore_acquire_until(guest->semaphore, vcore_after(2 * MILLISECOND)) ==
	      -ETIMEDOUT);
	return dine(guest);
}

TestEverywhere(semaphore, who_gave_up_may_ask_again)
{
	struct vcore_semaphore semaphore = {0};
	struct journal journal = {0};
	struct guest guests[3];

	for (int i = 0; i < 3; i++) {
		guests[i] = (struct guest){.semaphore = &semaphore, .journal = &journal};
		guests[i].letter = (char)('a' + i);
		guests[i].peer = peer_start(ask_twice, &guests[i]);
	}
	for (int i = 0; i < 3; i++) { /* the second time, for which they set it */
		until(atomic_load(&guests[i].tid) != 0 && guest_waits(&guests[i]));
	}
	for (int i = 0; i < 3; i++) {
		check(vcore_semaphore_read(&semaphore) == 0);
		vcore_semaphore_release(&semaphore, 1);
	}
	for (int i = 0; i < 3; i++) {
		check(guest_finish(&guests[i]) == 0);
	}
	check(vcore_semaphore_read(&semaphore) == 0);
}

TestAround(semaphore, who_is_destroyed_takes_no_permit)
{
	struct vcore_semaphore semaphore = {0};
	struct journal journal = {0};
	struct guest guests[3];

	guests_start(guests, "abc", &semaphore, &journal);
	vcore_thread_destroy(guests[0].peer.thread);
	vcore_semaphore_release(&semaphore, 1);
	check(guest_finish(&guests[1]) == 0);
	check(fate(guests[0].peer.thread) == VCORE_DESTROYED);
	destroy(guests[2].peer.thread);
	vcore_semaphore_release(&semaphore, 1);
	check(vcore_semaphore_read(&semaphore) == 1);
}

static void try_acquire_and_release_two(void *semaphore)
{
	check(vcore_semaphore_try_acquire(semaphore));
	vcore_semaphore_release(semaphore, 2);
}

static void acquire(void *semaphore)
{
	vcore_semaphore_acquire(semaphore);
}

Test(semaphore, acquire_acts_on_destroy_and_try_and_release_do_not)
{
	struct vcore_semaphore semaphore = VCORE_SEMAPHORE_INITIALIZER(1);

	check(survives(try_acquire_and_release_two, &semaphore));
	check(!survives(acquire, &semaphore));
	check(vcore_semaphore_read(&semaphore) == 2);
}

/* --- freeing ---------------------------------------------------------------------------- */

enum { GENERATIONS = 1000 };

struct relay {
	struct vcore_semaphore *semaphores[GENERATIONS];
};

static void *acquire_and_free(void *argument)
{
	struct relay *relay = argument;

	for (int i = 0; i < GENERATIONS; i++) {
		vcore_semaphore_acquire(relay->semaphores[i]);
		page_free(relay->semaphores[i]);
	}
	return NULL;
}

static void release_each(const struct relay *relay)
{
	for (int i = 0; i < GENERATIONS; i++) {
		vcore_semaphore_release(relay->semaphores[i], 1);
		if (i % 3 == 0) {
			vcore_yield();
		}
	}
}

TestEverywhere(semaphore, the_last_who_acquires_it_may_free_it)
{
	static struct relay relay;
	struct peer peer;

	for (int i = 0; i < GENERATIONS; i++) {
		relay.semaphores[i] = page_allocate();
	}
	peer = peer_start(acquire_and_free, &relay);
	release_each(&relay);
	peer_finish(peer);
}

/* --- panics ----------------------------------------------------------------------------- */

static struct vcore_semaphore subject;
static int number;

static void call_without_one(void)
{
	switch (number) {
	case 0:
		vcore_semaphore_acquire(NULL);
		break;
	case 1:
		vcore_semaphore_acquire_until(NULL, PAST);
		break;
	case 2:
		vcore_semaphore_try_acquire(NULL);
		break;
	case 3:
		vcore_semaphore_release(NULL, 1);
		break;
	default:
		vcore_semaphore_read(NULL);
		break;
	}
}

Test(semaphore, null_panics)
{
	for (number = 0; number < 5; number++) {
		check(panics_with(call_without_one, "semaphore is NULL"));
	}
}

static void release_too_many(void)
{
	vcore_semaphore_release(&subject, VCORE_SEMAPHORE_MAX);
	vcore_semaphore_release(&subject, 1);
}

static void release_too_many_at_once(void)
{
	vcore_semaphore_release(&subject, UINT32_MAX);
}

Test(semaphore, more_permits_than_the_most_panic)
{
	check(panics_with(release_too_many, "more permits than VCORE_SEMAPHORE_MAX"));
	check(panics_with(release_too_many_at_once, "more permits than VCORE_SEMAPHORE_MAX"));
}

static void *release_far_too_many(void *semaphore)
{
	vcore_semaphore_release(semaphore, UINT32_MAX);
	return NULL;
}

static void end_in_the_hook(void)
{
	struct vcore_semaphore semaphore = {0};
	struct journal journal = {0};
	struct guest guest;

	guests_start(&guest, "a", &semaphore, &journal);
	finish(spawn(release_far_too_many, &semaphore));
	vcore_semaphore_release(&semaphore, 1);
	check(guest_finish(&guest) == 0);
}

Test(semaphore, a_release_that_panics_has_changed_nothing)
{
	run_inside_with(&(struct vcore_runtime_options){.panic = exit_from_the_hook},
			end_in_the_hook);
}
