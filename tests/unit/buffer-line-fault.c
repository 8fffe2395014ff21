/*
 * Buffers of many senders and receivers: who stands in line, is woken, and ends
 * of a fault of its message, one promise to a test; see buffers.h.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "buffers.h"

#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>

static char *page;
static sigjmp_buf way_out;

static void leave(int number)
{
	(void)number;
	siglongjmp(way_out, 1);
}

/* Before the runtime is opened: see runtime.h. */
static void prepare_page(void)
{
	runtime_flags = VCORE_RUNTIME_HOST_FAULTS;
	signal(SIGSEGV, leave);
	page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	check(page != MAP_FAILED);
}

/* Its message is gone when it is woken: it ends of that. */
static void *send_what_goes(void *buffer)
{
	if (sigsetjmp(way_out, 1) == 0) {
		vcore_buffer_send(buffer, page, VCORE_NEVER);
		check(!"it was sent");
	}
	return NULL;
}

/* Two cases; it is woken for the first. */
static void *select_what_goes(void *buffer)
{
	struct vcore_buffer *other = make_buffer_of_numbers(1);
	struct vcore_case cases[] = {
		{.kind = VCORE_CASE_SEND, .buffer = buffer, .message = page},
		{.kind = VCORE_CASE_RECEIVE, .buffer = other, .message = page + 8},
	};

	if (sigsetjmp(way_out, 1) == 0) {
		vcore_select(cases, 2, VCORE_NEVER);
		check(!"it was done");
	}
	vcore_buffer_deallocate(other);
	return NULL;
}

static void fault_when_woken(void *(*send)(void *))
{
	struct vcore_buffer *buffer = make_buffer_of_numbers(1);
	struct client next = {.call = SEND, .buffer = buffer, .number = 2};
	struct vcore_thread *thread;

	check(mprotect(page, 4096, PROT_READ | PROT_WRITE) == 0);
	put(buffer, FILLER);
	thread = spawn(send, buffer);
	until(is_waiting(thread));
	client_start(&next);
	check(mprotect(page, 4096, PROT_NONE) == 0);
	drain(buffer, 1);
	check(client_finish(&next) == 0);
	finish(thread);
	check(get(buffer) == 2);
	vcore_buffer_deallocate(buffer);
}

TestInTurns(buffer, who_was_woken_and_faults_takes_no_turn_from_others, .init = prepare_page)
{
	fault_when_woken(send_what_goes);
	fault_when_woken(select_what_goes);
}
