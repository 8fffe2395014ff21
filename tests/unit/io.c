/*
 * Calls that block in the kernel: what include/vcore/io.h promises, one promise
 * to a test.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "support.h"

#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

TestSuite(io, .timeout = 100);

/* A moment for what should not happen to happen. */
#define MOMENT (20 * MILLISECOND)

struct ends {
	int read, write;
};

static struct ends make_pipe(int flags)
{
	int ends[2];

	check(pipe2(ends, flags) == 0);
	return (struct ends){ends[0], ends[1]};
}

static void close_pipe(struct ends ends)
{
	close(ends.read);
	close(ends.write);
}

static struct pollfd readable(struct ends ends)
{
	return (struct pollfd){.fd = ends.read, .events = POLLIN};
}

/* A peer that writes so much, a moment later. */
struct writer {
	int fd;
	const char *text;
	struct peer peer;
};

static void *write_later(void *argument)
{
	const struct writer *writer = argument;

	vcore_sleep(vcore_after(MOMENT));
	check(write(writer->fd, writer->text, strlen(writer->text)) ==
	      (ssize_t)strlen(writer->text));
	return NULL;
}

static void start_writer(struct writer *writer, int fd, const char *text)
{
	*writer = (struct writer){.fd = fd, .text = text};
	writer->peer = peer_start(write_later, writer);
}

static void *write_much(void *end)
{
	static const char much[300000];

	check(vcore_write(*(int *)end, much, sizeof(much), VCORE_NEVER) == sizeof(much));
	return NULL;
}

TestEverywhere(io, poll_tells_how_many_are_ready)
{
	struct ends one = make_pipe(0), two = make_pipe(0);
	struct pollfd fds[] = {readable(one), readable(two)};

	check(write(one.write, "x", 1) == 1);
	check(vcore_poll(fds, 2, VCORE_NEVER) == 1);
	check(fds[0].revents == POLLIN && fds[1].revents == 0);
	check(write(two.write, "x", 1) == 1);
	check(vcore_poll(fds, 2, PAST) == 2);
	close_pipe(one);
	close_pipe(two);
}

TestEverywhere(io, poll_waits_until_a_descriptor_is_ready)
{
	struct ends ends = make_pipe(0);
	struct pollfd fd = readable(ends);
	struct writer writer;

	start_writer(&writer, ends.write, "x");
	check(vcore_poll(&fd, 1, VCORE_NEVER) == 1);
	peer_finish(writer.peer);
	close_pipe(ends);
}

TestEverywhere(io, poll_waits_until_the_deadline)
{
	struct ends ends = make_pipe(0);
	struct pollfd fd = readable(ends);
	vcore_instant deadline = vcore_after(MOMENT);

	check(vcore_poll(&fd, 1, deadline) == -ETIMEDOUT);
	check(vcore_now() >= deadline);
	check(vcore_poll(&fd, 1, PAST) == -ETIMEDOUT);
	check(vcore_poll(NULL, 0, vcore_after(MILLISECOND)) == -ETIMEDOUT);
	close_pipe(ends);
}

TestEverywhere(io, errors_of_poll_are_told)
{
	struct pollfd fds[9] = {{.fd = -1}};
	struct rlimit before, eight;

	check(getrlimit(RLIMIT_NOFILE, &before) == 0);
	eight = (struct rlimit){8, before.rlim_max};
	check(setrlimit(RLIMIT_NOFILE, &eight) == 0);
	check(vcore_poll(fds, 9, PAST) == -EINVAL);
	check(setrlimit(RLIMIT_NOFILE, &before) == 0);
}

TestEverywhere(io, read_waits_for_all_it_wants)
{
	struct ends ends = make_pipe(0);
	struct writer writer;
	char text[4] = "";

	check(write(ends.write, "a", 1) == 1);
	start_writer(&writer, ends.write, "bcd");
	check(vcore_read(ends.read, text, 3, VCORE_NEVER) == 3);
	check(strcmp(text, "abc") == 0);
	peer_finish(writer.peer);
	close_pipe(ends);
}

TestEverywhere(io, read_ends_at_the_end_of_the_file)
{
	struct ends ends = make_pipe(0);
	char text[4] = "";

	check(write(ends.write, "ab", 2) == 2);
	close(ends.write);
	check(vcore_read(ends.read, text, 3, VCORE_NEVER) == 2);
	check(strcmp(text, "ab") == 0);
	check(vcore_read(ends.read, text, 3, VCORE_NEVER) == 0);
	close(ends.read);
}

TestEverywhere(io, read_ends_at_the_deadline_with_what_has_come)
{
	struct ends ends = make_pipe(0);
	vcore_instant deadline = vcore_after(MOMENT);
	char text[4] = "";

	check(write(ends.write, "ab", 2) == 2);
	check(vcore_read(ends.read, text, 3, deadline) == 2);
	check(vcore_now() >= deadline);
	check(vcore_read(ends.read, text, 3, PAST) == -ETIMEDOUT);
	close_pipe(ends);
}

TestEverywhere(io, with_a_deadline_that_has_passed_what_is_there_is_read)
{
	struct ends ends = make_pipe(0);
	char text[4] = "";

	check(write(ends.write, "abc", 3) == 3);
	check(vcore_read(ends.read, text, 3, PAST) == 3);
	close_pipe(ends);
}

TestEverywhere(io, read_and_write_of_a_nonblocking_descriptor_wait_too)
{
	struct ends ends = make_pipe(O_NONBLOCK);
	struct peer writer = peer_start(write_much, &ends.write);
	size_t n = 300000;
	char *much = malloc(n);

	check(vcore_read(ends.read, much, n, VCORE_NEVER) == (ssize_t)n);
	peer_finish(writer);
	free(much);
	close_pipe(ends);
}

TestEverywhere(io, write_writes_more_than_a_pipe_holds)
{
	struct ends ends = make_pipe(0);
	struct peer writer = peer_start(write_much, &ends.write);
	size_t n = 300000;
	char *much = malloc(n);

	check(vcore_read(ends.read, much, n, vcore_after(10 * SECOND)) == (ssize_t)n);
	peer_finish(writer);
	free(much);
	close_pipe(ends);
}

static void fill_until_the_deadline(int flags)
{
	struct ends ends = make_pipe(flags);
	vcore_instant deadline = vcore_after(MOMENT);
	size_t n = 300000;
	char *much = calloc(n, 1);
	ssize_t held = vcore_write(ends.write, much, n, deadline);

	check(held > 0 && held < (ssize_t)n);
	check(vcore_now() >= deadline);
	check(vcore_write(ends.write, much, n, PAST) == -ETIMEDOUT);
	free(much);
	close_pipe(ends);
}

TestEverywhere(io, write_ends_at_the_deadline_with_what_was_taken)
{
	fill_until_the_deadline(0);
	fill_until_the_deadline(O_NONBLOCK);
}

TestEverywhere(io, errors_before_the_first_byte_are_told)
{
	struct ends ends = make_pipe(0);
	char c = 0;

	signal(SIGPIPE, SIG_IGN);
	check(vcore_read(-1, &c, 1, VCORE_NEVER) == -EBADF);
	check(vcore_read(ends.write, &c, 1, VCORE_NEVER) == -EBADF);
	check(vcore_read(-1, &c, 1, vcore_after(SECOND)) == -EBADF);
	check(vcore_write(-1, &c, 1, VCORE_NEVER) == -EBADF);
	close(ends.read);
	check(vcore_write(ends.write, &c, 1, VCORE_NEVER) == -EPIPE);
	check(vcore_write(ends.write, &c, 1, vcore_after(SECOND)) == -EPIPE);
	close(ends.write);
}

TestEverywhere(io, nothing_is_read_or_written_at_once)
{
	struct ends ends = make_pipe(0);
	char c = 0;

	check(vcore_read(ends.read, &c, 0, VCORE_NEVER) == 0);
	check(vcore_write(ends.write, &c, 0, VCORE_NEVER) == 0);
	close_pipe(ends);
}

TestEverywhere(io, whole_numbers_go_through_an_eventfd)
{
	int event = eventfd(0, 0);
	uint64_t number = 7;

	check(vcore_write(event, &number, sizeof(number), VCORE_NEVER) == sizeof(number));
	number = 0;
	check(vcore_read(event, &number, sizeof(number), VCORE_NEVER) == sizeof(number));
	check(number == 7);
	check(vcore_read(event, &number, sizeof(number), PAST) == -ETIMEDOUT);
	close(event);
}

/* None of no bytes before it, nor in two parts. */
static void send_one_message(int type)
{
	static char message[20000], received[sizeof(message) + 1];
	int sockets[2];

	check(socketpair(AF_UNIX, type, 0, sockets) == 0);
	check(vcore_write(sockets[0], message, sizeof(message), VCORE_NEVER) == sizeof(message));
	check(recv(sockets[1], received, sizeof(received), MSG_DONTWAIT) == sizeof(message));
	check(recv(sockets[1], received, sizeof(received), MSG_DONTWAIT) == -1);
	close(sockets[0]);
	close(sockets[1]);
}

TestEverywhere(io, a_write_to_a_socket_that_keeps_messages_apart_is_one)
{
	send_one_message(SOCK_DGRAM);
	send_one_message(SOCK_SEQPACKET);
}

static void *receive_much(void *end)
{
	static char much[3000000];

	check(vcore_read(*(int *)end, much, sizeof(much), VCORE_NEVER) == sizeof(much));
	return NULL;
}

TestEverywhere(io, write_writes_more_than_a_stream_holds)
{
	static const char much[3000000];
	int sockets[2];
	struct peer reader;

	check(socketpair(AF_UNIX, SOCK_STREAM, 0, sockets) == 0);
	reader = peer_start(receive_much, &sockets[1]);
	check(vcore_write(sockets[0], much, sizeof(much), VCORE_NEVER) == sizeof(much));
	peer_finish(reader);
	check(vcore_write(sockets[0], much, sizeof(much), vcore_after(MOMENT)) > 0);
	close(sockets[0]);
	close(sockets[1]);
}

/* Each on the one processor, which it must leave for the writer. */
TestInside(io, others_run_while_a_thread_waits_in_poll)
{
	struct ends ends = make_pipe(0);
	struct pollfd fd = readable(ends);
	struct writer writer;

	for (int i = 0; i < 3; i++) {
		char c;

		start_writer(&writer, ends.write, "x");
		check(vcore_poll(&fd, 1, VCORE_NEVER) == 1);
		check(vcore_read(ends.read, &c, 1, VCORE_NEVER) == 1);
		peer_finish(writer.peer);
	}
	close_pipe(ends);
}

static struct ends waited;

static void *wait_in_poll(void *unused)
{
	struct pollfd fd = readable(waited);

	vcore_poll(&fd, 1, VCORE_NEVER);
	return unused;
}

static void *wait_in_read(void *unused)
{
	char c;

	vcore_read(waited.read, &c, 1, VCORE_NEVER);
	return unused;
}

static void *wait_in_write(void *unused)
{
	static const char much[300000];

	vcore_write(waited.write, much, sizeof(much), VCORE_NEVER);
	return unused;
}

static void destroy_in(void *(*wait)(void *))
{
	struct vcore_thread *thread;

	waited = make_pipe(0);
	thread = spawn(wait, NULL);
	vcore_sleep(vcore_after(MOMENT));
	vcore_thread_destroy(thread);
	check(fate(thread) == VCORE_DESTROYED);
	close_pipe(waited);
}

TestAround(io, a_thread_that_is_destroyed_in_poll_ends_at_once)
{
	destroy_in(wait_in_poll);
}

TestAround(io, a_thread_that_is_destroyed_in_read_ends_at_once)
{
	destroy_in(wait_in_read);
}

TestAround(io, a_thread_that_is_destroyed_in_write_ends_at_once)
{
	destroy_in(wait_in_write);
}

/* From outside: the one processor is in the kernel with it. */
Test(io, without_ticks_too_a_thread_that_is_destroyed_in_poll_ends)
{
	runtime_start(&without_ticks);
	destroy_in(wait_in_poll);
	destroy_in(wait_in_read);
	runtime_finish();
}

static void *read_disabled(void *unused)
{
	char c;

	vcore_destroy_disable();
	check(vcore_read(waited.read, &c, 1, VCORE_NEVER) == 1);
	vcore_destroy_enable();
	return unused;
}

TestAround(io, a_thread_that_has_destruction_disabled_reads_on)
{
	struct vcore_thread *thread;

	waited = make_pipe(0);
	thread = spawn(read_disabled, NULL);
	vcore_sleep(vcore_after(MOMENT));
	vcore_thread_destroy(thread);
	vcore_sleep(vcore_after(MOMENT));
	check(write(waited.write, "x", 1) == 1);
	check(fate(thread) == VCORE_DESTROYED);
	close_pipe(waited);
}

static atomic_bool stop_signals;
static pthread_t victim;

static void do_not_restart(int number)
{
	(void)number;
}

static void *send_signals(void *unused)
{
	while (!atomic_load(&stop_signals)) {
		pthread_kill(victim, SIGUSR1);
		usleep(500);
	}
	return unused;
}

Test(io, signals_of_the_program_cut_nothing_short)
{
	const struct sigaction action = {.sa_handler = do_not_restart};
	vcore_instant deadline = vcore_after(MOMENT);
	struct pollfd fd;
	struct writer writer;
	pthread_t sender;
	char text[3];

	sigaction(SIGUSR1, &action, NULL);
	waited = make_pipe(0);
	fd = readable(waited);
	victim = pthread_self();
	sender = start_pthread(send_signals, NULL);
	cr_assert_eq(vcore_poll(&fd, 1, deadline), -ETIMEDOUT);
	cr_assert_geq(vcore_now(), deadline);
	start_writer(&writer, waited.write, "abc");
	cr_assert_eq(vcore_read(waited.read, text, 3, VCORE_NEVER), 3);
	peer_finish(writer.peer);
	atomic_store(&stop_signals, true);
	finish_pthread(sender);
	close_pipe(waited);
}

static void be_cut_by_ticks(void)
{
	vcore_instant deadline = vcore_after(2 * MOMENT);
	atomic_bool done = false;
	struct vcore_thread *spinner = spawn(occupy, &done);
	struct ends ends = make_pipe(0);
	struct pollfd fd = readable(ends);
	char c;

	check(vcore_poll(&fd, 1, deadline) == -ETIMEDOUT);
	check(vcore_now() >= deadline);
	deadline = vcore_after(2 * MOMENT);
	check(vcore_read(ends.read, &c, 1, deadline) == -ETIMEDOUT);
	check(vcore_now() >= deadline);
	atomic_store(&done, true);
	finish(spinner);
	close_pipe(ends);
}

Test(io, ticks_cut_nothing_short)
{
	run_inside_with(&(struct vcore_runtime_options){.processors = 1, .quantum = MILLISECOND},
			be_cut_by_ticks);
}
