/*
 * The panics of buffers of either kind: what include/vcore/buffer.h promises, one
 * promise to a test; see buffers.h.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "buffers.h"

static int number; /* of the case */

static void call_without_one(void)
{
	uint64_t message = 0;
	void *cell;

	switch (number) {
	case 0:
		vcore_buffer_send(NULL, &message, PAST);
		break;
	case 1:
		vcore_buffer_receive(NULL, &message, PAST);
		break;
	case 2:
		vcore_buffer_try_send(NULL, &message);
		break;
	case 3:
		vcore_buffer_try_receive(NULL, &message);
		break;
	case 4:
		vcore_buffer_send_many(NULL, &message, 1, PAST);
		break;
	case 5:
		vcore_buffer_receive_many(NULL, &message, 1, PAST);
		break;
	case 6:
		vcore_buffer_reserve(NULL, &cell, PAST);
		break;
	case 7:
		vcore_buffer_commit(NULL, &message);
		break;
	case 8:
		vcore_buffer_cancel(NULL, &message);
		break;
	case 9:
		vcore_buffer_take(NULL, &cell, PAST);
		break;
	case 10:
		vcore_buffer_done(NULL, &message);
		break;
	case 11:
		vcore_buffer_close(NULL);
		break;
	case 12:
		vcore_buffer_count(NULL);
		break;
	default:
		vcore_buffer_allocate(NULL, 1, 1, NULL);
		break;
	}
}

TestBuffer(Test, null_panics)
{
	for (number = 0; number < 14; number++) {
		check(panics_with(call_without_one, "buffer is NULL"));
	}
}

static void allocate_without_capacity(void)
{
	struct vcore_buffer *buffer;

	vcore_buffer_allocate(&buffer, 0, 1, NULL);
}

static void allocate_without_size(void)
{
	struct vcore_buffer *buffer;

	vcore_buffer_allocate(&buffer, 1, 0, NULL);
}

static void call_without_message(void)
{
	struct vcore_buffer *buffer = make_buffer_of_numbers(3);

	switch (number) {
	case 0:
		vcore_buffer_send(buffer, NULL, PAST);
		break;
	case 1:
		vcore_buffer_receive(buffer, NULL, PAST);
		break;
	case 2:
		vcore_buffer_try_send(buffer, NULL);
		break;
	case 3:
		vcore_buffer_try_receive(buffer, NULL);
		break;
	case 4:
		vcore_buffer_send_many(buffer, NULL, 1, PAST);
		break;
	case 5:
		vcore_buffer_receive_many(buffer, NULL, 1, PAST);
		break;
	case 6:
		vcore_buffer_reserve(buffer, NULL, PAST);
		break;
	default:
		vcore_buffer_take(buffer, NULL, PAST);
		break;
	}
}

TestBuffer(Test, null_for_a_message_or_a_cell_panics)
{
	for (number = 0; number < 8; number++) {
		check(panics_with(call_without_message, " is NULL"));
	}
}

TestBuffer(Test, a_capacity_or_a_message_size_of_0_panics)
{
	check(panics_with(allocate_without_capacity, "vcore_buffer_allocate: capacity is 0"));
	check(panics_with(allocate_without_size, "vcore_buffer_allocate: message_size is 0"));
}

/* --- cells -------------------------------------------------------------------------------- */

static struct vcore_buffer *subject;
static void (*give_back)(struct vcore_buffer *buffer, void *cell);

static void *have_cell(void)
{
	subject = make_buffer_of_numbers(3);
	if (give_back == vcore_buffer_done) {
		put(subject, 1);
		return take_now(subject);
	}
	return reserve_now(subject);
}

static void *have_cell_and_wait(void *cell)
{
	__atomic_store_n((void **)cell, have_cell(), __ATOMIC_RELEASE);
	vcore_sleep(VCORE_NEVER);
	return NULL;
}

static void give_back_anothers(void)
{
	void *cell = NULL;

	peer_start(have_cell_and_wait, &cell);
	until(__atomic_load_n(&cell, __ATOMIC_ACQUIRE) != NULL);
	give_back(subject, cell);
}

static void give_back_anothers_inside(void)
{
	run_inside(2, give_back_anothers);
}

static void give_back_twice(void)
{
	void *cell = have_cell();

	give_back(subject, cell);
	give_back(subject, cell);
}

static void give_back_to_another(void)
{
	void *cell = have_cell();

	give_back(make_buffer_of_numbers(3), cell);
}

static void give_back_what_lies_beside(void)
{
	char *cell = have_cell();

	give_back(subject, cell + 1);
}

static void give_back_what_lies_elsewhere(void)
{
	uint64_t elsewhere;

	have_cell();
	give_back(subject, &elsewhere);
}

static void give_back_null(void)
{
	have_cell();
	give_back(subject, NULL);
}

static void give_back_the_other_way(void)
{
	void *cell = have_cell();

	if (give_back == vcore_buffer_done) {
		vcore_buffer_commit(subject, cell);
	} else {
		vcore_buffer_done(subject, cell);
	}
}

TestBuffer(Test, to_give_a_cell_back_that_the_caller_does_not_have_panics)
{
	static const struct {
		void (*call)(struct vcore_buffer *, void *);
		const char *breach;
	} calls[] = {
		{vcore_buffer_commit,
		 "vcore_buffer_commit: the calling thread has not reserved this cell"},
		{vcore_buffer_cancel,
		 "vcore_buffer_cancel: the calling thread has not reserved this cell"},
		{vcore_buffer_done,
		 "vcore_buffer_done: the calling thread has not taken this cell"},
	};

	for (size_t i = 0; i < COUNT_OF(calls); i++) {
		give_back = calls[i].call;
		check(panics_with(give_back_anothers, calls[i].breach));
		check(panics_with(give_back_anothers_inside, calls[i].breach));
		check(panics_with(give_back_twice, calls[i].breach));
		check(panics_with(give_back_to_another, calls[i].breach));
		check(panics_with(give_back_what_lies_beside, calls[i].breach));
		check(panics_with(give_back_what_lies_elsewhere, calls[i].breach));
		check(panics_with(give_back_null, calls[i].breach));
		check(panics_with(give_back_the_other_way, "the calling thread has not "));
	}
}

static void *end_with_cell(void *cell)
{
	*(void **)cell = have_cell();
	return NULL;
}

static void give_back_what_ended(void)
{
	void *cell;

	peer_finish(peer_start(end_with_cell, &cell));
	give_back(subject, cell);
}

TestBuffer(Test, to_give_a_cell_back_whose_thread_has_ended_panics)
{
	give_back = vcore_buffer_commit;
	check(panics_with(give_back_what_ended, "the calling thread has not reserved this cell"));
	give_back = vcore_buffer_done;
	check(panics_with(give_back_what_ended, "the calling thread has not taken this cell"));
}

static void *give_back_wrongly(void *cell)
{
	give_back(subject, cell);
	return NULL;
}

static void end_in_the_hook(void)
{
	uint64_t *cell = have_cell();

	finish(spawn(give_back_wrongly, cell));
	*cell = 5;
	vcore_buffer_commit(subject, cell);
	check(get(subject) == 5);
	vcore_buffer_deallocate(subject);
}

TestBuffer(Test, a_commit_that_panics_has_changed_nothing)
{
	give_back = vcore_buffer_commit;
	run_inside_with(&(struct vcore_runtime_options){.panic = exit_from_the_hook},
			end_in_the_hook);
}

/* --- deallocate --------------------------------------------------------------------------- */

static void deallocate_under_who_waits(void)
{
	struct client client = {.call = (enum call)number, .buffer = make_buffer_of_numbers(3)};

	client_start(&client);
	vcore_buffer_deallocate(client.buffer);
}

static void deallocate_under_who_waits_inside(void)
{
	run_inside(2, deallocate_under_who_waits);
}

TestBuffer(Test, deallocating_panics_if_somebody_waits)
{
	for (number = 0; number < CALLS; number++) {
		const char *breach = is_sent_by((enum call)number)
					     ? "vcore_buffer_deallocate: a thread waits to send"
					     : "vcore_buffer_deallocate: a thread waits to receive";

		check(panics_with(deallocate_under_who_waits, breach));
		check(panics_with(deallocate_under_who_waits_inside, breach));
	}
}

static void deallocate_with_cell(void)
{
	have_cell();
	vcore_buffer_deallocate(subject);
}

TestBuffer(Test, deallocating_panics_if_somebody_has_a_cell)
{
	give_back = vcore_buffer_commit;
	check(panics_with(deallocate_with_cell, "a cell is reserved, or taken"));
	give_back = vcore_buffer_done;
	check(panics_with(deallocate_with_cell, "a cell is reserved, or taken"));
}
