/*
 * What include/vcore/ticketlock.h promises beyond mutex.c, one promise to a test:
 * first come, first served.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "mutex.h"

#include <unistd.h>

Test(ticketlock, its_initialiser_is_zero_bytes)
{
	struct vcore_ticketlock lock = VCORE_TICKETLOCK_INITIALIZER, zero = {0};

	cr_assert_eq(sizeof(lock), 16);
	cr_assert_eq(memcmp(&lock, &zero, sizeof(lock)), 0);
}

enum { LINE = 10 };

TestEverywhere(ticketlock, its_owners_come_in_the_order_in_which_they_asked)
{
	struct contender contenders[LINE];
	struct vcore_ticketlock lock = {0};
	struct journal journal = {0};

	vcore_ticketlock_acquire(&lock);
	contenders_start(contenders, LINE, &lock, &journal);
	vcore_ticketlock_release(&lock);
	for (int i = 0; i < LINE; i++) {
		check(contender_finish(&contenders[i]) == 0);
	}
	check(strcmp(journal.text, "abcdefghij") == 0);
}

TestAround(ticketlock, vcore_threads_and_pthreads_stand_in_one_line)
{
	struct contender contenders[LINE];
	struct vcore_ticketlock lock = {0};
	struct journal journal = {0};

	vcore_ticketlock_acquire(&lock);
	for (int i = 0; i < LINE; i++) {
		contenders[i] = (struct contender){.lock = &lock,
						   .deadline = VCORE_NEVER,
						   .journal = &journal,
						   .letter = (char)('a' + i)};
		(i % 3 == 1 ? contender_start_pthread : contender_start)(&contenders[i]);
	}
	vcore_ticketlock_release(&lock);
	for (int i = 0; i < LINE; i++) {
		check(contender_finish(&contenders[i]) == 0);
	}
	check(strcmp(journal.text, "abcdefghij") == 0);
}

TestInTurns(ticketlock, a_release_hands_it_to_the_head_of_the_line_and_nobody_overtakes)
{
	struct contender contenders[3];
	struct vcore_ticketlock lock = {0};

	vcore_ticketlock_acquire(&lock);
	contenders_start(contenders, 3, &lock, NULL);
	vcore_ticketlock_release(&lock);
	check(!vcore_ticketlock_try_acquire(&lock));
	check(vcore_ticketlock_acquire_until(&lock, PAST) == -ETIMEDOUT);
	check(info_of(contenders[0].peer.thread).state == VCORE_THREAD_RUNNABLE);
	check(contender_waits(&contenders[1]) && contender_waits(&contenders[2]));
	check(info_of(contenders[2].peer.thread).owner ==
	      vcore_thread_id(contenders[0].peer.thread));
	for (int i = 0; i < 3; i++) {
		check(contender_finish(&contenders[i]) == 0);
	}
}

TestInTurns(ticketlock, who_asks_again_goes_to_the_end_of_the_line)
{
	struct contender contenders[3];
	struct vcore_ticketlock lock = {0};
	struct journal journal = {0};

	vcore_ticketlock_acquire(&lock);
	contenders_start(contenders, 3, &lock, &journal);
	vcore_ticketlock_release(&lock);
	vcore_ticketlock_acquire(&lock);
	note(&journal, '*');
	vcore_ticketlock_release(&lock);
	for (int i = 0; i < 3; i++) {
		check(contender_finish(&contenders[i]) == 0);
	}
	check(strcmp(journal.text, "abc*") == 0);
}

static struct vcore_ticketlock turn_lock;

/* Of many runnable threads it is the next to run. */
static bool comes_next(void)
{
	struct contender contender;
	struct journal journal = {0};
	struct contender other = {.lock = &(struct vcore_ticketlock){0},
				  .deadline = VCORE_NEVER,
				  .journal = &journal,
				  .letter = 'z'};

	vcore_ticketlock_acquire(&turn_lock);
	contenders_start(&contender, 1, &turn_lock, &journal);
	other.peer.thread = spawn(contend, &other);
	vcore_ticketlock_release(&turn_lock);
	check(contender_finish(&contender) == 0);
	check(contender_finish(&other) == 0);
	return strcmp(journal.text, "az") == 0;
}

TestInTurns(ticketlock, who_is_handed_it_comes_next_on_the_processor_of_the_release)
{
	mostly(comes_next);
}

/* --- places that are given up ----------------------------------------------------------- */

/* A line of five, in which some, by their letters, do not stay. */
static void give_up(const char *leaving, bool by_destroy, const char *expected)
{
	struct contender contenders[5];
	struct vcore_ticketlock lock = {0};
	struct journal journal = {0};

	vcore_ticketlock_acquire(&lock);
	for (int i = 0; i < 5; i++) {
		bool leaves = strchr(leaving, 'a' + i) != NULL;

		contenders[i] = (struct contender){.lock = &lock,
						   .deadline = VCORE_NEVER,
						   .journal = &journal,
						   .letter = (char)('a' + i)};
		if (leaves && !by_destroy) {
			contenders[i].deadline = vcore_after(10 * MILLISECOND);
			contenders[i].peer = peer_start(contend, &contenders[i]);
			continue;
		}
		contender_start(&contenders[i]);
	}
	for (int i = 0; i < 5; i++) {
		if (strchr(leaving, 'a' + i) == NULL) {
			continue;
		}
		if (by_destroy) {
			destroy(contenders[i].peer.thread);
		} else {
			check(contender_finish(&contenders[i]) == -ETIMEDOUT);
		}
	}
	vcore_ticketlock_release(&lock);
	for (int i = 0; i < 5; i++) {
		if (strchr(leaving, 'a' + i) == NULL) {
			check(contender_finish(&contenders[i]) == 0);
		}
	}
	check(strcmp(journal.text, expected) == 0);
}

TestEverywhere(ticketlock, a_place_given_up_at_a_deadline_does_not_stall_the_line)
{
	give_up("a", false, "bcde");
	give_up("bc", false, "ade");
	give_up("ace", false, "bd");
	give_up("abcde", false, "");
}

TestAround(ticketlock, a_place_given_up_by_destroy_does_not_stall_the_line)
{
	give_up("a", true, "bcde");
	give_up("bc", true, "ade");
	give_up("ace", true, "bd");
	give_up("abcde", true, "");
}

/* The release finds them leaving: they have been destroyed, and have not run. */
TestInTurns(ticketlock, those_who_are_about_to_leave_are_passed_over)
{
	struct contender contenders[4];
	struct vcore_ticketlock lock = {0};
	struct journal journal = {0};

	vcore_ticketlock_acquire(&lock);
	contenders_start(contenders, 4, &lock, &journal);
	vcore_thread_destroy(contenders[0].peer.thread);
	vcore_thread_destroy(contenders[1].peer.thread);
	vcore_thread_destroy(contenders[3].peer.thread);
	vcore_ticketlock_release(&lock);
	check(contender_finish(&contenders[2]) == 0);
	for (int i = 0; i < 4; i++) {
		check(i == 2 || fate(contenders[i].peer.thread) == VCORE_DESTROYED);
	}
	check(strcmp(journal.text, "c") == 0);
	check(vcore_ticketlock_try_acquire(&lock));
	vcore_ticketlock_release(&lock);
}

/* Once it was handed over, a deadline or a destroy comes too late. */
TestInTurns(ticketlock, who_was_handed_it_owns_it_whatever_happens_then)
{
	struct contender contender = {.deadline = vcore_after(10 * MILLISECOND)};
	struct vcore_ticketlock lock = {0};
	struct journal journal = {0};

	contender.lock = &lock;
	contender.journal = &journal;
	contender.letter = 'a';
	vcore_ticketlock_acquire(&lock);
	contender_start(&contender);
	vcore_ticketlock_release(&lock);
	while (vcore_now() < contender.deadline) {
	}
	vcore_thread_destroy(contender.peer.thread);
	(void)fate(contender.peer.thread);
	check(contender.result == 0);
	check(strcmp(journal.text, "a") == 0);
	check(vcore_ticketlock_acquire_until(&lock, PAST) == 0);
	vcore_ticketlock_release(&lock);
}
