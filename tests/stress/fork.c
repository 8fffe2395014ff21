/*
 * A program forks while its runtime is busy, from a plain pthread and from
 * vcore threads.  The children exit, exec, find that calls on the lost
 * runtime say so, and open runtimes of their own; the parent goes on.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "stress.h"
#include <sys/prctl.h>
#include <sys/wait.h>

#define BUSY 12

struct host {
	struct vcore_runtime *runtime;
	struct vcore_eventcount event, never;
	struct vcore_thread *lost; /* waits forever */
	unsigned processors;
	_Atomic bool stop;
	_Atomic uint64_t turns; /* the busy threads' */
};

static struct host host;

static void *be_busy(void *unused)
{
	while (!atomic_load(&host.stop)) {
		atomic_fetch_add(&host.turns, 1);
		vcore_eventcount_advance(&host.event);
		free(malloc(100));
		vcore_yield();
	}
	return unused;
}

static void *wait_forever(void *unused)
{
	vcore_eventcount_await(&host.never, 0, VCORE_NEVER);
	return unused;
}

static int ignore(const struct vcore_thread_info *info, void *unused)
{
	(void)info;
	(void)unused;
	return 0;
}

/* Calls that need the lost processors say so, from anywhere. */
static void call_the_lost(void)
{
	const struct vcore_thread_options options = {.runtime = host.runtime};
	struct vcore_statistics statistics;

	CHECK_IS(vcore_thread_allocate(NULL, &options, wait_forever, NULL), -ESHUTDOWN);
	CHECK_IS(vcore_thread_join(host.lost, NULL, VCORE_NEVER), -ESHUTDOWN);
	CHECK_IS(vcore_runtime_stop(host.runtime), -ESHUTDOWN);
	CHECK_IS(vcore_inspect_runtime(host.runtime, &statistics), -ESHUTDOWN);
	CHECK_IS(vcore_inspect_threads(host.runtime, ignore, NULL), -ESHUTDOWN);
	CHECK_IS(vcore_dump(host.runtime, STDERR_FILENO), -ESHUTDOWN);
	CHECK_IS(vcore_runtime_close(host.runtime, VCORE_NEVER), -ESHUTDOWN);
	CHECK_IS(vcore_runtime_serve(host.runtime, VCORE_NEVER), -ESHUTDOWN);
}

/* What needs no processor works on, for a vcore thread as for a pthread. */
static void call_the_rest(void)
{
	CHECK(vcore_eventcount_read(&host.event) >= 0);
	CHECK_IS(vcore_eventcount_await(&host.never, -1, VCORE_NEVER), 0);
	CHECK_IS(vcore_eventcount_await(&host.never, 0, 0), -ETIMEDOUT);
	CHECK_IS(vcore_sleep(vcore_after(MICROSECOND)), 0);
	vcore_yield();
}

static void *spawn_two(void *argument)
{
	struct vcore_thread *children[2];

	for (int i = 0; argument != NULL && i < 2; i++) {
		CHECK_IS(vcore_thread_allocate(&children[i], NULL, spawn_two, NULL), 0);
	}
	vcore_yield();
	for (int i = 0; argument != NULL && i < 2; i++) {
		CHECK_IS(vcore_thread_join(children[i], NULL, VCORE_NEVER), 0);
	}
	return argument;
}

static void run_ones_own(void)
{
	struct vcore_runtime_options options = {.processors = host.processors};
	struct vcore_exit how = {0};

	options.stack_size = STRESS_EXTRA_STACK;
	CHECK_IS(vcore_run(&options, spawn_two, &host, &how), 0);
	CHECK(how.how == VCORE_RETURNED && how.result == &host);
}

/* TSan cannot have a child of many threads make threads of its own. */
#ifdef STRESS_TSAN
#define KINDS 3
#else
#define KINDS 4
#endif

/* The child's life; its exit status is how many checks failed. */
__attribute__((noreturn)) static void be_child(unsigned kind)
{
	atomic_store(&tap_failures, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	switch (kind) {
	case 0:
#ifndef STRESS_ASAN /* looks for leaks, and takes the lost threads' for some */
		exit(EXIT_SUCCESS);
#endif
	case 1:
		execl("/bin/true", "true", (char *)NULL);
		CHECK(!"exec");
		break;
	case 2:
		call_the_lost();
		call_the_rest();
		break;
	default:
		run_ones_own();
		break;
	}
	_exit((int)atomic_load(&tap_failures));
}

static void fork_once(unsigned kind)
{
	pid_t child = fork();
	int status = -1;

	if (child == 0) {
		be_child(kind);
	}
	CHECK(child > 0);
	while (waitpid(child, &status, WNOHANG) == 0) {
		vcore_sleep(vcore_after(200 * MICROSECOND));
	}
	if (!CHECK_IS(status, 0)) {
		tap_say("a child of kind %u from a %s", kind,
			vcore_thread_self() != NULL ? "vcore thread" : "pthread");
	}
}

static void *fork_often(void *times)
{
	for (unsigned i = 0; i < *(unsigned *)times; i++) {
		fork_once(i % KINDS);
	}
	return NULL;
}

static void fork_on(unsigned processors)
{
	unsigned times[3];
	struct stress_crew crew = {.vcore = 2, .plain = 1};
	struct vcore_thread *busy[BUSY];
	uint64_t turns;

	host = (struct host){.runtime = stress_open(processors), .processors = processors};
	for (int i = 0; i < 3; i++) {
		times[i] = (unsigned)stress_size(12, 4);
	}
	host.lost = stress_spawn(host.runtime, wait_forever, NULL);
	for (int i = 0; i < BUSY; i++) {
		busy[i] = stress_spawn(host.runtime, be_busy, NULL);
	}
	stress_crew_start(&crew, host.runtime, fork_often, times, sizeof(times[0]));
	stress_crew_join(&crew);

	turns = atomic_load(&host.turns);
	while (atomic_load(&host.turns) == turns) {
		vcore_sleep(vcore_after(MILLISECOND));
	}
	atomic_store(&host.stop, true);
	for (int i = 0; i < BUSY; i++) {
		stress_join(busy[i]);
	}
	vcore_eventcount_advance(&host.never);
	stress_join(host.lost);
	stress_close(host.runtime);
}

int main(int argc, char **argv)
{
#ifdef STRESS_ASAN /* a child waits for ever for what a lost thread has locked */
	return tap_skip_all("ASan's allocator is not made ready for fork");
#endif
	return stress_main(argc, argv, "fork", fork_on);
}
