/*
 * Faults: what include/vcore/fault.h promises of reports, one promise to a test.
 * How threads end of faults is tested in tests/fault.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "support.h"

#include <stdio.h>

TestSuite(fault, .timeout = 100);

static char text[1000];

static struct vcore_fault example(void)
{
	return (struct vcore_fault){
		.thread = 12,
		.name = "client 3",
		.address = (void *)0x7f21c0004010,
		.pc = (void *)0x10,
		.signal = SIGSEGV,
		.access = VCORE_ACCESS_WRITE,
		.kind = VCORE_FAULT_OTHER_SPACE,
		.space = 2,
		.block = 5,
		.offset = 16,
		.module = "tour",
		.module_offset = 0x32c4,
	};
}

static const char example_text[] = "vcore: thread 12 \"client 3\" has faulted, and was ended\n"
				   "  it wrote to 0x7f21c0004010, which is in another space:\n"
				   "  space 2, block 5 + 0x10\n"
				   "  at 0x10 in tour + 0x32c4\n";

TestEverywhere(fault, a_description_tells_who_did_what_where)
{
	struct vcore_fault fault = example();

	check(vcore_fault_describe(&fault, text, sizeof(text)) == sizeof(example_text) - 1);
	check(strcmp(text, example_text) == 0);
}

static bool describes(const struct vcore_fault *fault, const char *part)
{
	vcore_fault_describe(fault, text, sizeof(text));
	return strstr(text, part) != NULL;
}

TestEverywhere(fault, a_description_tells_of_each_access)
{
	struct vcore_fault fault = example();

	fault.access = VCORE_ACCESS_READ;
	check(describes(&fault, "read from 0x7f21c0004010"));
	fault.access = VCORE_ACCESS_EXECUTE;
	check(describes(&fault, "called 0x7f21c0004010"));
	fault.access = VCORE_ACCESS_UNKNOWN;
	check(describes(&fault, "touched 0x7f21c0004010"));
}

TestEverywhere(fault, a_description_tells_of_each_kind)
{
	struct vcore_fault fault = example();
	char before[sizeof(text)] = "";

	for (int kind = VCORE_FAULT_UNMAPPED; kind <= VCORE_FAULT_FREED_BLOCK; kind++) {
		fault.kind = (enum vcore_fault_kind)kind;
		vcore_fault_describe(&fault, text, sizeof(text));
		check(strcmp(text, before) != 0);
		strcpy(before, text);
	}
	fault.kind = VCORE_FAULT_ARITHMETIC;
	check(describes(&fault, "arithmetic") && !describes(&fault, "0x7f21c0004010"));
}

TestEverywhere(fault, what_lies_in_no_space_and_no_module_is_not_told)
{
	struct vcore_fault fault = example();

	fault.kind = VCORE_FAULT_UNMAPPED;
	fault.space = fault.block = 0;
	fault.module[0] = '\0';
	check(!describes(&fault, "space") && !describes(&fault, " in tour"));
}

TestEverywhere(fault, a_description_that_is_cut_is_terminated_and_its_whole_length_told)
{
	struct vcore_fault fault = example();

	for (size_t size = 1; size < sizeof(example_text); size++) {
		memset(text, 'x', sizeof(text));
		check(vcore_fault_describe(&fault, text, size) == sizeof(example_text) - 1);
		check(strlen(text) == size - 1 && text[size] == 'x');
		check(memcmp(text, example_text, size - 1) == 0);
	}
	check(vcore_fault_describe(&fault, NULL, 0) == sizeof(example_text) - 1);
}

TestEverywhere(fault, the_function_is_told_if_the_linker_knows_it)
{
	struct vcore_fault fault = example();

	fault.pc = (char *)(uintptr_t)puts + 1;
	check(describes(&fault, " + 0x1)\n"));
}

static void describe_nothing(void)
{
	vcore_fault_describe(NULL, text, sizeof(text));
}

static void describe_nowhere(void)
{
	struct vcore_fault fault = example();

	vcore_fault_describe(&fault, NULL, 1);
}

Test(fault, without_a_report_or_a_text_it_panics)
{
	static struct outcome outcome;

	run_child(&outcome, describe_nothing);
	check(killed_by(&outcome, SIGABRT));
	run_child(&outcome, describe_nowhere);
	check(killed_by(&outcome, SIGABRT));
}

static void *write_to_null(void *unused)
{
	volatile char *volatile null = NULL;

	*null = 1;
	return unused;
}

static struct vcore_fault told;

static void hook(const struct vcore_fault *fault)
{
	told = *fault;
}

/* --- what the hook leaves behind ------------------------------------------------------- */

static struct vcore_lock journal_lock, left;

static void hook_that_locks(const struct vcore_fault *fault)
{
	(void)fault;
	vcore_lock_acquire(&journal_lock);
	vcore_lock_release(&journal_lock);
	vcore_lock_acquire(&left); /* and forgets it */
}

static void *end_with(void *lock)
{
	vcore_lock_acquire(lock);
	return lock;
}

/* A hook may use locks: what its thread's successor holds is given up as ever. */
Test(fault, what_the_hook_and_the_next_thread_hold_is_given_up)
{
	static struct vcore_lock lock;
	struct vcore_exit end;
	struct vcore_thread *thread;

	runtime_start(&(struct vcore_runtime_options){.processors = 1, .fault = hook_that_locks});
	thread = spawn(write_to_null, NULL);
	check(vcore_thread_join(thread, &end, VCORE_NEVER) == 0 && end.how == VCORE_FAULTED);
	check(vcore_lock_acquire_until(&left, PAST) == -EOWNERDEAD);
	vcore_lock_recovered(&left);
	vcore_lock_release(&left);
	for (int i = 0; i < 10; i++) { /* it is the same memory, mostly */
		check(finish(spawn(end_with, &lock)) == &lock);
		check(vcore_lock_acquire_until(&lock, vcore_after(SECOND)) == -EOWNERDEAD);
		vcore_lock_recovered(&lock);
		vcore_lock_release(&lock);
	}
	runtime_finish();
}

/* --- reports ------------------------------------------------------------------------------ */

Test(fault, the_joiner_and_the_hook_get_the_same_report)
{
	struct vcore_exit end = {.how = VCORE_RETURNED};
	uint64_t id;
	struct vcore_thread *thread;

	runtime_start(&(struct vcore_runtime_options){.processors = 1, .fault = hook});
	thread = spawn_with((struct vcore_thread_options){.name = "writer"}, write_to_null, NULL);
	id = vcore_thread_id(thread);
	check(vcore_thread_join(thread, &end, VCORE_NEVER) == 0);
	runtime_finish();
	check(end.how == VCORE_FAULTED);
	check(end.result == NULL);
	check(memcmp(&told, &end.fault, sizeof(told)) == 0);
	check(told.thread == id && strcmp(told.name, "writer") == 0 && told.address == NULL);
	check(strcmp(told.module, "unit-fault") == 0);
}
