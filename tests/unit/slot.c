/*
 * Slots: what include/vcore/slot.h promises, one promise to a test.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "support.h"

TestSuite(slot, .timeout = 100);

static struct vcore_slot create(void (*destructor)(void *))
{
	struct vcore_slot slot;

	check(vcore_slot_create(&slot, destructor) == 0);
	return slot;
}

static void delete(struct vcore_slot slot)
{
	check(vcore_slot_delete(slot) == 0);
}

static void set(struct vcore_slot slot, void *value)
{
	check(vcore_slot_set(slot, value) == 0);
}

TestEverywhere(slot, a_new_slot_is_null)
{
	struct vcore_slot slot = create(NULL);

	check(vcore_slot_get(slot) == NULL);
	delete (slot);
}

TestEverywhere(slot, what_was_set_is_got)
{
	struct vcore_slot slot = create(NULL);
	int one, other;

	set(slot, &one);
	check(vcore_slot_get(slot) == &one);
	set(slot, &other);
	check(vcore_slot_get(slot) == &other);
	set(slot, NULL);
	check(vcore_slot_get(slot) == NULL);
	delete (slot);
}

enum { KEEPERS = 8, KEPT = 6 };

struct keeper {
	const struct vcore_slot *slots;
	char values[KEPT];
};

/* More slots than lie in the thread itself, over yields and sleeps. */
static void *keep_own_values(void *argument)
{
	struct keeper *keeper = argument;

	for (int i = 0; i < KEPT; i++) {
		check(vcore_slot_get(keeper->slots[i]) == NULL);
		set(keeper->slots[i], &keeper->values[i]);
	}
	for (int round = 0; round < 20; round++) {
		if (round % 5 == 0) {
			vcore_sleep(vcore_after(MILLISECOND / 10));
		}
		vcore_yield();
		for (int i = 0; i < KEPT; i++) {
			check(vcore_slot_get(keeper->slots[i]) == &keeper->values[i]);
		}
	}
	return NULL;
}

TestEverywhere(slot, every_thread_has_its_own_values_wherever_it_runs)
{
	struct vcore_slot slots[KEPT];
	struct keeper keepers[KEEPERS];
	struct peer peers[KEEPERS];

	for (int i = 0; i < KEPT; i++) {
		slots[i] = create(NULL);
	}
	for (int i = 0; i < KEEPERS; i++) {
		keepers[i].slots = slots;
		peers[i] = peer_start(keep_own_values, &keepers[i]);
	}
	for (int i = 0; i < KEEPERS; i++) {
		peer_finish(peers[i]);
	}
	for (int i = 0; i < KEPT; i++) {
		delete (slots[i]);
	}
}

/* Used by destructors, which get nothing but the value. */
static struct vcore_slot current;
static struct journal journal;

static void note_letter(void *letter)
{
	check(vcore_slot_get(current) == NULL);
	note(&journal, *(char *)letter);
}

static void *set_and_return(void *letter)
{
	set(current, letter);
	return NULL;
}

static void *set_and_exit(void *letter)
{
	set(current, letter);
	if (vcore_thread_self() == NULL) {
		pthread_exit(NULL);
	}
	vcore_thread_exit(NULL);
}

static void *set_and_be_destroyed(void *letter)
{
	set(current, letter);
	vcore_thread_destroy(vcore_thread_self());
	return NULL;
}

static void start_anew(void (*destructor)(void *))
{
	memset(&journal, 0, sizeof(journal));
	current = create(destructor);
}

TestEverywhere(slot, the_destructor_gets_the_value_when_the_thread_returns)
{
	char letter = 'r';

	start_anew(note_letter);
	peer_finish(peer_start(set_and_return, &letter));
	check(strcmp(journal.text, "r") == 0);
	delete (current);
}

TestEverywhere(slot, the_destructor_gets_the_value_when_the_thread_exits)
{
	char letter = 'e';

	start_anew(note_letter);
	peer_finish(peer_start(set_and_exit, &letter));
	check(strcmp(journal.text, "e") == 0);
	delete (current);
}

TestAround(slot, the_destructor_gets_the_value_when_the_thread_is_destroyed)
{
	char letter = 'd';

	start_anew(note_letter);
	check(fate(spawn(set_and_be_destroyed, &letter)) == VCORE_DESTROYED);
	check(strcmp(journal.text, "d") == 0);
	delete (current);
}

static void *set_null_again(void *letter)
{
	set(current, letter);
	set(current, NULL);
	return NULL;
}

TestEverywhere(slot, no_destructor_is_called_for_null)
{
	char letter = 'n';

	start_anew(note_letter);
	peer_finish(peer_start(set_null_again, &letter));
	check(strcmp(journal.text, "") == 0);
	delete (current);
}

static void *set_with_other_value(void *argument)
{
	set(current, argument);
	return NULL;
}

TestEverywhere(slot, a_slot_without_destructor_is_forgotten)
{
	char letter = 'f';

	start_anew(NULL);
	peer_finish(peer_start(set_with_other_value, &letter));
	check(vcore_slot_get(current) == NULL);
	delete (current);
}

static void set_again(void *letter)
{
	note_letter(letter);
	set(current, letter);
}

TestEverywhere(slot, destructors_that_set_again_are_called_four_times)
{
	char letter = 'x';

	start_anew(set_again);
	peer_finish(peer_start(set_and_return, &letter));
	check(strcmp(journal.text, "xxxx") == 0);
	delete (current);
}

static struct vcore_slot many[KEPT];

static void count_call(void *counter)
{
	atomic_fetch_add((atomic_int *)counter, 1);
}

static void *set_many(void *counter)
{
	for (int i = 0; i < KEPT; i++) {
		set(many[i], counter);
	}
	return NULL;
}

TestEverywhere(slot, destructors_of_a_fifth_slot_and_more_are_called)
{
	atomic_int calls = 0;

	for (int i = 0; i < KEPT; i++) {
		many[i] = create(count_call);
	}
	peer_finish(peer_start(set_many, &calls));
	check(calls == KEPT);
	for (int i = 0; i < KEPT; i++) {
		delete (many[i]);
	}
}

TestEverywhere(slot, deleting_calls_no_destructor)
{
	char letter = 'k';

	start_anew(note_letter);
	set(current, &letter);
	delete (current);
	check(strcmp(journal.text, "") == 0);
}

static void *set_and_delete(void *letter)
{
	set(current, letter);
	delete (current);
	return NULL;
}

TestEverywhere(slot, the_end_of_a_thread_calls_no_destructor_of_a_deleted_slot)
{
	char letter = 'z';

	start_anew(note_letter);
	peer_finish(peer_start(set_and_delete, &letter));
	check(strcmp(journal.text, "") == 0);
}

TestEverywhere(slot, a_deleted_slot_reads_as_null)
{
	struct vcore_slot slot = create(NULL);

	set(slot, &slot);
	delete (slot);
	check(vcore_slot_get(slot) == NULL);
}

TestEverywhere(slot, a_deleted_slot_cannot_be_set)
{
	struct vcore_slot slot = create(NULL);

	delete (slot);
	check(vcore_slot_set(slot, &slot) == -EINVAL);
}

TestEverywhere(slot, a_deleted_slot_cannot_be_deleted)
{
	struct vcore_slot slot = create(NULL);

	delete (slot);
	check(vcore_slot_delete(slot) == -EINVAL);
}

Test(slot, zero_bytes_are_no_slot)
{
	struct vcore_slot none = {0};

	cr_assert_null(vcore_slot_get(none));
	cr_assert_eq(vcore_slot_set(none, &none), -EINVAL);
	cr_assert_eq(vcore_slot_delete(none), -EINVAL);
}

/* The place of a deleted slot may be used again, its values may not. */
TestEverywhere(slot, a_slot_created_after_a_deleted_one_is_null)
{
	for (int i = 0; i < 2 * VCORE_SLOTS_MAX; i++) {
		struct vcore_slot slot = create(NULL);

		check(vcore_slot_get(slot) == NULL);
		set(slot, &slot);
		delete (slot);
	}
}

TestEverywhere(slot, there_are_256_slots_and_no_more)
{
	struct vcore_slot slots[VCORE_SLOTS_MAX], more = {7, 7};

	check(VCORE_SLOTS_MAX == 256);
	for (int i = 0; i < VCORE_SLOTS_MAX; i++) {
		slots[i] = create(NULL);
		set(slots[i], &slots[i]);
	}
	check(vcore_slot_create(&more, NULL) == -EAGAIN);
	check(more.index_ == 7 && more.generation_ == 7);
	for (int i = 0; i < VCORE_SLOTS_MAX; i++) {
		check(vcore_slot_get(slots[i]) == &slots[i]);
		delete (slots[i]);
	}
	delete (create(NULL));
}

static void *be_the_green_one(void *unused)
{
	(void)unused;
	check(vcore_slot_get(current) == NULL);
	set(current, &journal);
	return vcore_slot_get(current);
}

/* A server's own value is not that of the threads that it runs. */
Test(slot, a_serving_pthread_keeps_its_own_value)
{
	struct vcore_thread_options pinned = {.flags = VCORE_THREAD_PINNED, .processor = 1};
	struct vcore_thread *thread;
	int mine;

	start_anew(NULL);
	runtime_start(&(struct vcore_runtime_options){.processors = 1});
	set(current, &mine);
	thread = spawn_with(pinned, be_the_green_one, NULL);
	cr_assert_eq(vcore_runtime_serve(runtime, PAST), 0);
	cr_assert_eq(vcore_slot_get(current), &mine);
	cr_assert_eq(finish(thread), &journal);
	runtime_finish();
}
