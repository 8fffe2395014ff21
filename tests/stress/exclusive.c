/*
 * Threads of exclusive spaces that do all there is to do, beside threads of
 * others, of none, and of spaces of lower levels.
 *
 * Each thread of an exclusive space touches its own memory all the time, and its
 * stack: if its space were closed it would fault.  And it has the kernel look
 * whether the memory of another exclusive space can be read meanwhile: it must
 * not be.
 *
 * They compute (and are put off by ticks), block in the kernel (and are let go),
 * talk through every kind of object, begin others, and destroy them.  With the
 * quantum off they change when they wait and yield.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "ticks.h"

#include <poll.h>
#include <vcore/space.h>

#define SPACES_MAX 4
#define TEAM       3 /* threads of each space, and of none */
#define WORDS      512
#define PATIENCE   MILLISECOND

struct team {
	struct vcore_space *space; /* NULL: of none */
	bool exclusive;
	struct vcore_block *block;
	uint64_t *words; /* in the space, TEAM × WORDS */
};

struct message {
	uint64_t number, inverse;
	char fill[48];
};

/* What all share, outside of any space. */
struct fair {
	const struct ticks *ticks;
	unsigned n_exclusive, n_teams, n_members;
	uint64_t rounds;
	struct team teams[SPACES_MAX + 3];
	struct vcore_buffer *ring;
	struct vcore_eventcount event;
	struct vcore_lock lock;
	struct vcore_ticketlock ticketlock;
	struct vcore_rwlock rwlock;
	struct vcore_condition condition;
	struct vcore_semaphore semaphore;
	struct vcore_barrier barrier;
	struct vcore_once once;
	uint64_t guarded, guarded_twice;
	_Atomic uint64_t sent, received;
	int pipe[2];
};

struct member {
	struct fair *fair;
	struct team *team;
	unsigned number; /* of its team */
	uint64_t random;
	uint64_t *words;
	struct vcore_thread *thread;
};

static vcore_instant soon(struct member *self)
{
	return vcore_after((int64_t)stress_below(&self->random, PATIENCE));
}

/* --- what is looked at -------------------------------------------------------------- */

static uint64_t word_of(const struct member *self, unsigned i)
{
	return (uint64_t)self->number << 32 ^ i ^ (uint64_t)(uintptr_t)self->words;
}

static void mark_words(const struct member *self)
{
	for (unsigned i = 0; i < WORDS; i++) {
		self->words[i] = word_of(self, i);
	}
}

static void check_words(const struct member *self)
{
	unsigned wrong = 0;

	for (unsigned i = 0; i < WORDS; i++) {
		wrong += self->words[i] != word_of(self, i);
		self->words[i] = word_of(self, i);
	}
	CHECK_IS(wrong, 0);
}

/* What another exclusive space holds cannot be read while this thread runs. */
static void peep(struct member *self)
{
	const struct fair *fair = self->fair;
	const struct team *other = &fair->teams[stress_below(&self->random, fair->n_exclusive)];

	if (!self->team->exclusive || other == self->team) {
		return;
	}
	CHECK(write(fair->pipe[1], other->words, 1) == -1 && errno == EFAULT);
}

/* --- what they do -------------------------------------------------------------------- */

static void do_compute(struct member *self)
{
	uint64_t here[16];

	for (unsigned i = 0; i < 16; i++) {
		here[i] = compute(i + 1, stress_below(&self->random, 20000));
		check_words(self);
	}
	for (unsigned i = 0; i < 16; i++) {
		CHECK(here[i] != 0);
	}
}

static void do_yield(struct member *self)
{
	(void)self;
	vcore_yield();
}

static void do_sleep(struct member *self)
{
	vcore_sleep(soon(self));
}

static void do_block(struct member *self)
{
	struct pollfd nothing = {.fd = -1};

	CHECK(poll(&nothing, 1, (int)stress_below(&self->random, 3)) == 0 || errno == EINTR);
}

static void do_poll(struct member *self)
{
	struct pollfd nothing = {.fd = self->fair->pipe[0], .events = POLLIN};

	CHECK_IS(vcore_poll(&nothing, 1, soon(self)), -ETIMEDOUT);
}

static struct message make_message(struct member *self)
{
	uint64_t number = stress_random(&self->random);
	struct message message = {.number = number, .inverse = ~number};

	memset(message.fill, (int)(number & 0x7f), sizeof message.fill);
	return message;
}

static void check_message(const struct message *message)
{
	CHECK(message->number == ~message->inverse);
	for (size_t i = 0; i < sizeof message->fill; i++) {
		CHECK_IS(message->fill[i], (char)(message->number & 0x7f));
	}
}

static void do_send(struct member *self)
{
	struct message message = make_message(self);

	if (vcore_buffer_send(self->fair->ring, &message, soon(self)) == 0) {
		atomic_fetch_add(&self->fair->sent, 1);
	}
}

static void do_receive(struct member *self)
{
	struct message message;

	if (vcore_buffer_receive(self->fair->ring, &message, soon(self)) == 0) {
		check_message(&message);
		atomic_fetch_add(&self->fair->received, 1);
	}
}

static void do_select(struct member *self)
{
	struct fair *fair = self->fair;
	struct message in, out = make_message(self);
	struct vcore_case cases[] = {
		{.kind = VCORE_CASE_RECEIVE, .buffer = fair->ring, .message = &in},
		{.kind = VCORE_CASE_SEND, .buffer = fair->ring, .message = &out},
		{.kind = VCORE_CASE_AWAIT,
		 .event = &fair->event,
		 .value = vcore_eventcount_read(&fair->event)},
	};
	size_t n = stress_below(&self->random, 2) ? 3 : 1;
	int result;

	if (stress_below(&self->random, 2)) {
		cases[stress_below(&self->random, n)].kind = VCORE_CASE_AWAIT;
		for (size_t i = 0; i < n; i++) {
			cases[i].event = &fair->event;
			cases[i].value = vcore_eventcount_read(&fair->event);
		}
	}
	result = vcore_select(cases, n, soon(self));
	CHECK(result == -ETIMEDOUT || (result >= 0 && result < (int)n));
	if (result >= 0 && cases[result].kind == VCORE_CASE_RECEIVE) {
		check_message(&in);
		atomic_fetch_add(&fair->received, 1);
	} else if (result >= 0 && cases[result].kind == VCORE_CASE_SEND) {
		atomic_fetch_add(&fair->sent, 1);
	}
}

static void do_advance(struct member *self)
{
	vcore_eventcount_advance(&self->fair->event);
}

static void do_await(struct member *self)
{
	struct vcore_eventcount *event = &self->fair->event;

	(void)vcore_eventcount_await(event, vcore_eventcount_read(event), soon(self));
}

/* Changes what the lock guards in two steps, with some time between. */
static void change_both(struct member *self)
{
	struct fair *fair = self->fair;

	CHECK(fair->guarded == fair->guarded_twice);
	fair->guarded++;
	compute(1, stress_below(&self->random, 5000));
	check_words(self);
	fair->guarded_twice++;
}

static void do_lock(struct member *self)
{
	struct fair *fair = self->fair;

	if (vcore_lock_acquire_until(&fair->lock, soon(self)) == 0) {
		change_both(self);
		vcore_condition_signal(&fair->condition);
		vcore_lock_release(&fair->lock);
	}
}

static void do_condition(struct member *self)
{
	struct fair *fair = self->fair;

	vcore_lock_acquire(&fair->lock);
	(void)vcore_condition_wait(&fair->condition, &fair->lock, soon(self));
	change_both(self);
	vcore_lock_release(&fair->lock);
}

static void do_ticketlock(struct member *self)
{
	vcore_ticketlock_acquire(&self->fair->ticketlock);
	check_words(self);
	vcore_ticketlock_release(&self->fair->ticketlock);
}

static void do_rwlock(struct member *self)
{
	struct vcore_rwlock *rwlock = &self->fair->rwlock;

	if (stress_below(&self->random, 3) == 0) {
		vcore_rwlock_acquire_write(rwlock);
		check_words(self);
		vcore_rwlock_release_write(rwlock);
	} else if (vcore_rwlock_acquire_read_until(rwlock, soon(self)) == 0) {
		check_words(self);
		vcore_rwlock_release_read(rwlock);
	}
}

static void do_semaphore(struct member *self)
{
	struct vcore_semaphore *semaphore = &self->fair->semaphore;

	if (vcore_semaphore_acquire_until(semaphore, soon(self)) == 0) {
		check_words(self);
		vcore_semaphore_release(semaphore, 1);
	}
}

static void do_barrier(struct member *self)
{
	(void)vcore_barrier_wait(&self->fair->barrier, soon(self));
}

static void note_once(void *flag)
{
	*(bool *)flag = true;
}

static void do_once(struct member *self)
{
	bool mine = false;

	vcore_once_call(&self->fair->once, note_once, &mine);
}

static void do_undisturbed(struct member *self)
{
	vcore_preempt_disable();
	compute(1, stress_below(&self->random, 20000));
	check_words(self);
	vcore_preempt_enable();
}

/* --- others that they begin ------------------------------------------------------------ */

static struct vcore_thread_options some_options(struct member *self, struct team **team)
{
	struct fair *fair = self->fair;
	struct vcore_thread_options options = {.runtime = fair->ticks->runtime};

	*team = &fair->teams[stress_below(&self->random, fair->n_teams)];
	options.space = (*team)->space;
	options.priority = (int)stress_below(&self->random, 3) - 1;
	return options;
}

static void *touch_stack(void *result)
{
	volatile char here[4096];

	for (size_t i = 0; i < sizeof here; i += 64) {
		here[i] = 1;
	}
	vcore_yield();
	compute(1, 2000);
	return here[64] == 1 ? result : NULL;
}

static void *last_forever(void *event)
{
	for (;;) {
		compute(1, 5000);
		(void)vcore_eventcount_await(event, INT64_MAX / 8, vcore_after(PATIENCE));
	}
	return NULL;
}

static void do_spawn(struct member *self)
{
	struct team *team;
	struct vcore_thread_options options = some_options(self, &team);
	struct vcore_exit exit;
	struct vcore_thread *thread;

	if (stress_below(&self->random, 3) == 0) {
		CHECK_IS(vcore_thread_allocate(NULL, &options, touch_stack, team), 0);
		return;
	}
	CHECK_IS(vcore_thread_allocate(&thread, &options, touch_stack, team), 0);
	if (stress_below(&self->random, 3) == 0) {
		CHECK_IS(vcore_thread_detach(thread), 0);
		return;
	}
	CHECK_IS(vcore_thread_join(thread, &exit, VCORE_NEVER), 0);
	CHECK(exit.how == VCORE_RETURNED && exit.result == team);
}

static void do_destroy(struct member *self)
{
	struct team *team;
	struct vcore_thread_options options = some_options(self, &team);
	struct vcore_exit exit;
	struct vcore_thread *thread;

	CHECK_IS(vcore_thread_allocate(&thread, &options, last_forever, &self->fair->event), 0);
	if (stress_below(&self->random, 2)) {
		vcore_sleep(soon(self));
	}
	CHECK_IS(vcore_thread_destroy(thread), 0);
	CHECK_IS(vcore_thread_join(thread, &exit, VCORE_NEVER), 0);
	CHECK(exit.how == VCORE_DESTROYED);
}

static void (*const deeds[])(struct member *self) = {
	do_compute, do_compute, do_yield,   do_sleep,     do_block,       do_poll,    do_send,
	do_send,    do_receive, do_receive, do_select,    do_select,      do_advance, do_advance,
	do_await,   do_lock,    do_lock,    do_condition, do_ticketlock,  do_rwlock,  do_semaphore,
	do_barrier, do_once,    do_spawn,   do_destroy,   do_undisturbed,
};

static void *take_part(void *argument)
{
	struct member *self = argument;

	mark_words(self);
	for (uint64_t i = 0; i < self->fair->rounds; i++) {
		deeds[stress_below(&self->random, sizeof deeds / sizeof deeds[0])](self);
		check_words(self);
		peep(self);
	}
	return NULL;
}

/* --- the whole --------------------------------------------------------------------------- */

/* Every second exclusive space has a huge page, if there are any. */
static void make_team(struct team *team, enum vcore_space_level level, bool huge)
{
	struct vcore_space_options options = {
		.least = level, .most = level, .bytes = (size_t)256 << 20};
	size_t bytes = (size_t)TEAM * WORDS * sizeof(uint64_t);
	void *at;

	team->exclusive = level == VCORE_SPACE_EXCLUSIVE;
	if (!CHECK_IS(vcore_space_create(&team->space, &options), 0) ||
	    !CHECK_IS(
		    (huge ? vcore_block_allocate_huge : vcore_block_allocate)(&team->block, bytes),
		    0) ||
	    !CHECK_IS(vcore_space_map(team->space, team->block, VCORE_ANYWHERE,
				      VCORE_PROTECT_READ_WRITE, &at),
		      0)) {
		tap_case("make a space");
		exit(tap_done());
	}
	team->words = at;
}

static void end_team(struct team *team)
{
	struct vcore_space_statistics statistics = {.size = sizeof statistics};

	if (team->space == NULL) {
		free(team->words);
		return;
	}
	vcore_space_statistics(team->space, &statistics);
	CHECK_IS(statistics.threads, 0);
	CHECK_IS(statistics.mappings, 1);
	CHECK(!team->exclusive || statistics.opened > 0);
	CHECK_IS(vcore_space_unmap(team->space, team->words), 0);
	CHECK_IS(vcore_block_free(team->block), 0);
	CHECK_IS(vcore_space_delete(team->space), 0);
}

static void open_fair(struct fair *fair)
{
	struct team *team = fair->teams;

	for (unsigned i = 0; i < fair->n_exclusive; i++) {
		make_team(team++, VCORE_SPACE_EXCLUSIVE, i % 2 == 1);
	}
	make_team(team++, VCORE_SPACE_GUARDED, false);
	make_team(team++, VCORE_SPACE_NAMED, false);
	team->words = calloc(TEAM * WORDS, sizeof(uint64_t));
	fair->n_teams = fair->n_exclusive + 3;
	CHECK_IS(pipe(fair->pipe), 0);
	CHECK_IS(vcore_buffer_allocate(&fair->ring, 4, sizeof(struct message), NULL), 0);
	fair->semaphore = (struct vcore_semaphore)VCORE_SEMAPHORE_INITIALIZER(2);
	fair->barrier = (struct vcore_barrier)VCORE_BARRIER_INITIALIZER(3);
}

static void close_fair(struct fair *fair)
{
	struct message message;

	while (vcore_buffer_receive(fair->ring, &message, 0) == 0) {
		check_message(&message);
		fair->received++;
	}
	CHECK_IS(fair->sent, fair->received);
	CHECK(fair->guarded == fair->guarded_twice);
	for (unsigned i = 0; i < fair->n_teams; i++) {
		end_team(&fair->teams[i]);
	}
	vcore_buffer_deallocate(fair->ring);
	close(fair->pipe[0]);
	close(fair->pipe[1]);
}

static unsigned flags_of(const struct member *member)
{
	switch (member->number) {
	case 1:
		return VCORE_THREAD_FPENV;
	case 2:
		return VCORE_THREAD_PINNED;
	default:
		return 0;
	}
}

static void begin_member(struct fair *fair, struct member *member, unsigned i)
{
	struct vcore_thread_options options = {.name = "member"};

	member->fair = fair;
	member->team = &fair->teams[i / TEAM];
	member->number = i % TEAM;
	member->random = stress_seed * 1000 + i;
	member->words = member->team->words + (size_t)member->number * WORDS;
	options.space = member->team->space;
	options.flags = flags_of(member);
	options.processor = i % fair->ticks->processors;
	member->thread = ticks_spawn(fair->ticks, options, take_part, member);
}

/* Detached ones end some time. */
static void await_end_of_detached(const struct ticks *ticks)
{
	while (ticks_statistics(ticks).threads > 0) {
		vcore_sleep(vcore_after(200 * MICROSECOND));
	}
}

static void work(const struct ticks *ticks, unsigned n_exclusive)
{
	static struct fair fair;
	static struct member members[(SPACES_MAX + 3) * TEAM];

	fair = (struct fair){
		.ticks = ticks, .n_exclusive = n_exclusive, .rounds = stress_size(60, 6)};
	open_fair(&fair);
	for (unsigned i = 0; i < fair.n_teams * TEAM; i++) {
		begin_member(&fair, &members[i], i);
	}
	for (unsigned i = 0; i < fair.n_teams * TEAM; i++) {
		stress_join(members[i].thread);
	}
	await_end_of_detached(ticks);
	close_fair(&fair);
}

int main(int argc, char **argv)
{
	static const int64_t quanta[] = {100 * MICROSECOND, MILLISECOND, VCORE_QUANTUM_OFF};
	static const unsigned processors[] = {1, 2, 4};

	stress_begin(argc, argv);
	for (unsigned i = 0; i < 9; i++) {
		int64_t quantum = quanta[i / 3];
		struct ticks ticks;

		if (quantum > 0 && quantum < ticks_least_quantum()) {
			continue;
		}
		ticks = ticks_open((struct vcore_runtime_options){.quantum = quantum,
								  .processors = processors[i % 3]});
		work(&ticks, 2 + i % (SPACES_MAX - 1));
		ticks_case(&ticks, "threads of exclusive spaces");
		stress_close(ticks.runtime);
	}
	return tap_done();
}
