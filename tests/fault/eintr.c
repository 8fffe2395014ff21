/*
 * Storms of signals, whose handler does not ask for restarting, at pthreads
 * that wait with deadlines, and futexes that are interrupted every time:
 * no call returns -EINTR, none returns early, none misses what it waits for.
 * Signals of the program never arrive on the runtime's kernel threads.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "../stress/stress.h"
#include <dlfcn.h>
#include <linux/futex.h>
#include <stdarg.h>
#include <sys/syscall.h>

#define WAIT (3 * MILLISECOND)

static _Atomic bool interrupting; /* every other futex wait */
static _Atomic unsigned interruptions;
static _Atomic bool storming;
static _Atomic unsigned handled, handled_elsewhere;
static _Thread_local bool of_program; /* this kernel thread is */

/* What the library waits by. */
long syscall(long number, ...)
{
	static _Atomic unsigned waits;
	long (*forward)(long, ...);
	long a[6];
	va_list arguments;

	va_start(arguments, number);
	for (int i = 0; i < 6; i++) {
		a[i] = va_arg(arguments, long);
	}
	va_end(arguments);
	if (number == SYS_futex && (a[1] & FUTEX_CMD_MASK) == FUTEX_WAIT_BITSET &&
	    atomic_load(&interrupting) && atomic_fetch_add(&waits, 1) % 2 == 0) {
		atomic_fetch_add(&interruptions, 1);
		errno = EINTR;
		return -1;
	}
	*(void **)&forward = dlsym(RTLD_NEXT, "syscall");
	return forward(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

static void handle(int number)
{
	(void)number;
	atomic_fetch_add(&handled, 1);
	if (!of_program) {
		atomic_fetch_add(&handled_elsewhere, 1);
	}
}

/* Sends signals to a pthread, and to the process. */
static void *storm(void *victim)
{
	const struct timespec pause = {.tv_nsec = 50 * MICROSECOND};

	of_program = true;
	while (atomic_load(&storming)) {
		pthread_kill(*(pthread_t *)victim, SIGUSR1);
		kill(getpid(), SIGUSR1);
		nanosleep(&pause, NULL);
	}
	return NULL;
}

static struct vcore_runtime *runtime;
static struct vcore_eventcount never;

static void await_late(void)
{
	vcore_instant deadline = vcore_after(WAIT);

	CHECK_IS(vcore_eventcount_await(&never, 0, deadline), -ETIMEDOUT);
	CHECK(vcore_now() >= deadline);
}

static void sleep_late(void)
{
	vcore_instant deadline = vcore_after(WAIT);

	CHECK_IS(vcore_sleep(deadline), 0);
	CHECK(vcore_now() >= deadline);
}

static void *sleep_and_advance(void *event)
{
	sleep_late();
	vcore_eventcount_advance(event);
	return NULL;
}

static void await_in_time(void)
{
	struct vcore_eventcount event = VCORE_EVENTCOUNT_INITIALIZER;
	struct vcore_thread *thread = stress_spawn(runtime, sleep_and_advance, &event);

	CHECK_IS(vcore_eventcount_await(&event, 0, stress_patience()), 0);
	CHECK_IS(vcore_eventcount_read(&event), 1);
	stress_join(thread);
}

static void *await_never(void *unused)
{
	vcore_eventcount_await(&never, 0, VCORE_NEVER);
	return unused;
}

static void join_late(void)
{
	struct vcore_thread *thread = stress_spawn(runtime, await_never, NULL);
	vcore_instant deadline = vcore_after(WAIT);

	CHECK_IS(vcore_thread_join(thread, NULL, deadline), -ETIMEDOUT);
	CHECK(vcore_now() >= deadline);
	vcore_thread_destroy(thread);
	CHECK_IS(vcore_thread_join(thread, NULL, stress_patience()), 0);
}

static void serve_late(void)
{
	vcore_instant deadline = vcore_after(WAIT);

	CHECK_IS(vcore_runtime_serve(runtime, deadline), 0);
	CHECK(vcore_now() >= deadline);
}

static void close_late(void)
{
	struct vcore_runtime_options options = {.processors = 1, .stack_size = STRESS_EXTRA_STACK};
	struct vcore_thread_options thread = {0};
	vcore_instant deadline;

	CHECK_IS(vcore_runtime_open(&thread.runtime, &options), 0);
	CHECK_IS(vcore_thread_allocate(NULL, &thread, await_never, NULL), 0);
	deadline = vcore_after(WAIT);
	CHECK_IS(vcore_runtime_close(thread.runtime, deadline), -ETIMEDOUT);
	CHECK(vcore_now() >= deadline);
	CHECK_IS(vcore_runtime_stop(thread.runtime), 0);
	CHECK_IS(vcore_runtime_close(thread.runtime, stress_patience()), 0);
}

static void *await_often(void *unused)
{
	for (int i = 0; i < 10; i++) {
		await_late();
		sleep_late();
	}
	return unused;
}

/* All that a pthread can wait for, while vcore threads wait too. */
static void wait_for_everything(const char *storm)
{
	static const struct {
		const char *name;
		void (*wait)(void);
	} waits[] = {
		{"await until the deadline", await_late},
		{"await until advanced", await_in_time},
		{"sleep", sleep_late},
		{"join until the deadline", join_late},
		{"serve", serve_late},
		{"close until the deadline", close_late},
	};

	for (size_t i = 0; i < sizeof(waits) / sizeof(waits[0]); i++) {
		struct vcore_thread *thread = stress_spawn(runtime, await_often, NULL);

		for (size_t n = stress_size(10, 2); n > 0; n--) {
			waits[i].wait();
		}
		stress_join(thread);
		tap_case("%s, in a storm of %s", waits[i].name, storm);
	}
}

static void storm_of_signals(void)
{
	const struct sigaction action = {.sa_handler = handle};
	pthread_t self = pthread_self(), stormer;

	sigaction(SIGUSR1, &action, NULL);
	atomic_store(&storming, true);
	if (pthread_create(&stormer, NULL, storm, &self) != 0) {
		abort();
	}
	wait_for_everything("signals");
	atomic_store(&storming, false);
	pthread_join(stormer, NULL);
	CHECK(handled > 100);
	CHECK_IS(handled_elsewhere, 0);
	tap_case("%u signals, none on the runtime's kernel threads", handled);
}

static void storm_of_interruptions(void)
{
	atomic_store(&interrupting, true);
	wait_for_everything("interrupted futexes");
	atomic_store(&interrupting, false);
	CHECK(interruptions > 10);
	tap_case("%u futexes interrupted", interruptions);
}

int main(int argc, char **argv)
{
	of_program = true;
	stress_begin(argc, argv);
	runtime = stress_open(2);
	storm_of_signals();
	storm_of_interruptions();
	stress_close(runtime);
	return tap_done();
}
