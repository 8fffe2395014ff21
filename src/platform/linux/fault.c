/*
 * The fault signals: whose they are.
 *
 * A fault of a green thread arrives on the kernel thread's alternate stack: its
 * own may be the one that overflowed.  There are no locks here, and no switch: who
 * judges either makes the context that the kernel will go on with another one
 * (raised.c), or says that the fault is not ours.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <ucontext.h>

#include "platform/linux/linux.h"

static const int signals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL};

#define N_SIGNALS (sizeof signals / sizeof signals[0])

static unsigned installed; /* how often */
static struct sigaction before[N_SIGNALS];
static bool (*judge)(struct vci_raised *raised);

/* --- those that are not ours ----------------------------------------------------- */

static struct sigaction *action_before(int number)
{
	size_t i = 0;

	while (signals[i] != number) {
		i++;
	}
	return &before[i];
}

/* As the kernel would have called it; the mask that was is restored by the return. */
static void call_program(struct sigaction *place, int number, siginfo_t *info, void *context)
{
	const struct sigaction action = *place;
	sigset_t mask = action.sa_mask;

	if (action.sa_flags & SA_RESETHAND) {
		place->sa_handler = SIG_DFL;
		place->sa_flags &= ~SA_SIGINFO;
	}
	if (!(action.sa_flags & SA_NODEFER)) {
		sigaddset(&mask, number);
	}
	pthread_sigmask(SIG_BLOCK, &mask, NULL);
	if (action.sa_flags & SA_SIGINFO) {
		action.sa_sigaction(number, info, context);
	} else {
		action.sa_handler(number);
	}
}

/*
 * What the program had for this signal.  The default action is restored and
 * the handler returns: the instruction faults again, and the process ends as
 * it would have without us.
 */
static void pass_on(int number, siginfo_t *info, void *context)
{
	struct sigaction *action = action_before(number);

	if ((action->sa_flags & SA_SIGINFO) ||
	    (action->sa_handler != SIG_DFL && action->sa_handler != SIG_IGN)) {
		call_program(action, number, info, context);
	} else if (info->si_code > 0) {
		signal(number, SIG_DFL);
	} else if (action->sa_handler == SIG_DFL) { /* sent, not raised: not repeated */
		signal(number, SIG_DFL);
		raise(number);
	}
}

/* --- the handler ------------------------------------------------------------------- */

static void on_fault(int number, siginfo_t *info, void *context)
{
	int error = errno;
	struct vci_raised raised;

	if (info->si_code > 0) {
		if (vci_raised_survives(context)) {
			return;
		}
		vci_raised_read(&raised, number, info, context);
		if (judge(&raised)) {
			errno = error;
			return;
		}
	}
	pass_on(number, info, context); /* which may never return */
	errno = error;
}

/* --- installing it ------------------------------------------------------------------ */

static int install(void)
{
	struct sigaction action;

	memset(&action, 0, sizeof action);
	action.sa_sigaction = on_fault;
	action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER;
	sigemptyset(&action.sa_mask);
	for (size_t i = 0; i < N_SIGNALS; i++) {
		if (sigaction(signals[i], NULL, &before[i]) != 0 ||
		    sigaction(signals[i], &action, NULL) != 0) {
			return errno;
		}
	}
	return 0;
}

/* Where the program has put a handler over ours meanwhile, it stays. */
static int restore(void)
{
	for (size_t i = 0; i < N_SIGNALS; i++) {
		struct sigaction present;

		if (sigaction(signals[i], NULL, &present) == 0 &&
		    (present.sa_flags & SA_SIGINFO) != 0 && present.sa_sigaction == on_fault) {
			sigaction(signals[i], &before[i], NULL);
		}
	}
	return 0;
}

int vci_faults_install(bool (*f)(struct vci_raised *raised))
{
	int error = 0;

	if (installed == 0) {
		judge = f;
		error = VCI_OUTSIDE(install());
	}
	if (error == 0) {
		installed++;
	}
	return -error;
}

void vci_faults_remove(void)
{
	if (--installed == 0) {
		(void)VCI_OUTSIDE(restore());
	}
}
