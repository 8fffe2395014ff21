/*
 * The fault signals.
 *
 * A fault of a green thread arrives on the kernel thread's alternate stack: its
 * own may be the one that overflowed.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include "platform/linux/linux.h"

#define HANDLER_STACK ((size_t)32 << 10)

static const int signals[] = {SIGSEGV, SIGBUS};

#define N_SIGNALS (sizeof signals / sizeof signals[0])

static unsigned installed; /* how often */
static struct sigaction before[N_SIGNALS];
static void (*explain_fault)(void *address, void *sp);

/*
 * What the program had for this signal.  The default action is restored and
 * the handler returns: the instruction faults again, and the process ends as
 * it would have without us.
 */
static void pass_on(int number, siginfo_t *info, void *context)
{
	const struct sigaction *action = &before[number == SIGSEGV ? 0 : 1];

	if (action->sa_flags & SA_SIGINFO) {
		action->sa_sigaction(number, info, context);
	} else if (action->sa_handler != SIG_DFL && action->sa_handler != SIG_IGN) {
		action->sa_handler(number);
	} else if (info->si_code > 0) {
		signal(number, SIG_DFL);
	} else if (action->sa_handler == SIG_DFL) { /* sent, not raised: not repeated */
		signal(number, SIG_DFL);
		raise(number);
	}
}

/* Of the interrupted code; NULL where we cannot tell. */
static void *stack_pointer(const void *context)
{
	const ucontext_t *ucontext = context;

#if defined __x86_64__
	return (void *)ucontext->uc_mcontext.gregs[REG_RSP];
#elif defined __aarch64__
	return (void *)ucontext->uc_mcontext.sp;
#else
	(void)ucontext;
	return NULL;
#endif
}

static void on_fault(int number, siginfo_t *info, void *context)
{
	int error = errno;

	vci_local()->inside++;
	if (info->si_code > 0) {
		explain_fault(info->si_addr, stack_pointer(context));
	}
	pass_on(number, info, context);
	vci_local()->inside--;
	errno = error;
}

static int install(void)
{
	struct sigaction action;

	memset(&action, 0, sizeof action);
	action.sa_sigaction = on_fault;
	action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER;
	sigemptyset(&action.sa_mask);
	for (size_t i = 0; i < N_SIGNALS; i++) {
		if (sigaction(signals[i], &action, &before[i]) != 0) {
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

int vci_faults_install(void (*explain)(void *address, void *sp))
{
	int error = 0;

	if (installed == 0) {
		explain_fault = explain;
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

int vci_signal_stack_make(struct vci_signal_stack *stack)
{
	stack->used = false;
	stack->bytes = HANDLER_STACK + vci_signal_frame();
	stack->bytes = (stack->bytes + vci_page_size - 1) & ~(vci_page_size - 1);
	stack->pages = vci_pages_reserve(stack->bytes);
	return stack->pages != NULL ? 0 : -ENOMEM;
}

void vci_signal_stack_free(struct vci_signal_stack *stack)
{
	vci_pages_release(stack->pages, stack->bytes);
	stack->pages = NULL;
}

void vci_signal_stack_set(struct vci_signal_stack *stack)
{
	stack_t present;
	stack_t ours = {.ss_sp = stack->pages, .ss_size = stack->bytes};

	stack->used = VCI_OUTSIDE(sigaltstack(NULL, &present)) == 0 &&
		      (present.ss_flags & SS_DISABLE) != 0 &&
		      VCI_OUTSIDE(sigaltstack(&ours, NULL)) == 0;
}

void vci_signal_stack_unset(struct vci_signal_stack *stack)
{
	stack_t none = {.ss_flags = SS_DISABLE};

	if (stack->used) {
		(void)VCI_OUTSIDE(sigaltstack(&none, NULL));
		stack->used = false;
	}
}
