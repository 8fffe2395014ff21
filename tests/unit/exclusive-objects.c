/*
 * Threads of two exclusive spaces that meet at each kind of object: what one of them
 * has on its stack while it waits is closed when the other wakes it.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "ticking.h"

#include <vcore/space.h>

#define ROUNDS 100

/* Outside of both. */
static struct vcore_eventcount events[2];
static struct vcore_lock lock;
static struct vcore_ticketlock ticketlock;
static struct vcore_rwlock rwlock;
static struct vcore_condition condition;
static struct vcore_semaphore semaphores[2];
static struct vcore_barrier barrier;
static struct vcore_buffer *buffers[2];
static int turn;

struct side {
	int number;
	struct vcore_space *space, *other;
};

/* --- what both do, in ROUNDS rounds --------------------------------------------------- */

static void by_eventcount(struct side *self, int round)
{
	vcore_eventcount_advance(&events[self->number]);
	check(vcore_eventcount_await(&events[!self->number], round, VCORE_NEVER) == 0);
}

static void by_condition(struct side *self, int round)
{
	(void)round;
	vcore_lock_acquire(&lock);
	while (turn != self->number) {
		check(vcore_condition_wait(&condition, &lock, VCORE_NEVER) == 0);
	}
	turn = !self->number;
	vcore_condition_signal(&condition);
	vcore_lock_release(&lock);
}

static void by_lock(struct side *self, int round)
{
	int local = round;

	(void)self;
	vcore_lock_acquire(&lock);
	turn += local;
	vcore_yield(); /* the other one waits for it */
	turn -= local;
	vcore_lock_release(&lock);
}

static void by_ticketlock(struct side *self, int round)
{
	(void)self, (void)round;
	vcore_ticketlock_acquire(&ticketlock);
	vcore_yield();
	vcore_ticketlock_release(&ticketlock);
}

static void by_rwlock(struct side *self, int round)
{
	if ((round + self->number) % 2 == 0) {
		vcore_rwlock_acquire_write(&rwlock);
		vcore_yield();
		vcore_rwlock_release_write(&rwlock);
	} else {
		vcore_rwlock_acquire_read(&rwlock);
		vcore_yield();
		vcore_rwlock_release_read(&rwlock);
	}
}

static void by_semaphore(struct side *self, int round)
{
	(void)round;
	vcore_semaphore_release(&semaphores[self->number], 1);
	vcore_semaphore_acquire(&semaphores[!self->number]);
}

static void by_barrier(struct side *self, int round)
{
	(void)self, (void)round;
	check(vcore_barrier_wait(&barrier, VCORE_NEVER) >= 0);
}

struct message {
	int numbers[1000]; /* more than the other's registers hold */
};

static void fill(struct message *message, int number)
{
	for (int i = 0; i < 1000; i++) {
		message->numbers[i] = number + i;
	}
}

static void check_filled(const struct message *message, int number)
{
	for (int i = 0; i < 1000; i++) {
		check(message->numbers[i] == number + i);
	}
}

static void by_buffer(struct side *self, int round)
{
	struct message message;

	fill(&message, round + self->number);
	check(vcore_buffer_send(buffers[self->number], &message, VCORE_NEVER) == 0);
	check(vcore_buffer_receive(buffers[!self->number], &message, VCORE_NEVER) == 0);
	check_filled(&message, round + !self->number);
}

/* From what the other sends, and other things that never come. */
static void by_select(struct side *self, int round)
{
	struct message in, out;
	struct vcore_case cases[] = {
		{.kind = VCORE_CASE_AWAIT, .event = &events[0], .value = INT64_MAX / 8},
		{.kind = VCORE_CASE_RECEIVE, .buffer = buffers[!self->number], .message = &in},
		{.kind = VCORE_CASE_AWAIT, .event = &events[1], .value = INT64_MAX / 8},
	};

	fill(&out, round + self->number);
	check(vcore_buffer_send(buffers[self->number], &out, VCORE_NEVER) == 0);
	cases[1].status = -1;
	check(vcore_select(cases, 3, VCORE_NEVER) == 1 && cases[1].status == 0);
	check_filled(&in, round + !self->number);
}

/* Each waits until either may send, or the other's has come. */
static void by_select_of_events(struct side *self, int round)
{
	struct vcore_case cases[] = {
		{.kind = VCORE_CASE_AWAIT, .event = &events[!self->number], .value = round},
		{.kind = VCORE_CASE_RECEIVE, .buffer = NULL},
	};

	vcore_eventcount_advance(&events[self->number]);
	check(vcore_select(cases, 2, VCORE_NEVER) == 0);
}

static void by_deadline(struct side *self, int round)
{
	struct vcore_eventcount nothing = {0};
	struct vcore_case cases[] = {
		{.kind = VCORE_CASE_AWAIT, .event = &nothing, .value = 0},
	};

	(void)self, (void)round;
	check(vcore_select(cases, 1, vcore_after(1)) == -ETIMEDOUT);
	check(vcore_eventcount_await(&nothing, 0, vcore_after(1)) == -ETIMEDOUT);
	check(vcore_sleep(vcore_after(1)) == 0);
}

static void *return_its_argument(void *argument)
{
	vcore_yield();
	return argument;
}

/* One of the other space's is begun, and joined. */
static void by_join(struct side *self, int round)
{
	struct vcore_thread_options options = {.space = self->other};
	struct vcore_exit exit;
	struct vcore_thread *thread;
	int local;

	(void)round;
	check(vcore_thread_allocate(&thread, &options, return_its_argument, &local) == 0);
	if (round % 2 == 0) {
		struct vcore_case join = {.kind = VCORE_CASE_JOIN, .thread = thread, .exit = &exit};

		check(vcore_select(&join, 1, VCORE_NEVER) == 0);
	} else {
		check(vcore_thread_join(thread, &exit, VCORE_NEVER) == 0);
	}
	check(exit.how == VCORE_RETURNED && exit.result == &local);
}

/* --- both ------------------------------------------------------------------------------- */

static void (*meeting)(struct side *self, int round);

static void *meet(void *argument)
{
	for (int i = 0; i < ROUNDS; i++) {
		meeting(argument, i);
	}
	return NULL;
}

static void prepare(void)
{
	events[0] = events[1] = (struct vcore_eventcount){0};
	semaphores[0] = semaphores[1] = (struct vcore_semaphore){0};
	barrier = (struct vcore_barrier)VCORE_BARRIER_INITIALIZER(2);
	turn = 0;
	for (int i = 0; i < 2; i++) {
		check(vcore_buffer_allocate(&buffers[i], 1, sizeof(struct message), NULL) == 0);
	}
}

static void let_two_meet(void)
{
	struct vcore_space_options exclusive = {.least = VCORE_SPACE_EXCLUSIVE};
	struct side sides[2];
	struct vcore_thread *threads[2];

	prepare();
	for (int i = 0; i < 2; i++) {
		sides[i].number = i;
		check(vcore_space_create(&sides[i].space, &exclusive) == 0);
		sides[!i].other = sides[i].space;
	}
	for (int i = 0; i < 2; i++) {
		threads[i] = spawn_with((struct vcore_thread_options){.space = sides[i].space},
					meet, &sides[i]);
	}
	for (int i = 0; i < 2; i++) {
		finish(threads[i]);
	}
	for (int i = 0; i < 2; i++) {
		check(vcore_space_delete(sides[i].space) == 0);
		vcore_buffer_deallocate(buffers[i]);
	}
}

/* On 1, 2 and 4 processors, with short slices and without ticks. */
static void meet_by(void (*how)(struct side *self, int round))
{
	static const unsigned processors[] = {1, 2, 4};

	meeting = how;
	for (int i = 0; i < 6; i++) {
		struct vcore_runtime_options options = {
			.processors = processors[i / 2],
			.quantum = i % 2 ? VCORE_QUANTUM_OFF : 100 * MILLISECOND / 1000};

		run_inside_with(&options, let_two_meet);
	}
}

#define TestMeeting(kind)                                                                          \
	Test(exclusive, threads_of_two_spaces_meet_##kind, .timeout = 100)                         \
	{                                                                                          \
		meet_by(kind);                                                                     \
	}

TestMeeting(by_eventcount) TestMeeting(by_condition) TestMeeting(by_lock) TestMeeting(by_ticketlock)
	TestMeeting(by_rwlock) TestMeeting(by_semaphore) TestMeeting(by_barrier)
		TestMeeting(by_buffer) TestMeeting(by_select) TestMeeting(by_select_of_events)
			TestMeeting(by_deadline) TestMeeting(by_join)
