/*
 * Threads that end while they send and receive: destroyed while they wait, or
 * run, or just so, with cells in hand.
 *
 *	ended	no message is lost or doubled, no gap is left, and what a thread
 *		had reserved or taken is free again.
 *	anywhere  the same with threads that are destroyed wherever they are, but
 *		for what they knew of: nobody can tell what they had sent.
 *	closed	a buffer is closed while somebody copies a message into it: that
 *		was sent and is received, or was not.
 *	stop	a runtime ends whose threads wait for a buffer that works on.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "buffers.h"

/* --- ended ------------------------------------------------------------------------------ */

#define SENDERS   6
#define RECEIVERS 5

/* One after the other. */
struct post {
	struct trafficker *trafficker;
	void *(*work)(void *);
	bool plain; /* pthreads, that end by themselves */
	struct vcore_thread *thread;
	pthread_t pthread;
};

struct town {
	const struct ticks *ticks;
	struct traffic traffic;
	bool anywhere; /* they are destroyed wherever they are */
	struct trafficker senders[SENDERS], receivers[RECEIVERS];
	struct post posts[SENDERS + RECEIVERS];
};

static void fill_post(const struct town *town, struct post *post)
{
	struct vcore_thread_options options = {.flags = 0};

	if (post->plain) {
		CHECK_IS(pthread_create(&post->pthread, NULL, post->work, post->trafficker), 0);
		return;
	}
	options.flags = town->anywhere ? VCORE_THREAD_DESTROY_ANYWHERE : 0;
	post->thread = ticks_spawn(town->ticks, options, post->work, post->trafficker);
}

static void wait_for_end(struct post *post)
{
	if (post->plain) {
		pthread_join(post->pthread, NULL);
	} else {
		stress_join(post->thread);
	}
}

/* False: it is a pthread, and goes on. */
static bool make_end(struct post *post)
{
	if (post->plain) {
		return pthread_tryjoin_np(post->pthread, NULL) == 0;
	}
	CHECK_IS(vcore_thread_destroy(post->thread), 0);
	stress_join(post->thread);
	return true;
}

/* What was sent last may not have been counted any more. */
static void succeed(const struct town *town, struct post *post)
{
	if (make_end(post)) {
		post->trafficker->next += town->anywhere ? BATCH : 0;
		fill_post(town, post);
	}
}

static void settle_town(struct town *town, uint64_t *random)
{
	traffic_begin(&town->traffic, random);
	for (unsigned i = 0; i < SENDERS + RECEIVERS; i++) {
		struct post *post = &town->posts[i];
		bool sends = i < SENDERS;

		post->trafficker = sends ? &town->senders[i] : &town->receivers[i - SENDERS];
		post->work = sends ? send_messages : receive_messages;
		post->plain = i == 0 || i == SENDERS;
		trafficker_begin(post->trafficker, &town->traffic, sends ? i : 0, random);
		post->trafficker->leaves = post->plain;
		fill_post(town, post);
	}
}

static void leave_town(struct town *town)
{
	atomic_store(&town->traffic.over, true);
	for (unsigned i = 0; i < SENDERS + RECEIVERS; i++) {
		if (i == SENDERS) {
			vcore_buffer_close(town->traffic.buffer);
		}
		wait_for_end(&town->posts[i]);
	}
	traffic_drain(&town->traffic, &town->receivers[0]);
	if (!town->anywhere) {
		traffic_settle(town->senders, SENDERS, town->receivers, RECEIVERS);
	}
	traffic_end(&town->traffic);
}

static void live_in(const struct ticks *ticks, bool anywhere, size_t capacity, size_t size,
		    uint64_t *random)
{
	static struct town town;

	town.ticks = ticks;
	town.anywhere = anywhere;
	town.traffic.capacity = capacity;
	town.traffic.size = size;
	town.traffic.most = 1u << 16;
	settle_town(&town, random);
	for (size_t i = stress_size(100, 20); i > 0; i--) {
		vcore_sleep(vcore_after((int64_t)stress_below(random, 100 * MICROSECOND)));
		succeed(&town, &town.posts[stress_below(random, SENDERS + RECEIVERS)]);
	}
	leave_town(&town);
}

static void ended(const struct ticks *ticks, bool anywhere, uint64_t *random)
{
	static const size_t capacities[] = {1, 2, 3, 64}, sizes[] = {1, 8, 300};

	for (size_t i = 0; i < sizeof(capacities) / sizeof(capacities[0]); i++) {
		live_in(ticks, anywhere, capacities[i], sizes[stress_below(random, 3)], random);
		live_in(ticks, anywhere, capacities[i], LONGEST, random);
	}
}

static void ended_anywhere(const struct ticks *ticks, uint64_t *random)
{
	const char *name = "threads are destroyed anywhere";

	if (ticks->off != NULL || vcore_preempt_obstacle() != NULL) {
		tap_skip(name, ticks->off != NULL ? ticks->off : vcore_preempt_obstacle());
		return;
	}
	ended(ticks, true, random);
	locks_case(ticks, name);
}

/* --- closed --------------------------------------------------------------------------------- */

#define LETTER ((size_t)128 << 10) /* bytes: its copy takes long enough to be met by a close */

struct office {
	struct vcore_buffer *buffer;
	char *letter;
	intmax_t sent;
};

static void *send_until_closed(void *argument)
{
	struct office *office = argument;
	int result;

	while ((result = vcore_buffer_send(office->buffer, office->letter, VCORE_NEVER)) == 0) {
		office->sent++;
	}
	CHECK_IS(result, -EPIPE);
	return NULL;
}

static void close_once(const struct ticks *ticks, unsigned flags, char *letters, uint64_t *random)
{
	struct vcore_buffer_options options = {.flags = flags};
	struct office office = {.letter = letters};
	struct post post = {.plain = stress_below(random, 2) == 0};
	intmax_t received = 0;

	CHECK_IS(vcore_buffer_allocate(&office.buffer, 128, LETTER, &options), 0);
	if (post.plain) {
		CHECK_IS(pthread_create(&post.pthread, NULL, send_until_closed, &office), 0);
	} else {
		post.thread = ticks_spawn(ticks, (struct vcore_thread_options){.flags = 0},
					  send_until_closed, &office);
	}
	vcore_sleep(vcore_after((int64_t)stress_below(random, 200 * MICROSECOND)));
	vcore_buffer_close(office.buffer);
	while (vcore_buffer_receive(office.buffer, letters + LETTER, VCORE_NEVER) == 0) {
		received++;
	}
	wait_for_end(&post);
	CHECK_IS(office.sent, received);
	vcore_buffer_deallocate(office.buffer);
}

static void closed(const struct ticks *ticks, uint64_t *random)
{
	char *letters = calloc(2, LETTER);

	for (size_t i = stress_size(100, 20); i > 0; i--) {
		close_once(ticks, i % 2 == 0 ? VCORE_BUFFER_SPSC : 0, letters, random);
	}
	free(letters);
	locks_case(ticks, "a buffer is closed over a message that is being copied");
}

/* --- stop ----------------------------------------------------------------------------------- */

#define PRISONERS 30

/* Each has reserved a cell of the third, and waits for one of the others. */
struct prison {
	struct vcore_buffer *full, *empty, *reserved;
	_Atomic unsigned waiting;
};

struct prisoner {
	struct prison *prison;
	unsigned number;
};

static void *wait_forever(void *argument)
{
	struct prisoner *self = argument;
	struct prison *prison = self->prison;
	uint64_t message[2] = {0};
	void *cell;

	CHECK_IS(vcore_buffer_reserve(prison->reserved, &cell, VCORE_NEVER), 0);
	atomic_fetch_add(&prison->waiting, 1);
	switch (self->number % 6) {
	case 0:
		vcore_buffer_send(prison->full, message, VCORE_NEVER);
		break;
	case 1:
		vcore_buffer_send_many(prison->full, message, 2, VCORE_NEVER);
		break;
	case 2:
		vcore_buffer_reserve(prison->full, &cell, VCORE_NEVER);
		break;
	case 3:
		vcore_buffer_receive(prison->empty, message, VCORE_NEVER);
		break;
	case 4:
		vcore_buffer_receive_many(prison->empty, message, 2, VCORE_NEVER);
		break;
	default:
		vcore_buffer_take(prison->empty, &cell, VCORE_NEVER);
	}
	CHECK(!"nobody comes out");
	return NULL;
}

static void send_all(struct vcore_buffer *buffer, uint64_t n)
{
	for (uint64_t i = 0; i < n; i++) {
		CHECK(vcore_buffer_try_send(buffer, &i));
	}
	CHECK(!vcore_buffer_try_send(buffer, &n));
}

static void receive_all(struct vcore_buffer *buffer, uint64_t n)
{
	uint64_t message;

	for (uint64_t i = 0; i < n; i++) {
		CHECK(vcore_buffer_try_receive(buffer, &message));
		CHECK_IS((intmax_t)message, (intmax_t)i);
	}
	CHECK(!vcore_buffer_try_receive(buffer, &message));
}

static void inspect(struct vcore_buffer *buffer, uint64_t capacity, uint64_t there)
{
	receive_all(buffer, there);
	send_all(buffer, capacity);
	receive_all(buffer, capacity);
	vcore_buffer_deallocate(buffer);
}

static void stop_once(const struct ticks *ticks, uint64_t *random)
{
	struct vcore_runtime_options options = {.processors = ticks->processors,
						.quantum = ticks->quantum};
	struct vcore_runtime *runtime = stress_open_with(options);
	struct prisoner prisoners[PRISONERS];
	struct prison prison = {.waiting = 0};

	CHECK_IS(vcore_buffer_allocate(&prison.full, 3, sizeof(uint64_t), NULL), 0);
	CHECK_IS(vcore_buffer_allocate(&prison.empty, 1, sizeof(uint64_t), NULL), 0);
	CHECK_IS(vcore_buffer_allocate(&prison.reserved, PRISONERS, sizeof(uint64_t), NULL), 0);
	send_all(prison.full, 3);
	for (unsigned i = 0; i < PRISONERS; i++) {
		prisoners[i] = (struct prisoner){&prison, i};
		CHECK_IS(vcore_thread_detach(stress_spawn(runtime, wait_forever, &prisoners[i])),
			 0);
	}
	ticks_until(atomic_load(&prison.waiting) == PRISONERS);
	vcore_sleep(vcore_after((int64_t)stress_below(random, 100 * MICROSECOND)));
	CHECK_IS(vcore_runtime_stop(runtime), 0);
	stress_close(runtime);
	inspect(prison.full, 3, 3);
	inspect(prison.empty, 1, 0);
	inspect(prison.reserved, PRISONERS, 0);
}

static void stop(const struct ticks *ticks, uint64_t *random)
{
	for (size_t i = stress_size(20, 2); i > 0; i--) {
		stop_once(ticks, random);
	}
	locks_case(ticks, "all end when the runtime is stopped");
}

static void end(const struct ticks *ticks)
{
	uint64_t random = stress_seed + ticks->processors;

	ended(ticks, false, &random);
	locks_case(ticks, "threads are destroyed, or end");
	ended_anywhere(ticks, &random);
	closed(ticks, &random);
	stop(ticks, &random);
}

int main(int argc, char **argv)
{
	return locks_main(argc, argv, end);
}
