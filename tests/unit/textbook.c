/*
 * The textbook's names: what include/vcore/textbook.h promises, one promise to a
 * test.  What the calls behind them promise is tested with those.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "support.h"

#ifdef VCORE_TEXTBOOK_H
#error "vcore.h includes it"
#endif
#include <vcore/textbook.h>

TestSuite(textbook, .timeout = 100);

/* --- threads ------------------------------------------------------------------------- */

static struct vcore_eventcount begun, ended; /* set to zero by who uses them */

static void start_counting(void)
{
	memset(&begun, 0, sizeof(begun));
	memset(&ended, 0, sizeof(ended));
}

static bool is_there(uint64_t id)
{
	struct vcore_thread_info info;

	return look_at(id, &info);
}

static bool waits_for(uint64_t id, enum vcore_wait_kind kind)
{
	struct vcore_thread_info info;

	return look_at(id, &info) && info.state == VCORE_THREAD_WAITING && info.wait == kind;
}

static void *store_own_id(void *id)
{
	*(uint64_t *)id = vcore_thread_id(vcore_thread_self());
	ADVANCE(&ended);
	return NULL;
}

TestAround(textbook, allocate_thread_runs_the_procedure_and_returns_the_id_of_its_thread)
{
	uint64_t id, own_id = 0;

	start_counting();
	id = ALLOCATE_THREAD(store_own_id, &own_id);
	AWAIT(&ended, 0);
	check(id != 0 && own_id == id);
}

TestAround(textbook, a_thread_that_has_ended_is_forgotten)
{
	uint64_t id, own_id;

	start_counting();
	id = ALLOCATE_THREAD(store_own_id, &own_id);
	until(!is_there(id));
	check(own_id == id);
}

static void advance(void *event)
{
	ADVANCE(event);
}

static void *exit_at_once(void *unused)
{
	struct vcore_cleanup cleanup;

	vcore_cleanup_push(&cleanup, advance, &ended);
	EXIT_THREAD();
	check(unused != NULL && false);
}

TestAround(textbook, exit_thread_ends_the_caller_with_its_cleanups)
{
	start_counting();
	ALLOCATE_THREAD(exit_at_once, NULL);
	AWAIT(&ended, 0);
}

static struct vcore_eventcount never;

/* Whether the thread that makes the call is destroyed while it waits in it. */
static void check_is_destroyed(void *(*call)(void *), void *argument, enum vcore_wait_kind kind)
{
	uint64_t id = ALLOCATE_THREAD(call, argument);

	until(waits_for(id, kind));
	DESTROY_THREAD(id);
	until(!is_there(id));
}

static void *await_never(void *unused)
{
	AWAIT(&never, 0);
	check(unused != NULL && false);
	return NULL;
}

static void *acquire(void *lock)
{
	ACQUIRE(lock);
	check(false);
	return NULL;
}

static void *send_zero(void *buffer)
{
	int64_t zero = 0;

	SEND(buffer, &zero);
	check(false);
	return NULL;
}

static void *receive_any(void *buffer)
{
	int64_t any;

	RECEIVE(buffer, &any);
	check(false);
	return NULL;
}

TestAround(textbook, destroy_thread_ends_one_that_waits)
{
	struct vcore_buffer *buffer = ALLOCATE_BOUNDED_BUFFER(1, sizeof(int64_t));
	struct vcore_lock lock = {0};
	int64_t message = 1;

	check_is_destroyed(await_never, NULL, VCORE_WAIT_EVENTCOUNT);
	ACQUIRE(&lock);
	check_is_destroyed(acquire, &lock, VCORE_WAIT_LOCK);
	RELEASE(&lock);
	check_is_destroyed(receive_any, buffer, VCORE_WAIT_RECEIVE);
	SEND(buffer, &message);
	check_is_destroyed(send_zero, buffer, VCORE_WAIT_SEND);
	DEALLOCATE_BOUNDED_BUFFER(buffer);
}

TestAround(textbook, destroy_thread_of_one_that_has_ended_has_no_effect)
{
	uint64_t id, own_id;

	start_counting();
	id = ALLOCATE_THREAD(store_own_id, &own_id);
	until(!is_there(id));
	DESTROY_THREAD(id);
	DESTROY_THREAD(id);
}

static void *destroy_oneself(void *unused)
{
	struct vcore_cleanup cleanup;

	vcore_cleanup_push(&cleanup, advance, &ended);
	DESTROY_THREAD(vcore_thread_id(vcore_thread_self()));
	check(unused != NULL && false);
	return NULL;
}

TestAround(textbook, destroy_thread_of_oneself_does_not_return)
{
	start_counting();
	ALLOCATE_THREAD(destroy_oneself, NULL);
	AWAIT(&ended, 0);
}

static void allocate_on_a_pthread(void)
{
	ALLOCATE_THREAD(do_nothing, NULL);
}

static void destroy_on_a_pthread(void)
{
	DESTROY_THREAD(1);
}

static void exit_on_a_pthread(void)
{
	EXIT_THREAD();
}

Test(textbook, calls_on_threads_panic_on_a_pthread)
{
	cr_assert(panics_with(allocate_on_a_pthread, "runtime"));
	cr_assert(panics_with(destroy_on_a_pthread, "runtime"));
	cr_assert(panics_with(exit_on_a_pthread, "not a vcore thread"));
}

static void *note_twice(void *journal)
{
	note(journal, 'a');
	YIELD();
	note(journal, 'b');
	return NULL;
}

static bool take_turns(void)
{
	struct journal journal = {0};

	ALLOCATE_THREAD(note_twice, &journal);
	ALLOCATE_THREAD(note_twice, &journal);
	until(atomic_load(&journal.length) == 4);
	return strcmp(journal.text, "aabb") == 0;
}

TestInTurns(textbook, yield_lets_others_run)
{
	mostly(take_turns);
}

/* --- eventcounts, sequencers, locks ------------------------------------------------------ */

TestEverywhere(textbook, ticket_returns_0_1_2)
{
	struct vcore_sequencer sequencer = {0};

	check(TICKET(&sequencer) == 0);
	check(TICKET(&sequencer) == 1);
	check(TICKET(&sequencer) == 2);
}

static void *await_two(void *event)
{
	ADVANCE(&begun);
	AWAIT(event, 1);
	check(vcore_eventcount_read(event) > 1);
	return NULL;
}

TestEverywhere(textbook, await_waits_until_the_count_exceeds_the_value)
{
	struct vcore_eventcount event = {0};
	struct peer peer;

	start_counting();
	AWAIT(&event, -1);
	peer = peer_start(await_two, &event);
	AWAIT(&begun, 0);
	ADVANCE(&event);
	check(vcore_eventcount_read(&event) == 1);
	ADVANCE(&event);
	peer_finish(peer);
}

enum { ROUNDS = 1000 };

static struct vcore_lock lock;
static int counter; /* guarded by lock */

static void *count_up(void *unused)
{
	for (int i = 0; i < ROUNDS; i++) {
		int seen;

		ACQUIRE(&lock);
		seen = counter;
		YIELD();
		counter = seen + 1;
		RELEASE(&lock);
	}
	return unused;
}

TestEverywhere(textbook, one_at_a_time_is_between_acquire_and_release)
{
	struct peer peer;

	counter = 0;
	peer = peer_start(count_up, NULL);
	count_up(NULL);
	peer_finish(peer);
	check(counter == 2 * ROUNDS);
}

/* --- bounded buffers ----------------------------------------------------------------------- */

TestEverywhere(textbook, a_buffer_holds_n_messages_that_are_copied)
{
	struct vcore_buffer *buffer = ALLOCATE_BOUNDED_BUFFER(3, 5);
	char message[6] = "one..";

	SEND(buffer, message);
	memcpy(message, "two..", 5);
	SEND(buffer, message);
	memcpy(message, "three", 5);
	SEND(buffer, message);
	check(!vcore_buffer_try_send(buffer, message));
	RECEIVE(buffer, message);
	check(strcmp(message, "one..") == 0);
	RECEIVE(buffer, message);
	check(strcmp(message, "two..") == 0);
	RECEIVE(buffer, message);
	check(strcmp(message, "three") == 0);
	check(!vcore_buffer_try_receive(buffer, message));
	DEALLOCATE_BOUNDED_BUFFER(buffer);
}

static void *send_numbers(void *buffer)
{
	for (int i = 0; i < ROUNDS; i++) {
		SEND(buffer, &i);
	}
	return NULL;
}

TestEverywhere(textbook, send_waits_for_room_and_receive_for_a_message)
{
	struct vcore_buffer *buffer = ALLOCATE_BOUNDED_BUFFER(1, sizeof(int));
	struct peer peer = peer_start(send_numbers, buffer);

	for (int i = 0; i < ROUNDS; i++) {
		int number;

		RECEIVE(buffer, &number);
		check(number == i);
	}
	peer_finish(peer);
	DEALLOCATE_BOUNDED_BUFFER(buffer);
}

/* --- address spaces ------------------------------------------------------------------------- */

TestEverywhere(textbook, a_block_in_two_spaces_is_shared)
{
	struct vcore_space *one = CREATE_ADDRESS_SPACE();
	struct vcore_space *other = CREATE_ADDRESS_SPACE();
	struct vcore_block *block = ALLOCATE_BLOCK(10000);
	char *here = MAP(one, block);
	char *there = MAP(other, block);

	check(here != there && there[9999] == 0);
	strcpy(here, "shared");
	check(strcmp(there, "shared") == 0);
	UNMAP(one, here);
	DELETE_ADDRESS_SPACE(one);
	there[9999] = 1;
	UNMAP(other, there);
	DELETE_ADDRESS_SPACE(other);
	FREE_BLOCK(block);
}

/* --- what the book does not know: errors --------------------------------------------------- */

/* Whether the body, in a child, aborts having said that and nothing else. */
static bool aborts_with(void (*body)(void), const char *text)
{
	static struct outcome outcome;

	run_child(&outcome, body);
	if (killed_by(&outcome, SIGABRT) && strcmp(outcome.text, text) == 0) {
		return true;
	}
	fprintf(stderr, "not \"%s\", but %d: %s\n", text, outcome.status, outcome.text);
	return false;
}

static void free_a_mapped_block(void)
{
	struct vcore_block *block = ALLOCATE_BLOCK(1);

	MAP(CREATE_ADDRESS_SPACE(), block);
	FREE_BLOCK(block);
}

static void unmap_nothing(void)
{
	UNMAP(CREATE_ADDRESS_SPACE(), NULL);
}

static void allocate_a_block_of_nothing(void)
{
	ALLOCATE_BLOCK(0);
}

static void map_what_is_too_large(void)
{
	MAP(CREATE_ADDRESS_SPACE(), ALLOCATE_BLOCK((size_t)1 << 40));
}

static struct vcore_buffer *closed_buffer(void)
{
	struct vcore_buffer *buffer = ALLOCATE_BOUNDED_BUFFER(1, 1);

	vcore_buffer_close(buffer);
	return buffer;
}

static void send_to_a_closed_one(void)
{
	SEND(closed_buffer(), "");
}

static void receive_from_a_closed_one(void)
{
	char message;

	RECEIVE(closed_buffer(), &message);
}

static void allocate_too_much(void)
{
	ALLOCATE_BOUNDED_BUFFER(SIZE_MAX / 2, 16);
}

static void *allocate_when_stopped(void *unused)
{
	vcore_destroy_disable();
	vcore_runtime_stop(vcore_runtime_self());
	ALLOCATE_THREAD(do_nothing, NULL);
	return unused;
}

static void allocate_too_late(void)
{
	vcore_run(NULL, allocate_when_stopped, NULL, NULL);
}

Test(textbook, what_fails_says_so_and_aborts)
{
	cr_assert(aborts_with(send_to_a_closed_one, "SEND: Broken pipe\n"));
	cr_assert(aborts_with(receive_from_a_closed_one, "RECEIVE: Broken pipe\n"));
	cr_assert(aborts_with(allocate_too_much,
			      "ALLOCATE_BOUNDED_BUFFER: Cannot allocate memory\n"));
	cr_assert(aborts_with(allocate_too_late,
			      "ALLOCATE_THREAD: Cannot send after transport endpoint shutdown\n"));
	cr_assert(aborts_with(free_a_mapped_block, "FREE_BLOCK: Device or resource busy\n"));
	cr_assert(aborts_with(unmap_nothing, "UNMAP: No such file or directory\n"));
	cr_assert(aborts_with(allocate_a_block_of_nothing, "ALLOCATE_BLOCK: Invalid argument\n"));
	cr_assert(aborts_with(map_what_is_too_large, "MAP: No space left on device\n"));
}
