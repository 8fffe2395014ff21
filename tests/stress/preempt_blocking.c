/*
 * A thread that blocks in the kernel, or stays long in a library, stops nobody
 * else, and its call does what it would on a pthread.  The calls of io.h are
 * never cut short.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "rounds_blocking.h"
#include <fcntl.h>

#define BEATS   10
#define MESSAGE ((size_t)4 << 20)

/* What a thread waits in until the host releases it. */
struct stay {
	int ends[2]; /* of a pipe */
	pthread_mutex_t mutex;
	const struct heart *heart;
	_Atomic bool begun, released, over;
};

struct obstacle {
	const char *name;
	void (*block)(struct stay *stay);
	void (*release)(struct stay *stay); /* by the host */
};

static void block_in_read(struct stay *stay)
{
	char c = 0;

	CHECK_IS(read(stay->ends[0], &c, 1), 1);
	CHECK_IS(c, 'x');
}

static void write_one(struct stay *stay)
{
	CHECK_IS(write(stay->ends[1], "x", 1), 1);
}

static void block_in_nanosleep(struct stay *stay)
{
	while (!atomic_load(&stay->released)) {
		sleep_in_the_kernel(3 * MILLISECOND);
	}
}

static void do_nothing(struct stay *stay)
{
	(void)stay;
}

static void block_in_poll(struct stay *stay)
{
	struct pollfd poll_read = {.fd = stay->ends[0], .events = POLLIN};

	while (poll(&poll_read, 1, -1) < 0) {
	}
	CHECK_IS(poll_read.revents, POLLIN);
}

/* The host has it. */
static void block_in_mutex(struct stay *stay)
{
	CHECK_IS(pthread_mutex_lock(&stay->mutex), 0);
	CHECK(stay->released);
	CHECK_IS(pthread_mutex_unlock(&stay->mutex), 0);
}

static void unlock(struct stay *stay)
{
	CHECK_IS(pthread_mutex_unlock(&stay->mutex), 0);
}

static void stay_in_memchr(struct stay *stay)
{
	while (!atomic_load(&stay->released)) {
		CHECK(memchr(hay, 'x', HAYSTACK) == hay + HAYSTACK - 1);
	}
}

static void block_in_vcore_poll(struct stay *stay)
{
	struct pollfd poll_read = {.fd = stay->ends[0], .events = POLLIN};

	CHECK_IS(vcore_poll(&poll_read, 1, VCORE_NEVER), 1);
	CHECK_IS(poll_read.revents, POLLIN);
}

/* Some of what it wants comes at once. */
static void block_in_vcore_read(struct stay *stay)
{
	char text[6] = "";

	CHECK_IS(write(stay->ends[1], "ab", 2), 2);
	CHECK_IS(vcore_read(stay->ends[0], text, 5, VCORE_NEVER), 5);
	CHECK(strcmp(text, "abcde") == 0);
}

static void write_the_rest(struct stay *stay)
{
	CHECK_IS(write(stay->ends[1], "cd", 2), 2);
	heart_await(stay->heart, BEATS);
	CHECK(!stay->over);
	CHECK_IS(write(stay->ends[1], "e", 1), 1);
}

static char message[MESSAGE];

static void block_in_vcore_write(struct stay *stay)
{
	CHECK_IS(vcore_write(stay->ends[1], message, MESSAGE, VCORE_NEVER), (ssize_t)MESSAGE);
}

static void read_the_message(struct stay *stay)
{
	char *copy = calloc(MESSAGE, 1);

	CHECK_IS(vcore_read(stay->ends[0], copy, MESSAGE, VCORE_NEVER), (ssize_t)MESSAGE);
	CHECK(memcmp(copy, message, MESSAGE) == 0);
	free(copy);
}

/* Through a buffer of the library's, which copies it: with nobody in the kernel. */
static void pass_messages(struct stay *stay)
{
	char *copy = malloc(MESSAGE);
	struct vcore_buffer *buffer;

	CHECK_IS(vcore_buffer_allocate(&buffer, 1, MESSAGE, NULL), 0);
	while (!atomic_load(&stay->released)) {
		CHECK_IS(vcore_buffer_send(buffer, message, VCORE_NEVER), 0);
		CHECK_IS(vcore_buffer_receive(buffer, copy, VCORE_NEVER), 0);
	}
	CHECK(memcmp(copy, message, MESSAGE) == 0);
	vcore_buffer_deallocate(buffer);
	free(copy);
}

static const struct obstacle obstacles[] = {
	{"a heart beside read", block_in_read, write_one},
	{"a heart beside nanosleep", block_in_nanosleep, do_nothing},
	{"a heart beside poll", block_in_poll, write_one},
	{"a heart beside a mutex of a plain pthread", block_in_mutex, unlock},
	{"a heart beside memchr", stay_in_memchr, do_nothing},
	{"a heart beside messages of 4 MiB", pass_messages, do_nothing},
	{"a heart beside vcore_poll", block_in_vcore_poll, write_one},
	{"a heart beside vcore_read", block_in_vcore_read, write_the_rest},
	{"a heart beside vcore_write", block_in_vcore_write, read_the_message},
};

#define OBSTACLES (sizeof(obstacles) / sizeof(obstacles[0]))

struct stayer {
	struct stay stay;
	const struct obstacle *obstacle;
};

static void *stay_there(void *argument)
{
	struct stayer *self = argument;

	atomic_store(&self->stay.begun, true);
	self->obstacle->block(&self->stay);
	atomic_store(&self->stay.over, true);
	return NULL;
}

static void stay_make(struct stay *stay, const struct heart *heart)
{
	pthread_mutex_init(&stay->mutex, NULL);
	pthread_mutex_lock(&stay->mutex);
	stay->heart = heart;
	if (pipe(stay->ends) != 0) {
		abort();
	}
}

static void stay_unmake(struct stay *stay)
{
	close(stay->ends[0]);
	close(stay->ends[1]);
	(void)pthread_mutex_trylock(&stay->mutex); /* the host's now, if it was not still */
	CHECK_IS(pthread_mutex_unlock(&stay->mutex), 0);
	CHECK_IS(pthread_mutex_destroy(&stay->mutex), 0);
}

/* The host does not release it before the heart has beaten meanwhile. */
static void beat_beside(const struct ticks *ticks, const struct obstacle *obstacle)
{
	struct stayer stayer = {.obstacle = obstacle};
	struct vcore_thread *thread;
	struct heart heart = {0};

	stay_make(&stayer.stay, &heart);
	heart_start(&heart, ticks);
	thread = stress_spawn(ticks->runtime, stay_there, &stayer);
	ticks_until(stayer.stay.begun);
	heart_await(&heart, BEATS);
	CHECK(!stayer.stay.over);
	atomic_store(&stayer.stay.released, true);
	obstacle->release(&stayer.stay);
	stress_join(thread);
	heart_stop(&heart);
	stay_unmake(&stayer.stay);
}

static void beat_beside_all(const struct ticks *ticks)
{
	prepare_search();
	for (size_t i = 0; i < OBSTACLES; i++) {
		if (ticks->off != NULL) {
			tap_skip(obstacles[i].name, ticks->off);
			continue;
		}
		beat_beside(ticks, &obstacles[i]);
		ticks_case(ticks, obstacles[i].name);
	}
}

struct copy {
	int ends[2];
	char *text;
};

static void *send_message(void *argument)
{
	struct copy *copy = argument;

	CHECK_IS(vcore_write(copy->ends[1], message, MESSAGE, VCORE_NEVER), (ssize_t)MESSAGE);
	return NULL;
}

static void *receive_message(void *argument)
{
	struct copy *copy = argument;

	CHECK_IS(vcore_read(copy->ends[0], copy->text, MESSAGE, stress_patience()),
		 (ssize_t)MESSAGE);
	return NULL;
}

/* Both ends are vcore threads, beside others that compute. */
static void copy_message(const struct ticks *ticks)
{
	struct copy copy = {.text = calloc(MESSAGE, 1)};
	_Atomic bool done = false;
	struct vcore_thread *spinner, *sender, *receiver;

	if (pipe(copy.ends) != 0) {
		abort();
	}
	spinner = stress_spawn(ticks->runtime, ticks_spin, &done);
	sender = stress_spawn(ticks->runtime, send_message, &copy);
	receiver = stress_spawn(ticks->runtime, receive_message, &copy);
	stress_join(sender);
	stress_join(receiver);
	atomic_store(&done, true);
	stress_join(spinner);
	CHECK(memcmp(copy.text, message, MESSAGE) == 0);
	close(copy.ends[0]);
	close(copy.ends[1]);
	free(copy.text);
}

/* Deadlines that pass, ends of files, errors: beside one who computes. */
static void *come_to_ends(void *unused)
{
	vcore_instant deadline = vcore_after(3 * MILLISECOND);
	struct pollfd poll_read = {.events = POLLIN};
	char text[4] = "";
	int ends[2];

	if (pipe(ends) != 0) {
		abort();
	}
	poll_read.fd = ends[0];
	CHECK_IS(vcore_poll(&poll_read, 1, deadline), -ETIMEDOUT);
	CHECK(vcore_now() >= deadline);
	deadline = vcore_after(3 * MILLISECOND);
	CHECK_IS(vcore_read(ends[0], text, 3, deadline), -ETIMEDOUT);
	CHECK(vcore_now() >= deadline);
	CHECK_IS(vcore_write(ends[1], "ab", 2, 0), 2);
	CHECK_IS(vcore_read(ends[0], text, 3, vcore_after(3 * MILLISECOND)), 2);
	CHECK_IS(vcore_write(ends[1], "c", 1, VCORE_NEVER), 1);
	close(ends[1]);
	CHECK_IS(vcore_read(ends[0], text + 2, 2, VCORE_NEVER), 1);
	CHECK(strcmp(text, "abc") == 0);
	CHECK_IS(vcore_read(ends[0], text, 1, VCORE_NEVER), 0);
	close(ends[0]);
	CHECK_IS(vcore_read(-1, text, 1, VCORE_NEVER), -EBADF);
	return unused;
}

/* As much as the pipe holds, whether its writes would block; then an error. */
static void *write_too_much(void *flags)
{
	ssize_t held;
	int ends[2];

	if (pipe2(ends, *(int *)flags) != 0) {
		abort();
	}
	held = vcore_write(ends[1], message, MESSAGE, vcore_after(3 * MILLISECOND));
	CHECK_IS(held, fcntl(ends[1], F_GETPIPE_SZ));
	CHECK_IS(vcore_write(ends[1], "x", 1, vcore_after(MILLISECOND)), -ETIMEDOUT);
	close(ends[0]);
	CHECK_IS(vcore_write(ends[1], "x", 1, VCORE_NEVER), -EPIPE);
	close(ends[1]);
	return NULL;
}

static void come_to_an_end(const struct ticks *ticks)
{
	int flags[] = {0, O_NONBLOCK};
	struct vcore_thread *spinner, *threads[4];
	_Atomic bool done = false;

	spinner = stress_spawn(ticks->runtime, ticks_spin, &done);
	for (int i = 0; i < 4; i += 2) {
		threads[i] = stress_spawn(ticks->runtime, come_to_ends, NULL);
		threads[i + 1] = stress_spawn(ticks->runtime, write_too_much, &flags[i / 2]);
	}
	for (int i = 0; i < 4; i++) {
		stress_join(threads[i]);
	}
	atomic_store(&done, true);
	stress_join(spinner);
}

/* Nobody releases them. */
static void destroy_blocked(const struct ticks *ticks)
{
	static void (*const blocks[])(struct stay *) = {block_in_vcore_poll, block_in_vcore_read,
							block_in_vcore_write};
	struct heart heart;

	heart_start(&heart, ticks);
	for (size_t i = 0; i < 3; i++) {
		struct obstacle obstacle = {.block = blocks[i]};
		struct stayer stayer = {.obstacle = &obstacle};
		struct vcore_thread *thread;
		struct vcore_exit exit;

		stay_make(&stayer.stay, &heart);
		thread = stress_spawn(ticks->runtime, stay_there, &stayer);
		ticks_until(stayer.stay.begun);
		heart_await(&heart, 2);
		CHECK_IS(vcore_thread_destroy(thread), 0);
		CHECK_IS(vcore_thread_join(thread, &exit, VCORE_NEVER), 0);
		CHECK_IS(exit.how, VCORE_DESTROYED);
		CHECK(!stayer.stay.over);
		pthread_mutex_unlock(&stayer.stay.mutex);
		stay_unmake(&stayer.stay);
	}
	heart_stop(&heart);
}

static void block(const struct ticks *ticks)
{
	for (size_t i = 0; i < BLOCKING_LABOURS; i++) {
		ticks_labour(ticks, &blocking_labours[i]);
	}
	beat_beside_all(ticks);
	ticks_try(ticks, "a message of 4 MiB", copy_message);
	ticks_try(ticks, "deadlines, ends of files and errors", come_to_an_end);
	ticks_try(ticks, "destroyed in poll, read and write", destroy_blocked);
}

int main(int argc, char **argv)
{
	signal(SIGPIPE, SIG_IGN);
	for (size_t i = 0; i < MESSAGE; i++) {
		message[i] = (char)(i * 31 / 7);
	}
	return ticks_main(argc, argv, block);
}
