/*
 * Selectors of all kinds, and those who wait for one thing only, at the same
 * objects: everything must come to its end.
 *
 *	relays	messages pass from sources to relays to sinks through buffers of
 *		1, some by select and some by plain calls, with deadlines: each
 *		arrives exactly once.  The same with threads that are destroyed.
 *	ring	selectors pass tokens round, and all see the end.
 *	offers	who was woken by an object, and then did something else or left,
 *		has kept it from nobody.
 *	joiners	each of many threads is joined once, by select or without.
 *	events	selectors and awaiters see each count.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "locks.h"

#define PATIENCE (100 * MICROSECOND)

static struct vcore_case receive_case(struct vcore_buffer *buffer, void *message)
{
	return (struct vcore_case){
		.kind = VCORE_CASE_RECEIVE, .buffer = buffer, .message = message};
}

static struct vcore_case send_case(struct vcore_buffer *buffer, void *message)
{
	return (struct vcore_case){.kind = VCORE_CASE_SEND, .buffer = buffer, .message = message};
}

static struct vcore_case await_case(struct vcore_eventcount *event, int64_t value)
{
	return (struct vcore_case){.kind = VCORE_CASE_AWAIT, .event = event, .value = value};
}

static struct vcore_buffer *make_buffer(size_t capacity, size_t size)
{
	struct vcore_buffer *buffer;

	if (!CHECK_IS(vcore_buffer_allocate(&buffer, capacity, size, NULL), 0)) {
		tap_case("allocate a buffer");
		exit(tap_done());
	}
	return buffer;
}

/* Often none. */
static vcore_instant some_deadline(uint64_t *random)
{
	return stress_below(random, 2) == 0 ? VCORE_NEVER
					    : vcore_after((int64_t)stress_below(random, PATIENCE));
}

/* --- relays --------------------------------------------------------------------------- */

#define SOURCES 5
#define RELAYS  4
#define SINKS   4
#define WORKERS (SOURCES + RELAYS + SINKS)
#define LANES   2 /* buffers of a stage */
#define HELD    2 /* messages of a relay */

struct letter {
	uint32_t source, number;
};

/* Two stages: from sources to relays, and from there to sinks. */
struct post_office {
	const struct ticks *ticks;
	struct vcore_buffer *in[LANES], *out[LANES];
	_Atomic uint8_t *seen[SOURCES]; /* of each letter, whether it has arrived */
	uint32_t letters;               /* of a source */
	_Atomic uint32_t arrived;
};

/* What it knows outlives its threads, that follow each other. */
struct clerk {
	struct post_office *office;
	uint64_t random;
	uint32_t source, next;    /* a source's */
	bool closed[LANES];       /* what it receives from */
	struct letter held[HELD]; /* a relay's */
	unsigned holds;
	void *(*work)(void *);
	bool plain;
	struct vcore_thread *thread;
	pthread_t pthread;
};

static unsigned random_lane(struct clerk *self)
{
	return (unsigned)stress_below(&self->random, LANES);
}

/* Through one, or through either. */
static bool post(struct clerk *self, struct letter *letter)
{
	struct vcore_case cases[LANES];
	unsigned lane = random_lane(self);
	int result;

	for (unsigned i = 0; i < LANES; i++) {
		cases[i] = send_case(self->office->in[i], letter);
	}
	switch (stress_below(&self->random, 4)) {
	case 0:
		return vcore_buffer_send(self->office->in[lane], letter, VCORE_NEVER) == 0;
	case 1:
		cases[lane].buffer = NULL;
		break;
	default:
		break;
	}
	result = vcore_select(cases, LANES, some_deadline(&self->random));
	CHECK(result == -ETIMEDOUT || (result >= 0 && cases[result].status == 0));
	return result >= 0;
}

static void *write_letters(void *argument)
{
	struct clerk *self = argument;

	while (self->next < self->office->letters) {
		struct letter letter = {self->source, self->next};

		self->next += post(self, &letter);
	}
	return NULL;
}

static bool all_closed(const struct clerk *self)
{
	for (unsigned i = 0; i < LANES; i++) {
		if (!self->closed[i]) {
			return false;
		}
	}
	return true;
}

/* Sends what it holds while it waits for more. */
static void relay(struct clerk *self)
{
	struct vcore_case cases[2 * LANES];
	struct letter *last = self->holds > 0 ? &self->held[self->holds - 1] : NULL, more;
	int done;

	for (unsigned i = 0; i < LANES; i++) {
		bool open = self->holds < HELD && !self->closed[i];

		cases[i] = receive_case(open ? self->office->in[i] : NULL, &more);
		cases[LANES + i] = send_case(last != NULL ? self->office->out[i] : NULL, last);
	}
	done = vcore_select(cases, 2 * LANES, some_deadline(&self->random));
	if (done >= LANES) {
		CHECK_IS(cases[done].status, 0);
		self->holds--;
	} else if (done >= 0 && cases[done].status == 0) {
		self->held[self->holds++] = more;
	} else if (done >= 0) {
		CHECK_IS(cases[done].status, -EPIPE);
		self->closed[done] = true;
	} else {
		CHECK_IS(done, -ETIMEDOUT);
	}
}

static void *relay_letters(void *argument)
{
	struct clerk *self = argument;

	while (self->holds > 0 || !all_closed(self)) {
		relay(self);
	}
	return NULL;
}

static void arrive(struct clerk *self, const struct letter *letter)
{
	struct post_office *office = self->office;

	if (CHECK(letter->source < SOURCES && letter->number < office->letters)) {
		CHECK_IS(atomic_exchange(&office->seen[letter->source][letter->number], 1), 0);
		atomic_fetch_add(&office->arrived, 1);
	}
}

/* From one, or from either. */
static void collect(struct clerk *self)
{
	struct vcore_case cases[LANES];
	struct letter letter;
	int done = (int)random_lane(self), status;

	for (unsigned i = 0; i < LANES; i++) {
		cases[i] = receive_case(self->closed[i] ? NULL : self->office->out[i], &letter);
	}
	if (stress_below(&self->random, 3) == 0) {
		status = vcore_buffer_receive(self->office->out[done], &letter,
					      some_deadline(&self->random));
	} else {
		done = vcore_select(cases, LANES, some_deadline(&self->random));
		status = done < 0 ? done : cases[done].status;
	}
	if (status == 0) {
		arrive(self, &letter);
	} else if (status == -EPIPE) {
		self->closed[done] = true;
	} else {
		CHECK_IS(status, -ETIMEDOUT);
	}
}

static void *collect_letters(void *argument)
{
	struct clerk *self = argument;

	while (!all_closed(self)) {
		collect(self);
	}
	return NULL;
}

static void employ(struct clerk *clerk)
{
	if (clerk->plain) {
		CHECK_IS(pthread_create(&clerk->pthread, NULL, clerk->work, clerk), 0);
	} else {
		clerk->thread =
			ticks_spawn(clerk->office->ticks, (struct vcore_thread_options){.flags = 0},
				    clerk->work, clerk);
	}
}

static void retire(struct clerk *clerk)
{
	if (clerk->plain) {
		pthread_join(clerk->pthread, NULL);
	} else {
		stress_join(clerk->thread);
	}
}

static void open_office(struct post_office *office, struct clerk *clerks, uint64_t *random)
{
	static void *(*const works[])(void *) = {write_letters, relay_letters, collect_letters};

	for (unsigned i = 0; i < LANES; i++) {
		office->in[i] = make_buffer(1, sizeof(struct letter));
		office->out[i] = make_buffer(1 + i, sizeof(struct letter));
	}
	for (unsigned i = 0; i < SOURCES; i++) {
		office->seen[i] = calloc(office->letters, 1);
	}
	for (unsigned i = 0; i < WORKERS; i++) {
		unsigned stage = (i >= SOURCES) + (i >= SOURCES + RELAYS);

		clerks[i] = (struct clerk){.office = office, .source = i, .work = works[stage]};
		clerks[i].random = stress_random(random);
		clerks[i].plain = i % SOURCES == 0;
		employ(&clerks[i]);
	}
}

/* One stage after the other. */
static void close_office(struct post_office *office, struct clerk *clerks)
{
	for (unsigned i = 0; i < WORKERS; i++) {
		for (unsigned lane = 0; lane < LANES && i == SOURCES; lane++) {
			vcore_buffer_close(office->in[lane]);
		}
		for (unsigned lane = 0; lane < LANES && i == SOURCES + RELAYS; lane++) {
			vcore_buffer_close(office->out[lane]);
		}
		retire(&clerks[i]);
	}
	CHECK_IS(atomic_load(&office->arrived), SOURCES * office->letters);
	for (unsigned i = 0; i < LANES; i++) {
		vcore_buffer_deallocate(office->in[i]);
		vcore_buffer_deallocate(office->out[i]);
	}
	for (unsigned i = 0; i < SOURCES; i++) {
		free((void *)office->seen[i]);
	}
}

static void replace(struct clerk *clerk)
{
	if (!clerk->plain) {
		CHECK_IS(vcore_thread_destroy(clerk->thread), 0);
		stress_join(clerk->thread);
		employ(clerk);
	}
}

/* With so many threads replaced by others meanwhile. */
static void relays(const struct ticks *ticks, const char *name, size_t replaced, uint64_t *random)
{
	struct post_office office = {.ticks = ticks, .letters = (uint32_t)stress_size(500, 50)};
	struct clerk clerks[WORKERS];

	open_office(&office, clerks, random);
	for (; replaced > 0; replaced--) {
		vcore_sleep(vcore_after((int64_t)stress_below(random, PATIENCE)));
		replace(&clerks[stress_below(random, WORKERS)]);
	}
	close_office(&office, clerks);
	locks_case(ticks, name);
}

/* --- ring --------------------------------------------------------------------------------- */

#define NODES  8
#define TOKENS 3

struct ring {
	struct vcore_buffer *places[NODES];
	struct vcore_eventcount over;
	uint64_t rounds;
};

struct ring_node {
	struct ring *ring;
	unsigned number;
	uint64_t passed;
};

/* False: it is over. */
static bool pass(struct ring_node *self)
{
	struct ring *ring = self->ring;
	uint64_t token;
	struct vcore_case take[] = {receive_case(ring->places[self->number], &token),
				    await_case(&ring->over, 0)};
	struct vcore_case give[] = {await_case(&ring->over, 0),
				    send_case(ring->places[(self->number + 1) % NODES], &token)};

	if (vcore_select(take, 2, VCORE_NEVER) != 0) {
		return false;
	}
	self->passed++;
	if (++token == ring->rounds) {
		vcore_eventcount_advance(&ring->over);
	}
	return vcore_select(give, 2, VCORE_NEVER) == 1;
}

static void *pass_tokens(void *argument)
{
	while (pass(argument)) {
	}
	return NULL;
}

static void ring(const struct ticks *ticks)
{
	struct stress_crew crew = {.vcore = NODES - 2, .plain = 2};
	struct ring ring = {.rounds = stress_size(500, 50) * NODES};
	struct ring_node nodes[NODES];
	uint64_t token = 0;

	for (unsigned i = 0; i < NODES; i++) {
		ring.places[i] = make_buffer(1, sizeof(token));
		nodes[i] = (struct ring_node){.ring = &ring, .number = i};
	}
	for (unsigned i = 0; i < TOKENS; i++) {
		CHECK(vcore_buffer_try_send(ring.places[i], &token));
	}
	stress_crew_start(&crew, ticks->runtime, pass_tokens, nodes, sizeof(nodes[0]));
	stress_crew_join(&crew);
	for (unsigned i = 0; i < NODES; i++) {
		CHECK(nodes[i].passed >= ring.rounds / NODES);
		vcore_buffer_deallocate(ring.places[i]);
	}
	locks_case(ticks, "tokens go round");
}

/* --- offers ---------------------------------------------------------------------------------- */

#define CHOOSERS 3

/* Two places, or messages: some want either, and one the first. */
struct offer {
	struct vcore_buffer *buffers[2];
	bool place;
};

struct chooser {
	const struct offer *offer;
	vcore_instant deadline;
	int done;
};

static int send_or_receive(struct vcore_buffer *buffer, bool send)
{
	uint64_t message = 0;

	return send ? vcore_buffer_send(buffer, &message, stress_patience())
		    : vcore_buffer_receive(buffer, &message, stress_patience());
}

static void *choose(void *argument)
{
	struct chooser *self = argument;
	const struct offer *offer = self->offer;
	struct vcore_case cases[2];
	uint64_t message = 0;

	for (unsigned i = 0; i < 2; i++) {
		cases[i] = offer->place ? send_case(offer->buffers[i], &message)
					: receive_case(offer->buffers[i], &message);
	}
	self->done = vcore_select(cases, 2, self->deadline);
	CHECK(self->done == -ETIMEDOUT || cases[self->done].status == 0);
	return NULL;
}

static void *want_first(void *argument)
{
	const struct offer *offer = argument;

	CHECK_IS(send_or_receive(offer->buffers[0], offer->place), 0);
	return NULL;
}

static void make(const struct offer *offer, unsigned i)
{
	CHECK_IS(send_or_receive(offer->buffers[i], !offer->place), 0);
}

/* At any time until the choosers leave. */
static void make_both(const struct offer *offer, vcore_instant instant)
{
	while (vcore_now() < instant) {
		compute(1, 100);
	}
	make(offer, 0);
	make(offer, 1);
}

/* If a chooser took the first the other one gets another, else it must have it. */
static void offer_once(const struct ticks *ticks, struct offer *offer, uint64_t *random)
{
	struct stress_crew choosing = {.vcore = CHOOSERS - 1, .plain = 1}, wanting = {.vcore = 1};
	vcore_instant now = vcore_now(), deadline = now + PATIENCE;
	struct chooser choosers[CHOOSERS];
	unsigned taken[2] = {0};

	for (unsigned i = 0; i < CHOOSERS; i++) {
		choosers[i] = (struct chooser){offer, deadline, -ETIMEDOUT};
	}
	stress_crew_start(&choosing, ticks->runtime, choose, choosers, sizeof(choosers[0]));
	stress_crew_start(&wanting, ticks->runtime, want_first, offer, 0);
	make_both(offer, now + (int64_t)stress_below(random, PATIENCE + PATIENCE / 10));
	stress_crew_join(&choosing);
	for (unsigned i = 0; i < CHOOSERS; i++) {
		if (choosers[i].done >= 0) {
			taken[choosers[i].done]++;
		}
	}
	CHECK(taken[0] <= 1 && taken[1] <= 1);
	if (taken[0] == 1) {
		make(offer, 0);
	}
	stress_crew_join(&wanting);
	if (taken[1] == 0) {
		CHECK_IS(send_or_receive(offer->buffers[1], offer->place), 0);
	}
}

static void offers(const struct ticks *ticks, uint64_t *random)
{
	struct offer offer = {.place = false};

	offer.buffers[0] = make_buffer(1, sizeof(uint64_t));
	offer.buffers[1] = make_buffer(1, sizeof(uint64_t));
	for (size_t i = stress_size(100, 10); i > 0; i--) {
		offer_once(ticks, &offer, random);
	}
	offer.place = true;
	CHECK_IS(send_or_receive(offer.buffers[0], true), 0);
	CHECK_IS(send_or_receive(offer.buffers[1], true), 0);
	for (size_t i = stress_size(100, 10); i > 0; i--) {
		offer_once(ticks, &offer, random);
	}
	vcore_buffer_deallocate(offer.buffers[0]);
	vcore_buffer_deallocate(offer.buffers[1]);
	locks_case(ticks, "nothing is kept from who waits for it alone");
}

/* --- joiners -------------------------------------------------------------------------- */

#define CHILDREN 5

/* Has children, and joins them in whatever order they end. */
struct parent {
	struct vcore_runtime *runtime;
	struct vcore_buffer *never;
	uint64_t random;
	struct child {
		uint64_t labours;
		struct vcore_thread *thread; /* NULL: it was joined */
	} children[CHILDREN];
};

static void *grow_up(void *argument)
{
	const struct child *self = argument;

	compute(1, self->labours);
	if (self->labours % 2 == 0) {
		vcore_sleep(vcore_after((int64_t)self->labours));
	}
	return argument;
}

static void bear(struct parent *self)
{
	for (unsigned i = 0; i < CHILDREN; i++) {
		struct child *child = &self->children[i];

		child->labours = stress_below(&self->random, 20000);
		child->thread = stress_spawn(self->runtime, grow_up, child);
	}
}

/* Which one was joined, or a negative number. */
static int join_any(struct parent *self, struct vcore_exit *exit)
{
	struct vcore_case cases[CHILDREN + 1];
	uint64_t message;

	for (unsigned i = 0; i < CHILDREN; i++) {
		cases[i] = (struct vcore_case){
			.kind = VCORE_CASE_JOIN, .thread = self->children[i].thread, .exit = exit};
	}
	cases[CHILDREN] = receive_case(self->never, &message);
	return vcore_select(cases, CHILDREN + 1, some_deadline(&self->random));
}

static int join_one(struct parent *self, unsigned i, struct vcore_exit *exit)
{
	int result = -ETIMEDOUT;

	if (self->children[i].thread != NULL) {
		result = vcore_thread_join(self->children[i].thread, exit,
					   some_deadline(&self->random));
	}
	return result == 0 ? (int)i : result;
}

static void join_next(struct parent *self)
{
	unsigned chosen = (unsigned)stress_below(&self->random, CHILDREN);
	struct vcore_exit exit;
	int joined;

	if (stress_below(&self->random, 8) == 0) {
		vcore_thread_destroy(self->children[chosen].thread);
	}
	joined = stress_below(&self->random, 8) == 0 ? join_one(self, chosen, &exit)
						     : join_any(self, &exit);
	CHECK(joined == -ETIMEDOUT || (joined >= 0 && joined < CHILDREN));
	if (joined >= 0) {
		CHECK(exit.how == VCORE_DESTROYED || exit.result == &self->children[joined]);
		self->children[joined].thread = NULL;
	}
}

static bool has_children(const struct parent *self)
{
	for (unsigned i = 0; i < CHILDREN; i++) {
		if (self->children[i].thread != NULL) {
			return true;
		}
	}
	return false;
}

static void *raise_children(void *argument)
{
	while (has_children(argument)) {
		join_next(argument);
	}
	return NULL;
}

/* The vcore threads among them may be destroyed; then main goes on for them. */
static void joiners(const struct ticks *ticks, uint64_t *random)
{
	struct parent parents[4];
	struct vcore_buffer *never = make_buffer(1, sizeof(uint64_t));

	for (size_t round = stress_size(60, 6); round > 0; round--) {
		struct stress_crew crew = {.vcore = 3, .plain = 1};

		for (unsigned i = 0; i < 4; i++) {
			parents[i] = (struct parent){.runtime = ticks->runtime, .never = never};
			parents[i].random = stress_random(random);
			bear(&parents[i]);
		}
		stress_crew_start(&crew, ticks->runtime, raise_children, parents,
				  sizeof(parents[0]));
		if (round % 2 == 0) {
			vcore_sleep(vcore_after((int64_t)stress_below(random, PATIENCE)));
			CHECK_IS(vcore_thread_destroy(crew.threads[0]), 0);
			CHECK_IS(vcore_thread_destroy(crew.threads[1]), 0);
		}
		stress_crew_join(&crew);
		(void)raise_children(&parents[0]);
		(void)raise_children(&parents[1]);
		CHECK(!has_children(&parents[2]) && !has_children(&parents[3]));
	}
	vcore_buffer_deallocate(never);
	locks_case(ticks, "each thread is joined once");
}

/* --- events --------------------------------------------------------------------------- */

#define WATCHERS 6

struct events {
	struct vcore_eventcount event, never;
	int64_t most;
};

struct watcher {
	struct events *events;
	uint64_t random;
};

static int watch(struct watcher *self, int64_t value)
{
	struct vcore_case cases[] = {await_case(&self->events->never, 0),
				     await_case(&self->events->event, value),
				     await_case(&self->events->event, self->events->most)};
	vcore_instant deadline = some_deadline(&self->random);
	int done;

	if (stress_below(&self->random, 3) == 0) {
		return vcore_eventcount_await(&self->events->event, value, deadline);
	}
	done = vcore_select(cases, 3, deadline);
	return done == 1 ? 0 : done;
}

static void *watch_all(void *argument)
{
	struct watcher *self = argument;
	int64_t value = 0;

	while (value < self->events->most) {
		int result = watch(self, value);

		CHECK(result == 0 || result == -ETIMEDOUT);
		if (result == 0) {
			CHECK(vcore_eventcount_read(&self->events->event) > value);
			value += 1 + (int64_t)stress_below(&self->random, 3);
		}
	}
	return NULL;
}

static void events(const struct ticks *ticks, uint64_t *random)
{
	struct stress_crew crew = {.vcore = WATCHERS - 2, .plain = 2};
	struct events events = {.most = (int64_t)stress_size(1000, 100)};
	struct watcher watchers[WATCHERS];

	for (unsigned i = 0; i < WATCHERS; i++) {
		watchers[i] = (struct watcher){&events, stress_random(random)};
	}
	stress_crew_start(&crew, ticks->runtime, watch_all, watchers, sizeof(watchers[0]));
	for (int64_t i = 0; i < events.most; i++) {
		vcore_eventcount_advance(&events.event);
		if (stress_below(random, 4) == 0) {
			compute(1, stress_below(random, 20000));
		}
	}
	stress_crew_join(&crew);
	locks_case(ticks, "every count is seen");
}

static void select_all(const struct ticks *ticks)
{
	uint64_t random = stress_seed + ticks->processors;

	relays(ticks, "relays", 0, &random);
	relays(ticks, "relays that are destroyed", stress_size(100, 10), &random);
	ring(ticks);
	offers(ticks, &random);
	joiners(ticks, &random);
	events(ticks, &random);
}

int main(int argc, char **argv)
{
	return locks_main(argc, argv, select_all);
}
