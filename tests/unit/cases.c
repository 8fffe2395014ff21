/*
 * Cases, and those who choose between them; see cases.h.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "cases.h"

static struct vcore_case case_of(enum vcore_case_kind kind)
{
	struct vcore_case that;

	memset(&that, 0xa5, sizeof(that));
	that.kind = kind;
	return that;
}

struct vcore_case sending(struct vcore_buffer *buffer, uint64_t *number)
{
	struct vcore_case that = case_of(VCORE_CASE_SEND);

	that.buffer = buffer;
	that.message = number;
	return that;
}

struct vcore_case receiving(struct vcore_buffer *buffer, uint64_t *number)
{
	struct vcore_case that = case_of(VCORE_CASE_RECEIVE);

	that.buffer = buffer;
	that.message = number;
	return that;
}

struct vcore_case awaiting(struct vcore_eventcount *event, int64_t value)
{
	struct vcore_case that = case_of(VCORE_CASE_AWAIT);

	that.event = event;
	that.value = value;
	return that;
}

struct vcore_case joining(struct vcore_thread *thread, struct vcore_exit *exit)
{
	struct vcore_case that = case_of(VCORE_CASE_JOIN);

	that.thread = thread;
	that.exit = exit;
	return that;
}

/* --- one case of each kind ------------------------------------------------------------------ */

enum { SENT = 11, RECEIVED = 22 };

static void *wait_and_return_it(void *choice)
{
	yield_until(&((struct choice *)choice)->go);
	return choice;
}

void choice_begin(struct choice *choice)
{
	memset(choice, 0, sizeof(*choice));
	choice->full = make_buffer_of_numbers(2);
	choice->empty = make_buffer_of_numbers(2);
	choice->thread = spawn(wait_and_return_it, choice);
	choice->sent = SENT;
	choice->cases[VCORE_CASE_SEND] = sending(choice->full, &choice->sent);
	choice->cases[VCORE_CASE_RECEIVE] = receiving(choice->empty, &choice->received);
	choice->cases[VCORE_CASE_AWAIT] = awaiting(&choice->event, 0);
	choice->cases[VCORE_CASE_JOIN] = joining(choice->thread, &choice->exit);
}

void choice_end(struct choice *choice)
{
	if (choice->thread != NULL) {
		set_flag(&choice->go);
		finish(choice->thread);
	}
	vcore_buffer_deallocate(choice->full);
	vcore_buffer_deallocate(choice->empty);
}

void choice_enable(struct choice *choice, enum vcore_case_kind kind)
{
	choice->enabled[kind] = true;
	switch (kind) {
	case VCORE_CASE_SEND:
		drain(choice->full, 1);
		break;
	case VCORE_CASE_RECEIVE:
		put(choice->empty, RECEIVED);
		break;
	case VCORE_CASE_AWAIT:
		vcore_eventcount_advance(&choice->event);
		break;
	default:
		set_flag(&choice->go);
		break;
	}
}

static bool is_left(const struct choice *choice, enum vcore_case_kind kind, int done)
{
	return choice->enabled[kind] && done != (int)kind;
}

void choice_check(struct choice *choice, int done)
{
	check(done == -ETIMEDOUT || choice->enabled[done]);
	check(done == -ETIMEDOUT || choice->cases[done].status == 0);
	check(vcore_buffer_count(choice->full) == ROOM(2) - is_left(choice, VCORE_CASE_SEND, done));
	check(vcore_buffer_count(choice->empty) == is_left(choice, VCORE_CASE_RECEIVE, done));
	check(choice->received == (done == VCORE_CASE_RECEIVE ? RECEIVED : 0));
	if (done == VCORE_CASE_JOIN) {
		check(choice->exit.how == VCORE_RETURNED && choice->exit.result == choice);
		choice->thread = NULL;
	}
	check((choice->exit.result != NULL) == (done == VCORE_CASE_JOIN));
}

/* --- choosers ------------------------------------------------------------------------------- */

void *choose(void *argument)
{
	struct chooser *chooser = argument;
	vcore_instant deadline = chooser->deadline != 0 ? chooser->deadline : VCORE_NEVER;

	for (size_t i = 0; i < chooser->n; i++) {
		if (chooser->cases[i].kind == VCORE_CASE_SEND) {
			fill(chooser->cases[i].buffer);
		}
	}
	atomic_store(&chooser->tid, thread_id_of_kernel());
	chooser->result = vcore_select(chooser->cases, chooser->n, deadline);
	atomic_store(&chooser->over, true);
	return NULL;
}

bool chooser_waits(struct chooser *chooser)
{
	pid_t tid = atomic_load(&chooser->tid);

	return chooser->peer.thread != NULL
		       ? is_waiting_for(chooser->peer.thread, VCORE_WAIT_SELECT)
		       : tid != 0 && is_asleep(tid);
}

/* On a slow machine its deadline may be over before it is seen. */
static void until_it_waits(struct chooser *chooser)
{
	until(atomic_load(&chooser->over) || chooser_waits(chooser));
}

void chooser_start(struct chooser *chooser)
{
	chooser->peer = peer_start(choose, chooser);
	until_it_waits(chooser);
}

void chooser_start_pthread(struct chooser *chooser)
{
	chooser->peer = (struct peer){.pthread = start_pthread(choose, chooser)};
	until_it_waits(chooser);
}

int chooser_finish(struct chooser *chooser)
{
	peer_finish(chooser->peer);
	return chooser->result;
}
