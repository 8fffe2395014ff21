/*
 * Whether stacks and buffers are linearizable: what several threads, vcore's and
 * pthreads, do with one at the same time, in thousands of small windows, must
 * have an order in which one thread could have done it (linear.h).
 *
 *	by hand  histories that have such an order, and histories that have none.
 *	planted  objects that are wrong (linear_planted.h) are found to be so.
 *	real	the library's: a stack whose few nodes come back again and again,
 *		buffers of 1 to 3 messages, with deadlines and without waiting,
 *		closed or not, of any size, with numbers that wrap around; and
 *		buffers for one sender and one receiver, empty or nearly full.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "linear.h"

#include "buffers.h"
#include "linear_planted.h"

#define STEPS 6   /* of a thread in a window */
#define NODES 6   /* of a stack */
#define LONG  300 /* bytes */

/* --- by hand -------------------------------------------------------------------------- */

/* Of the thread that is named, from when to when. */
static void enter(struct linear_history *history, unsigned thread, uint64_t invoked,
		  uint64_t returned, struct linear_operation operation)
{
	struct linear_log *log = &history->logs[thread];

	operation.invoked = invoked;
	operation.returned = returned;
	log->operations[log->length++] = operation;
}

static const struct linear_operation send_1 = {.kind = LINEAR_SEND, .value = 1},
				     send_2 = {.kind = LINEAR_SEND, .value = 2},
				     receive_1 = {.kind = LINEAR_RECEIVE, .value = 1},
				     receive_2 = {.kind = LINEAR_RECEIVE, .value = 2},
				     found_none = {.kind = LINEAR_RECEIVE, .result = -EAGAIN},
				     push_1 = {.kind = LINEAR_PUSH, .value = 1},
				     push_2 = {.kind = LINEAR_PUSH, .value = 2},
				     pop_1 = {.kind = LINEAR_POP, .value = 1};

/* Two operations of one thread, one after the other, and one of another. */
static bool has_order(const struct linear_operation *first, const struct linear_operation *second,
		      const struct linear_operation *other, uint64_t invoked, uint64_t returned)
{
	static struct linear_history history;

	linear_begin(&history, 2, 2);
	enter(&history, 0, 10, 20, *first);
	enter(&history, 0, 30, 40, *second);
	enter(&history, 1, invoked, returned, *other);
	return linear_check(&history);
}

static void judge_by_hand(void)
{
	CHECK(has_order(&send_1, &send_2, &receive_1, 15, 16));
	CHECK(!has_order(&send_1, &send_2, &receive_1, 1, 9));
	CHECK(!has_order(&send_1, &send_2, &receive_2, 35, 50));
	CHECK(has_order(&send_1, &send_2, &found_none, 15, 50));
	CHECK(!has_order(&send_1, &send_2, &found_none, 25, 50));
	CHECK(has_order(&send_1, &receive_2, &send_2, 1, 15));
	CHECK(!has_order(&send_1, &receive_2, &send_2, 21, 50));
	CHECK(has_order(&push_1, &push_2, &pop_1, 15, 50));
	CHECK(!has_order(&push_1, &push_2, &pop_1, 41, 50));
	tap_case("histories by hand");
}

/* --- objects ---------------------------------------------------------------------------- */

struct node {
	union {
		struct vcore_stack_node real; /* first: a node is its node */
		struct aba_node aba;
	};
	_Atomic uint8_t value;
};

/* An object, and what is done with it. */
struct arena {
	const struct subject *subject;
	struct vcore_barrier gate; /* between the phases of a window */
	bool over;                 /* by main, before a window */
	_Atomic unsigned ready;    /* threads, to make their steps */
	uint64_t random;           /* main's */
	struct linear_history history;
	struct vcore_stack stack;
	struct aba_stack aba;
	struct node nodes[NODES];
	struct vcore_buffer *buffer;
	size_t message_size;
	struct lossy_ring lossy;
};

/* One who does it. */
struct party {
	struct arena *arena;
	unsigned number;
	uint64_t random;
	struct linear_log *log;
	/* Nodes that it may push, the one that it had first next: that makes for ABA. */
	unsigned pushed, hoarded;
	struct node *hoard[1 + NODES * (STEPS + 1)];
};

struct subject {
	const char *name;
	unsigned vcore, plain; /* threads */
	/* The phases of a window: all of one before any of the next. */
	void (*reset)(struct arena *arena); /* by main */
	void (*begin)(struct party *self);  /* by each */
	void (*step)(struct party *self);   /* by each, again and again: any operation */
	void (*drain)(struct party *self);  /* by the last */
	/* of stacks */
	void (*push)(struct arena *arena, struct node *node);
	struct node *(*pop)(struct arena *arena);
	struct node *(*pop_all)(struct arena *arena);
	struct node *(*next)(struct node *node);
	/* of buffers */
	size_t capacity;
	unsigned flags;
	bool closes;
};

/* Unlike all others in the window. */
static uint8_t new_value(const struct party *self)
{
	return (uint8_t)(self->number * LINEAR_EACH + self->log->length + 1);
}

/* And unlike these, that are there before. */
#define OLD_VALUE (LINEAR_LOGS * LINEAR_EACH + 1)

/* --- stacks ------------------------------------------------------------------------------ */

static void real_push(struct arena *arena, struct node *node)
{
	vcore_stack_push(&arena->stack, &node->real);
}

static struct node *real_pop(struct arena *arena)
{
	return (struct node *)(void *)vcore_stack_pop(&arena->stack);
}

static struct node *real_pop_all(struct arena *arena)
{
	return (struct node *)(void *)vcore_stack_pop_all(&arena->stack);
}

static struct node *real_next(struct node *node)
{
	return (struct node *)(void *)vcore_stack_next(&node->real);
}

static void planted_push(struct arena *arena, struct node *node)
{
	aba_push(&arena->aba, &node->aba);
}

static struct node *planted_pop(struct arena *arena)
{
	return (struct node *)(void *)aba_pop(&arena->aba);
}

static struct node *planted_pop_all(struct arena *arena)
{
	return (struct node *)(void *)aba_pop_all(&arena->aba);
}

static struct node *planted_next(struct node *node)
{
	return (struct node *)(void *)atomic_load(&node->aba.next);
}

/* Half of the nodes are in it, the others with the first threads. */
static void reset_stack(struct arena *arena)
{
	struct linear_content *before = &arena->history.before;

	arena->stack = (struct vcore_stack)VCORE_STACK_INITIALIZER;
	atomic_store(&arena->aba.top, NULL);
	for (uint8_t i = 0; i < NODES / 2; i++) {
		atomic_store(&arena->nodes[i].value, OLD_VALUE + i);
		arena->subject->push(arena, &arena->nodes[i]);
		before->values[before->length++] = OLD_VALUE + i;
	}
}

static void begin_hoard(struct party *self)
{
	unsigned own = NODES / 2 + self->number;

	self->pushed = 0;
	self->hoarded = 0;
	if (own < NODES) {
		self->hoard[self->hoarded++] = &self->arena->nodes[own];
	}
}

static void push(struct party *self)
{
	struct node *node = self->hoard[self->pushed++];
	uint8_t value = new_value(self);

	linear_invoke(self->log, LINEAR_PUSH, value);
	atomic_store_explicit(&node->value, value, memory_order_relaxed);
	self->arena->subject->push(self->arena, node);
	linear_return(self->log, 0, value);
}

static void pop(struct party *self)
{
	struct node *node;
	uint8_t value = 0;

	linear_invoke(self->log, LINEAR_POP, 0);
	node = self->arena->subject->pop(self->arena);
	if (node != NULL) {
		value = atomic_load_explicit(&node->value, memory_order_relaxed);
		self->hoard[self->hoarded++] = node;
	}
	linear_return(self->log, node != NULL ? 0 : -EAGAIN, value);
}

/* In a stack that is broken the nodes may go round in a circle. */
static void pop_all(struct party *self)
{
	const struct subject *subject = self->arena->subject;
	struct node *node, *next;

	linear_invoke(self->log, LINEAR_POP_ALL, 0);
	node = subject->pop_all(self->arena);
	linear_return(self->log, 0, 0);
	for (unsigned i = 0; i < NODES && node != NULL; i++, node = next) {
		linear_add(self->log, atomic_load(&node->value));
		next = subject->next(node);
		self->hoard[self->hoarded++] = node;
	}
}

static void ask_if_empty(struct party *self)
{
	linear_invoke(self->log, LINEAR_IS_EMPTY, 0);
	linear_return(self->log, vcore_stack_is_empty(&self->arena->stack), 0);
}

static void step_stack(struct party *self)
{
	unsigned choice = (unsigned)stress_below(&self->random, 16);

	if (choice == 0) {
		pop_all(self);
	} else if (choice == 1 && self->arena->subject->pop == real_pop) {
		ask_if_empty(self);
	} else if (self->pushed < self->hoarded && choice % 2 == 0) {
		push(self);
	} else {
		pop(self);
	}
}

/* --- buffers ------------------------------------------------------------------------------- */

static void reset_buffer(struct arena *arena)
{
	static const size_t sizes[] = {1, 7, 8, 24, LONG};
	struct vcore_buffer_options options = {.flags = arena->subject->flags};

	vcore_buffer_deallocate(arena->buffer);
	arena->message_size = sizes[stress_below(&arena->random, sizeof(sizes) / sizeof(sizes[0]))];
	options.first = random_first(&arena->random);
	if (!CHECK_IS(vcore_buffer_allocate(&arena->buffer, arena->subject->capacity,
					    arena->message_size, &options),
		      0)) {
		tap_case("allocate a buffer");
		exit(tap_done());
	}
}

/* A message is its value, again and again. */
static void check_message(const struct party *self, const uint8_t *message)
{
	for (size_t i = 1; i < self->arena->message_size; i++) {
		CHECK_IS(message[i], message[0]);
	}
}

static void send(struct party *self, bool waits)
{
	struct vcore_buffer *buffer = self->arena->buffer;
	vcore_instant deadline = vcore_after((int64_t)stress_below(&self->random, PATIENCE / 3));
	uint8_t value = new_value(self), message[LONG];
	int result;

	memset(message, value, sizeof(message));
	linear_invoke(self->log, LINEAR_SEND, value);
	if (waits) {
		result = vcore_buffer_send(buffer, message, deadline);
	} else {
		result = vcore_buffer_try_send(buffer, message) ? 0 : -EAGAIN;
	}
	linear_return(self->log, result, value);
}

static void receive(struct party *self, bool waits)
{
	struct vcore_buffer *buffer = self->arena->buffer;
	vcore_instant deadline = vcore_after((int64_t)stress_below(&self->random, PATIENCE / 3));
	uint8_t message[LONG] = {0};
	int result;

	linear_invoke(self->log, LINEAR_RECEIVE, 0);
	if (waits) {
		result = vcore_buffer_receive(buffer, message, deadline);
	} else {
		result = vcore_buffer_try_receive(buffer, message) ? 0 : -EAGAIN;
	}
	linear_return(self->log, result, message[0]);
	check_message(self, message);
}

static void count(struct party *self)
{
	linear_invoke(self->log, LINEAR_COUNT, 0);
	linear_return(self->log, (intmax_t)vcore_buffer_count(self->arena->buffer), 0);
}

static void close_buffer(struct party *self)
{
	linear_invoke(self->log, LINEAR_CLOSE, 0);
	vcore_buffer_close(self->arena->buffer);
	linear_return(self->log, 0, 0);
}

static void step_buffer(struct party *self)
{
	switch (stress_below(&self->random, 14)) {
	case 0:
		(self->arena->subject->closes ? close_buffer : count)(self);
		break;
	case 1:
		count(self);
		break;
	case 2:
	case 3:
		send(self, false);
		break;
	case 4:
	case 5:
		receive(self, false);
		break;
	case 6:
	case 7:
	case 8:
	case 9:
		send(self, true);
		break;
	default:
		receive(self, true);
	}
}

static void drain_buffer(struct party *self)
{
	uint8_t message[LONG];

	linear_invoke(self->log, LINEAR_DRAIN, 0);
	linear_return(self->log, 0, 0);
	while (vcore_buffer_try_receive(self->arena->buffer, message)) {
		check_message(self, message);
		linear_add(self->log, message[0]);
	}
}

static void begin_buffer(struct party *self)
{
	(void)self;
}

/* The receiver of two finds nothing, or the sender little room. */
static void begin_spsc(struct party *self)
{
	struct linear_content *before = &self->arena->history.before;
	uint8_t message[LONG];

	if (self->number == 1 || stress_below(&self->random, 2) == 0) {
		return;
	}
	while (before->length < self->arena->subject->capacity - 1) {
		uint8_t value = OLD_VALUE + before->length;

		memset(message, value, sizeof(message));
		CHECK(vcore_buffer_try_send(self->arena->buffer, message));
		before->values[before->length++] = value;
	}
}

static void step_spsc(struct party *self)
{
	unsigned choice = (unsigned)stress_below(&self->random, 8);

	if (choice == 0 && self->arena->subject->closes) {
		close_buffer(self);
	} else if (choice <= 1) {
		count(self);
	} else if (self->number == 0) {
		send(self, choice > 3);
	} else {
		receive(self, choice > 3);
	}
}

static void reset_lossy(struct arena *arena)
{
	atomic_store(&arena->lossy.in, 0);
	atomic_store(&arena->lossy.out, 0);
}

static bool receive_lossy(struct party *self, uint8_t *message)
{
	return lossy_try_receive(&self->arena->lossy, message);
}

static void step_lossy(struct party *self)
{
	uint8_t value = new_value(self), message = 0;
	bool done;

	if (stress_below(&self->random, 2) == 0) {
		linear_invoke(self->log, LINEAR_SEND, value);
		done = lossy_try_send(&self->arena->lossy, value);
		linear_return(self->log, done ? 0 : -EAGAIN, value);
	} else {
		linear_invoke(self->log, LINEAR_RECEIVE, 0);
		done = receive_lossy(self, &message);
		linear_return(self->log, done ? 0 : -EAGAIN, message);
	}
}

static void drain_lossy(struct party *self)
{
	uint8_t message;

	linear_invoke(self->log, LINEAR_DRAIN, 0);
	linear_return(self->log, 0, 0);
	while (receive_lossy(self, &message)) {
		linear_add(self->log, message);
	}
}

/* --- windows --------------------------------------------------------------------------------- */

static void pass(struct arena *arena)
{
	CHECK(vcore_barrier_wait(&arena->gate, VCORE_NEVER) >= 0);
}

/*
 * Who was woken first would be done before the last has come: so they meet, if
 * that does not take too long, and begin together; then they yield at random.
 */
static void make_steps(struct party *self)
{
	struct arena *arena = self->arena;

	atomic_fetch_add(&arena->ready, 1);
	for (int i = 0; i < 100 && atomic_load(&arena->ready) < arena->history.threads; i++) {
		vcore_yield();
	}
	for (unsigned i = 0; i < STEPS; i++) {
		if (stress_below(&self->random, 4) == 0) {
			vcore_yield();
		}
		arena->subject->step(self);
	}
}

static void *take_part(void *argument)
{
	struct party *self = argument;
	struct arena *arena = self->arena;
	const struct subject *subject = arena->subject;

	for (;;) {
		pass(arena);
		if (arena->over) {
			return NULL;
		}
		subject->begin(self);
		pass(arena);
		make_steps(self);
		pass(arena);
		if (self->number == arena->history.threads - 1) {
			subject->drain(self);
		}
		pass(arena);
	}
}

static bool try_window(struct arena *arena)
{
	const struct subject *subject = arena->subject;

	linear_begin(&arena->history, subject->vcore + subject->plain, subject->capacity);
	subject->reset(arena);
	atomic_store(&arena->ready, 0);
	for (int phase = 0; phase < 4; phase++) {
		pass(arena);
	}
	return linear_check(&arena->history);
}

/* Returns in which of so many windows there was no order, from 1; or 0. */
static size_t find_disorder(const struct ticks *ticks, const struct subject *subject,
			    size_t windows)
{
	struct stress_crew crew = {.vcore = subject->vcore, .plain = subject->plain};
	unsigned threads = subject->vcore + subject->plain;
	struct party parties[LINEAR_LOGS];
	static struct arena arena;
	size_t window = 0;
	bool good = true;

	arena.subject = subject;
	arena.gate = (struct vcore_barrier)VCORE_BARRIER_INITIALIZER(threads + 1);
	arena.over = false;
	arena.random = stress_seed;
	for (unsigned i = 0; i < threads; i++) {
		parties[i] = (struct party){.arena = &arena, .number = i};
		parties[i].random = stress_seed * LINEAR_LOGS + i;
		parties[i].log = &arena.history.logs[i];
	}
	stress_crew_start(&crew, ticks->runtime, take_part, parties, sizeof(parties[0]));
	while (good && window < windows) {
		window++;
		good = try_window(&arena);
	}
	if (!good) {
		linear_print(&arena.history);
	}
	arena.over = true;
	pass(&arena);
	stress_crew_join(&crew);
	vcore_buffer_deallocate(arena.buffer);
	arena.buffer = NULL;
	return good ? 0 : window;
}

#define STACK(kind)                                                                                \
	.vcore = 3, .plain = 2, .reset = reset_stack, .begin = begin_hoard, .step = step_stack,    \
	.drain = pop_all, .push = kind##_push, .pop = kind##_pop, .pop_all = kind##_pop_all,       \
	.next = kind##_next
#define BUFFER                                                                                     \
	.vcore = 3, .plain = 2, .reset = reset_buffer, .begin = begin_buffer, .step = step_buffer, \
	.drain = drain_buffer
#define SPSC                                                                                       \
	.flags = VCORE_BUFFER_SPSC, .reset = reset_buffer, .begin = begin_spsc, .step = step_spsc, \
	.drain = drain_buffer

static const struct subject wrong[] = {
	{"a stack without a count", STACK(planted)},
	{"a ring that loses messages", .vcore = 3, .plain = 2, .reset = reset_lossy,
	 .begin = begin_buffer, .step = step_lossy, .drain = drain_lossy,
	 .capacity = LOSSY_CAPACITY},
};

static const struct subject right[] = {
	{"a stack", STACK(real)},
	{"a buffer of 1", BUFFER, .capacity = 1},
	{"a buffer of 2", BUFFER, .capacity = 2},
	{"a buffer of 3", BUFFER, .capacity = 3},
	{"a buffer of 2 that is closed", BUFFER, .capacity = 2, .closes = true},
	{"a small buffer for one and one", SPSC, .vcore = 1, .plain = 1, .capacity = 2},
	{"a buffer for one and one", SPSC, .vcore = 1, .plain = 1, .capacity = 128},
	{"a buffer for one and one that is closed", SPSC, .vcore = 2, .capacity = 128,
	 .closes = true},
};

static void linearize(const struct ticks *ticks)
{
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		size_t found = find_disorder(ticks, &wrong[i], stress_size(20000, 2000));

		CHECK(found > 0);
		tap_say("found in window %zu", found);
		locks_case(ticks, wrong[i].name);
	}
	for (size_t i = 0; i < sizeof(right) / sizeof(right[0]); i++) {
		CHECK_IS(find_disorder(ticks, &right[i], stress_size(200, 40)), 0);
		locks_case(ticks, right[i].name);
	}
}

int main(int argc, char **argv)
{
	judge_by_hand();
	return locks_main(argc, argv, linearize);
}
