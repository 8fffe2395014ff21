/*
 * Inspection: what include/vcore/inspect.h promises, one promise to a test.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "support.h"

#include <alloca.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

TestSuite(inspect, .timeout = 100);

static struct vcore_thread_info info_of(struct vcore_thread *thread)
{
	struct vcore_thread_info info;

	check(look_at(vcore_thread_id(thread), &info));
	check(info.id == vcore_thread_id(thread));
	check(info.size == sizeof(info));
	return info;
}

static struct vcore_statistics statistics_now(void)
{
	struct vcore_statistics statistics = {.size = sizeof(statistics)};

	check(vcore_inspect_runtime(runtime, &statistics) == 0);
	check(statistics.size == sizeof(statistics));
	return statistics;
}

static void end(struct vcore_thread *thread)
{
	vcore_thread_destroy(thread);
	check(fate(thread) == VCORE_DESTROYED);
}

TestAround(inspect, the_calling_thread_is_running)
{
	struct vcore_thread_info info = info_of(vcore_thread_self());

	check(info.state == VCORE_THREAD_RUNNING);
	check(info.wait == VCORE_WAIT_NONE);
	check(info.priority == 0);
	check(!info.destroyed);
}

TestInside(inspect, a_thread_that_has_not_run_is_runnable)
{
	struct vcore_thread *thread = spawn(do_nothing, NULL);

	check(info_of(thread).state == VCORE_THREAD_RUNNABLE);
	finish(thread);
}

TestAround(inspect, name_and_priority_are_those_of_its_options)
{
	struct vcore_thread_options options = {.name = "painter", .priority = -3};
	struct vcore_thread *thread = spawn_with(options, do_nothing, NULL);
	struct vcore_thread_info info = info_of(thread);

	check(strcmp(info.name, "painter") == 0);
	check(info.priority == -3);
	finish(thread);
}

static void *sleep_until(void *deadline)
{
	vcore_sleep(*(vcore_instant *)deadline);
	return NULL;
}

TestAround(inspect, of_a_sleeping_thread_the_deadline_is_told)
{
	vcore_instant deadline = vcore_after(3600 * SECOND);
	struct vcore_thread *thread = spawn(sleep_until, &deadline);
	struct vcore_thread_info info;

	until(is_waiting(thread));
	info = info_of(thread);
	check(info.wait == VCORE_WAIT_SLEEP);
	check(info.deadline == deadline);
	end(thread);
}

TestAround(inspect, of_a_thread_at_an_eventcount_object_and_value_are_told)
{
	struct vcore_eventcount event = {0};
	struct vcore_thread *thread = spawn(await_forever, &event);
	struct vcore_thread_info info;

	until(is_waiting(thread));
	info = info_of(thread);
	check(info.wait == VCORE_WAIT_EVENTCOUNT);
	check(info.object == &event);
	check(info.value == INT64_C(1) << 40);
	check(info.deadline == VCORE_NEVER);
	end(thread);
}

static void *join_it(void *thread)
{
	vcore_thread_join(thread, NULL, VCORE_NEVER);
	return NULL;
}

TestAround(inspect, of_a_joining_thread_whom_it_joins_is_told)
{
	struct vcore_thread *joined = spawn(sleep_forever, NULL);
	struct vcore_thread *thread = spawn(join_it, joined);
	struct vcore_thread_info info;

	until(is_waiting(thread));
	info = info_of(thread);
	check(info.wait == VCORE_WAIT_JOIN);
	check(info.joins == vcore_thread_id(joined));
	end(thread);
	end(joined);
}

TestAround(inspect, an_ended_thread_stays_until_it_is_joined)
{
	struct vcore_thread *thread = spawn(do_nothing, NULL);
	uint64_t id = vcore_thread_id(thread);
	struct vcore_thread_info info;

	until(info_of(thread).state == VCORE_THREAD_ENDED);
	finish(thread);
	check(!look_at(id, &info));
}

static void *wait_disabled(void *event)
{
	vcore_destroy_disable();
	vcore_eventcount_await(event, 0, VCORE_NEVER);
	vcore_destroy_enable();
	return NULL;
}

TestAround(inspect, a_thread_that_was_asked_to_end_is_told_to_be)
{
	struct vcore_eventcount event = {0};
	struct vcore_thread *thread = spawn(wait_disabled, &event);

	until(is_waiting(thread));
	check(!info_of(thread).destroyed);
	vcore_thread_destroy(thread);
	check(info_of(thread).destroyed);
	vcore_eventcount_advance(&event);
	check(fate(thread) == VCORE_DESTROYED);
}

static int count_threads(const struct vcore_thread_info *info, void *n)
{
	check(info->id != 0);
	++*(int *)n;
	return 0;
}

static int stop_at_third(const struct vcore_thread_info *info, void *n)
{
	(void)info;
	return ++*(int *)n == 3 ? -77 : 0;
}

enum { THREADS = 500 };

TestAround(inspect, every_thread_is_called_back_for_once)
{
	static struct vcore_thread *threads[THREADS];
	int n = 0;

	for (int i = 0; i < THREADS; i++) {
		threads[i] = spawn(sleep_forever, NULL);
	}
	check(vcore_inspect_threads(runtime, count_threads, &n) == 0);
	check(n == THREADS + 1);
	for (int i = 0; i < THREADS; i++) {
		end(threads[i]);
	}
}

TestAround(inspect, a_callback_that_returns_another_value_ends_it)
{
	struct vcore_thread *threads[4];
	int n = 0;

	for (int i = 0; i < 4; i++) {
		threads[i] = spawn(sleep_forever, NULL);
	}
	check(vcore_inspect_threads(runtime, stop_at_third, &n) == -77);
	check(n == 3);
	for (int i = 0; i < 4; i++) {
		end(threads[i]);
	}
}

static int yield_in_callback(const struct vcore_thread_info *info, void *n)
{
	vcore_yield();
	return count_threads(info, n);
}

TestAround(inspect, the_callback_may_switch)
{
	atomic_bool go = false;
	struct vcore_thread *threads[4];
	int n = 0;

	for (int i = 0; i < 4; i++) {
		threads[i] = spawn(yield_until, &go);
	}
	check(vcore_inspect_threads(runtime, yield_in_callback, &n) == 0);
	check(n == 5);
	atomic_store(&go, true);
	for (int i = 0; i < 4; i++) {
		finish(threads[i]);
	}
}

TestAround(inspect, it_may_be_called_while_threads_come_and_go)
{
	atomic_bool go = false;
	struct vcore_thread *stays = spawn(yield_until, &go);

	for (int i = 0; i < 300; i++) {
		struct vcore_thread *threads[5];

		for (int j = 0; j < 5; j++) {
			threads[j] = spawn(do_nothing, NULL);
		}
		check(info_of(stays).state != VCORE_THREAD_ENDED);
		for (int j = 0; j < 5; j++) {
			finish(threads[j]);
		}
	}
	atomic_store(&go, true);
	finish(stays);
}

TestInside(inspect, switches_of_a_thread_are_counted)
{
	uint64_t before = info_of(vcore_thread_self()).switches;

	for (int i = 0; i < 10; i++) {
		finish(spawn(do_nothing, NULL));
	}
	check(info_of(vcore_thread_self()).switches >= before + 10);
}

static void *use_half(void *unused)
{
	volatile char *low = alloca(128 << 10);

	for (size_t i = 0; i < 128 << 10; i += 1024) {
		low[i] = 1;
	}
	return unused;
}

TestAround(inspect, the_stack_that_was_used_is_told)
{
	struct vcore_thread_options options = {.stack_size = 256 << 10};
	struct vcore_thread *thread = spawn_with(options, use_half, NULL);
	struct vcore_thread_info info;

	until(info_of(thread).state == VCORE_THREAD_ENDED);
	info = info_of(thread);
	check(info.stack_size >= 256 << 10);
	check(info.stack_used >= 128 << 10);
	check(info.stack_used <= 200 << 10);
	finish(thread);
}

static void compute_for(int64_t nanoseconds)
{
	vcore_instant end_of_work = vcore_after(nanoseconds);

	while (vcore_now() < end_of_work) {
	}
}

static void account_for_computing(void)
{
	int64_t before = info_of(vcore_thread_self()).cpu_time;
	int64_t used;

	compute_for(20 * MILLISECOND);
	finish(spawn(do_nothing, NULL)); /* a switch there and back */
	used = info_of(vcore_thread_self()).cpu_time - before;
	check(used >= 20 * MILLISECOND);
}

Test(inspect, with_account_the_time_on_a_processor_is_exact)
{
	run_inside_with(
		&(struct vcore_runtime_options){.processors = 1, .flags = VCORE_RUNTIME_ACCOUNT},
		account_for_computing);
}

static void account_for_waiting(void)
{
	struct vcore_thread *thread;
	vcore_instant before = vcore_now(), since;

	thread = spawn(sleep_forever, NULL);
	until(is_waiting(thread));
	since = info_of(thread).since;
	check(before <= since && since <= vcore_now());
	check(info_of(thread).cpu_time < 5 * MILLISECOND);
	vcore_sleep(vcore_after(20 * MILLISECOND));
	check(info_of(thread).since == since);
	check(info_of(thread).cpu_time < 5 * MILLISECOND);
	end(thread);
}

Test(inspect, with_account_since_is_when_the_wait_began)
{
	run_inside_with(
		&(struct vcore_runtime_options){.processors = 1, .flags = VCORE_RUNTIME_ACCOUNT},
		account_for_waiting);
}

TestInside(inspect, without_account_time_is_sampled_at_every_64th_choice)
{
	int64_t before = info_of(vcore_thread_self()).cpu_time;

	compute_for(20 * MILLISECOND);
	for (int i = 0; i < 2 * 64; i++) {
		finish(spawn(do_nothing, NULL));
	}
	check(info_of(vcore_thread_self()).cpu_time >= before);
}

TestInside(inspect, threads_are_counted_as_they_come_and_go)
{
	struct vcore_statistics before = statistics_now(), after;
	struct vcore_thread *threads[3];

	check(before.threads == 1 && before.allocated == 1);
	for (int i = 0; i < 3; i++) {
		threads[i] = spawn(sleep_forever, NULL);
	}
	after = statistics_now();
	check(after.threads == 4 && after.allocated == 4);
	check(after.stack_bytes >= 4 * (64 << 10));
	for (int i = 0; i < 3; i++) {
		end(threads[i]);
	}
	after = statistics_now();
	check(after.threads == 1 && after.allocated == 4);
	check(after.switches >= before.switches + 6);
	check(after.limit == NULL);
}

Test(inspect, processors_without_a_thread_to_run_are_idle)
{
	runtime_start(&(struct vcore_runtime_options){.processors = 3});
	until(statistics_now().idle == 3);
	cr_assert_eq(statistics_now().processors, 3);
	cr_assert_eq(statistics_now().servers, 0);
	runtime_finish();
}

Test(inspect, a_processor_with_a_thread_is_not_idle)
{
	atomic_bool go = false;
	struct vcore_thread *thread;

	runtime_start(&(struct vcore_runtime_options){.processors = 3});
	thread = spawn(occupy, &go);
	until(statistics_now().idle == 2);
	usleep(20000);
	cr_assert_eq(statistics_now().idle, 2);
	set_flag(&go);
	finish(thread);
	runtime_finish();
}

Test(inspect, wakes_of_idle_processors_are_counted)
{
	uint64_t before;

	runtime_start(&(struct vcore_runtime_options){.processors = 1});
	before = statistics_now().wakes;
	do { /* again, if it had not parked yet */
		until(statistics_now().idle == 1);
		finish(spawn(do_nothing, NULL));
	} while (statistics_now().wakes == before);
	runtime_finish();
}

static void steal_one(void)
{
	atomic_bool go = false;
	struct vcore_thread *thread;
	struct vcore_thread_info info;

	thread = spawn(occupy, &go);
	do {
		info = info_of(thread); /* keeps this processor */
	} while (info.state == VCORE_THREAD_RUNNABLE);
	check(statistics_now().steals >= 1);
	atomic_store(&go, true);
	finish(thread);
}

Test(inspect, threads_taken_from_another_processor_are_counted)
{
	run_inside(2, steal_one);
}

/* What vcore_dump writes, read back through a file in memory. */
static const char *dump_text(void)
{
	static char text[1 << 16];
	int fd = memfd_create("dump", MFD_CLOEXEC);
	ssize_t n;

	check(vcore_dump(runtime, fd) == 0);
	n = pread(fd, text, sizeof(text) - 1, 0);
	check(n > 0);
	text[n] = '\0';
	close(fd);
	return text;
}

TestAround(inspect, the_dump_names_every_thread_and_what_it_waits_for)
{
	struct vcore_eventcount event = {0};
	struct vcore_thread_options options = {.name = "anchor"};
	struct vcore_thread *waiting = spawn_with(options, await_forever, &event);
	struct vcore_thread *sleeping;
	char id[32], value[32];
	const char *text;

	options.name = "dozer";
	sleeping = spawn_with(options, sleep_forever, NULL);
	until(is_waiting(waiting) && is_waiting(sleeping));
	snprintf(id, sizeof(id), "%llu", (unsigned long long)vcore_thread_id(sleeping));
	snprintf(value, sizeof(value), "%lld", (long long)(INT64_C(1) << 40));
	text = dump_text();
	check(strstr(text, "body") != NULL);
	check(strstr(text, "anchor") != NULL);
	check(strstr(text, "eventcount") != NULL);
	check(strstr(text, value) != NULL);
	check(strstr(text, "dozer") != NULL);
	check(strstr(text, "sleep") != NULL);
	check(strstr(text, id) != NULL);
	end(waiting);
	end(sleeping);
}

static struct vcore_thread *circle[2];

static void *join_the_other(void *other)
{
	vcore_thread_join(*(struct vcore_thread **)other, NULL, VCORE_NEVER);
	return NULL;
}

/* Whether the thread's line of the dump says "circle". */
static bool is_marked(const char *text, const char *name)
{
	const char *at = strstr(text, name);
	const char *mark, *end_of_line;

	check(at != NULL);
	end_of_line = strchr(at, '\n');
	mark = strcasestr(at, "circle");
	return mark != NULL && mark < end_of_line;
}

/* On one processor, so that both handles are there before a join begins. */
TestInside(inspect, the_dump_marks_a_circle_and_only_a_circle)
{
	struct vcore_thread *sleeper = spawn(sleep_forever, NULL), *chained;
	struct vcore_thread_options options = {.name = "romeo"};
	const char *text;
	uint64_t id;

	circle[0] = spawn_with(options, join_the_other, &circle[1]);
	options.name = "julia";
	circle[1] = spawn_with(options, join_the_other, &circle[0]);
	options.name = "nurse";
	chained = spawn_with(options, join_it, sleeper);
	until(is_waiting(circle[0]) && is_waiting(circle[1]) && is_waiting(chained));
	text = dump_text();
	check(is_marked(text, "romeo"));
	check(is_marked(text, "julia"));
	check(!is_marked(text, "nurse"));
	/* When romeo has left off, julia may be joined; she has joined him. */
	id = vcore_thread_id(circle[0]);
	vcore_thread_destroy(circle[0]);
	until(vcore_thread_destroy_id(runtime, id) == -ESRCH);
	finish(circle[1]);
	end(chained);
	end(sleeper);
}

TestAround(inspect, a_dump_to_a_bad_descriptor_says_so)
{
	check(vcore_dump(runtime, -1) == -EBADF);
}

Test(inspect, the_error_of_write_is_the_dumps)
{
	int full = open("/dev/full", O_WRONLY | O_CLOEXEC);

	runtime_start(NULL);
	cr_assert_eq(vcore_dump(runtime, full), -ENOSPC);
	runtime_finish();
	close(full);
}
