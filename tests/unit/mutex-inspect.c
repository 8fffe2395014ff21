/*
 * What inspection and fork tell of locks and ticketlocks, one promise to
 * a test; see mutex.h.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "mutex.h"

#include <stdio.h>

/* --- inspection ------------------------------------------------------------------------- */

TestMutex(TestAround, of_who_waits_kind_object_deadline_and_owner_are_told)
{
	struct mutex lock = {0};
	struct contender contender = {.lock = &lock, .deadline = vcore_after(3600 * SECOND)};
	struct vcore_thread_info info;

	mutex_acquire(&lock);
	contender_start(&contender);
	info = info_of(contender.peer.thread);
	check(info.wait == MUTEX_WAIT);
	check(info.object == &lock);
	check(info.deadline == contender.deadline);
	check(info.owner == vcore_thread_id(vcore_thread_self()));
	mutex_release(&lock);
	check(contender_finish(&contender) == 0);
}

TestMutex(TestAround, an_owner_of_another_kind_is_told_as_none)
{
	struct mutex lock = {0};
	struct holder holder = {.lock = &lock};
	struct contender contender = {.lock = &lock, .deadline = VCORE_NEVER};

	holder.peer = (struct peer){.pthread = start_pthread(hold, &holder)};
	until(atomic_load(&holder.holds));
	contender_start(&contender);
	check(info_of(contender.peer.thread).owner == 0);
	holder_finish(&holder);
	check(contender_finish(&contender) == 0);
}

TestMutex(TestAround, an_owner_of_another_runtime_is_told_as_none)
{
	struct vcore_thread_options options = {0};
	struct mutex lock = {0};
	struct holder holder = {.lock = &lock};
	struct contender contender = {.lock = &lock, .deadline = VCORE_NEVER};

	check(vcore_runtime_open(&options.runtime, NULL) == 0);
	check(vcore_thread_allocate(&holder.peer.thread, &options, hold, &holder) == 0);
	until(atomic_load(&holder.holds));
	contender_start(&contender);
	check(info_of(contender.peer.thread).owner == 0);
	holder_finish(&holder);
	check(contender_finish(&contender) == 0);
	check(vcore_runtime_close(options.runtime, VCORE_NEVER) == 0);
}

TestMutex(TestAround, the_dump_tells_what_a_thread_waits_for_and_whose_it_is)
{
	struct vcore_thread_options options = {.name = "penelope"};
	struct mutex lock = {0};
	struct contender contender = {.lock = &lock, .deadline = VCORE_NEVER};
	char what[80];

	mutex_acquire(&lock);
	contender.peer.thread = spawn_with(options, contend, &contender);
	until(contender_waits(&contender));
	snprintf(what, sizeof(what), "for " MUTEX_TEXT(MUTEX) " %p of thread %llu,", (void *)&lock,
		 (unsigned long long)vcore_thread_id(vcore_thread_self()));
	check(strstr(dumped_line("penelope"), what) != NULL);
	mutex_release(&lock);
	check(contender_finish(&contender) == 0);
}

/* --- circles ---------------------------------------------------------------------------- */

static struct mutex forks[2];
static struct vcore_eventcount taken;

/* Both take one, and then want the other; one may end meanwhile. */
static void *take_two(void *first)
{
	struct mutex *fork = first;

	mutex_acquire(fork);
	vcore_eventcount_advance(&taken);
	check(vcore_eventcount_await(&taken, 1, VCORE_NEVER) == 0);
	mutex_acquire_until(fork == &forks[0] ? &forks[1] : &forks[0], VCORE_NEVER);
	return NULL;
}

static void *want_one(void *fork)
{
	mutex_acquire(fork);
	return NULL;
}

TestMutex(TestAround, the_dump_marks_who_wait_for_each_others_and_nobody_else)
{
	struct vcore_thread_options options = {.name = "kant"};
	struct vcore_thread *kant, *hume, *guest;

	memset(forks, 0, sizeof(forks));
	memset(&taken, 0, sizeof(taken));
	kant = spawn_with(options, take_two, &forks[0]);
	options.name = "hume";
	hume = spawn_with(options, take_two, &forks[1]);
	until(is_waiting_for(kant, MUTEX_WAIT) && is_waiting_for(hume, MUTEX_WAIT));
	options.name = "guest";
	guest = spawn_with(options, want_one, &forks[0]);
	until(is_waiting_for(guest, MUTEX_WAIT));
	check(strstr(dumped_line("kant"), "IN A CIRCLE") != NULL);
	check(strstr(dumped_line("hume"), "IN A CIRCLE") != NULL);
	check(strstr(dumped_line("guest"), "IN A CIRCLE") == NULL);
	destroy(guest);
	destroy(kant);
	finish(hume);
}

static void *dine(void *unused)
{
	struct vcore_thread_options options = {.name = "kant"};

	check(vcore_thread_allocate(NULL, &options, take_two, &forks[0]) == 0);
	options.name = "hume";
	check(vcore_thread_allocate(NULL, &options, take_two, &forks[1]) == 0);
	return unused;
}

static void deadlock(void)
{
	check(vcore_run(NULL, dine, NULL, NULL) == -EDEADLK);
}

TestMutex(Test, run_reports_a_deadlock_and_who_is_in_it)
{
	static struct outcome outcome;
	const char *first;

	run_child(&outcome, deadlock);
	cr_assert(exited_with(&outcome, 0), "%s", outcome.text);
	cr_assert(strstr(outcome.text, "kant") != NULL && strstr(outcome.text, "hume") != NULL);
	first = strstr(outcome.text, "IN A CIRCLE");
	cr_assert(first != NULL && strstr(first + 1, "IN A CIRCLE") != NULL, "%s", outcome.text);
}

/* --- fork ------------------------------------------------------------------------------- */

static struct mutex subject, others;

static void use_ones_own(void)
{
	check(mutex_is_held(&subject));
	check(mutex_acquire_until(&others, PAST) == -ETIMEDOUT);
	mutex_release(&subject);
	mutex_acquire(&subject);
	mutex_release(&subject);
}

TestMutex(Test, a_forked_child_of_a_pthread_owns_what_that_did_and_others_stay_owned)
{
	static struct outcome outcome;
	struct holder holder;
	struct contender contenders[2]; /* who are not there in the child */

	holder_start(&holder, &others);
	mutex_acquire(&subject);
	contenders_start(contenders, 2, &subject, NULL);
	run_child(&outcome, use_ones_own);
	check(exited_with(&outcome, 0));
	mutex_release(&subject);
	check(contender_finish(&contenders[0]) == 0);
	check(contender_finish(&contenders[1]) == 0);
	holder_finish(&holder);
}

static void find_it_owned(void)
{
	check(!mutex_is_held(&subject));
	check(mutex_acquire_until(&subject, vcore_after(MILLISECOND)) == -ETIMEDOUT);
}

TestMutex(TestInside, in_a_forked_child_of_a_vcore_thread_what_that_owns_stays_owned)
{
	static struct outcome outcome;

	mutex_acquire(&subject);
	run_child(&outcome, find_it_owned);
	check(exited_with(&outcome, 0));
	mutex_release(&subject);
}
