/*
 * Read-copy update: what include/vcore/rcu.h promises of sections, grace periods
 * and deferred calls, one promise to a test.  What is forbidden in a section is in
 * rcu-inside.c, what it promises pthreads and children in rcu-host.c.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "ticking.h"

#include <sys/wait.h>
#include <unistd.h>

TestSuite(rcu, .timeout = 100);

/* Long enough for a grace period that nobody holds up. */
#define A_WHILE (20 * MILLISECOND)

/* Who is in a section until told to leave it. */
struct reader {
	atomic_bool inside, leave, stop;
};

static void read_until(struct reader *reader)
{
	vcore_rcu_read_lock();
	set_flag(&reader->inside);
	while (!atomic_load(&reader->leave)) {
	}
	vcore_rcu_read_unlock();
}

static void *read_once(void *argument)
{
	read_until(argument);
	return NULL;
}

/* A pthread of the test looks on: the processors may all be taken. */
static void wait_for(atomic_bool *flag)
{
	while (!atomic_load(flag)) {
		usleep(100);
	}
}

static bool is_held_up(void)
{
	return vcore_rcu_synchronize(vcore_after(A_WHILE)) == -ETIMEDOUT;
}

static bool ends_soon(void)
{
	return vcore_rcu_synchronize(vcore_after(30 * SECOND)) == 0;
}

/* --- sections and grace periods ------------------------------------------------------------ */

TestEverywhere(rcu, a_grace_period_without_readers_ends)
{
	for (int i = 0; i < 100; i++) {
		check(vcore_rcu_synchronize(VCORE_NEVER) == 0);
	}
}

static void let_a_section_hold_it_up(const struct vcore_runtime_options *options)
{
	struct reader reader = {0};
	struct vcore_thread *thread;

	runtime_start(options);
	thread = spawn(read_once, &reader);
	wait_for(&reader.inside);
	check(is_held_up());
	set_flag(&reader.leave);
	finish(thread);
	check(ends_soon());
	runtime_finish();
}

Test(rcu, a_grace_period_waits_for_a_section_that_is_under_way)
{
	let_a_section_hold_it_up(&without_ticks);
	let_a_section_hold_it_up(&ticking);
}

static void *read_nested(void *argument)
{
	vcore_rcu_read_lock();
	vcore_rcu_read_lock();
	vcore_rcu_read_unlock();
	read_until(argument);
	vcore_rcu_read_unlock();
	return NULL;
}

/* Sections that have ended inside of it do not end it. */
Test(rcu, sections_nest)
{
	struct reader reader = {0};
	struct vcore_thread *thread;

	runtime_start(&ticking);
	thread = spawn(read_nested, &reader);
	wait_for(&reader.inside);
	check(is_held_up());
	set_flag(&reader.leave);
	finish(thread);
	check(ends_soon());
	runtime_finish();
}

static void *synchronize_soon(void *result)
{
	*(int *)result = vcore_rcu_synchronize(vcore_after(30 * SECOND));
	return NULL;
}

/* Whether a grace period ends before a section does that began `wait` after it. */
static bool ends_before_section_that_began_after(int64_t wait)
{
	struct reader first = {0}, second = {0};
	struct vcore_thread *threads[2];
	pthread_t writer;
	int result = -1;

	threads[0] = spawn(read_once, &first);
	wait_for(&first.inside);
	writer = start_pthread(synchronize_soon, &result);
	usleep(wait / 1000);
	threads[1] = spawn(read_once, &second);
	wait_for(&second.inside);
	set_flag(&first.leave);
	finish_pthread(writer);
	set_flag(&second.leave);
	finish(threads[0]);
	finish(threads[1]);
	return result == 0;
}

/* It may begin late, where the machine is busy: then it has more time for that. */
Test(rcu, it_does_not_wait_for_sections_that_begin_later)
{
	int64_t wait = A_WHILE;

	runtime_start(&(struct vcore_runtime_options){.processors = 2});
	while (!ends_before_section_that_began_after(wait)) {
		wait *= 2;
		check(wait < SECOND);
	}
	runtime_finish();
}

TestEverywhere(rcu, a_deadline_that_has_passed_makes_it_time_out)
{
	check(vcore_rcu_synchronize(PAST) == -ETIMEDOUT);
	check(vcore_rcu_barrier(PAST) == -ETIMEDOUT);
}

static void *free_reader(void *argument)
{
	struct reader *reader = argument;

	set_flag(&reader->stop); /* the processor is not taken */
	set_flag(&reader->leave);
	return NULL;
}

static void *read_as_pthread(void *argument)
{
	check(vcore_rcu_register() == 0);
	read_until(argument);
	return NULL;
}

TestInTurns(rcu, the_processor_runs_others_while_one_synchronizes)
{
	struct reader reader = {0};
	pthread_t outside = start_pthread(read_as_pthread, &reader);
	struct vcore_thread *other;

	until(atomic_load(&reader.inside));
	other = spawn(free_reader, &reader);
	check(vcore_rcu_synchronize(VCORE_NEVER) == 0);
	check(atomic_load(&reader.stop));
	finish(other);
	finish_pthread(outside);
}

static void synchronize_forever(void *unused)
{
	(void)unused;
	vcore_rcu_synchronize(VCORE_NEVER);
}

Test(rcu, synchronize_acts_on_destroy)
{
	check(!survives(synchronize_forever, NULL));
}

/* --- between sections ------------------------------------------------------------------------- */

/* First for so long that no tick is due any more. */
static void *compute_read_and_compute(void *argument)
{
	struct reader *reader = argument;

	occupy_for(20000000);
	vcore_rcu_read_lock();
	vcore_rcu_read_unlock();
	set_flag(&reader->inside);
	while (!atomic_load(&reader->stop)) {
	}
	return NULL;
}

static struct vcore_thread *begin_to_compute(struct reader *reader,
					     const struct vcore_runtime_options *options)
{
	struct vcore_thread *thread;

	runtime_start(options);
	thread = spawn(compute_read_and_compute, reader);
	wait_for(&reader->inside);
	return thread;
}

Test(rcu, with_ticks_a_thread_that_has_read_and_computes_holds_nothing_up)
{
	struct reader reader = {0};
	struct vcore_thread *thread = begin_to_compute(&reader, &ticking);

	check(ends_soon());
	set_flag(&reader.stop);
	finish(thread);
	runtime_finish();
}

Test(rcu, without_ticks_it_does_until_it_ends)
{
	struct reader reader = {0};
	struct vcore_thread *thread = begin_to_compute(&reader, &without_ticks);

	check(is_held_up());
	set_flag(&reader.stop);
	finish(thread);
	check(ends_soon());
	runtime_finish();
}

static void *read_again_and_again(void *argument)
{
	struct reader *reader = argument;

	set_flag(&reader->inside);
	while (!atomic_load(&reader->stop)) {
		vcore_rcu_read_lock();
		vcore_rcu_read_unlock();
	}
	return NULL;
}

static void *read_and_yield(void *argument)
{
	struct reader *reader = argument;

	vcore_rcu_read_lock();
	vcore_rcu_read_unlock();
	set_flag(&reader->inside);
	return yield_until(&reader->stop);
}

static void read_beside_a_writer(void *(*entry)(void *))
{
	struct reader readers[2] = {0};
	struct vcore_thread *threads[2];

	runtime_start(&without_ticks);
	for (int i = 0; i < 2; i++) {
		threads[i] = spawn(entry, &readers[i]);
		if (entry == read_and_yield || i == 0) {
			wait_for(&readers[i].inside);
		}
	}
	check(ends_soon());
	for (int i = 0; i < 2; i++) {
		set_flag(&readers[i].stop);
	}
	finish(threads[0]);
	finish(threads[1]);
	runtime_finish();
}

Test(rcu, threads_that_do_nothing_but_read_hold_nothing_up)
{
	read_beside_a_writer(read_again_and_again);
}

Test(rcu, threads_that_switch_hold_nothing_up)
{
	read_beside_a_writer(read_and_yield);
}

static void *read_and_wait(void *event)
{
	vcore_rcu_read_lock();
	vcore_rcu_read_unlock();
	vcore_eventcount_await(event, 0, VCORE_NEVER);
	return NULL;
}

Test(rcu, processors_without_work_hold_nothing_up)
{
	struct vcore_eventcount event = {0};
	struct vcore_thread *thread;

	runtime_start(&without_ticks);
	thread = spawn(read_and_wait, &event);
	while (!is_waiting(thread)) {
		usleep(100);
	}
	check(ends_soon());
	vcore_eventcount_advance(&event);
	finish(thread);
	runtime_finish();
}

/* It gives its processor to one that was put off, and is not needed any more. */
Test(rcu, a_kernel_thread_without_a_processor_holds_nothing_up)
{
	struct vcore_eventcount event = {0};
	struct vcore_thread *threads[2];
	atomic_bool stop = false;

	runtime_start(&ticking);
	threads[0] = spawn(occupy, &stop);
	threads[1] = spawn(read_and_wait, &event);
	while (!is_waiting(threads[1])) {
		usleep(100);
	}
	check(ends_soon());
	vcore_eventcount_advance(&event);
	set_flag(&stop);
	finish(threads[0]);
	finish(threads[1]);
	runtime_finish();
}

static int ends[2];

static void *read_and_block(void *unused)
{
	char c;

	vcore_rcu_read_lock();
	vcore_rcu_read_unlock();
	check(read(ends[0], &c, 1) == 1);
	return unused;
}

Test(rcu, a_thread_that_was_let_go_holds_nothing_up)
{
	struct vcore_thread *thread;

	check(pipe(ends) == 0);
	runtime_start(&ticking);
	thread = spawn(read_and_block, NULL);
	finish(spawn(do_nothing, NULL)); /* it is let go for this one */
	check(ends_soon());
	check(write(ends[1], "x", 1) == 1);
	finish(thread);
	runtime_finish();
}

static void *block_and_read(void *unused)
{
	char c;

	check(read(ends[0], &c, 1) == 1);
	vcore_rcu_read_lock();
	check(!info_of(vcore_thread_self()).let_go);
	vcore_rcu_read_unlock();
	return unused;
}

Test(rcu, a_thread_that_was_let_go_gets_a_processor_for_its_section)
{
	struct vcore_thread *thread, *other;
	atomic_bool stop = false;

	check(pipe(ends) == 0);
	runtime_start(&ticking);
	thread = spawn(block_and_read, NULL);
	other = spawn(occupy, &stop);
	while (!info_of(thread).let_go) {
		usleep(100);
	}
	check(write(ends[1], "x", 1) == 1);
	finish(thread);
	set_flag(&stop);
	finish(other);
	runtime_finish();
}

Test(rcu, runtimes_that_are_closed_leave_no_readers)
{
	for (int i = 0; i < 10; i++) {
		struct reader reader = {.stop = true};

		finish(begin_to_compute(&reader, i % 2 == 0 ? &ticking : &without_ticks));
		runtime_finish();
		check(ends_soon());
	}
}

/* --- deferred calls -------------------------------------------------------------------------- */

struct letter {
	struct vcore_rcu_head head; /* first */
	char name;
};

static struct journal journal;

static void write_down(struct vcore_rcu_head *head)
{
	note(&journal, ((struct letter *)(void *)head)->name);
}

TestEverywhere(rcu, deferred_calls_are_made_in_order_before_the_end_of_a_barrier)
{
	struct letter letters[] = {{.name = 'a'}, {.name = 'b'}, {.name = 'c'}};

	memset(&journal, 0, sizeof journal);
	for (int i = 0; i < 3; i++) {
		check(vcore_rcu_defer(&letters[i].head, write_down) == 0);
	}
	check(vcore_rcu_barrier(VCORE_NEVER) == 0);
	check(strcmp(journal.text, "abc") == 0);
}

Test(rcu, a_call_is_not_made_before_the_end_of_a_section_that_was_under_way)
{
	struct letter letter = {.name = 'a'};
	struct reader reader = {0};
	struct vcore_thread *thread;

	runtime_start(&ticking);
	thread = spawn(read_once, &reader);
	wait_for(&reader.inside);
	check(vcore_rcu_defer(&letter.head, write_down) == 0);
	usleep(A_WHILE / 1000);
	check(atomic_load(&journal.length) == 0);
	set_flag(&reader.leave);
	finish(thread);
	check(vcore_rcu_barrier(VCORE_NEVER) == 0);
	check(atomic_load(&journal.length) == 1);
	runtime_finish();
}

Test(rcu, a_call_is_made_without_a_barrier_too)
{
	struct letter letter = {.name = 'a'};

	check(vcore_rcu_defer(&letter.head, write_down) == 0);
	until(atomic_load(&journal.length) == 1);
}

static void defer_again(struct vcore_rcu_head *head)
{
	check(vcore_rcu_defer(head, write_down) == 0);
}

Test(rcu, a_deferred_call_may_defer_itself)
{
	struct letter letter = {.name = 'a'};

	check(vcore_rcu_defer(&letter.head, defer_again) == 0);
	check(vcore_rcu_barrier(VCORE_NEVER) == 0);
	check(vcore_rcu_barrier(VCORE_NEVER) == 0);
	check(atomic_load(&journal.length) == 1);
}

static void be_slow(struct vcore_rcu_head *head)
{
	usleep(A_WHILE / 1000);
	write_down(head);
}

Test(rcu, a_barrier_waits_until_calls_have_returned)
{
	struct letter letter = {.name = 'a'};

	check(vcore_rcu_defer(&letter.head, be_slow) == 0);
	check(vcore_rcu_barrier(VCORE_NEVER) == 0);
	check(atomic_load(&journal.length) == 1);
}

static sigset_t blocked;

static void look_at_the_mask(struct vcore_rcu_head *head)
{
	(void)head;
	pthread_sigmask(SIG_SETMASK, NULL, &blocked);
}

Test(rcu, calls_are_made_where_no_handlers_of_the_programs_run)
{
	struct letter letter;

	check(vcore_rcu_defer(&letter.head, look_at_the_mask) == 0);
	check(vcore_rcu_barrier(VCORE_NEVER) == 0);
	check(sigismember(&blocked, SIGUSR1) && sigismember(&blocked, SIGALRM));
	check(sigismember(&blocked, SIGTERM) && sigismember(&blocked, SIGCHLD));
}

/* --- deadlock ------------------------------------------------------------------------- */

static void *use_and_wait_for_nobody(void *unused)
{
	struct vcore_eventcount never = {0};
	static struct letter letter = {.name = 'a'};

	check(vcore_rcu_defer(&letter.head, write_down) == 0);
	check(vcore_rcu_synchronize(VCORE_NEVER) == 0);
	vcore_eventcount_await(&never, 0, VCORE_NEVER);
	return unused;
}

static void run_into_a_deadlock(void)
{
	alarm(40);
	check(vcore_run(NULL, use_and_wait_for_nobody, NULL, NULL) == -EDEADLK);
	_exit(42);
}

/* The kernel thread that makes calls, when it has none to make, can wake nobody. */
Test(rcu, who_waits_for_nobody_is_found_even_so)
{
	static struct outcome outcome;

	run_child(&outcome, run_into_a_deadlock);
	cr_assert(exited_with(&outcome, 42), "%s", outcome.text);
}

/* --- calls and grace periods ------------------------------------------------------------ */

static struct vcore_eventcount first_begun, first_may_end, period_over;
static bool second_was_late;
static atomic_int synchronizer_id; /* of its kernel thread */

static void be_first(struct vcore_rcu_head *head)
{
	(void)head;
	vcore_eventcount_advance(&first_begun);
	check(vcore_eventcount_await(&first_may_end, 0, vcore_after(10 * SECOND)) == 0);
}

/* It waits for the caller of synchronize, which no call should; that one had asked before. */
static void be_second(struct vcore_rcu_head *head)
{
	(void)head;
	second_was_late = vcore_eventcount_await(&period_over, 0, vcore_after(10 * SECOND)) == 0;
}

static void *synchronize_meanwhile(void *unused)
{
	atomic_store(&synchronizer_id, thread_id_of_kernel());
	check(vcore_rcu_synchronize(vcore_after(10 * SECOND)) == 0);
	vcore_eventcount_advance(&period_over);
	return unused;
}

/* The first takes longer than the grace period before it did, then. */
Test(rcu, a_grace_period_waits_for_calls_no_longer_than_they_did_for_one)
{
	static struct vcore_rcu_head heads[2];
	pthread_t synchronizer;

	check(vcore_rcu_defer(&heads[0], be_first) == 0);
	check(vcore_rcu_defer(&heads[1], be_second) == 0);
	check(vcore_eventcount_await(&first_begun, 0, VCORE_NEVER) == 0);
	synchronizer = start_pthread(synchronize_meanwhile, NULL);
	until(atomic_load(&synchronizer_id) != 0 && is_asleep(atomic_load(&synchronizer_id)));
	vcore_sleep(vcore_after(200 * MILLISECOND));
	vcore_eventcount_advance(&first_may_end);
	finish_pthread(synchronizer);
	check(vcore_rcu_barrier(VCORE_NEVER) == 0);
	check(second_was_late);
}

enum { SYNCHRONIZERS = 2, BACKLOG = 5000 };

static atomic_bool enough;

static void *read_for_long(void *unused)
{
	while (!atomic_load(&enough)) {
		vcore_rcu_read_lock();
		occupy_for(3000000);
		vcore_rcu_read_unlock();
	}
	return unused;
}

static void *synchronize_all_the_time(void *unused)
{
	while (!atomic_load(&enough)) {
		check(vcore_rcu_synchronize(VCORE_NEVER) == 0);
	}
	return unused;
}

/* For longer than those who asked take to ask again. */
static void dawdle(struct vcore_rcu_head *head)
{
	(void)head;
	occupy_for(20000);
}

/* Each period lasts for about a section: a few calls in each would take many seconds. */
Test(rcu, calls_are_made_though_there_is_always_somebody_who_asks_for_a_grace_period)
{
	static struct vcore_rcu_head heads[BACKLOG];
	struct vcore_thread *reader;
	pthread_t synchronizers[SYNCHRONIZERS];

	runtime_start(&ticking);
	reader = spawn(read_for_long, NULL);
	for (int i = 0; i < SYNCHRONIZERS; i++) {
		synchronizers[i] = start_pthread(synchronize_all_the_time, NULL);
	}
	for (int i = 0; i < BACKLOG; i++) {
		check(vcore_rcu_defer(&heads[i], dawdle) == 0);
	}
	check(vcore_rcu_barrier(vcore_after(5 * SECOND)) == 0);
	atomic_store(&enough, true);
	for (int i = 0; i < SYNCHRONIZERS; i++) {
		finish_pthread(synchronizers[i]);
	}
	finish(reader);
	runtime_finish();
}

enum { CALLS_OF_CHILD = 100 };

static struct vcore_rcu_head forking, in_child[CALLS_OF_CHILD], last;
static atomic_int made;
static int child_status = -1;

static void count_call(struct vcore_rcu_head *head)
{
	(void)head;
	atomic_fetch_add(&made, 1);
}

static void exit_with_count(struct vcore_rcu_head *head)
{
	(void)head;
	_exit(atomic_load(&made));
}

/* In the child it goes on making calls, and nobody else does. */
static void fork_in_call(struct vcore_rcu_head *head)
{
	pid_t child = fork();

	(void)head;
	check(child >= 0);
	if (child == 0) {
		alarm(40);
		for (int i = 0; i < CALLS_OF_CHILD; i++) {
			check(vcore_rcu_defer(&in_child[i], count_call) == 0);
		}
		check(vcore_rcu_defer(&last, exit_with_count) == 0);
		return;
	}
	check(waitpid(child, &child_status, 0) == child);
}

Test(rcu, a_child_that_a_call_has_forked_makes_each_call_once)
{
	for (int i = 0; i < 20; i++) {
		check(vcore_rcu_defer(&forking, fork_in_call) == 0);
		check(vcore_rcu_barrier(vcore_after(20 * SECOND)) == 0);
		check(WIFEXITED(child_status) && WEXITSTATUS(child_status) == CALLS_OF_CHILD);
	}
}
