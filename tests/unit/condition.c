/*
 * Conditions: what include/vcore/condition.h promises of waits, signals and
 * broadcasts, one promise to a test.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "sleeper.h"

#include <stdio.h>

TestSuite(condition, .timeout = 100);

TestEverywhere(condition, zero_bytes_are_one_for_which_nobody_waits)
{
	struct vcore_condition condition = VCORE_CONDITION_INITIALIZER, zero = {0};

	check(memcmp(&condition, &zero, sizeof(zero)) == 0);
	vcore_condition_signal(&zero);
	vcore_condition_broadcast(&zero);
}

TestEverywhere(condition, a_signal_for_which_nobody_waits_is_forgotten)
{
	struct bed bed = {0};

	vcore_lock_acquire(&bed.lock);
	vcore_condition_signal(&bed.condition);
	vcore_condition_broadcast(&bed.condition);
	check(vcore_condition_wait(&bed.condition, &bed.lock, vcore_after(MILLISECOND)) ==
	      -ETIMEDOUT);
	vcore_lock_release(&bed.lock);
}

TestEverywhere(condition, a_wait_gives_the_lock_up_and_returns_with_it)
{
	struct bed bed = {0};
	struct sleeper sleeper;

	sleepers_start(&sleeper, 1, &bed); /* acquires the lock meanwhile */
	vcore_lock_acquire(&bed.lock);
	check(!atomic_load(&sleeper.woken));
	vcore_lock_release(&bed.lock);
	vcore_condition_signal(&bed.condition);
	check(sleeper_finish(&sleeper) == 0); /* checks that it owns it */
	check(vcore_lock_try_acquire(&bed.lock));
	vcore_lock_release(&bed.lock);
}

enum { SLEEPERS = 5 };

TestEverywhere(condition, a_signal_wakes_who_has_waited_longest_and_nobody_else)
{
	struct sleeper sleepers[SLEEPERS];
	struct bed bed = {0};

	sleepers_start(sleepers, SLEEPERS, &bed);
	for (int i = 0; i < SLEEPERS; i++) {
		(i % 2 == 0 ? signal_owning(&bed) : vcore_condition_signal(&bed.condition));
		check(sleeper_finish(&sleepers[i]) == 0);
		check(atomic_load(&bed.journal.length) == (unsigned)i + 1);
	}
	check(strcmp(bed.journal.text, "abcde") == 0);
}

TestEverywhere(condition, a_broadcast_wakes_all)
{
	struct sleeper sleepers[SLEEPERS];
	struct bed bed = {0};

	sleepers_start(sleepers, SLEEPERS, &bed);
	broadcast_owning(&bed);
	sleepers_finish(sleepers, SLEEPERS);
	sleepers_start(sleepers, SLEEPERS, &bed);
	vcore_condition_broadcast(&bed.condition);
	sleepers_finish(sleepers, SLEEPERS);
}

/* More than a broadcast does before it lets others run. */
enum { CROWD = 120 };

TestAround(condition, a_broadcast_wakes_all_of_very_many)
{
	static struct sleeper crowd[CROWD];
	struct bed bed = {0};

	for (int i = 0; i < CROWD; i++) {
		crowd[i] = (struct sleeper){.bed = &bed, .letter = 'x'};
		sleeper_start(&crowd[i]);
	}
	vcore_condition_broadcast(&bed.condition);
	sleepers_finish(crowd, CROWD);
}

static void *sleep_twice(void *sleeper)
{
	sleep_in(sleeper);
	return sleep_in(sleeper);
}

TestInTurns(condition, who_comes_during_a_broadcast_is_not_woken_by_it)
{
	static struct sleeper crowd[CROWD];
	struct bed bed = {0};

	for (int i = 0; i < CROWD; i++) {
		crowd[i] = (struct sleeper){.bed = &bed, .letter = 'x'};
		crowd[i].peer.thread = spawn(sleep_twice, &crowd[i]);
		until(is_waiting_for(crowd[i].peer.thread, VCORE_WAIT_CONDITION));
	}
	vcore_condition_broadcast(&bed.condition);
	for (int i = 0; i < CROWD; i++) {
		until(is_waiting_for(crowd[i].peer.thread, VCORE_WAIT_CONDITION));
	}
	check(atomic_load(&bed.journal.length) == CROWD);
	vcore_condition_broadcast(&bed.condition);
	sleepers_finish(crowd, CROWD);
}

TestAround(condition, vcore_threads_and_pthreads_wait_for_the_same)
{
	struct sleeper sleepers[4];
	struct bed bed = {0};

	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < 4; i++) {
			sleepers[i] = (struct sleeper){.bed = &bed, .letter = (char)('a' + i)};
			(i % 2 == 0 ? sleeper_start : sleeper_start_pthread)(&sleepers[i]);
		}
		for (int i = 0; i < 4 && round == 0; i++) {
			signal_owning(&bed);
			check(sleeper_finish(&sleepers[i]) == 0);
		}
	}
	broadcast_owning(&bed);
	sleepers_finish(sleepers, 4);
}

/* Two who take turns; between the release and the wait there is no gap. */
enum { TURNS = 600 };

struct game {
	struct bed bed;
	int turn; /* guarded by bed.lock */
};

static void play(struct game *game, int first)
{
	vcore_lock_acquire(&game->bed.lock);
	for (int i = first; i < TURNS; i += 2) {
		while (game->turn != i) {
			check(vcore_condition_wait(&game->bed.condition, &game->bed.lock,
						   VCORE_NEVER) == 0);
		}
		game->turn++;
		vcore_condition_signal(&game->bed.condition);
	}
	vcore_lock_release(&game->bed.lock);
}

static void *play_second(void *game)
{
	play(game, 1);
	return NULL;
}

TestEverywhere(condition, no_signal_after_the_release_is_missed)
{
	struct game game = {0};
	struct peer second = peer_start(play_second, &game);

	play(&game, 0);
	peer_finish(second);
	check(game.turn == TURNS);
}

TestAround(condition, no_signal_between_a_vcore_thread_and_a_pthread_is_missed)
{
	struct game game = {0};
	pthread_t second = start_pthread(play_second, &game);

	play(&game, 0);
	finish_pthread(second);
	check(game.turn == TURNS);
}

/* --- deadlines -------------------------------------------------------------------------- */

TestEverywhere(condition, a_wait_ends_at_its_deadline_and_not_before_with_the_lock)
{
	struct bed bed = {0};
	vcore_instant deadline;

	vcore_lock_acquire(&bed.lock);
	check(vcore_condition_wait(&bed.condition, &bed.lock, PAST) == -ETIMEDOUT);
	check(vcore_lock_is_held(&bed.lock));
	deadline = vcore_after(2 * MILLISECOND);
	check(vcore_condition_wait(&bed.condition, &bed.lock, deadline) == -ETIMEDOUT);
	check(vcore_now() >= deadline);
	check(vcore_lock_is_held(&bed.lock));
	vcore_lock_release(&bed.lock);
}

static void *acquire_once(void *lock)
{
	vcore_lock_acquire(lock);
	vcore_lock_release(lock);
	return NULL;
}

/* Again and again, without ever waiting; one who waits for the lock gets it. */
TestEverywhere(condition, with_a_deadline_that_has_passed_the_lock_is_given_up_all_the_same)
{
	struct vcore_condition condition = {0};
	struct vcore_lock lock = {0};
	vcore_instant limit = vcore_after(10 * SECOND);
	struct peer other;
	bool over = false;

	vcore_lock_acquire(&lock);
	other = peer_start(acquire_once, &lock);
	until(lock.word_ != 0 && lock.waiters_ != NULL);
	while (!over) {
		check(vcore_condition_wait(&condition, &lock, PAST) == -ETIMEDOUT);
		check(vcore_lock_is_held(&lock));
		check(vcore_now() < limit);
		over = lock.waiters_ == NULL;
	}
	vcore_lock_release(&lock);
	peer_finish(other);
}

TestEverywhere(condition, a_signal_before_the_deadline_is_in_time)
{
	struct bed bed = {0};
	struct sleeper sleeper = {.bed = &bed, .deadline = vcore_after(3600 * SECOND)};

	sleeper_start(&sleeper);
	signal_owning(&bed);
	check(sleeper_finish(&sleeper) == 0);
}

/* Starts to wait, and finds the lock owned when its deadline has passed. */
static void outlast(struct bed *bed, struct sleeper *sleeper)
{
	*sleeper = (struct sleeper){.bed = bed, .deadline = vcore_after(100 * MILLISECOND)};
	sleeper_start(sleeper);
	vcore_lock_acquire(&bed->lock);
}

TestEverywhere(condition, after_its_deadline_a_wait_lasts_until_it_has_the_lock)
{
	struct bed bed = {0};
	struct sleeper sleeper;

	outlast(&bed, &sleeper);
	vcore_sleep(sleeper.deadline + 5 * MILLISECOND);
	check(!atomic_load(&sleeper.woken));
	if (sleeper.peer.thread != NULL) {
		until(is_waiting_for(sleeper.peer.thread, VCORE_WAIT_LOCK));
	}
	vcore_lock_release(&bed.lock);
	check(sleeper_finish(&sleeper) == -ETIMEDOUT);
}

TestEverywhere(condition, who_was_signalled_in_time_and_got_the_lock_later_is_in_time)
{
	struct bed bed = {0};
	struct sleeper sleeper;

	outlast(&bed, &sleeper);
	if (vcore_now() < sleeper.deadline - 10 * MILLISECOND) { /* or the machine is slow */
		vcore_condition_signal(&bed.condition);
		vcore_sleep(sleeper.deadline + 5 * MILLISECOND);
		vcore_lock_release(&bed.lock);
		check(sleeper_finish(&sleeper) == 0);
		return;
	}
	vcore_lock_release(&bed.lock);
	sleeper_finish(&sleeper);
}

/* --- moving into the lock's line -------------------------------------------------------- */

static int count_waiting(struct sleeper *sleepers, int n, enum vcore_wait_kind kind)
{
	int waiting = 0;

	for (int i = 0; i < n; i++) {
		waiting += is_waiting_for(sleepers[i].peer.thread, kind);
	}
	return waiting;
}

TestAround(condition, who_waits_is_told_by_inspection_to_wait_for_the_condition)
{
	struct sleeper sleepers[SLEEPERS];
	struct vcore_thread_info info;
	struct bed bed = {0};
	char what[64];

	sleepers_start(sleepers, SLEEPERS, &bed);
	until(count_waiting(sleepers, SLEEPERS, VCORE_WAIT_CONDITION) == SLEEPERS);
	info = info_of(sleepers[0].peer.thread);
	check(info.object == &bed.condition);
	check(info.owner == 0);
	snprintf(what, sizeof(what), "for condition %p,", (void *)&bed.condition);
	check(strstr(dumped_line("waiting"), what) != NULL);
	broadcast_owning(&bed);
	sleepers_finish(sleepers, SLEEPERS);
}

TestAround(condition, if_the_lock_is_owned_who_is_signalled_waits_for_that_without_being_woken)
{
	struct sleeper sleepers[SLEEPERS];
	struct vcore_thread_info info;
	struct bed bed = {0};
	uint64_t switches;

	sleepers_start(sleepers, SLEEPERS, &bed);
	vcore_lock_acquire(&bed.lock);
	until(count_waiting(sleepers, SLEEPERS, VCORE_WAIT_CONDITION) == SLEEPERS);
	switches = info_of(sleepers[0].peer.thread).switches;
	vcore_condition_signal(&bed.condition);
	info = info_of(sleepers[0].peer.thread);
	check(info.state == VCORE_THREAD_WAITING && info.wait == VCORE_WAIT_LOCK);
	check(info.object == &bed.lock);
	check(info.owner == vcore_thread_id(vcore_thread_self()));
	check(info.switches == switches);
	vcore_condition_broadcast(&bed.condition);
	check(count_waiting(sleepers, SLEEPERS, VCORE_WAIT_LOCK) == SLEEPERS);
	vcore_lock_release(&bed.lock);
	sleepers_finish(sleepers, SLEEPERS);
	check(strcmp(bed.journal.text, "abcde") == 0);
}

/* Wakes up, and finds all who have not yet been woken waiting for the lock. */
struct roused {
	struct sleeper sleepers[SLEEPERS]; /* of which the threads are used */
	struct bed bed;
	int n; /* that have woken up; guarded by bed.lock */
};

static void *find_others_waiting(void *argument)
{
	struct roused *roused = argument;

	vcore_lock_acquire(&roused->bed.lock);
	check(vcore_condition_wait(&roused->bed.condition, &roused->bed.lock, VCORE_NEVER) == 0);
	roused->n++;
	check(count_waiting(roused->sleepers, SLEEPERS, VCORE_WAIT_LOCK) == SLEEPERS - roused->n);
	vcore_lock_release(&roused->bed.lock);
	return NULL;
}

static void rouse(bool with_lock)
{
	struct roused roused = {0};

	for (int i = 0; i < SLEEPERS; i++) {
		roused.sleepers[i].peer.thread = spawn(find_others_waiting, &roused);
	}
	until(count_waiting(roused.sleepers, SLEEPERS, VCORE_WAIT_CONDITION) == SLEEPERS);
	if (with_lock) {
		broadcast_owning(&roused.bed);
	} else {
		vcore_condition_broadcast(&roused.bed.condition);
	}
	check(count_waiting(roused.sleepers, SLEEPERS, VCORE_WAIT_LOCK) == SLEEPERS - 1);
	for (int i = 0; i < SLEEPERS; i++) {
		finish(roused.sleepers[i].peer.thread);
	}
}

TestInTurns(condition, a_broadcast_wakes_one_and_each_release_the_next)
{
	rouse(true);
	rouse(false);
}

/* --- panics ----------------------------------------------------------------------------- */

static struct bed subject;
static int number;

static void call_without_one(void)
{
	vcore_lock_acquire(&subject.lock);
	switch (number) {
	case 0:
		vcore_condition_wait(NULL, &subject.lock, PAST);
		break;
	case 1:
		vcore_condition_wait(&subject.condition, NULL, PAST);
		break;
	case 2:
		vcore_condition_signal(NULL);
		break;
	default:
		vcore_condition_broadcast(NULL);
		break;
	}
}

Test(condition, null_panics)
{
	for (number = 0; number < 4; number++) {
		check(panics_with(call_without_one, "is NULL"));
	}
}

static void wait_without_the_lock(void)
{
	vcore_condition_wait(&subject.condition, &subject.lock, PAST);
}

static void *own_it(void *owns)
{
	vcore_lock_acquire(&subject.lock);
	set_flag(owns);
	return sleep_forever(owns);
}

static void wait_with_olgas_lock(void)
{
	atomic_bool owns = false;

	spawn_with((struct vcore_thread_options){.name = "olga"}, own_it, &owns);
	until(atomic_load(&owns));
	wait_without_the_lock();
}

static void wait_with_olgas_lock_inside(void)
{
	run_inside(2, wait_with_olgas_lock);
}

Test(condition, waiting_without_the_lock_panics_and_names_both)
{
	check(panics_with(wait_without_the_lock,
			  "vcore_condition_wait: the caller does not own the lock: nobody does"));
	check(panics_with(wait_with_olgas_lock_inside,
			  "vcore_condition_wait: the caller does not own the lock: thread 2 "
			  "\"olga\" does (thread 1 \"body\")"));
}

static void wait_with_another_lock(void)
{
	static struct vcore_lock other;
	struct sleeper sleeper;

	sleepers_start(&sleeper, 1, &subject);
	vcore_lock_acquire(&other);
	vcore_condition_wait(&subject.condition, &other, vcore_after(SECOND));
}

static void wait_with_another_lock_inside(void)
{
	run_inside(1, wait_with_another_lock);
}

Test(condition, waiting_with_two_locks_panics)
{
	check(panics_with(wait_with_another_lock, "with another lock"));
	check(panics_with(wait_with_another_lock_inside, "with another lock (thread 1 \"body\")"));
}
