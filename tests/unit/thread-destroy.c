/*
 * The end of threads: exit, destroy and cleanups.  What
 * include/vcore/thread.h promises, one promise to a test.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "support.h"

static void *exit_with(void *result)
{
	vcore_thread_exit(result);
}

TestAround(thread, exit_ends_the_thread_with_its_result)
{
	check(finish(spawn(exit_with, &runtime)) == &runtime);
}

Test(thread, exit_on_a_pthread_panics, .signal = SIGABRT)
{
	vcore_thread_exit(NULL);
}

/* Cleanups and slot destructors get one pointer: a letter for the journal. */
#define LETTER(c) ((void *)(intptr_t)(c))

static struct journal journal;

static void note_letter(void *letter)
{
	note(&journal, (char)(intptr_t)letter);
}

static void start_journal(void)
{
	memset(&journal, 0, sizeof(journal));
}

static struct vcore_slot slot;

/* Pushes three cleanups, sets a slot, and ends as the argument says. */
static void *push_three(void *ending)
{
	struct vcore_cleanup cleanups[3];

	vcore_slot_set(slot, LETTER('s'));
	for (int i = 0; i < 3; i++) {
		vcore_cleanup_push(&cleanups[i], note_letter, LETTER('a' + i));
	}
	if (ending != NULL) {
		vcore_thread_destroy(vcore_thread_self());
	}
	vcore_thread_exit(NULL);
}

static void *return_without_popping(void *unused)
{
	struct vcore_cleanup cleanup;

	vcore_cleanup_push(&cleanup, note_letter, LETTER('a'));
	return unused;
}

static void forget_a_cleanup(void)
{
	runtime_start(NULL);
	finish(spawn(return_without_popping, NULL));
}

Test(thread, an_entry_that_returns_before_a_cleanup_was_popped_panics)
{
	cr_assert(panics_with(forget_a_cleanup,
			      "vcore_cleanup_push: the entry has returned before a cleanup was "
			      "popped"));
}

TestAround(thread, exit_runs_cleanups_the_last_first_and_then_slot_destructors)
{
	start_journal();
	check(vcore_slot_create(&slot, note_letter) == 0);
	finish(spawn(push_three, NULL));
	check(strcmp(journal.text, "cbas") == 0);
	vcore_slot_delete(slot);
}

TestAround(thread, destroy_runs_cleanups_the_last_first_and_then_slot_destructors)
{
	start_journal();
	check(vcore_slot_create(&slot, note_letter) == 0);
	check(fate(spawn(push_three, &journal)) == VCORE_DESTROYED);
	check(strcmp(journal.text, "cbas") == 0);
	vcore_slot_delete(slot);
}

static void *pop_two_and_exit(void *unused)
{
	struct vcore_cleanup cleanups[3];

	for (int i = 0; i < 3; i++) {
		vcore_cleanup_push(&cleanups[i], note_letter, LETTER('a' + i));
	}
	vcore_cleanup_pop(&cleanups[2], false);
	vcore_cleanup_pop(&cleanups[1], false);
	vcore_thread_exit(unused);
}

TestAround(thread, a_popped_cleanup_does_not_run)
{
	start_journal();
	finish(spawn(pop_two_and_exit, NULL));
	check(strcmp(journal.text, "a") == 0);
}

TestInside(thread, pop_runs_the_cleanup_if_it_is_told_to_and_only_once)
{
	struct vcore_cleanup cleanup;

	start_journal();
	vcore_cleanup_push(&cleanup, note_letter, LETTER('x'));
	vcore_cleanup_pop(&cleanup, true);
	check(strcmp(journal.text, "x") == 0);
}

TestInside(thread, popping_what_was_not_pushed_last_panics, .signal = SIGABRT)
{
	struct vcore_cleanup first, second;

	vcore_cleanup_push(&first, note_letter, LETTER('f'));
	vcore_cleanup_push(&second, note_letter, LETTER('s'));
	vcore_cleanup_pop(&first, false);
}

TestInside(thread, popping_what_was_never_pushed_panics, .signal = SIGABRT)
{
	struct vcore_cleanup cleanup = {0};

	vcore_cleanup_pop(&cleanup, false);
}

Test(thread, pushing_on_a_pthread_panics, .signal = SIGABRT)
{
	struct vcore_cleanup cleanup;

	vcore_cleanup_push(&cleanup, note_letter, LETTER('p'));
}

Test(thread, popping_on_a_pthread_panics, .signal = SIGABRT)
{
	struct vcore_cleanup cleanup = {0};

	vcore_cleanup_pop(&cleanup, false);
}

/* A cleanup that waits in each way, though its thread was destroyed. */
static void wait_in_cleanup(void *letter)
{
	struct vcore_eventcount event = {0};

	vcore_yield();
	check(vcore_sleep(vcore_after(MILLISECOND)) == 0);
	check(vcore_eventcount_await(&event, 0, vcore_after(MILLISECOND)) == -ETIMEDOUT);
	check(finish(spawn(do_nothing, letter)) == letter);
	note_letter(letter);
}

static void *sleep_with_waiting_cleanup(void *unused)
{
	struct vcore_cleanup cleanup;

	vcore_cleanup_push(&cleanup, wait_in_cleanup, LETTER('w'));
	vcore_sleep(VCORE_NEVER);
	vcore_cleanup_pop(&cleanup, false);
	return unused;
}

TestAround(thread, cleanups_may_wait_and_are_not_destroyed)
{
	struct vcore_thread *thread;

	start_journal();
	thread = spawn(sleep_with_waiting_cleanup, NULL);
	until(is_waiting(thread));
	vcore_thread_destroy(thread);
	vcore_yield();
	vcore_thread_destroy(thread);
	check(fate(thread) == VCORE_DESTROYED);
	check(strcmp(journal.text, "w") == 0);
}

static void *pop_and_be_destroyed(void *unused)
{
	struct vcore_cleanup outer, inner;

	vcore_cleanup_push(&outer, note_letter, LETTER('o'));
	vcore_cleanup_push(&inner, wait_in_cleanup, LETTER('i'));
	note_letter(LETTER('('));
	vcore_cleanup_pop(&inner, true);
	note_letter(LETTER(')'));
	vcore_cleanup_pop(&outer, true);
	vcore_sleep(VCORE_NEVER);
	return unused;
}

/* Destroyed while pop executes the first cleanup: the second runs once. */
TestInside(thread, pop_executes_with_destruction_disabled)
{
	struct vcore_thread *thread;

	start_journal();
	thread = spawn(pop_and_be_destroyed, NULL);
	until(strcmp(journal.text, "(") == 0);
	vcore_thread_destroy(thread);
	check(fate(thread) == VCORE_DESTROYED);
	check(strncmp(journal.text, "(i", 2) == 0);
	check(strchr(journal.text, 'o') == strrchr(journal.text, 'o'));
	check(strchr(journal.text, 'o') != NULL);
}

static void *destroy_self(void *unused)
{
	vcore_thread_destroy(vcore_thread_self());
	check(false);
	return unused;
}

TestAround(thread, destroying_oneself_ends_at_once_as_destroyed_and_without_result)
{
	struct vcore_exit exit = {.result = &exit};

	check(vcore_thread_join(spawn(destroy_self, NULL), &exit, VCORE_NEVER) == 0);
	check(exit.how == VCORE_DESTROYED);
	check(exit.result == NULL);
}

TestEverywhere(thread, destroying_null_has_no_effect)
{
	check(vcore_thread_destroy(NULL) == 0);
}

TestAround(thread, destroying_twice_has_the_effect_of_once)
{
	struct vcore_thread *thread = spawn(sleep_forever, NULL);

	until(is_waiting(thread));
	check(vcore_thread_destroy(thread) == 0);
	check(vcore_thread_destroy(thread) == 0);
	check(fate(thread) == VCORE_DESTROYED);
}

static bool has_ended(struct vcore_thread *thread)
{
	struct vcore_thread_info info;

	return look_at(vcore_thread_id(thread), &info) && info.state == VCORE_THREAD_ENDED;
}

TestAround(thread, destroying_after_the_end_has_no_effect)
{
	struct vcore_thread *thread = spawn(do_nothing, &journal);

	until(has_ended(thread));
	check(vcore_thread_destroy(thread) == 0);
	check(finish(thread) == &journal);
}

TestAround(thread, destroy_does_not_wait_for_the_end)
{
	struct vcore_thread *thread;

	start_journal();
	thread = spawn(sleep_with_waiting_cleanup, NULL);
	until(is_waiting(thread));
	check(vcore_thread_destroy(thread) == 0);
	check(strcmp(journal.text, "") == 0);
	check(fate(thread) == VCORE_DESTROYED);
}

TestAround(thread, a_sleeping_thread_is_destroyed_at_once)
{
	struct vcore_thread *thread = spawn(sleep_forever, NULL);

	until(is_waiting(thread));
	vcore_thread_destroy(thread);
	check(fate(thread) == VCORE_DESTROYED);
}

static void *join_it(void *thread)
{
	vcore_thread_join(thread, NULL, VCORE_NEVER);
	return NULL;
}

TestAround(thread, a_joining_thread_is_destroyed_at_once)
{
	struct vcore_thread *joined = spawn(sleep_forever, NULL);
	struct vcore_thread *thread = spawn(join_it, joined);

	until(is_waiting(thread));
	vcore_thread_destroy(thread);
	check(fate(thread) == VCORE_DESTROYED);
	vcore_thread_destroy(joined);
	check(fate(joined) == VCORE_DESTROYED);
}

static void *yield_forever(void *started)
{
	set_flag(started);
	for (;;) {
		vcore_yield();
	}
	return NULL;
}

TestAround(thread, a_yielding_thread_is_destroyed_where_it_yields)
{
	atomic_bool started = false;
	struct vcore_thread *thread = spawn(yield_forever, &started);

	until(started);
	vcore_thread_destroy(thread);
	check(fate(thread) == VCORE_DESTROYED);
}

Test(thread, a_pthread_may_destroy)
{
	struct vcore_thread *thread;

	runtime_start(NULL);
	thread = spawn(sleep_forever, NULL);
	until(is_waiting(thread));
	vcore_thread_destroy(thread);
	cr_assert_eq(fate(thread), VCORE_DESTROYED);
	runtime_finish();
}

/* Entering the library. */

static void call_allocate(void *unused)
{
	struct vcore_thread *thread;

	(void)unused;
	vcore_thread_allocate(&thread, NULL, do_nothing, NULL);
	check(false);
}

static void call_sleep(void *unused)
{
	(void)unused;
	vcore_sleep(PAST);
}

static void call_advance(void *event)
{
	vcore_eventcount_advance(event);
}

static void call_await(void *event)
{
	vcore_eventcount_await(event, -1, VCORE_NEVER);
}

static void call_yield(void *unused)
{
	(void)unused;
	vcore_yield();
}

static void call_enable(void *unused)
{
	(void)unused;
	vcore_destroy_disable();
	vcore_destroy_enable();
}

Test(thread, destroy_acts_on_entry_to_allocate)
{
	cr_assert(!survives(call_allocate, NULL));
}

Test(thread, destroy_acts_in_a_sleep_that_does_not_wait)
{
	cr_assert(!survives(call_sleep, NULL));
}

Test(thread, destroy_acts_in_yield)
{
	cr_assert(!survives(call_yield, NULL));
}

Test(thread, destroy_acts_on_entry_to_advance)
{
	struct vcore_eventcount event = {0};

	cr_assert(!survives(call_advance, &event));
	cr_assert_eq(vcore_eventcount_read(&event), 0);
}

Test(thread, destroy_acts_in_an_await_that_does_not_wait)
{
	struct vcore_eventcount event = {0};

	cr_assert(!survives(call_await, &event));
}

Test(thread, destroy_acts_in_the_enable_that_evens_a_disable)
{
	cr_assert(!survives(call_enable, NULL));
}

static void call_what_does_not_act(void *unused)
{
	static struct vcore_eventcount event;
	static struct vcore_sequencer sequencer;
	struct vcore_cleanup cleanup;
	struct vcore_slot own;

	(void)unused;
	vcore_now();
	vcore_after(1);
	vcore_eventcount_read(&event);
	vcore_sequencer_ticket(&sequencer);
	vcore_sequencer_read(&sequencer);
	vcore_thread_id(vcore_thread_self());
	vcore_thread_name(vcore_thread_self());
	vcore_thread_destroy(NULL);
	vcore_cleanup_push(&cleanup, note_letter, LETTER('n'));
	vcore_cleanup_pop(&cleanup, false);
	check(vcore_slot_create(&own, NULL) == 0);
	vcore_slot_set(own, &own);
	vcore_slot_get(own);
	vcore_slot_delete(own);
}

Test(thread, destroy_does_not_act_in_calls_that_are_not_marked_so)
{
	cr_assert(survives(call_what_does_not_act, NULL));
}

/* Two who do more, before they are asked to end or after. */
struct victim {
	atomic_bool started, asked, survived;
};

/* Join on entry: the joined thread has ended already. */
static struct vcore_thread *ended;

static void *join_when_asked(void *argument)
{
	struct victim *victim = argument;

	ended = spawn(do_nothing, NULL);
	until(has_ended(ended));
	set_flag(&victim->started);
	occupy(&victim->asked);
	vcore_thread_join(ended, NULL, VCORE_NEVER);
	check(false);
	return NULL;
}

Test(thread, destroy_acts_in_a_join_that_does_not_wait)
{
	struct victim victim = {0};
	struct vcore_thread *thread;

	runtime_start(&(struct vcore_runtime_options){.processors = 1});
	thread = spawn(join_when_asked, &victim);
	until(victim.started);
	vcore_thread_destroy(thread);
	set_flag(&victim.asked);
	cr_assert_eq(fate(thread), VCORE_DESTROYED);
	finish(ended);
	runtime_finish();
}

static void *disable_twice(void *argument)
{
	struct victim *victim = argument;

	vcore_destroy_disable();
	vcore_destroy_disable();
	set_flag(&victim->started);
	until(atomic_load(&victim->asked));
	check(vcore_sleep(vcore_after(MILLISECOND)) == 0);
	finish(spawn(do_nothing, NULL));
	vcore_destroy_enable();
	check(vcore_sleep(vcore_after(MILLISECOND)) == 0);
	set_flag(&victim->survived);
	vcore_destroy_enable();
	check(false);
	return NULL;
}

TestAround(thread, disabling_nests_and_the_enable_that_evens_it_acts)
{
	struct victim victim = {0};
	struct vcore_thread *thread = spawn(disable_twice, &victim);

	until(victim.started);
	vcore_thread_destroy(thread);
	set_flag(&victim.asked);
	check(fate(thread) == VCORE_DESTROYED);
	check(victim.survived);
}

static void *sleep_while_disabled(void *deadline)
{
	vcore_destroy_disable();
	vcore_sleep(*(vcore_instant *)deadline);
	check(vcore_now() >= *(vcore_instant *)deadline);
	vcore_destroy_enable();
	return deadline;
}

TestAround(thread, a_wait_is_not_cut_short_while_destruction_is_disabled)
{
	vcore_instant deadline = vcore_after(300 * MILLISECOND);
	struct vcore_thread *thread = spawn(sleep_while_disabled, &deadline);

	until(is_waiting(thread));
	vcore_thread_destroy(thread);
	check(fate(thread) == VCORE_DESTROYED);
	check(vcore_now() >= deadline);
}

TestInside(thread, enabling_what_was_not_disabled_panics, .signal = SIGABRT)
{
	vcore_destroy_enable();
}

Test(thread, disable_and_enable_have_no_effect_on_a_pthread)
{
	vcore_destroy_enable();
	vcore_destroy_disable();
	vcore_destroy_disable();
	vcore_destroy_enable();
}

TestAround(thread, a_thread_is_destroyed_by_its_id)
{
	struct vcore_thread *thread = spawn(sleep_forever, NULL);

	until(is_waiting(thread));
	check(vcore_thread_destroy_id(runtime, vcore_thread_id(thread)) == 0);
	check(fate(thread) == VCORE_DESTROYED);
}

struct stray {
	atomic_ullong id;
	atomic_bool cleaned;
};

static void *be_stray(void *argument)
{
	struct stray *stray = argument;
	struct vcore_cleanup cleanup;

	vcore_cleanup_push(&cleanup, set_flag, &stray->cleaned);
	atomic_store(&stray->id, vcore_thread_id(vcore_thread_self()));
	vcore_sleep(VCORE_NEVER);
	vcore_cleanup_pop(&cleanup, false);
	return NULL;
}

TestAround(thread, a_detached_thread_is_destroyed_by_its_id)
{
	struct stray stray = {0};

	check(vcore_thread_allocate(NULL, NULL, be_stray, &stray) == 0);
	until(atomic_load(&stray.id) != 0);
	check(vcore_thread_destroy_id(runtime, atomic_load(&stray.id)) == 0);
	until(atomic_load(&stray.cleaned));
	until(vcore_thread_destroy_id(runtime, atomic_load(&stray.id)) == -ESRCH);
}

TestAround(thread, an_id_that_never_was_is_not_found)
{
	check(vcore_thread_destroy_id(runtime, 0) == -ESRCH);
	check(vcore_thread_destroy_id(runtime, UINT64_MAX) == -ESRCH);
}

TestAround(thread, the_id_of_an_ended_thread_is_not_found)
{
	struct vcore_thread *thread = spawn(do_nothing, NULL);
	uint64_t id = vcore_thread_id(thread);

	until(has_ended(thread));
	check(vcore_thread_destroy_id(runtime, id) == -ESRCH);
	finish(thread);
	check(vcore_thread_destroy_id(runtime, id) == -ESRCH);
}

static void *destroy_own_id(void *unused)
{
	vcore_thread_destroy_id(runtime, vcore_thread_id(vcore_thread_self()));
	check(false);
	return unused;
}

TestAround(thread, destroying_ones_own_id_ends_at_once)
{
	check(fate(spawn(destroy_own_id, NULL)) == VCORE_DESTROYED);
}
