/*
 * The options of a runtime and the environment: what include/vcore/runtime.h
 * promises, one promise to a test.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "support.h"

#include <limits.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/resource.h>

/* What open answers; on failure the handle must be as it was. */
static int try_to_open(const struct vcore_runtime_options *options)
{
	struct vcore_runtime *const untouched = (struct vcore_runtime *)&runtime;
	struct vcore_runtime *opened = untouched;
	int error = vcore_runtime_open(&opened, options);

	if (error == 0) {
		check(vcore_runtime_close(opened, VCORE_NEVER) == 0);
	} else {
		check(opened == untouched);
	}
	return error;
}

static unsigned processors_of(const struct vcore_runtime_options *options)
{
	struct vcore_statistics statistics = {.size = sizeof(statistics)};

	runtime_start(options);
	check(vcore_inspect_runtime(runtime, &statistics) == 0);
	runtime_finish();
	return statistics.processors;
}

static size_t stack_of(const struct vcore_runtime_options *options)
{
	struct vcore_thread_info info;
	struct vcore_thread *thread;

	runtime_start(options);
	thread = spawn(sleep_forever, NULL);
	check(look_at(vcore_thread_id(thread), &info));
	vcore_thread_destroy(thread);
	check(fate(thread) == VCORE_DESTROYED);
	runtime_finish();
	return info.stack_size;
}

Test(runtime, by_default_there_is_a_processor_for_each_cpu_the_process_may_use)
{
	cpu_set_t cpus;

	cr_assert_eq(sched_getaffinity(0, sizeof(cpus), &cpus), 0);
	cr_assert_eq(processors_of(NULL), (unsigned)CPU_COUNT(&cpus));
	CPU_ZERO(&cpus);
	CPU_SET(sched_getcpu(), &cpus);
	cr_assert_eq(sched_setaffinity(0, sizeof(cpus), &cpus), 0);
	cr_assert_eq(processors_of(NULL), 1);
}

Test(runtime, there_are_as_many_processors_as_asked_for)
{
	cr_assert_eq(processors_of(&(struct vcore_runtime_options){.processors = 7}), 7);
}

Test(runtime, up_to_1024_processors_may_be_asked_for)
{
	cr_assert_eq(VCORE_PROCESSORS_MAX, 1024);
	cr_assert_eq(processors_of(&(struct vcore_runtime_options){.processors = 1024}), 1024);
}

Test(runtime, more_than_1024_processors_are_refused)
{
	cr_assert_eq(try_to_open(&(struct vcore_runtime_options){.processors = 1025}), -EINVAL);
	cr_assert_eq(try_to_open(&(struct vcore_runtime_options){.processors = UINT_MAX}), -EINVAL);
}

Test(runtime, a_quantum_is_100_microseconds_to_an_hour_or_off)
{
	struct vcore_runtime_options options = {.quantum = 100000};

	cr_assert_eq(try_to_open(&options), 0);
	options.quantum = 3600 * SECOND;
	cr_assert_eq(try_to_open(&options), 0);
	options.quantum = 3600 * SECOND + 1;
	cr_assert_eq(try_to_open(&options), -EINVAL);
	options.quantum = INT64_MAX;
	cr_assert_eq(try_to_open(&options), -EINVAL);
	options.quantum = VCORE_QUANTUM_OFF;
	cr_assert_eq(try_to_open(&options), 0);
	options.quantum = 99999;
	cr_assert_eq(try_to_open(&options), -EINVAL);
	options.quantum = -2;
	cr_assert_eq(try_to_open(&options), -EINVAL);
}

Test(runtime, threads_have_the_stack_that_the_runtime_was_told)
{
	cr_assert_geq(stack_of(&(struct vcore_runtime_options){.stack_size = 300001}), 300001);
	cr_assert_lt(stack_of(&(struct vcore_runtime_options){.stack_size = 300001}), 600000);
}

Test(runtime, stacks_above_a_gibibyte_are_refused)
{
	struct vcore_runtime_options options = {.stack_size = 1u << 30};

	cr_assert_eq(try_to_open(&options), 0);
	options.stack_size++;
	cr_assert_eq(try_to_open(&options), -EINVAL);
	options.stack_size = SIZE_MAX;
	cr_assert_eq(try_to_open(&options), -EINVAL);
}

Test(runtime, unknown_flags_of_a_runtime_are_refused)
{
	struct vcore_runtime_options options = {.flags = VCORE_RUNTIME_ACCOUNT};

	cr_assert_eq(try_to_open(&options), 0);
	options.flags = VCORE_RUNTIME_HOST_FAULTS;
	cr_assert_eq(try_to_open(&options), 0);
	options.flags = 1u << 3;
	cr_assert_eq(try_to_open(&options), -EINVAL);
	options.flags = 1u << 31;
	cr_assert_eq(try_to_open(&options), -EINVAL);
}

struct later_options {
	struct vcore_runtime_options known;
	long unknown;
};

Test(runtime, options_of_a_later_release_are_accepted_if_unused)
{
	struct later_options options = {.known.size = sizeof(options), .known.processors = 3};

	cr_assert_eq(processors_of(&options.known), 3);
}

Test(runtime, options_of_a_later_release_are_refused_if_used)
{
	struct later_options options = {.known.size = sizeof(options), .unknown = 1};

	cr_assert_eq(try_to_open(&options.known), -E2BIG);
}

/* What lies beyond the size is not looked at: here invalid flags. */
Test(runtime, options_of_an_earlier_release_are_accepted)
{
	struct vcore_runtime_options options = {
		.size = offsetof(struct vcore_runtime_options, flags),
		.processors = 3,
		.flags = UINT_MAX,
	};

	cr_assert_eq(processors_of(&options), 3);
	options.size = 0;
	cr_assert_eq(try_to_open(&options), -EINVAL);
}

/* --- the environment ---------------------------------------------------------- */

static int open_with(const char *variable, const char *value)
{
	int error;

	setenv(variable, value, 1);
	error = try_to_open(NULL);
	unsetenv(variable);
	return error;
}

Test(runtime, the_environment_changes_the_number_of_processors)
{
	setenv("VCORE_PROCESSORS", "3", 1);
	cr_assert_eq(processors_of(NULL), 3);
}

Test(runtime, the_environment_does_not_change_a_number_of_processors_that_was_set)
{
	setenv("VCORE_PROCESSORS", "3", 1);
	cr_assert_eq(processors_of(&(struct vcore_runtime_options){.processors = 2}), 2);
}

Test(runtime, a_number_of_processors_in_the_environment_must_be_one)
{
	static const char *const bad[] = {"0", "1025", "-1", "many", "3x", "99999999999999999999"};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		cr_assert_eq(open_with("VCORE_PROCESSORS", bad[i]), -EINVAL, "%s", bad[i]);
	}
}

Test(runtime, the_environment_changes_the_stack)
{
	setenv("VCORE_STACK", "300", 1);
	cr_assert_geq(stack_of(NULL), 300 << 10);
	cr_assert_lt(stack_of(NULL), 600 << 10);
}

Test(runtime, the_environment_does_not_change_a_stack_that_was_set)
{
	setenv("VCORE_STACK", "300", 1);
	cr_assert_lt(stack_of(&(struct vcore_runtime_options){.stack_size = 128 << 10}), 300 << 10);
}

Test(runtime, a_stack_in_the_environment_must_be_a_number_up_to_a_gibibyte)
{
	static const char *const bad[] = {"0", "1048577", "-64", "64K", "big", "18014398509481985"};

	cr_assert_eq(open_with("VCORE_STACK", "1048576"), 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		cr_assert_eq(open_with("VCORE_STACK", bad[i]), -EINVAL, "%s", bad[i]);
	}
}

Test(runtime, a_quantum_in_the_environment_is_in_microseconds_or_off)
{
	static const char *const bad[] = {
		"99", "0", "-1", "on", "10ms", "3600000001", "9223372036854775808"};

	cr_assert_eq(open_with("VCORE_QUANTUM", "100"), 0);
	cr_assert_eq(open_with("VCORE_QUANTUM", "off"), 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		cr_assert_eq(open_with("VCORE_QUANTUM", bad[i]), -EINVAL, "%s", bad[i]);
	}
}

Test(runtime, spares_in_the_environment_must_be_a_number)
{
	static const char *const bad[] = {"-1", "few", "7x", "99999999999999999999"};

	cr_assert_eq(open_with("VCORE_SPARES", "7"), 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		cr_assert_eq(open_with("VCORE_SPARES", bad[i]), -EINVAL, "%s", bad[i]);
	}
}

/* --- what runs out -------------------------------------------------------------- */

/* AddressSanitizer needs more address space than there would be. */
#if !UNDER_ASAN

static void open_without_memory(void)
{
	struct vcore_runtime_options options = {.processors = 1024};
	struct rlimit limit = {1 << 28, 1 << 28};
	unsigned tasks, descriptors;
	int error;

	check(try_to_open(NULL) == 0);
	tasks = entries_of("/proc/self/task");
	descriptors = entries_of("/proc/self/fd");
	check(setrlimit(RLIMIT_AS, &limit) == 0);
	error = try_to_open(&options);
	check(error == -ENOMEM || error == -EAGAIN);
	until(entries_of("/proc/self/task") == tasks);
	check(entries_of("/proc/self/fd") == descriptors);
	check(try_to_open(&(struct vcore_runtime_options){.processors = 1}) == 0);
}

Test(runtime, open_that_finds_no_memory_says_so_and_leaves_nothing_behind)
{
	static struct outcome outcome;

	run_child(&outcome, open_without_memory);
	cr_assert(exited_with(&outcome, 0), "%s", outcome.text);
}
#endif
