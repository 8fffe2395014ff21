/*
 * vcore_run, over and over, in a process that has no other kernel thread: there
 * it looks for deadlocks.  What can go on is never taken for one, and what
 * cannot is always found.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "stress.h"
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>

static struct vcore_eventcount never;
static unsigned cleaned;

static void *do_nothing(void *argument)
{
	return argument;
}

static void *sleep_a_little(void *argument)
{
	vcore_sleep(vcore_after(30 * MICROSECOND));
	return argument;
}

static void *spawn_and_join(void *argument)
{
	struct vcore_thread *child;

	CHECK_IS(vcore_thread_allocate(&child, NULL, sleep_a_little, NULL), 0);
	CHECK_IS(vcore_thread_join(child, NULL, VCORE_NEVER), 0);
	return argument;
}

static void clean(void *unused)
{
	(void)unused;
	cleaned++;
}

static void *wait_forever(void *argument)
{
	struct vcore_cleanup cleanup;

	vcore_cleanup_push(&cleanup, clean, NULL);
	vcore_eventcount_await(&never, 0, VCORE_NEVER);
	vcore_cleanup_pop(&cleanup, false);
	return argument;
}

static void run_well(const struct vcore_runtime_options *options, void *(*entry)(void *))
{
	struct vcore_exit how = {.how = VCORE_FAULTED};

	CHECK_IS(vcore_run(options, entry, &how, &how), 0);
	CHECK(how.how == VCORE_RETURNED && how.result == &how);
}

static void run_into_deadlock(const struct vcore_runtime_options *options)
{
	struct vcore_exit how = {.how = VCORE_FAULTED};

	cleaned = 0;
	CHECK_IS(vcore_run(options, wait_forever, NULL, &how), -EDEADLK);
	CHECK_IS(how.how, VCORE_DESTROYED);
	CHECK_IS(cleaned, 1);
}

/* The child has no watchdog; the parent's is enough. */
static int run_in_child(unsigned processors, size_t times)
{
	struct vcore_runtime_options options = {.processors = processors};

	options.stack_size = STRESS_EXTRA_STACK;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	dup2(open("/dev/null", O_WRONLY | O_CLOEXEC), STDERR_FILENO); /* for the dumps */
	for (size_t i = 0; i < times; i++) {
		run_well(&options, do_nothing);
		run_well(&options, sleep_a_little);
		run_well(&options, spawn_and_join);
		if (i % 8 == 0) {
			run_into_deadlock(&options);
		}
	}
	return atomic_load(&tap_failures) != 0;
}

static void run(unsigned processors)
{
	size_t times = stress_size(400, 20);
	int status = -1;
	pid_t child;

	/* The watchdog is asleep by then: a sanitizer's locks do not survive fork. */
	usleep(50000);
	child = fork();
	if (child == 0) {
		_exit(run_in_child(processors, times));
	}
	CHECK(waitpid(child, &status, 0) == child);
	CHECK_IS(status, 0);
}

int main(int argc, char **argv)
{
	return stress_main(argc, argv, "vcore_run tells deadlocks", run);
}
