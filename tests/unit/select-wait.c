/*
 * Select: what include/vcore/select.h promises to those who wait, one promise to
 * a test; see cases.h.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "cases.h"

#include <stdio.h>
#include <unistd.h>

TestBuffer(TestSuite, .timeout = 100);

/* A chooser of one case of each kind, for all of which it waits. */
static struct chooser chooser_of(struct choice *choice)
{
	choice_begin(choice);
	return (struct chooser){.cases = choice->cases, .n = KINDS};
}

static void wait_for_each(void (*start)(struct chooser *chooser))
{
	for (enum vcore_case_kind kind = 0; kind < KINDS; kind++) {
		struct choice choice;
		struct chooser chooser = chooser_of(&choice);

		start(&chooser);
		check(chooser_waits(&chooser));
		choice_enable(&choice, kind);
		check(chooser_finish(&chooser) == (int)kind);
		choice_check(&choice, (int)kind);
		choice_end(&choice);
	}
}

TestBuffer(TestAround, it_waits_until_one_of_them_can_be_done_and_does_it)
{
	wait_for_each(chooser_start);
}

TestBuffer(TestAround, a_pthread_may_wait)
{
	wait_for_each(chooser_start_pthread);
}

static atomic_int handled;

static void count_call(int number)
{
	(void)number;
	atomic_fetch_add(&handled, 1);
}

TestBuffer(Test, signals_do_not_end_the_wait_of_a_pthread)
{
	struct sigaction action = {.sa_handler = count_call}; /* without SA_RESTART */
	struct vcore_eventcount event = {0};
	struct vcore_case cases[] = {awaiting(&event, 0)};
	struct chooser chooser = {.cases = cases, .n = 1};

	sigaction(SIGUSR1, &action, NULL);
	chooser_start_pthread(&chooser);
	for (int i = 0; i < 5; i++) {
		int before = handled;

		pthread_kill(chooser.peer.pthread, SIGUSR1);
		until(handled == before + 1);
		usleep(500);
	}
	check(!atomic_load(&chooser.over));
	vcore_eventcount_advance(&event);
	check(chooser_finish(&chooser) == 0);
}

TestBuffer(TestInTurns, who_waits_leaves_the_processor_to_others)
{
	struct choice choice;
	struct chooser chooser = chooser_of(&choice);

	chooser_start(&chooser);
	check(finish(spawn(do_nothing, &choice)) == &choice);
	check(chooser_waits(&chooser));
	choice_enable(&choice, VCORE_CASE_RECEIVE);
	check(chooser_finish(&chooser) == VCORE_CASE_RECEIVE);
	choice_end(&choice);
}

/* All come before it has run: it does one, whichever it was woken for. */
TestBuffer(TestInTurns, of_several_that_come_while_it_waits_one_is_done)
{
	for (int round = 0; round < 50; round++) {
		struct choice choice;
		struct chooser chooser = chooser_of(&choice);

		chooser_start(&chooser);
		for (int i = 0; i < KINDS; i++) {
			choice_enable(&choice, (enum vcore_case_kind)((round + i) % KINDS));
		}
		choice_check(&choice, chooser_finish(&chooser));
		choice_end(&choice);
	}
}

TestBuffer(TestAround, who_waits_is_told_that_a_buffer_was_closed)
{
	for (enum vcore_case_kind kind = VCORE_CASE_SEND; kind <= VCORE_CASE_RECEIVE; kind++) {
		struct choice choice;
		struct chooser chooser = chooser_of(&choice);

		chooser_start(&chooser);
		vcore_buffer_close(kind == VCORE_CASE_SEND ? choice.full : choice.empty);
		check(chooser_finish(&chooser) == (int)kind);
		check(choice.cases[kind].status == -EPIPE);
		check(vcore_buffer_count(choice.full) == ROOM(2));
		choice_end(&choice);
	}
}

/* --- giving up ------------------------------------------------------------------------------ */

/* After somebody has given up, all can be done by others. */
static void check_is_as_before(struct choice *choice)
{
	choice_check(choice, -ETIMEDOUT);
	choice_enable(choice, VCORE_CASE_SEND);
	choice_enable(choice, VCORE_CASE_RECEIVE);
	choice_enable(choice, VCORE_CASE_AWAIT);
	choice_check(choice, -ETIMEDOUT);
	choice_end(choice); /* joins */
}

TestBuffer(TestAround, a_wait_ends_at_its_deadline_and_not_before)
{
	struct choice choice;
	struct chooser chooser = chooser_of(&choice);

	chooser.deadline = vcore_after(100 * MILLISECOND);
	chooser_start(&chooser);
	check(chooser_finish(&chooser) == -ETIMEDOUT);
	check(vcore_now() >= chooser.deadline);
	check_is_as_before(&choice);
	chooser = chooser_of(&choice);
	chooser.deadline = vcore_after(100 * MILLISECOND);
	chooser_start_pthread(&chooser);
	check(chooser_finish(&chooser) == -ETIMEDOUT);
	check(vcore_now() >= chooser.deadline);
	check_is_as_before(&choice);
}

TestBuffer(TestAround, who_is_destroyed_while_it_waits_has_done_none)
{
	struct choice choice;
	struct chooser chooser = chooser_of(&choice);

	chooser_start(&chooser);
	destroy(chooser.peer.thread);
	check_is_as_before(&choice);
}

static void *choose_undestroyably(void *chooser)
{
	vcore_destroy_disable();
	choose(chooser);
	vcore_destroy_enable();
	return NULL;
}

TestBuffer(TestAround, a_wait_with_destroy_disabled_is_waited_to_its_end)
{
	struct choice choice;
	struct chooser chooser = chooser_of(&choice);
	struct vcore_thread *thread = spawn(choose_undestroyably, &chooser);

	until(is_waiting_for(thread, VCORE_WAIT_SELECT));
	vcore_thread_destroy(thread);
	check(is_waiting_for(thread, VCORE_WAIT_SELECT));
	choice_enable(&choice, VCORE_CASE_RECEIVE);
	check(fate(thread) == VCORE_DESTROYED);
	check(chooser.result == VCORE_CASE_RECEIVE);
	choice_check(&choice, VCORE_CASE_RECEIVE);
	choice_end(&choice);
}

static void select_one(void *cases)
{
	vcore_select(cases, 2, VCORE_NEVER);
}

TestBuffer(Test, who_is_asked_to_end_ends_on_entry_and_has_done_none)
{
	struct vcore_buffer *buffers[] = {make_buffer_of_numbers(2), make_buffer_of_numbers(2)};
	uint64_t sent = 1, received = 2;
	struct vcore_case cases[] = {sending(buffers[0], &sent), receiving(buffers[1], &received)};

	put(buffers[1], 5);
	check(!survives(select_one, cases));
	check(vcore_buffer_count(buffers[0]) == 0);
	check(vcore_buffer_count(buffers[1]) == 1 && received == 2);
	vcore_buffer_deallocate(buffers[0]);
	vcore_buffer_deallocate(buffers[1]);
}

/* --- inspection ----------------------------------------------------------------------------- */

TestBuffer(TestAround, of_who_waits_kind_cases_and_deadline_are_told)
{
	struct choice choice;
	struct chooser chooser = chooser_of(&choice);
	struct vcore_thread_info info;
	char what[64];

	chooser.deadline = vcore_after(3600 * SECOND);
	chooser_start(&chooser);
	info = info_of(chooser.peer.thread);
	check(info.wait == VCORE_WAIT_SELECT);
	check(info.object == choice.cases);
	check(info.deadline == chooser.deadline);
	snprintf(what, sizeof(what), " in select, of cases %p,", (void *)choice.cases);
	check(strstr(dumped_line("waiting"), what) != NULL);
	choice_enable(&choice, VCORE_CASE_AWAIT);
	check(chooser_finish(&chooser) == VCORE_CASE_AWAIT);
	choice_end(&choice);
}

static void *select_in_vain(void *chooser)
{
	choose(chooser);
	check(!"it has waited");
	return NULL;
}

static void deadlock(void)
{
	struct vcore_buffer *buffer = make_buffer_of_numbers(1);
	struct vcore_eventcount event = {0};
	uint64_t number;
	struct vcore_case cases[] = {awaiting(&event, 0), receiving(buffer, &number)};
	struct chooser chooser = {.cases = cases, .n = 2};

	check(vcore_run(NULL, select_in_vain, &chooser, NULL) == -EDEADLK);
	vcore_buffer_deallocate(buffer);
}

TestBuffer(Test, threads_that_all_wait_in_select_are_in_a_deadlock)
{
	static struct outcome outcome;

	run_child(&outcome, deadlock);
	check(exited_with(&outcome, 0));
	check(strstr(outcome.text, "in select, of cases") != NULL);
}

/* --- memory --------------------------------------------------------------------------------- */

enum { CROWD = 1000 };

/* For a first wait a pthread may need some, and this one will join. */
static void wait_before(void)
{
	struct vcore_eventcount event = {0};

	vcore_eventcount_await(&event, 0, vcore_after(MILLISECOND));
}

TestBuffer(TestInShortage, no_memory_is_allocated, .init = wait_before)
{
	struct vcore_eventcount event = {0};
	static struct vcore_case cases[CROWD];

	for (int i = 0; i < CROWD; i++) {
		cases[i] = awaiting(&event, 0);
	}
	begin_shortage();
	check(vcore_select(cases, CROWD, vcore_after(MILLISECOND)) == -ETIMEDOUT);
	vcore_eventcount_advance(&event);
	check(vcore_select(cases, CROWD, VCORE_NEVER) >= 0);
	end_shortage();
}

/* --- one another ---------------------------------------------------------------------------- */

/* Two ways from one to the other. */
struct ways {
	struct vcore_buffer *buffers[2];
};

enum { STREAM = 1000 };

static void *send_either_way(void *argument)
{
	const struct ways *ways = argument;

	for (uint64_t i = 0; i < STREAM; i++) {
		struct vcore_case cases[] = {sending(ways->buffers[0], &i),
					     sending(ways->buffers[1], &i)};

		check(vcore_select(cases, 2, VCORE_NEVER) >= 0);
	}
	vcore_buffer_close(ways->buffers[0]);
	vcore_buffer_close(ways->buffers[1]);
	return NULL;
}

/* Until both are closed. */
static uint64_t receive_either_way(const struct ways *ways)
{
	uint64_t last[2] = {0}, number, sum = 0;
	struct vcore_case cases[] = {receiving(ways->buffers[0], &number),
				     receiving(ways->buffers[1], &number)};

	while (cases[0].buffer != NULL || cases[1].buffer != NULL) {
		int way = vcore_select(cases, 2, VCORE_NEVER);

		check(way == 0 || way == 1);
		if (cases[way].status == -EPIPE) {
			cases[way].buffer = NULL;
			continue;
		}
		check(cases[way].status == 0);
		check(number >= last[way]);
		last[way] = number;
		sum += number;
	}
	return sum;
}

TestBuffer(TestEverywhere, one_may_select_what_another_selects)
{
	static const size_t capacities[] = {1, 2, 7};

	for (size_t i = 0; i < COUNT_OF(capacities); i++) {
		struct ways ways = {{make_buffer_of_numbers(capacities[i]),
				     make_buffer_of_numbers(capacities[i])}};
		struct peer peer = peer_start(send_either_way, &ways);

		check(receive_either_way(&ways) == (uint64_t)STREAM * (STREAM - 1) / 2);
		peer_finish(peer);
		vcore_buffer_deallocate(ways.buffers[0]);
		vcore_buffer_deallocate(ways.buffers[1]);
	}
}

TestBuffer(TestAround, a_vcore_thread_and_a_pthread_may_select_what_the_other_selects)
{
	struct ways ways = {{make_buffer_of_numbers(1), make_buffer_of_numbers(2)}};
	pthread_t pthread = start_pthread(send_either_way, &ways);

	check(receive_either_way(&ways) == (uint64_t)STREAM * (STREAM - 1) / 2);
	finish_pthread(pthread);
	vcore_buffer_deallocate(ways.buffers[0]);
	vcore_buffer_deallocate(ways.buffers[1]);
}
