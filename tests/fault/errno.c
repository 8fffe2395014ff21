/*
 * errno and thread-local variables: no call of the library changes errno,
 * whether it fails or waits or not, neither a vcore thread's nor a pthread's;
 * a thread-local variable is the kernel thread's on which its user runs.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "../stress/stress.h"

#define MARK       71
#define PROCESSORS 3

static struct vcore_runtime *runtime;
static struct vcore_eventcount never, shared;

/* errno's address must not be kept across a switch: see thread.h. */
__attribute__((noinline)) static int read_errno(void)
{
	return errno;
}

__attribute__((noinline)) static void write_errno(int number)
{
	errno = number;
}

#define KEEPS_ERRNO(call)                                                                          \
	do {                                                                                       \
		write_errno(MARK);                                                                 \
		call;                                                                              \
		tap_check_is(read_errno(), MARK, __FILE__, __LINE__, "errno after " #call);        \
	} while (0)

static void *fail(void *unused)
{
	write_errno(MARK + 1);
	vcore_yield();
	write_errno(MARK + 2);
	return unused;
}

static int ignore(const struct vcore_thread_info *info, void *unused)
{
	(void)info;
	(void)unused;
	return 0;
}

static void allocate_and_join(void)
{
	const struct vcore_thread_options wrong = {.runtime = runtime, .priority = 99};
	const struct vcore_thread_options odd = {.runtime = runtime, .stack_size = 500001};
	struct vcore_thread *thread;

	KEEPS_ERRNO(CHECK_IS(vcore_thread_allocate(NULL, &wrong, fail, NULL), -EINVAL));
	KEEPS_ERRNO(CHECK_IS(vcore_thread_allocate(&thread, &odd, fail, NULL), 0));
	KEEPS_ERRNO(vcore_thread_destroy(thread));
	KEEPS_ERRNO(vcore_thread_join(thread, NULL, VCORE_NEVER));
	thread = stress_spawn(runtime, fail, NULL);
	KEEPS_ERRNO(vcore_thread_detach(thread));
}

static void wait_for_all(void)
{
	KEEPS_ERRNO(CHECK_IS(vcore_eventcount_await(&never, 0, 0), -ETIMEDOUT));
	KEEPS_ERRNO(vcore_eventcount_await(&never, 0, vcore_after(MILLISECOND)));
	KEEPS_ERRNO(vcore_sleep(vcore_after(MILLISECOND)));
	KEEPS_ERRNO(vcore_yield());
	KEEPS_ERRNO(vcore_eventcount_advance(&shared));
	KEEPS_ERRNO(vcore_now());
}

static void inspect_and_keep(void)
{
	struct vcore_statistics statistics;
	struct vcore_slot slot;

	KEEPS_ERRNO(vcore_inspect_runtime(runtime, &statistics));
	KEEPS_ERRNO(vcore_inspect_threads(runtime, ignore, NULL));
	KEEPS_ERRNO(CHECK_IS(vcore_dump(runtime, -1), -EBADF));
	KEEPS_ERRNO(vcore_slot_create(&slot, NULL));
	KEEPS_ERRNO(vcore_slot_set(slot, &slot));
	KEEPS_ERRNO(vcore_slot_delete(slot));
	KEEPS_ERRNO(CHECK_IS(vcore_slot_set(slot, &slot), -EINVAL));
}

static void open_and_close(void)
{
	struct vcore_runtime_options options = {.processors = VCORE_PROCESSORS_MAX + 1};
	struct vcore_runtime *other;

	KEEPS_ERRNO(CHECK_IS(vcore_runtime_open(&other, &options), -EINVAL));
	options.processors = 2;
	KEEPS_ERRNO(CHECK_IS(vcore_runtime_open(&other, &options), 0));
	KEEPS_ERRNO(vcore_runtime_stop(other));
	KEEPS_ERRNO(vcore_runtime_close(other, VCORE_NEVER));
}

static void *call_everything(void *unused)
{
	open_and_close();
	allocate_and_join();
	wait_for_all();
	inspect_and_keep();
	return unused;
}

/* Threads pinned to one processor see one variable, others another. */
static _Thread_local unsigned visits;

__attribute__((noinline)) static unsigned visit(void)
{
	return ++visits;
}

static void *visit_often(void *last)
{
	for (int i = 0; i < 100; i++) {
		*(unsigned *)last = visit();
		vcore_yield();
	}
	return NULL;
}

static void thread_locals(void)
{
	struct vcore_thread *threads[2 * PROCESSORS];
	unsigned last[2 * PROCESSORS];

	for (unsigned i = 0; i < 2 * PROCESSORS; i++) {
		struct vcore_thread_options options = {
			.runtime = runtime,
			.flags = VCORE_THREAD_PINNED,
			.processor = i % PROCESSORS,
		};

		CHECK_IS(vcore_thread_allocate(&threads[i], &options, visit_often, &last[i]), 0);
	}
	for (int i = 0; i < 2 * PROCESSORS; i++) {
		stress_join(threads[i]);
	}
	for (int i = 0; i < PROCESSORS; i++) {
		unsigned other = last[i + PROCESSORS];

		CHECK_IS(last[i] > other ? last[i] : other, 200);
	}
}

int main(int argc, char **argv)
{
	stress_begin(argc, argv);
	runtime = stress_open(PROCESSORS);
	stress_join(stress_spawn(runtime, call_everything, NULL));
	tap_case("no call changes a vcore thread's errno");
	call_everything(NULL);
	tap_case("no call changes a pthread's errno");
	thread_locals();
	tap_case("thread-local variables are the kernel thread's");
	stress_close(runtime);
	return tap_done();
}
