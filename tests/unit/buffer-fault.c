/*
 * Messages in memory that the caller may not read, or write: what
 * include/vcore/buffer.h promises of buffers of either kind, one promise to a
 * test; see buffers.h.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "buffers.h"

#include <sys/mman.h>
#include <unistd.h>

enum { PAGE = 4096, PAGES = 4, CAPACITY = 3 };

static const size_t sizes[] = {1, 3, 8, 12, 16, 24, 100, 4096, 10000};

/* Pages, of which all but the first are not there until they are repaired. */
static char *memory;
static atomic_bool fell, go_on;
static bool is_to_wait, is_to_end; /* what the handler does */

static void repair(void)
{
	check(mprotect(memory, (size_t)PAGES * PAGE, PROT_READ | PROT_WRITE) == 0);
}

static void handle(int number, siginfo_t *info, void *context)
{
	(void)number;
	(void)context;
	check((char *)info->si_addr >= memory && (char *)info->si_addr < memory + PAGES * PAGE);
	set_flag(&fell);
	while (is_to_wait && !atomic_load(&go_on)) {
		usleep(100);
	}
	if (is_to_end) {
		pthread_exit(NULL);
	}
	repair();
}

/* Before the runtime is opened: see runtime.h. */
static void prepare(void)
{
	struct sigaction action = {.sa_flags = SA_SIGINFO, .sa_sigaction = handle};

	runtime_flags = VCORE_RUNTIME_HOST_FAULTS;
	sigaction(SIGSEGV, &action, NULL);
	memory = mmap(NULL, (size_t)PAGES * PAGE, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	check(memory != MAP_FAILED);
}

/* A message of which the last byte, at least, is not there. */
static char *break_message(size_t size, uint64_t number)
{
	char *message = size > PAGE ? memory + 1 : memory + PAGE - size / 2;

	repair();
	make_message(message, size, number);
	check(mprotect(memory + PAGE, (size_t)(PAGES - 1) * PAGE, PROT_NONE) == 0);
	atomic_store(&fell, false);
	atomic_store(&go_on, false);
	return message;
}

static bool try_call(enum call call, struct vcore_buffer *buffer, char *message)
{
	switch (call) {
	case SEND:
		return vcore_buffer_send(buffer, message, PAST) == 0;
	case SEND_MANY:
		return vcore_buffer_send_many(buffer, message, 1, PAST) == 1;
	case RESERVE: /* for which there is no message of the caller's */
		return vcore_buffer_try_send(buffer, message);
	case RECEIVE:
		return vcore_buffer_receive(buffer, message, PAST) == 0;
	case RECEIVE_MANY:
		return vcore_buffer_receive_many(buffer, message, 1, PAST) == 1;
	default:
		return vcore_buffer_try_receive(buffer, message);
	}
}

static void send_number(struct vcore_buffer *buffer, size_t size, uint64_t number)
{
	char message[10000];

	make_message(message, size, number);
	check(vcore_buffer_send(buffer, message, PAST) == 0);
}

/* Its number, below 10. */
static uint64_t receive_number(struct vcore_buffer *buffer, size_t size)
{
	char message[10000];
	uint64_t number = 0;

	check(vcore_buffer_receive(buffer, message, PAST) == 0);
	while (!is_message(message, size, number)) {
		check(++number < 10);
	}
	return number;
}

TestBuffer(TestEverywhere, who_faults_goes_on_when_its_handler_has_repaired_it, .init = prepare)
{
	for (enum call call = 0; call < CALLS; call++) {
		for (size_t i = 0; i < COUNT_OF(sizes); i++) {
			struct vcore_buffer *buffer = make_buffer(CAPACITY, sizes[i]);
			char *message = break_message(sizes[i], 5);

			if (is_sent_by(call)) {
				check(try_call(call, buffer, message));
				check(receive_number(buffer, sizes[i]) == 5);
			} else {
				send_number(buffer, sizes[i], 6);
				check(try_call(call, buffer, message));
				check(is_message(message, sizes[i], 6));
			}
			check(atomic_load(&fell));
			check(vcore_buffer_count(buffer) == 0);
			vcore_buffer_deallocate(buffer);
		}
	}
}

TestBuffer(TestEverywhere, a_batch_may_fault_in_its_middle, .init = prepare)
{
	char *messages = memory + PAGE - 150;

	for (int i = 0; i < 5; i++) {
		struct vcore_buffer *buffer = make_buffer(2 * CAPACITY, 100);

		for (uint64_t j = 0; j < CAPACITY; j++) {
			make_message(messages + 100 * j, 100, j);
		}
		check(mprotect(memory + PAGE, PAGE, PROT_NONE) == 0);
		check(vcore_buffer_send_many(buffer, messages, CAPACITY, PAST) == CAPACITY);
		memset(messages, 0, (size_t)CAPACITY * 100);
		check(mprotect(memory + PAGE, PAGE, PROT_NONE) == 0);
		for (size_t n = 0; n < CAPACITY;) {
			ssize_t some = vcore_buffer_receive_many(buffer, messages + 100 * n,
								 CAPACITY - n, PAST);

			check(some > 0);
			n += (size_t)some;
		}
		for (uint64_t j = 0; j < CAPACITY; j++) {
			check(is_message(messages + 100 * j, 100, j));
		}
		vcore_buffer_deallocate(buffer);
	}
}

/* --- while, and after, another faults ------------------------------------------------------ */

struct faulter {
	enum call call;
	struct vcore_buffer *buffer;
	char *message;
	bool result;
};

static void *fall(void *argument)
{
	struct faulter *faulter = argument;

	faulter->result = try_call(faulter->call, faulter->buffer, faulter->message);
	return NULL;
}

TestBuffer(TestAround, while_a_sender_is_in_its_fault_the_buffer_is_whole, .init = prepare)
{
	is_to_wait = true;
	for (enum call call = SEND; call <= RESERVE; call++) {
		for (size_t i = 0; i < COUNT_OF(sizes); i++) {
			size_t size = sizes[i];
			struct faulter faulter = {call, make_buffer(CAPACITY, size),
						  break_message(size, 5), false};
			pthread_t pthread = start_pthread(fall, &faulter);
			char message[10000];

			until(atomic_load(&fell));
			check(vcore_buffer_count(faulter.buffer) == 0);
			check(!vcore_buffer_try_receive(faulter.buffer, message));
			check(vcore_buffer_receive(faulter.buffer, message,
						   vcore_after(MILLISECOND / 10)) == -ETIMEDOUT);
			set_flag(&go_on);
			finish_pthread(pthread);
			check(faulter.result);
			check(receive_number(faulter.buffer, size) == 5);
			vcore_buffer_deallocate(faulter.buffer);
		}
	}
}

TestBuffer(TestAround, while_a_receiver_is_in_its_fault_the_buffer_is_whole, .init = prepare)
{
	is_to_wait = true;
	for (enum call call = RECEIVE; call <= TAKE; call++) {
		for (size_t i = 0; i < COUNT_OF(sizes); i++) {
			size_t size = sizes[i];
			struct faulter faulter = {call, make_buffer(CAPACITY, size),
						  break_message(size, 5), false};
			pthread_t pthread;

			send_number(faulter.buffer, size, 6);
			pthread = start_pthread(fall, &faulter);
			until(atomic_load(&fell));
			send_number(faulter.buffer, size, 7);
			send_number(faulter.buffer, size, 8);
			set_flag(&go_on);
			finish_pthread(pthread);
			check(faulter.result);
			check(is_message(faulter.message, size, 6));
			check(vcore_buffer_count(faulter.buffer) == 2);
			vcore_buffer_deallocate(faulter.buffer);
		}
	}
}

TestBuffer(TestAround, a_sender_that_ends_of_its_fault_leaves_no_gap, .init = prepare)
{
	is_to_end = true;
	for (enum call call = SEND; call <= RESERVE; call++) {
		for (size_t i = 0; i < COUNT_OF(sizes); i++) {
			struct faulter faulter = {call, make_buffer(CAPACITY, sizes[i]),
						  break_message(sizes[i], 5), false};
			char message[10000];

			finish_pthread(start_pthread(fall, &faulter));
			check(atomic_load(&fell) && !faulter.result);
			check(vcore_buffer_count(faulter.buffer) == 0);
			vcore_buffer_close(faulter.buffer);
			check(vcore_buffer_receive(faulter.buffer, message, VCORE_NEVER) == -EPIPE);
			vcore_buffer_deallocate(faulter.buffer);
		}
	}
}

TestBuffer(TestAround, with_a_receiver_that_ends_of_its_fault_one_message_is_lost, .init = prepare)
{
	is_to_end = true;
	for (enum call call = RECEIVE; call <= TAKE; call++) {
		for (size_t i = 0; i < COUNT_OF(sizes); i++) {
			size_t size = sizes[i];
			struct faulter faulter = {call, make_buffer(CAPACITY, size),
						  break_message(size, 5), false};
			size_t left;

			send_number(faulter.buffer, size, 6);
			finish_pthread(start_pthread(fall, &faulter));
			check(atomic_load(&fell) && !faulter.result);
			left = vcore_buffer_count(faulter.buffer);
			check(left <= (BUFFER_FLAGS & VCORE_BUFFER_SPSC)); /* nobody's */
			for (size_t n = left; n < ROOM(CAPACITY); n++) {
				send_number(faulter.buffer, size, n);
			}
			check(vcore_buffer_count(faulter.buffer) == ROOM(CAPACITY));
			vcore_buffer_deallocate(faulter.buffer);
		}
	}
}

/* --- without a handler ---------------------------------------------------------------------- */

static struct faulter subject;

static void fall_alone(void)
{
	signal(SIGSEGV, SIG_DFL);
	if (!is_sent_by(subject.call)) {
		send_number(subject.buffer, 8, 1);
	}
	fall(&subject);
}

static void fall_inside(void)
{
	signal(SIGSEGV, SIG_DFL);
	run_inside(1, fall_alone);
}

TestBuffer(Test, a_pointer_to_no_memory_raises_SIGSEGV, .init = prepare)
{
	static struct outcome outcome;

	subject.buffer = make_buffer(CAPACITY, 8);
	subject.message = break_message(8, 5);
	for (subject.call = 0; subject.call < CALLS; subject.call++) {
		run_child(&outcome, fall_alone);
		check(killed_by(&outcome, SIGSEGV));
		run_child(&outcome, fall_inside);
		check(killed_by(&outcome, SIGSEGV));
	}
}
