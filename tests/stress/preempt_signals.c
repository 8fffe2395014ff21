/*
 * Signals of the program's own, whose handlers interrupt malloc and compute
 * for longer than a quantum: what they interrupted is not preempted.  Stray
 * SIGALRMs reach the program's handler, none is taken for a tick and none is
 * lost.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "rounds_libc.h"
#include <dirent.h>
#include <sched.h>
#include <setjmp.h>
#include <sys/syscall.h>
#include <sys/time.h>

#define STRAYS 40000

static _Atomic uint64_t users, alarms;

/* A handler that is left for good, in a thread that then ends. */
static _Thread_local sigjmp_buf way_out;
static _Thread_local volatile sig_atomic_t jumps;

static void leave(void)
{
	if (jumps) {
		jumps = 0;
		siglongjmp(way_out, 1);
	}
}

/* Long enough for a tick or two. */
static void handle_user(int number)
{
	compute((uint64_t)number, 100000);
	atomic_fetch_add(&users, 1);
}

/* Now and then as long. */
static void handle_alarm(int number)
{
	CHECK_IS(number, SIGALRM);
	leave();
	compute((uint64_t)number, atomic_fetch_add(&alarms, 1) % 16 == 0 ? 100000 : 100);
}

/* To every kernel thread of the process but the caller. */
static void signal_all(int number)
{
	DIR *tasks = opendir("/proc/self/task");
	pid_t self = (pid_t)syscall(SYS_gettid);

	for (struct dirent *task; (task = readdir(tasks)) != NULL;) {
		pid_t tid = (pid_t)strtol(task->d_name, NULL, 10);

		if (tid > 0 && tid != self) {
			syscall(SYS_tgkill, getpid(), tid, number);
		}
	}
	closedir(tasks);
}

/* Kernel threads of a runtime block the signal: the thread lets it come. */
static void round_with_users(struct worker *self)
{
	sigset_t user;

	sigemptyset(&user);
	sigaddset(&user, SIGUSR1);
	CHECK_IS(pthread_sigmask(SIG_UNBLOCK, &user, NULL), 0);
	for (int i = 0; i < 5; i++) {
		round_allocate(self);
	}
	CHECK_IS(pthread_sigmask(SIG_BLOCK, &user, NULL), 0);
	worker_compute(self);
}

static void interrupt_malloc(const struct ticks *ticks)
{
	static const struct labour labour = {.name = "interrupted", .round = round_with_users};
	uint64_t enough = atomic_load(&users) + stress_size(50, 5);
	struct shift shift;

	shift_start(&shift, ticks, &labour);
	while (atomic_load(&users) < enough) {
		signal_all(SIGUSR1);
		vcore_sleep(vcore_after(200 * MICROSECOND));
	}
	shift_end(&shift);
}

/* SIGALRM is not blocked where ticks come: its handler finds malloc anywhere. */
static void alarm_malloc(const struct ticks *ticks)
{
	static const struct labour labour = {.name = "alarmed", .round = round_allocate};
	const struct itimerval often = {.it_interval.tv_usec = 500, .it_value.tv_usec = 500};
	const struct itimerval never = {.it_value.tv_usec = 0};
	uint64_t enough = atomic_load(&alarms) + stress_size(50, 5);
	struct shift shift;

	shift_start(&shift, ticks, &labour);
	setitimer(ITIMER_REAL, &often, NULL);
	ticks_until(atomic_load(&alarms) >= enough);
	setitimer(ITIMER_REAL, &never, NULL);
	shift_end(&shift);
}

/* One at a time none is lost; those to kernel threads may meet a tick. */
static void stray(const struct ticks *ticks)
{
	static const struct labour labour = {.name = "astray", .round = round_print};
	struct shift shift;

	shift_start(&shift, ticks, &labour);
	for (size_t i = stress_size(STRAYS / TICKS_SETTINGS, 100); i > 0; i--) {
		uint64_t before = atomic_load(&alarms);

		if (i % 16 == 0) {
			signal_all(SIGALRM);
		}
		kill(getpid(), SIGALRM);
		while (atomic_load(&alarms) == before) {
			sched_yield();
		}
	}
	shift_end(&shift);
}

/* Who lends its kernel thread has its signals there, over vcore threads. */
struct server {
	const struct ticks *ticks;
	_Atomic bool stop;
};

static void *serve(void *argument)
{
	struct server *server = argument;
	sigset_t mask;

	sigemptyset(&mask);
	pthread_sigmask(SIG_SETMASK, &mask, NULL);
	while (!atomic_load(&server->stop)) {
		CHECK_IS(vcore_runtime_serve(server->ticks->runtime, vcore_after(MILLISECOND)), 0);
	}
	return NULL;
}

/* LIGHT threads, which are switched on the server. */
static void interrupt_server(const struct ticks *ticks)
{
	static const struct labour labour = {.name = "served", .round = round_allocate};
	struct server server = {.ticks = ticks};
	struct ticks light = *ticks;
	uint64_t enough = atomic_load(&users) + stress_size(100, 10);
	struct shift shift;
	pthread_t pthread;

	light.flags = VCORE_THREAD_LIGHT;
	if (pthread_create(&pthread, NULL, serve, &server) != 0) {
		abort();
	}
	shift_start(&shift, &light, &labour);
	while (atomic_load(&users) < enough) {
		pthread_kill(pthread, SIGUSR1);
		vcore_sleep(vcore_after(200 * MICROSECOND));
	}
	atomic_store(&shift.over, true);
	atomic_store(&server.stop, true);
	pthread_join(pthread, NULL);
	shift_end(&shift);
}

static void handle_fault(int number)
{
	CHECK_IS(number, SIGSEGV);
	leave();
}

static void *raise_and_leave(void *number)
{
	if (sigsetjmp(way_out, 1) == 0) {
		jumps = 1;
		raise(*(int *)number);
	}
	return NULL;
}

static void leave_handlers(const struct ticks *ticks)
{
	static const struct labour labour = {.name = "after a jump", .round = round_allocate};
	static int numbers[] = {SIGALRM, SIGSEGV};
	uint64_t enough;
	struct shift shift;

	for (int i = 0; i < 2; i++) {
		stress_join(stress_spawn(ticks->runtime, raise_and_leave, &numbers[i]));
	}
	shift_start(&shift, ticks, &labour);
	enough = ticks_statistics(ticks).preemptions + 20;
	ticks_until(ticks_statistics(ticks).preemptions >= enough);
	shift_end(&shift);
}

static void signal_with(const struct ticks *ticks)
{
	const char *obstacle = vcore_preempt_obstacle();

	ticks_try(ticks, "handlers that interrupt malloc", interrupt_malloc);
	ticks_try(ticks, "alarms that interrupt malloc", alarm_malloc);
	ticks_try(ticks, "stray SIGALRMs", stray);
	ticks_try(ticks, "handlers that are left", leave_handlers);
	if (obstacle != NULL) {
		tap_skip("handlers on a server", obstacle);
	} else {
		ticks_try(ticks, "handlers on a server", interrupt_server);
	}
}

/* The host's own threads leave alarms to those of the runtime. */
int main(int argc, char **argv)
{
	const struct sigaction user = {.sa_handler = handle_user, .sa_flags = SA_RESTART};
	const struct sigaction alarm = {.sa_handler = handle_alarm, .sa_flags = SA_RESTART};
	const struct sigaction fault = {.sa_handler = handle_fault};
	sigset_t mask;

	if (TSAN) {
		return tap_skip_all("TSan keeps signals back");
	}
	sigaction(SIGSEGV, &fault, NULL);
	sigaction(SIGUSR1, &user, NULL);
	sigaction(SIGALRM, &alarm, NULL);
	sigemptyset(&mask);
	sigaddset(&mask, SIGALRM);
	pthread_sigmask(SIG_BLOCK, &mask, NULL);
	return ticks_main(argc, argv, signal_with);
}
