/*
 * The panics of select: what include/vcore/select.h promises, one promise to
 * a test; see cases.h.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "cases.h"

static void select_without_cases(void)
{
	vcore_select(NULL, 1, PAST);
}

TestBuffer(Test, null_panics)
{
	check(panics_with(select_without_cases, "vcore_select: cases is NULL"));
}

static void select_of_no_kind(void)
{
	struct vcore_case cases[] = {joining(NULL, NULL)};

	cases[0].kind = (enum vcore_case_kind)KINDS;
	vcore_select(cases, 1, PAST);
}

TestBuffer(Test, a_case_of_no_kind_panics)
{
	check(panics_with(select_of_no_kind, "vcore_select: a case is of no kind"));
}

/* --- joins ---------------------------------------------------------------------------------- */

static void join_by_two_cases(void)
{
	struct vcore_thread *thread = spawn(sleep_forever, NULL);
	struct vcore_case cases[] = {joining(thread, NULL), joining(thread, NULL)};

	vcore_select(cases, 2, vcore_after(60 * SECOND));
}

static void join_by_two_cases_inside(void)
{
	run_inside(1, join_by_two_cases);
}

static void join_by_two_cases_outside(void)
{
	runtime_start(NULL);
	join_by_two_cases();
}

TestBuffer(Test, to_join_a_thread_by_two_cases_panics)
{
	check(panics_with(join_by_two_cases_inside,
			  "vcore_select: two cases join the same thread (thread 1 \"body\")"));
	check(panics_with(join_by_two_cases_outside,
			  "vcore_select: two cases join the same thread (a plain pthread)"));
}

static void *join_it(void *thread)
{
	vcore_thread_join(thread, NULL, VCORE_NEVER);
	return NULL;
}

static void join_beside_another(void)
{
	struct vcore_thread *thread = spawn(sleep_forever, NULL);
	struct vcore_thread *other = spawn(join_it, thread);
	struct vcore_case cases[] = {joining(thread, NULL)};

	until(is_waiting_for(other, VCORE_WAIT_JOIN));
	vcore_select(cases, 1, vcore_after(60 * SECOND));
}

static void select_beside_another(void)
{
	struct vcore_thread *thread = spawn(sleep_forever, NULL);
	struct vcore_case one[] = {joining(thread, NULL)}, two[] = {joining(thread, NULL)};
	struct chooser chooser = {.cases = one, .n = 1};

	chooser_start(&chooser);
	vcore_select(two, 1, vcore_after(60 * SECOND));
}

static void join_beside_a_select(void)
{
	struct vcore_thread *thread = spawn(sleep_forever, NULL);
	struct vcore_case cases[] = {joining(thread, NULL)};
	struct chooser chooser = {.cases = cases, .n = 1};

	chooser_start(&chooser);
	vcore_thread_join(thread, NULL, vcore_after(60 * SECOND));
}

static void (*joins[])(void) = {join_beside_another, select_beside_another, join_beside_a_select};
static int number;

static void join_inside(void)
{
	run_inside(2, joins[number]);
}

TestBuffer(Test, to_join_a_thread_that_another_joins_panics)
{
	for (number = 0; number < 3; number++) {
		check(panics_with(join_inside, "the thread is joined by another already"));
	}
}

static void join_oneself(void)
{
	struct vcore_case cases[] = {joining(vcore_thread_self(), NULL)};

	vcore_select(cases, 1, vcore_after(60 * SECOND));
}

static void join_oneself_inside(void)
{
	run_inside(1, join_oneself);
}

TestBuffer(Test, to_join_oneself_panics)
{
	check(panics_with(join_oneself_inside, "vcore_select: a thread cannot join itself"));
}
