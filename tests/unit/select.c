/*
 * Select: what include/vcore/select.h promises where a case can be done at once,
 * one promise to a test; see cases.h.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "cases.h"
#include "ticking.h"

/* --- each kind alone ------------------------------------------------------------------------ */

TestBuffer(TestEverywhere, a_send_is_done_if_there_is_room)
{
	struct vcore_buffer *buffer = make_buffer_of_numbers(2);
	uint64_t number = 5;
	struct vcore_case cases[] = {sending(buffer, &number)};

	check(vcore_select(cases, 1, VCORE_NEVER) == 0);
	check(cases[0].status == 0);
	check(get(buffer) == 5);
	check(number == 5);
	vcore_buffer_deallocate(buffer);
}

TestBuffer(TestEverywhere, a_receive_is_done_if_there_is_a_message)
{
	struct vcore_buffer *buffer = make_buffer_of_numbers(2);
	uint64_t number = 0;
	struct vcore_case cases[] = {receiving(buffer, &number)};

	put(buffer, 5);
	check(vcore_select(cases, 1, VCORE_NEVER) == 0);
	check(cases[0].status == 0);
	check(number == 5);
	check(vcore_buffer_count(buffer) == 0);
	vcore_buffer_deallocate(buffer);
}

TestBuffer(TestEverywhere, an_await_is_done_if_the_count_exceeds_the_value)
{
	struct vcore_eventcount event = {0};
	struct vcore_case cases[] = {awaiting(&event, -1)};

	check(vcore_select(cases, 1, VCORE_NEVER) == 0);
	check(cases[0].status == 0);
	cases[0] = awaiting(&event, 2);
	vcore_eventcount_advance_by(&event, 2);
	check(vcore_select(cases, 1, PAST) == -ETIMEDOUT);
	vcore_eventcount_advance(&event);
	check(vcore_select(cases, 1, VCORE_NEVER) == 0);
	check(vcore_eventcount_read(&event) == 3);
}

static void *exit_with(void *result)
{
	vcore_thread_exit(result);
}

static bool has_ended(struct vcore_thread *thread)
{
	return info_of(thread).state == VCORE_THREAD_ENDED;
}

TestBuffer(TestAround, a_join_is_done_if_the_thread_has_ended)
{
	struct vcore_thread *thread = spawn(exit_with, &thread);
	uint64_t id = vcore_thread_id(thread);
	struct vcore_exit exit;
	struct vcore_case cases[] = {joining(thread, &exit)};
	struct vcore_thread_info info;

	until(has_ended(thread));
	check(vcore_select(cases, 1, VCORE_NEVER) == 0);
	check(cases[0].status == 0);
	check(exit.how == VCORE_RETURNED && exit.result == &thread);
	check(!look_at(id, &info)); /* the handle is given up */
}

TestBuffer(TestAround, a_join_tells_of_a_destroyed_thread)
{
	struct vcore_thread *thread = spawn(sleep_forever, NULL);
	struct vcore_exit exit;
	struct vcore_case cases[] = {joining(thread, &exit)};

	vcore_thread_destroy(thread);
	check(vcore_select(cases, 1, VCORE_NEVER) == 0);
	check(exit.how == VCORE_DESTROYED);
}

TestBuffer(TestAround, who_joins_need_not_ask_how_the_thread_ended)
{
	struct vcore_case cases[] = {joining(spawn(do_nothing, NULL), NULL)};

	check(vcore_select(cases, 1, VCORE_NEVER) == 0);
	check(cases[0].status == 0);
}

/* --- which is done -------------------------------------------------------------------------- */

TestBuffer(TestAround, a_case_that_can_be_done_is_even_if_the_deadline_has_passed)
{
	for (enum vcore_case_kind kind = 0; kind < KINDS; kind++) {
		struct choice choice;

		choice_begin(&choice);
		fill(choice.full);
		choice_enable(&choice, kind);
		until(kind != VCORE_CASE_JOIN || has_ended(choice.thread));
		check(vcore_select(choice.cases, KINDS, PAST) == (int)kind);
		choice_check(&choice, (int)kind);
		choice_end(&choice);
	}
}

TestBuffer(TestAround, if_the_deadline_has_passed_and_none_can_be_done_none_is)
{
	struct choice choice;

	choice_begin(&choice);
	fill(choice.full);
	check(vcore_select(choice.cases, KINDS, PAST) == -ETIMEDOUT);
	choice_check(&choice, -ETIMEDOUT);
	choice_end(&choice);
}

TestBuffer(TestAround, exactly_one_of_those_that_can_be_done_is)
{
	for (int round = 0; round < 50; round++) {
		struct choice choice;
		int done;

		choice_begin(&choice);
		fill(choice.full);
		for (enum vcore_case_kind kind = 0; kind < KINDS; kind++) {
			choice_enable(&choice, kind);
		}
		until(has_ended(choice.thread));
		done = vcore_select(choice.cases, KINDS, VCORE_NEVER);
		check(done >= 0 && done < KINDS);
		choice_check(&choice, done);
		choice_end(&choice);
	}
}

TestBuffer(TestEverywhere, of_no_cases_none_is_done)
{
	vcore_instant deadline = vcore_after(2 * MILLISECOND);

	check(vcore_select(NULL, 0, PAST) == -ETIMEDOUT);
	check(vcore_select(NULL, 0, deadline) == -ETIMEDOUT);
	check(vcore_now() >= deadline);
}

TestBuffer(TestEverywhere, where_the_object_is_null_the_case_is_never_done)
{
	struct vcore_buffer *buffer = make_buffer_of_numbers(2);
	uint64_t number = 0;
	struct vcore_case cases[] = {sending(NULL, &number), receiving(NULL, &number),
				     awaiting(NULL, -1), joining(NULL, NULL),
				     receiving(buffer, &number)};

	check(vcore_select(cases, 4, PAST) == -ETIMEDOUT);
	check(vcore_select(cases, 4, vcore_after(MILLISECOND)) == -ETIMEDOUT);
	check(vcore_select(cases, 5, vcore_after(MILLISECOND)) == -ETIMEDOUT);
	put(buffer, 5);
	check(vcore_select(cases, 5, VCORE_NEVER) == 4);
	check(number == 5);
	vcore_buffer_deallocate(buffer);
}

TestBuffer(TestEverywhere, the_same_cases_may_be_used_again_and_again)
{
	struct vcore_buffer *buffer = make_buffer_of_numbers(2);
	struct vcore_eventcount event = {0};
	uint64_t number;
	struct vcore_case cases[] = {receiving(buffer, &number), awaiting(&event, 0)};

	for (uint64_t i = 0; i < 100; i++) {
		check(vcore_select(cases, 2, PAST) == -ETIMEDOUT);
		put(buffer, i);
		check(vcore_select(cases, 2, VCORE_NEVER) == 0);
		check(number == i);
	}
	vcore_buffer_deallocate(buffer);
}

enum { CROWD = 100 };

TestBuffer(TestEverywhere, there_may_be_many_cases)
{
	struct vcore_buffer *buffers[CROWD];
	struct vcore_case cases[CROWD];
	uint64_t numbers[CROWD] = {0};

	for (int i = 0; i < CROWD; i++) {
		buffers[i] = make_buffer_of_numbers(1);
		cases[i] = receiving(buffers[i], &numbers[i]);
	}
	check(vcore_select(cases, CROWD, vcore_after(MILLISECOND)) == -ETIMEDOUT);
	for (int i = 0; i < CROWD; i++) {
		put(buffers[i], 5);
		check(vcore_select(cases, CROWD, VCORE_NEVER) == i);
		check(numbers[i] == 5);
	}
	for (int i = 0; i < CROWD; i++) {
		vcore_buffer_deallocate(buffers[i]);
	}
}

TestBuffer(TestEverywhere, a_message_that_is_not_received_is_not_written)
{
	struct vcore_buffer *buffer = make_buffer_of_numbers(2);
	uint64_t numbers[2] = {77, 77};
	struct vcore_case cases[] = {receiving(buffer, &numbers[0]),
				     receiving(buffer, &numbers[1])};
	int done;

	put(buffer, 5); /* the same buffer in two cases */
	done = vcore_select(cases, 2, VCORE_NEVER);
	check(done == 0 || done == 1);
	check(numbers[done] == 5 && numbers[1 - done] == 77);
	check(vcore_select(cases, 2, PAST) == -ETIMEDOUT);
	vcore_buffer_deallocate(buffer);
}

TestBuffer(TestEverywhere, one_may_send_to_and_receive_from_the_same_buffer)
{
	struct vcore_buffer *buffer = make_buffer_of_numbers(1);
	uint64_t sent = 5, received = 0;
	struct vcore_case cases[] = {sending(buffer, &sent), receiving(buffer, &received)};
	size_t count = 0;

	for (int i = 0; i < 300; i++) {
		size_t now = count + (vcore_select(cases, 2, VCORE_NEVER) == 0 ? 1 : SIZE_MAX);

		check(vcore_buffer_count(buffer) == now);
		check(now <= ROOM(1));
		count = now;
	}
	check(received == 5);
	vcore_buffer_deallocate(buffer);
}

/* --- closed buffers ------------------------------------------------------------------------- */

TestBuffer(TestEverywhere, of_closed_buffers_the_status_tells)
{
	struct vcore_buffer *buffer = make_buffer_of_numbers(2);
	uint64_t number = 5;
	struct vcore_case cases[] = {sending(buffer, &number), receiving(buffer, &number)};

	put(buffer, 7);
	vcore_buffer_close(buffer);
	check(vcore_select(&cases[0], 1, VCORE_NEVER) == 0);
	check(cases[0].status == -EPIPE);
	check(vcore_buffer_count(buffer) == 1);
	check(vcore_select(&cases[1], 1, VCORE_NEVER) == 0);
	check(cases[1].status == 0 && number == 7);
	check(vcore_select(&cases[1], 1, VCORE_NEVER) == 0);
	check(cases[1].status == -EPIPE && number == 7);
	vcore_buffer_deallocate(buffer);
}

/* --- fairness ------------------------------------------------------------------------------- */

enum { ROUNDS = 800 };

/* It can be joined: it has closed its join before it is counted as ended. */
static struct vcore_thread *spawn_ended(void)
{
	uint64_t others = statistics_now().threads;
	struct vcore_thread *thread = spawn(do_nothing, NULL);

	until(statistics_now().threads == others);
	return thread;
}

/* Of 800 each has 200, with a standard deviation of 12. */
TestBuffer(TestAround, of_several_that_can_be_done_none_is_preferred)
{
	struct vcore_buffer *into = make_buffer_of_numbers(1), *from = make_buffer_of_numbers(1);
	struct vcore_eventcount event = {0};
	uint64_t number = 5;
	struct vcore_case cases[] = {sending(into, &number), receiving(from, &number),
				     awaiting(&event, -1), joining(spawn_ended(), NULL)};
	int done[KINDS] = {0};

	put(from, 5);
	for (int i = 0; i < ROUNDS; i++) {
		int kind = vcore_select(cases, KINDS, VCORE_NEVER);

		check(kind >= 0 && kind < KINDS);
		done[kind]++;
		if (kind == VCORE_CASE_SEND) {
			check(get(into) == 5);
		} else if (kind == VCORE_CASE_RECEIVE) {
			put(from, 5);
		} else if (kind == VCORE_CASE_JOIN) {
			cases[kind].thread = spawn_ended();
		}
	}
	for (int kind = 0; kind < KINDS; kind++) {
		check(done[kind] > ROUNDS / 8 && done[kind] < ROUNDS * 3 / 8);
	}
	finish(cases[VCORE_CASE_JOIN].thread);
	vcore_buffer_deallocate(into);
	vcore_buffer_deallocate(from);
}

/* Among many that cannot, too: each of the two has 400, with a deviation of 14. */
TestBuffer(TestEverywhere, of_two_that_can_be_done_among_many_none_is_preferred)
{
	struct vcore_buffer *buffer = make_buffer_of_numbers(1);
	struct vcore_eventcount event = {0};
	struct vcore_case cases[8];
	uint64_t number;
	int done[8] = {0};

	for (int i = 0; i < 8; i++) {
		cases[i] = i == 2 || i == 3 ? awaiting(&event, -1) : receiving(buffer, &number);
	}
	for (int i = 0; i < ROUNDS; i++) {
		done[vcore_select(cases, 8, VCORE_NEVER)]++;
	}
	check(done[2] + done[3] == ROUNDS);
	check(done[2] > ROUNDS / 3 && done[3] > ROUNDS / 3);
	vcore_buffer_deallocate(buffer);
}

TestBuffer(TestEverywhere, what_can_be_done_always_does_not_keep_the_others_out)
{
	struct vcore_buffer *buffer = make_buffer_of_numbers(1);
	struct vcore_eventcount event = {0};
	uint64_t number = 0;
	struct vcore_case cases[] = {awaiting(&event, -1), awaiting(&event, -1),
				     receiving(buffer, &number), awaiting(&event, -1)};

	put(buffer, 5);
	for (int i = 0; vcore_select(cases, 4, VCORE_NEVER) != 2; i++) {
		check(i < 1000);
	}
	check(number == 5);
	vcore_buffer_deallocate(buffer);
}

/* --- joins that are not done ---------------------------------------------------------------- */

TestBuffer(TestAround, threads_that_were_not_joined_can_be)
{
	struct vcore_thread *thread = spawn(sleep_forever, NULL);
	struct vcore_eventcount event = {0};
	struct vcore_case cases[] = {joining(thread, NULL), awaiting(&event, 0)};

	check(vcore_select(cases, 2, PAST) == -ETIMEDOUT);
	check(vcore_select(cases, 2, vcore_after(MILLISECOND)) == -ETIMEDOUT);
	check(vcore_thread_join(thread, NULL, PAST) == -ETIMEDOUT);
	vcore_eventcount_advance(&event);
	check(vcore_select(cases, 2, VCORE_NEVER) == 1);
	destroy(thread);
	thread = spawn(sleep_forever, NULL);
	cases[0] = joining(thread, NULL);
	check(vcore_select(cases, 1, vcore_after(MILLISECOND)) == -ETIMEDOUT);
	vcore_thread_destroy(thread);
	check(vcore_select(cases, 1, VCORE_NEVER) == 0);
}
