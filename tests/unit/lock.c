/*
 * What include/vcore/lock.h promises beyond mutex.c, one promise to a test: who
 * overtakes whom, and who spins.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "mutex.h"

Test(lock, its_initialiser_is_zero_bytes)
{
	struct vcore_lock lock = VCORE_LOCK_INITIALIZER, zero = {0};

	cr_assert_eq(sizeof(lock), 16);
	cr_assert_eq(memcmp(&lock, &zero, sizeof(lock)), 0);
}

/* --- overtaking ------------------------------------------------------------------------- */

TestInTurns(lock, who_runs_may_overtake_who_was_woken)
{
	struct vcore_lock lock = {0};
	struct contender contender;

	vcore_lock_acquire(&lock);
	contenders_start(&contender, 1, &lock, NULL);
	vcore_lock_release(&lock);
	check(info_of(contender.peer.thread).state == VCORE_THREAD_RUNNABLE);
	check(vcore_lock_try_acquire(&lock));
	vcore_lock_release(&lock);
	check(contender_finish(&contender) == 0);
}

static int count_waiting(struct contender *contenders, int n)
{
	int waiting = 0;

	for (int i = 0; i < n; i++) {
		waiting += contender_waits(&contenders[i]);
	}
	return waiting;
}

enum { CROWD = 4 };

TestInTurns(lock, a_release_wakes_one_and_none_before_that_one_has_run)
{
	struct contender contenders[CROWD];
	struct vcore_lock lock = {0};

	vcore_lock_acquire(&lock);
	contenders_start(contenders, CROWD, &lock, NULL);
	check(count_waiting(contenders, CROWD) == CROWD);
	for (int i = 0; i < 10; i++) {
		vcore_lock_release(&lock);
		check(count_waiting(contenders, CROWD) == CROWD - 1);
		vcore_lock_acquire(&lock);
	}
	vcore_lock_release(&lock);
	for (int i = 0; i < CROWD; i++) {
		check(contender_finish(&contenders[i]) == 0);
	}
}

/* Wakes the first, and takes the lock before that one has run. */
static void wake_in_vain(struct vcore_lock *lock, struct contender *first)
{
	vcore_lock_release(lock);
	vcore_lock_acquire(lock);
	until(contender_waits(first));
}

TestInTurns(lock, who_was_woken_in_vain_keeps_its_place)
{
	struct journal journal = {0};
	struct contender contenders[CROWD];
	struct vcore_lock lock = {0};

	vcore_lock_acquire(&lock);
	contenders_start(contenders, CROWD, &lock, &journal);
	wake_in_vain(&lock, &contenders[0]); /* twice might be to wait for 1 ms */
	vcore_lock_release(&lock);
	for (int i = 0; i < CROWD; i++) {
		check(contender_finish(&contenders[i]) == 0);
	}
	check(strcmp(journal.text, "abcd") == 0);
}

static void starve(struct vcore_lock *lock, struct contender *first)
{
	vcore_instant enough = vcore_after(2 * MILLISECOND);

	while (vcore_now() < enough) {
	}
	wake_in_vain(lock, first);
}

TestInTurns(lock, who_was_overtaken_after_1_ms_is_handed_it_by_the_next_release)
{
	struct vcore_lock lock = {0};
	struct contender contender;

	vcore_lock_acquire(&lock);
	contenders_start(&contender, 1, &lock, NULL);
	starve(&lock, &contender);
	vcore_lock_release(&lock);
	check(!vcore_lock_try_acquire(&lock));
	check(vcore_lock_acquire_until(&lock, PAST) == -ETIMEDOUT);
	check(contender_finish(&contender) == 0);
	check(vcore_lock_try_acquire(&lock));
	vcore_lock_release(&lock);
}

TestInTurns(lock, if_who_starved_gives_up_it_may_be_overtaken_again)
{
	struct vcore_lock lock = {0};
	struct contender contender;

	vcore_lock_acquire(&lock);
	contenders_start(&contender, 1, &lock, NULL);
	starve(&lock, &contender);
	destroy(contender.peer.thread);
	contenders_start(&contender, 1, &lock, NULL);
	vcore_lock_release(&lock);
	check(vcore_lock_try_acquire(&lock));
	vcore_lock_release(&lock);
	check(contender_finish(&contender) == 0);
}

struct hog {
	struct vcore_lock lock;
	atomic_bool done;
};

/* Never waits nor yields, and owns the lock nearly always. */
static void *be_a_hog(void *argument)
{
	struct hog *hog = argument;

	while (!atomic_load(&hog->done)) {
		vcore_lock_acquire(&hog->lock);
		occupy_for(10000);
		vcore_lock_release(&hog->lock);
	}
	return NULL;
}

TestTicking(lock, beside_a_hog_on_the_same_processor_it_is_acquired_in_bounded_time)
{
	struct hog hog = {0};
	struct vcore_thread *thread = spawn(be_a_hog, &hog);

	until(info_of(thread).preemptions > 0);
	for (int i = 0; i < 10; i++) {
		check(vcore_lock_acquire_until(&hog.lock, vcore_after(SECOND)) == 0);
		vcore_lock_release(&hog.lock);
	}
	atomic_store(&hog.done, true);
	finish(thread);
}

/* --- priorities ------------------------------------------------------------------------- */

static struct vcore_lock wanted;

struct rank {
	struct journal *journal;
	char letter;
};

/* Lower ones run too. */
static void until_it_waits(struct vcore_thread *thread)
{
	while (!is_waiting(thread)) {
		vcore_sleep(vcore_after(MILLISECOND / 10));
	}
}

static void *acquire_and_note(void *argument)
{
	const struct rank *rank = argument;

	vcore_lock_acquire(&wanted);
	note(rank->journal, rank->letter);
	vcore_lock_release(&wanted);
	return NULL;
}

TestInTurns(lock, of_those_who_wait_the_one_of_the_highest_priority_is_woken_first)
{
	struct journal journal = {0};
	struct rank ranks[] = {{&journal, 'l'}, {&journal, 'm'}, {&journal, 'h'}, {&journal, 'n'}};
	const int priorities[] = {-1, 0, 1, 0};
	struct vcore_thread *threads[4];

	vcore_lock_acquire(&wanted);
	for (int i = 0; i < 4; i++) {
		struct vcore_thread_options options = {.priority = priorities[i]};

		threads[i] = spawn_with(options, acquire_and_note, &ranks[i]);
		until_it_waits(threads[i]);
	}
	vcore_lock_release(&wanted);
	for (int i = 0; i < 4; i++) {
		finish(threads[i]);
	}
	check(strcmp(journal.text, "hmnl") == 0);
}

/* --- wakes that are passed on ----------------------------------------------------------- */

/* Whom the first was woken for gets the lock, though the first gives up. */
static void pass_on(vcore_instant deadline, bool is_destroyed)
{
	struct contender contenders[2];
	struct vcore_lock lock = {0};

	vcore_lock_acquire(&lock);
	contenders[0] = (struct contender){.lock = &lock, .deadline = deadline};
	contender_start(&contenders[0]);
	contenders_start(&contenders[1], 1, &lock, NULL);
	vcore_lock_release(&lock);
	check(vcore_lock_try_acquire(&lock));
	check(!contender_waits(&contenders[0]));
	if (is_destroyed) {
		vcore_thread_destroy(contenders[0].peer.thread);
	}
	while (deadline != VCORE_NEVER && vcore_now() < deadline) {
	}
	until(info_of(contenders[0].peer.thread).state == VCORE_THREAD_ENDED);
	vcore_lock_release(&lock);
	check(contender_finish(&contenders[1]) == 0);
	check(is_destroyed ? fate(contenders[0].peer.thread) == VCORE_DESTROYED
			   : contender_finish(&contenders[0]) == -ETIMEDOUT);
}

TestInTurns(lock, who_was_woken_and_whose_deadline_passes_takes_no_release_from_others)
{
	pass_on(vcore_after(50 * MILLISECOND), false);
}

TestInTurns(lock, who_was_woken_and_is_destroyed_takes_no_release_from_others)
{
	pass_on(VCORE_NEVER, true);
}

/* --- spinning --------------------------------------------------------------------------- */

/* The least time that it takes to ask for the lock in vain. */
static int64_t cost_of_asking(struct vcore_lock *lock)
{
	int64_t least = INT64_MAX;

	for (int i = 0; i < 300; i++) {
		vcore_instant before = vcore_now();
		int64_t cost;

		check(vcore_lock_acquire_until(lock, PAST) == -ETIMEDOUT);
		cost = vcore_now() - before;
		least = cost < least ? cost : least;
	}
	return least;
}

static int64_t cost_while_owner_runs;

/* Owns the lock: computes until it is told to go, then waits. */
static void *compute_then_wait(void *argument)
{
	struct holder *holder = argument;

	vcore_lock_acquire(holder->lock);
	atomic_store(&holder->holds, true);
	while (vcore_eventcount_read(&holder->go) == 0) {
	}
	check(vcore_eventcount_await(&holder->go, 1, VCORE_NEVER) == 0);
	vcore_lock_release(holder->lock);
	return NULL;
}

/* On two processors. */
static void ask_one_who_runs_and_then_waits(void)
{
	struct vcore_lock lock = {0};
	struct holder holder = {.lock = &lock};

	holder.peer.thread = spawn(compute_then_wait, &holder);
	while (!atomic_load(&holder.holds)) { /* keeps this processor */
	}
	cost_while_owner_runs = cost_of_asking(&lock);
	vcore_eventcount_advance(&holder.go);
	until(is_waiting(holder.peer.thread));
	check(cost_of_asking(&lock) * 2 < cost_while_owner_runs);
	holder_finish(&holder);
}

Test(lock, nobody_looks_whether_it_comes_free_while_the_owner_waits)
{
	run_inside_with(
		&(struct vcore_runtime_options){.processors = 2, .quantum = VCORE_QUANTUM_OFF},
		ask_one_who_runs_and_then_waits);
}

/* On one, with ticks. */
static void ask_one_who_was_put_off(void)
{
	struct vcore_lock lock = {0};
	struct holder holder = {.lock = &lock};

	holder.peer.thread = spawn(compute_then_wait, &holder);
	until(info_of(holder.peer.thread).kept);
	check(cost_of_asking(&lock) * 2 < cost_while_owner_runs);
	vcore_eventcount_advance(&holder.go);
	until(is_waiting(holder.peer.thread));
	holder_finish(&holder);
}

Test(lock, nobody_looks_whether_it_comes_free_while_the_owner_is_put_off)
{
	run_inside_with(
		&(struct vcore_runtime_options){.processors = 2, .quantum = VCORE_QUANTUM_OFF},
		ask_one_who_runs_and_then_waits);
	run_inside_with(&ticking, ask_one_who_was_put_off);
}
