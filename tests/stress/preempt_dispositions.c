/*
 * SIGALRM is lent to the library while a runtime is open: what the program had
 * for it is still what happens to signals that are no ticks, from the first
 * instant on, and is there again after the last close; what it installs meanwhile
 * stays.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "ticks.h"
#include <sys/time.h>

#include "../fault/child.h"

static _Atomic uint64_t handled;
static _Atomic int code;
static _Atomic pid_t sender;

static void handle(int number)
{
	CHECK_IS(number, SIGALRM);
	atomic_fetch_add(&handled, 1);
}

static void handle_info(int number, siginfo_t *info, void *context)
{
	CHECK(context != NULL);
	atomic_store(&code, info->si_code);
	atomic_store(&sender, info->si_pid);
	handle(number);
}

/* Two threads that take turns by ticks. */
struct work {
	struct ticks ticks;
	_Atomic bool stop;
	struct vcore_thread *threads[2];
};

static void begin(struct work *work, int setting)
{
	*work = (struct work){.ticks = ticks_open(ticks_setting(setting))};
	for (int i = 0; i < 2; i++) {
		work->threads[i] = ticks_spawn_pinned(&work->ticks, ticks_spin, &work->stop);
	}
	ticks_until(work->ticks.off != NULL || ticks_switches(&work->ticks) > 2);
}

static void end(struct work *work)
{
	atomic_store(&work->stop, true);
	stress_join(work->threads[0]);
	stress_join(work->threads[1]);
	stress_close(work->ticks.runtime);
}

static bool same(const struct sigaction *a, const struct sigaction *b)
{
	return a->sa_handler == b->sa_handler && a->sa_flags == b->sa_flags &&
	       sigismember(&a->sa_mask, SIGUSR1) == sigismember(&b->sa_mask, SIGUSR1);
}

static struct sigaction disposition(void)
{
	struct sigaction now;

	CHECK_IS(sigaction(SIGALRM, NULL, &now), 0);
	return now;
}

static void restore(int setting)
{
	struct sigaction actions[] = {
		{.sa_handler = SIG_DFL},
		{.sa_handler = SIG_IGN},
		{.sa_handler = handle, .sa_flags = SA_NODEFER},
		{.sa_sigaction = handle_info, .sa_flags = SA_SIGINFO | SA_RESTART},
	};

	for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++) {
		struct sigaction before, after;
		struct work first, second;

		sigaddset(&actions[i].sa_mask, SIGUSR1);
		CHECK_IS(sigaction(SIGALRM, &actions[i], NULL), 0);
		before = disposition();
		begin(&first, setting);
		begin(&second, setting);
		end(&first);
		ticks_until(second.ticks.off != NULL || ticks_switches(&second.ticks) > 5);
		end(&second);
		after = disposition();
		CHECK(same(&before, &after));
	}
}

/* To the process, blocked here: a kernel thread of the runtime gets it. */
static void send(sigset_t *mask)
{
	sigset_t alarm;

	sigemptyset(&alarm);
	sigaddset(&alarm, SIGALRM);
	pthread_sigmask(SIG_BLOCK, &alarm, mask);
	kill(getpid(), SIGALRM);
}

static void chain(int setting)
{
	const struct sigaction plain = {.sa_handler = handle};
	const struct sigaction full = {.sa_sigaction = handle_info, .sa_flags = SA_SIGINFO};
	struct work work;
	sigset_t mask;

	sigaction(SIGALRM, &plain, NULL);
	begin(&work, setting);
	handled = 0;
	send(&mask);
	ticks_until(handled > 0);
	pthread_sigmask(SIG_SETMASK, &mask, NULL);
	end(&work);

	sigaction(SIGALRM, &full, NULL);
	begin(&work, setting);
	handled = 0;
	send(&mask);
	ticks_until(handled > 0);
	CHECK_IS(code, SI_USER);
	CHECK_IS(sender, getpid());
	pthread_sigmask(SIG_SETMASK, &mask, NULL);
	end(&work);
	CHECK_IS(handled, 1);
}

static void ignore(int setting)
{
	struct work work;
	sigset_t mask;

	signal(SIGALRM, SIG_IGN);
	begin(&work, setting);
	for (int i = 0; i < 100; i++) {
		send(&mask);
		pthread_sigmask(SIG_SETMASK, &mask, NULL);
		compute(1, 10000);
	}
	end(&work);
}

/* Ticks are the program's then, and closing changes nothing. */
static void replace(int setting)
{
	const struct sigaction later = {.sa_handler = handle, .sa_flags = SA_RESTART};
	struct sigaction before, after;
	struct work work;

	signal(SIGALRM, SIG_DFL);
	begin(&work, setting);
	CHECK_IS(sigaction(SIGALRM, &later, NULL), 0);
	before = disposition();
	end(&work);
	after = disposition();
	CHECK(same(&before, &after));
	signal(SIGALRM, SIG_DFL);
}

static int be_killed(const void *setting)
{
	const struct itimerval soon = {.it_value.tv_usec = 20000};
	struct work work;

	begin(&work, *(const int *)setting);
	setitimer(ITIMER_REAL, &soon, NULL);
	pause();
	return EXIT_SUCCESS;
}

static void kill_a_child(int setting)
{
	struct child child;

	signal(SIGALRM, SIG_DFL);
	child_run(&child, be_killed, &setting);
	CHECK(child_died(&child, SIGALRM));
}

static void handle_quietly(int number)
{
	(void)number;
}

static void open_and_close(int setting)
{
	stress_close(ticks_open(ticks_setting(setting)).runtime);
}

/* Alarms come all the while: before, when our handler comes, and after. */
static int open_under_alarms(const void *setting)
{
	const struct itimerval often = {.it_interval.tv_usec = 20, .it_value.tv_usec = 20};

	signal(SIGALRM, handle_quietly);
	setitimer(ITIMER_REAL, &often, NULL);
	open_and_close(*(const int *)setting);
	return EXIT_SUCCESS;
}

/* What the library remembers is the default action, which would be the end. */
static void open_often(int setting)
{
	signal(SIGALRM, SIG_DFL);
	open_and_close(setting);
	for (size_t i = stress_size(40, 2); i > 0; i--) {
		struct child child;

		child_run(&child, open_under_alarms, &setting);
		CHECK(child_exited(&child, EXIT_SUCCESS));
	}
}

static void try_with(int setting, const char *name, void (*run)(int setting))
{
	struct vcore_runtime_options options = ticks_setting(setting);

	run(setting);
	tap_case("%s, %jd us on %u", name, (intmax_t)(options.quantum / MICROSECOND),
		 options.processors);
}

int main(int argc, char **argv)
{
	stress_begin(argc, argv);
	for (int i = ticks_first_setting(); i < TICKS_SETTINGS; i++) {
		try_with(i, "restored by the last close", restore);
		try_with(i, "ignored", ignore);
		if (TSAN) {
			tap_skip("replaced meanwhile", "TSan does not know whose it is");
			tap_skip("chained", "TSan keeps signals back");
			tap_skip("killed by an alarm", "TSan: no kernel threads after fork");
			tap_skip("opened under alarms", "TSan: no kernel threads after fork");
		} else {
			try_with(i, "replaced meanwhile", replace);
			try_with(i, "chained", chain);
			try_with(i, "killed by an alarm", kill_a_child);
			try_with(i, "opened under alarms", open_often);
		}
	}
	return tap_done();
}
