/*
 * Threads: what include/vcore/thread.h promises of allocating, joining,
 * detaching and of names, ids and stacks, one promise to a test.  Who runs
 * next is in thread-order.c, destroy and cleanups in thread-destroy.c, what
 * belongs to a thread (errno, processor, ...) in thread-state.c.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "support.h"

#include <alloca.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

TestSuite(thread, .timeout = 100);

TestAround(thread, a_thread_runs_its_entry_and_join_tells_its_result)
{
	struct vcore_exit exit;
	int argument;

	check(vcore_thread_join(spawn(do_nothing, &argument), &exit, VCORE_NEVER) == 0);
	check(exit.how == VCORE_RETURNED);
	check(exit.result == &argument);
}

static void *set_value(void *value)
{
	*(int *)value += 1;
	return NULL;
}

Test(thread, a_pthread_allocates_and_joins)
{
	runtime_start(NULL);
	cr_assert_eq(finish(spawn(do_nothing, &runtime)), &runtime);
	runtime_finish();
}

TestAround(thread, what_was_done_before_allocate_is_seen_and_what_it_did_is_seen_by_its_joiner)
{
	for (int i = 0; i < 1000; i++) {
		int value = i;

		finish(spawn(set_value, &value));
		check(value == i + 1);
	}
}

TestInside(thread, allocate_does_not_run_the_thread_yet)
{
	int value = 0;
	struct vcore_thread *thread = spawn(set_value, &value);

	check(value == 0);
	finish(thread);
}

TestInside(thread, without_options_it_is_a_thread_of_the_callers_runtime)
{
	struct vcore_thread *thread;
	struct vcore_thread_info info;

	check(vcore_thread_allocate(&thread, NULL, do_nothing, NULL) == 0);
	check(look_at(vcore_thread_id(thread), &info));
	finish(thread);
}

TestInside(thread, without_a_runtime_it_is_a_thread_of_the_callers_runtime)
{
	struct vcore_thread_options options = {.name = "child"};
	struct vcore_thread *thread;
	struct vcore_thread_info info;

	check(vcore_thread_allocate(&thread, &options, do_nothing, NULL) == 0);
	check(look_at(vcore_thread_id(thread), &info));
	finish(thread);
}

static void *advance_event(void *event)
{
	vcore_eventcount_advance(event);
	return NULL;
}

TestAround(thread, without_a_handle_they_are_detached_and_all_run)
{
	static struct vcore_eventcount ended;
	int64_t before = vcore_eventcount_read(&ended);

	for (int i = 0; i < 10000; i++) {
		check(vcore_thread_allocate(NULL, NULL, advance_event, &ended) == 0);
	}
	check(vcore_eventcount_await(&ended, before + 9999, VCORE_NEVER) == 0);
}

TestInside(thread, allocate_without_entry_panics, .signal = SIGABRT)
{
	vcore_thread_allocate(NULL, NULL, NULL, NULL);
}

Test(thread, allocate_from_a_pthread_without_options_panics, .signal = SIGABRT)
{
	vcore_thread_allocate(NULL, NULL, do_nothing, NULL);
}

Test(thread, allocate_from_a_pthread_without_a_runtime_panics, .signal = SIGABRT)
{
	struct vcore_thread_options options = {.name = "lost"};

	vcore_thread_allocate(NULL, &options, do_nothing, NULL);
}

/* What allocate answers; on failure the handle must be as it was. */
static int try_to_allocate(const struct vcore_thread_options *options)
{
	struct vcore_thread *const untouched = (struct vcore_thread *)&runtime;
	struct vcore_thread *thread = untouched;
	int error = vcore_thread_allocate(&thread, options, do_nothing, NULL);

	if (error == 0) {
		finish(thread);
	} else {
		check(thread == untouched);
	}
	return error;
}

TestInside(thread, priorities_go_from_minus_eight_to_seven)
{
	struct vcore_thread_options options = {0};

	for (options.priority = -10; options.priority <= 10; options.priority++) {
		bool in_range = options.priority >= VCORE_PRIORITY_MIN &&
				options.priority <= VCORE_PRIORITY_MAX;

		check(try_to_allocate(&options) == (in_range ? 0 : -EINVAL));
	}
	check(VCORE_PRIORITY_MIN == -8 && VCORE_PRIORITY_MAX == 7);
}

TestInside(thread, unknown_flags_are_refused)
{
	check(try_to_allocate(&(struct vcore_thread_options){.flags = 1u << 4}) == -EINVAL);
	check(try_to_allocate(&(struct vcore_thread_options){.flags = 1u << 31}) == -EINVAL);
}

TestInside(thread, all_flags_are_accepted)
{
	struct vcore_thread_options options = {
		.flags = VCORE_THREAD_LIGHT | VCORE_THREAD_DESTROY_ANYWHERE | VCORE_THREAD_FPENV |
			 VCORE_THREAD_PINNED,
	};

	check(try_to_allocate(&options) == 0);
}

Test(thread, pinning_to_a_processor_beyond_the_servers_is_refused)
{
	struct vcore_thread_options options = {.flags = VCORE_THREAD_PINNED};

	runtime_start(&(struct vcore_runtime_options){.processors = 2, .servers = 3});
	options.runtime = runtime;
	options.processor = 1;
	cr_assert_eq(try_to_allocate(&options), 0);
	options.processor = 5;
	cr_assert_eq(try_to_allocate(&options), -EINVAL);
	options.processor = UINT32_MAX;
	cr_assert_eq(try_to_allocate(&options), -EINVAL);
	runtime_finish();
}

TestInside(thread, a_stack_may_have_a_gibibyte)
{
	check(try_to_allocate(&(struct vcore_thread_options){.stack_size = 1u << 30}) == 0);
}

TestInside(thread, a_stack_above_a_gibibyte_is_refused)
{
	struct vcore_thread_options options = {.stack_size = (1u << 30) + 1};

	check(try_to_allocate(&options) == -EINVAL);
	options.stack_size = SIZE_MAX;
	check(try_to_allocate(&options) == -EINVAL);
}

/* Options as a later release might have them. */
struct later_options {
	struct vcore_thread_options known;
	long unknown;
};

TestInside(thread, options_of_a_later_release_are_accepted_if_unused)
{
	struct later_options options = {.known.size = sizeof(options)};

	check(try_to_allocate(&options.known) == 0);
}

TestInside(thread, options_of_a_later_release_are_refused_if_used)
{
	struct later_options options = {.known.size = sizeof(options), .unknown = 1};

	check(try_to_allocate(&options.known) == -E2BIG);
}

/* What lies beyond the size is not looked at: here an invalid priority. */
TestInside(thread, options_of_an_earlier_release_are_accepted)
{
	struct vcore_thread_options options = {
		.size = offsetof(struct vcore_thread_options, priority),
		.priority = 100,
	};

	check(try_to_allocate(&options) == 0);
	options.size = 0;
	check(try_to_allocate(&options) == -EINVAL);
}

/* In a child, which may then be as short of memory as it likes. */
static void allocate_beyond_memory(void)
{
	struct vcore_eventcount never = VCORE_EVENTCOUNT_INITIALIZER;
	struct vcore_thread_options options = {.stack_size = 1u << 30};
	struct vcore_statistics statistics = {.size = sizeof(statistics)};
	struct rlimit limit = {INT64_C(1) << 29, INT64_C(1) << 29};

	runtime_start(&without_ticks); /* nor is a spare made, which takes some: TestInShortage */
	options.runtime = runtime;
	finish(spawn(do_nothing, NULL));
	/* What a pthread needs to wait is made when it first does. */
	check(vcore_eventcount_await(&never, 0, vcore_after(100 * MILLISECOND)) == -ETIMEDOUT);
	check(setrlimit(RLIMIT_AS, &limit) == 0);
	check(try_to_allocate(&options) == -ENOMEM);
	check(vcore_inspect_runtime(runtime, &statistics) == 0);
	check(statistics.limit != NULL && strcmp(statistics.limit, "memory") == 0);
	check(statistics.threads == 0);
	finish(spawn(do_nothing, NULL));
	runtime_finish();
}

Test(thread, without_memory_for_its_stack_allocate_says_so_and_loses_nothing)
{
	static struct outcome outcome;

	run_child(&outcome, allocate_beyond_memory);
	cr_assert(exited_with(&outcome, 0));
}

TestEverywhere(thread, join_times_out_and_leaves_the_handle_valid)
{
	struct vcore_runtime *const outer = runtime;
	atomic_bool go = false;
	struct vcore_thread *thread;
	vcore_instant deadline;

	if (outer == NULL) {
		runtime_start(NULL);
	}
	thread = spawn_with((struct vcore_thread_options){.name = "slow"}, yield_until, &go);
	deadline = vcore_after(5 * MILLISECOND);
	check(vcore_thread_join(thread, NULL, PAST) == -ETIMEDOUT);
	check(vcore_thread_join(thread, NULL, deadline) == -ETIMEDOUT);
	check(vcore_now() >= deadline);
	check(strcmp(vcore_thread_name(thread), "slow") == 0);
	atomic_store(&go, true);
	finish(thread);
	if (outer == NULL) {
		runtime_finish();
	}
}

static bool has_ended(struct vcore_thread *thread)
{
	struct vcore_thread_info info;

	return look_at(vcore_thread_id(thread), &info) && info.state == VCORE_THREAD_ENDED;
}

TestAround(thread, an_ended_thread_is_kept_and_joined_without_waiting)
{
	struct vcore_thread *thread = spawn(do_nothing, &runtime);
	struct vcore_exit exit;

	until(has_ended(thread));
	check(vcore_thread_join(thread, &exit, PAST) == 0);
	check(exit.result == &runtime);
}

TestAround(thread, join_does_not_need_an_exit)
{
	check(vcore_thread_join(spawn(do_nothing, NULL), NULL, VCORE_NEVER) == 0);
}

static void *join_it(void *thread)
{
	vcore_thread_join(thread, NULL, VCORE_NEVER);
	return NULL;
}

TestInside(thread, a_second_joiner_panics, .signal = SIGABRT)
{
	struct vcore_thread *thread = spawn(sleep_forever, NULL);
	struct vcore_thread *first = spawn(join_it, thread);

	until(is_waiting(first));
	vcore_thread_join(thread, NULL, VCORE_NEVER);
}

TestInside(thread, joining_what_was_joined_panics, .signal = SIGABRT)
{
	struct vcore_thread *thread = spawn(do_nothing, NULL);

	finish(thread);
	vcore_thread_join(thread, NULL, PAST);
}

static void *join_oneself(void *unused)
{
	vcore_thread_join(vcore_thread_self(), NULL, VCORE_NEVER);
	return unused;
}

/* Nobody else joins it: it must be the first joiner who panics. */
Test(thread, joining_oneself_panics, .signal = SIGABRT)
{
	runtime_start(NULL);
	spawn(join_oneself, NULL);
	vcore_sleep(vcore_after(5 * SECOND));
}

TestAround(thread, a_destroyed_joiner_leaves_the_thread_to_another)
{
	atomic_bool go = false;
	struct vcore_thread *thread = spawn(yield_until, &go);
	struct vcore_thread *joiner = spawn(join_it, thread);

	until(is_waiting(joiner));
	vcore_thread_destroy(joiner);
	check(fate(joiner) == VCORE_DESTROYED);
	atomic_store(&go, true);
	finish(thread);
}

TestAround(thread, a_detached_thread_runs_to_its_end)
{
	struct vcore_eventcount event = {0};
	struct vcore_thread *thread = spawn(advance_event, &event);

	check(vcore_thread_detach(thread) == 0);
	check(vcore_eventcount_await(&event, 0, VCORE_NEVER) == 0);
}

TestAround(thread, a_detached_thread_is_forgotten_when_it_ends)
{
	atomic_bool go = false;
	struct vcore_thread *thread = spawn(yield_until, &go);
	uint64_t id = vcore_thread_id(thread);
	struct vcore_thread_info info;

	check(vcore_thread_detach(thread) == 0);
	check(look_at(id, &info));
	atomic_store(&go, true);
	until(!look_at(id, &info));
}

TestAround(thread, an_ended_thread_is_forgotten_when_it_is_detached)
{
	struct vcore_thread *thread = spawn(do_nothing, NULL);
	uint64_t id = vcore_thread_id(thread);
	struct vcore_thread_info info;

	until(has_ended(thread));
	check(vcore_thread_detach(thread) == 0);
	check(!look_at(id, &info));
}

TestInside(thread, detaching_what_somebody_joins_panics, .signal = SIGABRT)
{
	struct vcore_thread *thread = spawn(sleep_forever, NULL);
	struct vcore_thread *joiner = spawn(join_it, thread);

	until(is_waiting(joiner));
	vcore_thread_detach(thread);
}

TestEverywhere(thread, self_is_the_calling_thread_and_null_on_a_pthread)
{
	struct vcore_thread_info info;

	if (runtime == NULL) {
		check(vcore_thread_self() == NULL);
	} else {
		check(look_at(vcore_thread_id(vcore_thread_self()), &info));
		check(strcmp(info.name, "body") == 0);
	}
}

static void *self_is(void *handle)
{
	check(vcore_thread_self() == *(struct vcore_thread **)handle);
	return NULL;
}

TestInside(thread, self_is_the_handle_that_allocate_gave)
{
	struct vcore_thread *thread = NULL;

	thread = spawn(self_is, &thread);
	vcore_yield();
	finish(thread);
}

static int compare_ids(const void *one, const void *other)
{
	uint64_t a = *(const uint64_t *)one, b = *(const uint64_t *)other;

	return (a > b) - (a < b);
}

TestAround(thread, ids_are_never_zero_and_never_used_again)
{
	enum { IDS = 5000, AT_ONCE = 10 };
	static uint64_t ids[IDS];

	for (int i = 0; i < IDS; i += AT_ONCE) {
		struct vcore_thread *threads[AT_ONCE];

		for (int j = 0; j < AT_ONCE; j++) {
			threads[j] = spawn(do_nothing, NULL);
			ids[i + j] = vcore_thread_id(threads[j]);
			check(ids[i + j] != 0);
		}
		for (int j = 0; j < AT_ONCE; j++) {
			finish(threads[j]);
		}
	}
	qsort(ids, IDS, sizeof(ids[0]), compare_ids);
	for (int i = 1; i < IDS; i++) {
		check(ids[i] != ids[i - 1]);
	}
}

static const char *name_of(const char *name, char copy[64])
{
	char passed[64];
	struct vcore_thread *thread;

	strcpy(passed, name);
	thread = spawn_with((struct vcore_thread_options){.name = passed}, do_nothing, NULL);
	memset(passed, '?', sizeof(passed));
	until(has_ended(thread));
	strcpy(copy, vcore_thread_name(thread));
	finish(thread);
	return copy;
}

TestAround(thread, the_name_is_copied_and_lives_as_long_as_the_handle)
{
	char copy[64];

	check(strcmp(name_of("reader", copy), "reader") == 0);
}

TestAround(thread, the_name_is_cut_to_31_bytes)
{
	char copy[64];

	check(strcmp(name_of("0123456789012345678901234567890", copy),
		     "0123456789012345678901234567890") == 0);
	check(strcmp(name_of("01234567890123456789012345678901", copy),
		     "0123456789012345678901234567890") == 0);
}

TestAround(thread, a_thread_without_a_name_has_an_empty_one)
{
	struct vcore_thread *thread = spawn(do_nothing, NULL);

	check(strcmp(vcore_thread_name(thread), "") == 0);
	finish(thread);
}

TestEverywhere(thread, sleep_ends_at_the_deadline_and_not_before)
{
	vcore_instant deadline = vcore_after(20 * MILLISECOND);

	check(vcore_sleep(deadline) == 0);
	check(vcore_now() >= deadline);
}

TestEverywhere(thread, sleep_until_the_past_returns_at_once)
{
	check(vcore_sleep(PAST) == 0);
	check(vcore_sleep(vcore_now()) == 0);
}

static void *sleep_until(void *deadline)
{
	vcore_sleep(*(vcore_instant *)deadline);
	check(vcore_now() >= *(vcore_instant *)deadline);
	return NULL;
}

TestEverywhere(thread, each_of_many_sleepers_wakes_but_not_before_its_deadline)
{
	enum { SLEEPERS = 100 };
	vcore_instant deadlines[SLEEPERS];
	struct peer peers[SLEEPERS];

	for (int i = 0; i < SLEEPERS; i++) {
		deadlines[i] = vcore_after(i * 37 % SLEEPERS * MILLISECOND / 4);
		peers[i] = peer_start(sleep_until, &deadlines[i]);
	}
	for (int i = 0; i < SLEEPERS; i++) {
		peer_finish(peers[i]);
	}
}

static void do_not_restart(int number)
{
	(void)number;
}

Test(thread, signals_do_not_end_the_sleep_of_a_pthread)
{
	struct sigaction action = {.sa_handler = do_not_restart};
	vcore_instant deadline = vcore_after(50 * MILLISECOND);
	pthread_t sleeper;

	sigaction(SIGUSR1, &action, NULL);
	sleeper = start_pthread(sleep_until, &deadline);
	for (int i = 0; i < 20; i++) {
		usleep(1000);
		pthread_kill(sleeper, SIGUSR1);
	}
	finish_pthread(sleeper);
}

/* Writes all of the stack but what the calls themselves need. */
static void *use_the_stack(void *bytes)
{
	enum { OURS = 1024 };
	size_t size = *(size_t *)bytes - OURS;
	volatile char *low = alloca(size);

	for (size_t i = 0; i < size; i += 512) {
		low[i] = 1;
	}
	vcore_yield();
	return NULL;
}

TestAround(thread, the_stack_that_was_asked_for_can_be_used_in_full)
{
	static size_t sizes[] = {64 << 10, 100001, 256 << 10, 1 << 20, 8 << 20};

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct vcore_thread_options options = {.stack_size = sizes[i]};

		finish(spawn_with(options, use_the_stack, &sizes[i]));
	}
}

TestAround(thread, the_default_stack_has_64_kibibytes)
{
	size_t size = 64 << 10;

	finish(spawn(use_the_stack, &size));
}

static void *overflow(void *endless)
{
	volatile char frame[1024];

	frame[0] = 1;
	if (atomic_load((atomic_bool *)endless)) {
		overflow(endless);
	}
	return frame[0] != 0 ? endless : NULL;
}

/* Prints how large its stack is, then uses more. */
static void *tell_and_overflow(void *endless)
{
	struct vcore_thread_info info;

	check(look_at(vcore_thread_id(vcore_thread_self()), &info));
	fprintf(stderr, "%zu\n", info.stack_size);
	return overflow(endless);
}

static void overflow_a_stack(void)
{
	struct vcore_thread_options options = {.name = "bottomless", .stack_size = 96 << 10};
	atomic_bool endless = true;

	runtime_flags = VCORE_RUNTIME_HOST_FAULTS;
	runtime_start(&(struct vcore_runtime_options){.processors = 1});
	finish(spawn_with(options, tell_and_overflow, &endless));
}

Test(thread, where_faults_are_the_programs_an_overflow_names_thread_and_stack_size)
{
	static struct outcome outcome;
	const char *message;
	char *size;

	run_child(&outcome, overflow_a_stack);
	cr_assert(killed_by(&outcome, SIGSEGV) || killed_by(&outcome, SIGABRT));
	message = strchr(outcome.text, '\n') + 1;
	size = strndup(outcome.text, (size_t)(message - 1 - outcome.text));
	cr_assert(strstr(message, "bottomless") != NULL, "%s", outcome.text);
	cr_assert(strstr(message, size) != NULL, "%s", outcome.text);
	free(size);
}

static void exit_from_handler(int number)
{
	_exit(number == SIGSEGV ? 7 : 8);
}

/* UBSan would tell of it, and end the process, before it happens. */
__attribute__((no_sanitize("undefined"))) static void *touch_null(void *pointer)
{
	*(volatile char *)pointer = 1;
	return NULL;
}

static void fault_with_a_handler(void)
{
	signal(SIGSEGV, exit_from_handler);
	runtime_flags = VCORE_RUNTIME_HOST_FAULTS;
	runtime_start(NULL);
	finish(spawn(touch_null, NULL));
}

Test(thread, where_faults_are_the_programs_they_go_to_the_handler_that_was_there_before)
{
	static struct outcome outcome;

	run_child(&outcome, fault_with_a_handler);
	cr_assert(exited_with(&outcome, 7));
}
