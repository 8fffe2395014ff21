/*
 * Kernel threads of the program serve a runtime, frame by frame, while its
 * own processors run.
 *
 *	pinned	threads pinned to the server's number run on it and nowhere
 *		else; free threads go on meanwhile.
 *	polled	a frame whose deadline has passed runs each runnable thread
 *		once.
 *	crowd	two serve at once under two numbers, a third is refused.
 *	end	servers learn that the runtime was stopped, or closed.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "stress.h"
#include <sys/syscall.h>

#define PINNED 4
#define FREE   8

static struct vcore_runtime *runtime;
static unsigned own_processors;
static _Atomic unsigned running;

__attribute__((noinline)) static long kernel_thread(void)
{
	return syscall(SYS_gettid);
}

struct worker {
	long server; /* the kernel thread it must run on, 0: any */
	size_t steps;
	_Atomic size_t done;
	long *found; /* where it says on which it ran */
};

static void *work(void *argument)
{
	struct worker *self = argument;

	while (self->done < self->steps) {
		if (self->server != 0) {
			CHECK_IS(kernel_thread(), self->server);
		}
		if (self->found != NULL) {
			*self->found = kernel_thread();
		}
		atomic_fetch_add(&self->done, 1);
		if (self->done % 8 == 7) {
			vcore_sleep(vcore_after(20 * MICROSECOND));
		} else {
			vcore_yield();
		}
	}
	atomic_fetch_sub(&running, 1);
	return NULL;
}

/* Pins to a server's number; -1 pins to none. */
static struct vcore_thread *allocate(struct worker *worker, int server)
{
	struct vcore_thread_options options = {.runtime = runtime};
	struct vcore_thread *thread = NULL;

	if (server >= 0) {
		options.flags = VCORE_THREAD_PINNED;
		options.processor = own_processors + (unsigned)server;
	}
	atomic_fetch_add(&running, 1);
	CHECK_IS(vcore_thread_allocate(&thread, &options, work, worker), 0);
	return thread;
}

static void serve_frames(void)
{
	while (atomic_load(&running) > 0) {
		vcore_instant deadline = vcore_after(200 * MICROSECOND);

		CHECK_IS(vcore_runtime_serve(runtime, deadline), 0);
		CHECK(vcore_now() >= deadline);
	}
}

static void pinned(void)
{
	struct worker workers[PINNED + FREE];
	struct vcore_thread *threads[PINNED + FREE];

	for (int i = 0; i < PINNED + FREE; i++) {
		bool is_pinned = i < PINNED;

		workers[i] = (struct worker){.steps = stress_size(2000, 50)};
		workers[i].server = is_pinned ? kernel_thread() : 0;
		threads[i] = allocate(&workers[i], is_pinned ? 0 : -1);
	}
	serve_frames();
	for (int i = 0; i < PINNED + FREE; i++) {
		stress_join(threads[i]);
	}
}

__attribute__((noreturn)) static void *yield_forever(void *argument)
{
	_Atomic size_t *runs = argument;

	for (;;) {
		atomic_fetch_add(runs, 1);
		vcore_yield();
	}
}

static void polled(void)
{
	_Atomic size_t runs[PINNED] = {0};
	struct vcore_thread_options options = {
		.runtime = runtime,
		.flags = VCORE_THREAD_PINNED,
		.processor = own_processors,
	};
	struct vcore_thread *threads[PINNED];

	for (int i = 0; i < PINNED; i++) {
		CHECK_IS(vcore_thread_allocate(&threads[i], &options, yield_forever, &runs[i]), 0);
	}
	for (int frame = 0; frame < 100; frame++) {
		CHECK_IS(vcore_runtime_serve(runtime, 0), 0);
		for (int i = 0; i < PINNED; i++) {
			CHECK_IS((intmax_t)atomic_exchange(&runs[i], 0), 1);
		}
	}
	for (int i = 0; i < PINNED; i++) {
		vcore_thread_destroy(threads[i]);
	}
	CHECK_IS(vcore_runtime_serve(runtime, 0), 0);
	for (int i = 0; i < PINNED; i++) {
		stress_join(threads[i]);
	}
}

static void *serve_until(void *argument)
{
	vcore_instant deadline = *(vcore_instant *)argument;

	return (void *)(intptr_t)vcore_runtime_serve(runtime, deadline);
}

static unsigned servers(void)
{
	struct vcore_statistics statistics = {0};

	CHECK_IS(vcore_inspect_runtime(runtime, &statistics), 0);
	return statistics.servers;
}

static void start_two(pthread_t *two, vcore_instant *deadline)
{
	for (int i = 0; i < 2; i++) {
		if (pthread_create(&two[i], NULL, serve_until, deadline) != 0) {
			abort();
		}
	}
	while (servers() < 2) {
		vcore_yield();
	}
}

static void join_two(const pthread_t *two, int expected)
{
	for (int i = 0; i < 2; i++) {
		void *result;

		pthread_join(two[i], &result);
		CHECK_IS((intptr_t)result, expected);
	}
}

static void crowd(void)
{
	vcore_instant deadline = vcore_after(SECOND); /* both must be there before */
	long found[2] = {0};
	struct worker workers[2] = {{.steps = 100, .found = &found[0]},
				    {.steps = 100, .found = &found[1]}};
	struct vcore_thread *threads[2];
	pthread_t two[2];

	start_two(two, &deadline);
	CHECK_IS(vcore_runtime_serve(runtime, vcore_after(SECOND)), -EBUSY);
	for (int i = 0; i < 2; i++) {
		threads[i] = allocate(&workers[i], i);
	}
	for (int i = 0; i < 2; i++) {
		stress_join(threads[i]);
	}
	CHECK(found[0] != 0 && found[1] != 0 && found[0] != found[1]);
	join_two(two, 0);
	CHECK(vcore_now() >= deadline);
	CHECK_IS(servers(), 0);
}

static void open_served(void)
{
	runtime = stress_open_with(
		(struct vcore_runtime_options){.processors = own_processors, .servers = 2});
}

/* No more threads after stop: the servers need not stay. */
static void stopped(void)
{
	vcore_instant deadline = vcore_after(2 * SECOND);
	_Atomic size_t runs = 0;
	pthread_t two[2];

	open_served();
	stress_spawn(runtime, yield_forever, (void *)&runs);
	start_two(two, &deadline);
	CHECK_IS(vcore_runtime_stop(runtime), 0);
	join_two(two, -ESHUTDOWN);
	stress_close(runtime);
}

static void closed(void)
{
	vcore_instant deadline = VCORE_NEVER;
	struct worker worker = {.steps = 100};
	pthread_t two[2];

	open_served();
	allocate(&worker, 0);
	start_two(two, &deadline);
	stress_close(runtime);
	join_two(two, -ESHUTDOWN);
	CHECK_IS((intmax_t)worker.done, 100);
}

static void serve(unsigned processors)
{
	own_processors = processors;
	open_served();
	pinned();
	polled();
	crowd();
	stress_close(runtime);
	stopped();
	closed();
}

int main(int argc, char **argv)
{
	return stress_main(argc, argv, "frames served", serve);
}
