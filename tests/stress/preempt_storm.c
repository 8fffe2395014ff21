/*
 * Everything at the same time on two processors, with each quantum in turn: all
 * labours, threads that run away and are destroyed, light ones, crowds of them,
 * priorities, long messages, stray alarms, forks, and a heart.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "rounds_blocking.h"
#include "rounds_libc.h"
#include "rounds_locks.h"
#include "rounds_sync.h"
#ifdef STRESS_CXX
#include "rounds_exceptions.h"
#endif
#include <sys/prctl.h>
#include <sys/wait.h>

#define SECONDS  2 /* at scale 1, in all */
#define RUNAWAYS 8
#define MOST     40 /* labours */
#define CROWD    20 /* jobs at once */
#define MESSAGE  ((size_t)4 << 20)

static struct {
	struct ticks ticks;
	uint64_t random;
	struct shift shifts[MOST];
	size_t working; /* shifts */
	struct vcore_thread *runaways[RUNAWAYS];
} storm;

static _Atomic uint64_t alarms, jobs, errands;

static void handle_alarm(int number)
{
	compute((uint64_t)number, 20000);
	atomic_fetch_add(&alarms, 1);
}

static void start_all(const struct labour *labours, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		shift_start(&storm.shifts[storm.working++], &storm.ticks, &labours[i]);
	}
}

static void start_labours(void)
{
	storm.working = 0;
	start_all(libc_labours, LIBC_LABOURS);
	start_all(locks_labours, LOCKS_LABOURS);
	start_all(sync_labours, SYNC_LABOURS);
	start_all(blocking_labours, BLOCKING_LABOURS);
#ifdef STRESS_CXX
	start_all(exceptions_labours, EXCEPTIONS_LABOURS);
#endif
}

static void *run_away(void *unused)
{
	for (;;) {
		compute(1, 1000);
	}
	return unused;
}

/* One that runs away, in the place of another. */
static void replace_runaway(void)
{
	struct vcore_thread **place = &storm.runaways[stress_below(&storm.random, RUNAWAYS)];
	struct vcore_thread_options options = {.flags = VCORE_THREAD_DESTROY_ANYWHERE};
	struct vcore_exit exit;

	if (*place != NULL) {
		CHECK_IS(vcore_thread_destroy(*place), 0);
		CHECK_IS(vcore_thread_join(*place, &exit, VCORE_NEVER), 0);
		CHECK_IS(exit.how, VCORE_DESTROYED);
	}
	*place = ticks_spawn(&storm.ticks, options, run_away, NULL);
}

static void *do_job(void *seed)
{
	uint64_t start = (uint64_t)(uintptr_t)seed, half = compute(start, 50000);

	CHECK(compute(half, 50000) == compute(start, 100000));
	atomic_fetch_add(&jobs, 1);
	return NULL;
}

static void start_job(void)
{
	struct vcore_thread_options options = {.runtime = storm.ticks.runtime, .priority = -2};

	options.flags = vcore_preempt_obstacle() == NULL ? VCORE_THREAD_LIGHT : 0;
	CHECK_IS(vcore_thread_allocate(NULL, &options, do_job,
				       (void *)(uintptr_t)(1 + stress_random(&storm.random) / 2)),
		 0);
}

static void start_crowd(void)
{
	for (int i = 0; i < CROWD; i++) {
		start_job();
	}
}

/* A long message goes through a buffer of the library's, which copies it. */
static void *do_carry(void *seed)
{
	uint64_t length = MESSAGE / sizeof(uint64_t);
	uint64_t *message = malloc(MESSAGE), *copy = malloc(MESSAGE);
	struct vcore_buffer *buffer;

	for (uint64_t i = 0; i < length; i++) {
		message[i] = i ^ (uint64_t)(uintptr_t)seed;
	}
	CHECK_IS(vcore_buffer_allocate(&buffer, 1, MESSAGE, NULL), 0);
	CHECK_IS(vcore_buffer_send(buffer, message, VCORE_NEVER), 0);
	vcore_yield();
	CHECK_IS(vcore_buffer_receive(buffer, copy, VCORE_NEVER), 0);
	CHECK(memcmp(message, copy, MESSAGE) == 0);
	vcore_buffer_deallocate(buffer);
	free(message);
	free(copy);
	return NULL;
}

static void start_carrier(void)
{
	struct vcore_thread_options options = {.runtime = storm.ticks.runtime};

	CHECK_IS(vcore_thread_allocate(NULL, &options, do_carry,
				       (void *)(uintptr_t)stress_random(&storm.random)),
		 0);
}

static void *do_errand(void *unused)
{
	vcore_sleep(vcore_after(MILLISECOND));
	vcore_preempt_disable();
	compute(1, 10000);
	vcore_preempt_enable();
	atomic_fetch_add(&errands, 1);
	return unused;
}

static void start_errand(void)
{
	struct vcore_thread_options options = {.runtime = storm.ticks.runtime};

	options.priority = 1 + (int)stress_below(&storm.random, VCORE_PRIORITY_MAX);
	CHECK_IS(vcore_thread_allocate(NULL, &options, do_errand, NULL), 0);
}

static void send_alarm(void)
{
	kill(getpid(), SIGALRM);
}

static void fork_child(void)
{
#ifndef STRESS_TSAN
	pid_t child = fork();
	int status = -1;

	if (child == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		free(malloc(1000));
		_exit(EXIT_SUCCESS);
	}
	CHECK_IS(waitpid(child, &status, 0), child);
	CHECK_IS(status, 0);
#endif
}

static void look(void)
{
	struct vcore_statistics statistics = ticks_statistics(&storm.ticks);

	CHECK(statistics.kept <= statistics.threads);
	CHECK(statistics.let_go <= statistics.threads);
	CHECK(statistics.spares_limit == NULL);
}

/* Something happens. */
static void happen(void)
{
	static void (*const events[])(void) = {
		replace_runaway, start_job,     start_errand, send_alarm,  send_alarm, look,
		fork_child,      start_carrier, start_job,    start_crowd,
	};

	events[stress_below(&storm.random, sizeof(events) / sizeof(events[0]))]();
	vcore_sleep(vcore_after((int64_t)stress_below(&storm.random, MILLISECOND)));
}

static void calm_down(void)
{
	for (size_t i = 0; i < storm.working; i++) {
		atomic_store(&storm.shifts[i].over, true);
	}
	for (int i = 0; i < RUNAWAYS; i++) {
		vcore_thread_destroy(storm.runaways[i]);
	}
	for (int i = 0; i < RUNAWAYS; i++) {
		if (storm.runaways[i] != NULL) {
			stress_join(storm.runaways[i]);
			storm.runaways[i] = NULL;
		}
	}
	for (size_t i = 0; i < storm.working; i++) {
		shift_end(&storm.shifts[i]);
	}
}

static void storm_with(int64_t quantum)
{
	struct vcore_runtime_options options = {.quantum = quantum, .processors = 2};
	uint64_t alarms_before = atomic_load(&alarms);
	struct vcore_statistics statistics;
	struct heart heart;
	vcore_instant end;

	storm.ticks = ticks_open(options);
	if (storm.ticks.off != NULL) {
		tap_skip("storm", storm.ticks.off);
		ticks_close(&storm.ticks);
		return;
	}
	heart_start(&heart, &storm.ticks);
	start_labours();
	end = vcore_after((int64_t)((double)(SECONDS * SECOND) * stress_scale / 3));
	while (vcore_now() < end) {
		happen();
	}
	heart_await(&heart, 3);
	send_alarm();
	ticks_until(TSAN || atomic_load(&alarms) > alarms_before); /* which TSan keeps back */
	calm_down();
	heart_stop(&heart);
	statistics = ticks_statistics(&storm.ticks);
	tap_say("%ju ticks, %ju put off (%ju light, %ju not), %ju let go, %ju refused",
		(uintmax_t)statistics.ticks, (uintmax_t)statistics.preemptions,
		(uintmax_t)statistics.preemptions_light, (uintmax_t)statistics.preemptions_fallen,
		(uintmax_t)statistics.hand_overs, (uintmax_t)statistics.refusals);
	ticks_case(&storm.ticks, "storm");
	ticks_close(&storm.ticks);
}

int main(int argc, char **argv)
{
	const struct sigaction alarm = {.sa_handler = handle_alarm, .sa_flags = SA_RESTART};
	sigset_t mask;

	sigaction(SIGALRM, &alarm, NULL);
	sigemptyset(&mask);
	sigaddset(&mask, SIGALRM);
	pthread_sigmask(SIG_BLOCK, &mask, NULL);
	stress_begin(argc, argv);
	storm.random = stress_seed;
	for (int i = ticks_first_setting(); i < TICKS_SETTINGS; i += 3) {
		storm_with(ticks_setting(i).quantum);
	}
	return tap_done();
}
