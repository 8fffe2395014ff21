/*
 * What a fault signal has interrupted, and how it is made to go on elsewhere.
 *
 * Of the context that the kernel has saved on the alternate stack a copy is put
 * on the interrupted one, laid out as the kernel would have: so that the thread
 * can go on, later and perhaps on another kernel thread, by the system call with
 * which signal handlers return.  That restores all registers, the floating point
 * and vector ones too, whatever the processor has.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <signal.h>
#include <sys/syscall.h>
#include <ucontext.h>

#include "platform/linux/linux.h"

static char *align_down(const char *address, uintptr_t unit)
{
	return (char *)((uintptr_t)address & ~(unit - 1)); /* NOLINT(performance-no-int-to-ptr) */
}

/*
 * Of each processor:
 *
 *	PC, SP		of a context; LINK, if HAS_LINK: the register with the return
 *			address
 *	RED_ZONE	what may be in use below the stack pointer, bytes
 *	access_of	what a memory access was
 *	context_bytes	what a copy takes, at most
 *	copy_context	puts one below an address
 *	frame_of	its lowest byte
 *	reset_registers	those that are not general, as the kernel does for a handler
 *	call		makes it call a function, on that stack
 *	return_from_signal
 */
#if defined __x86_64__
#include "platform/linux/frame_x86_64.h"
#elif defined __aarch64__
#include "platform/linux/frame_aarch64.h"
#else
#include "platform/linux/frame_unknown.h"
#endif

/* --- reading ------------------------------------------------------------------------ */

static enum vcore_fault_kind kind_of(int number, int code)
{
	switch (number) {
	case SIGBUS:
		return VCORE_FAULT_BUS;
	case SIGFPE:
		return VCORE_FAULT_ARITHMETIC;
	case SIGILL:
		return VCORE_FAULT_INSTRUCTION;
	default: /* SI_KERNEL: an address that no process has */
		return code == SEGV_MAPERR || code == SI_KERNEL ? VCORE_FAULT_UNMAPPED
								: VCORE_FAULT_PROTECTION;
	}
}

void vci_raised_read(struct vci_raised *raised, int number, const void *information, void *system)
{
	const siginfo_t *info = information;
	const ucontext_t *context = system;
	bool of_memory = number == SIGSEGV || number == SIGBUS;

	raised->signal = number;
	raised->kind = kind_of(number, info->si_code);
	raised->by_kernel = number == SIGSEGV && info->si_code == SI_KERNEL;
	raised->access =
		of_memory && !raised->by_kernel ? access_of(context) : VCORE_ACCESS_UNKNOWN;
	raised->pc = (const char *)PC(context);     /* NOLINT(performance-no-int-to-ptr) */
	raised->sp = (char *)SP(context);           /* NOLINT(performance-no-int-to-ptr) */
	raised->link = (const char *)LINK(context); /* NOLINT(performance-no-int-to-ptr) */
	raised->address = of_memory ? info->si_addr : raised->pc;
	__builtin_memcpy(&raised->mask, &context->uc_sigmask, sizeof raised->mask);
	raised->context = system;
}

const char *vci_raised_return(const struct vci_raised *raised)
{
	return HAS_LINK ? raised->link : *(const char *const *)raised->sp;
}

/* In vci_copy: it goes on, and returns false. */
bool vci_raised_survives(void *system)
{
#ifdef VCI_COPY_SURVIVES
	ucontext_t *context = system;
	uintptr_t from = (uintptr_t)vci_copy;

	if ((uintptr_t)PC(context) - from < (uintptr_t)vci_copy_fault - from) {
		PC(context) = (__typeof__(PC(context)))(uintptr_t)vci_copy_fault;
		return true;
	}
#else
	(void)system;
#endif
	return false;
}

/* --- going on elsewhere, and back ------------------------------------------------------ */

const char *vci_raised_used(const struct vci_raised *raised)
{
	return raised->sp - RED_ZONE;
}

size_t vci_raised_bytes(const struct vci_raised *raised)
{
	return context_bytes(raised->context) + sizeof *raised + 32;
}

void vci_raised_land(const struct vci_raised *raised, char *top, bool resumable,
		     void (*land)(struct vci_raised *raised))
{
	ucontext_t *context = raised->context;
	ucontext_t *copy = resumable ? copy_context(context, top) : NULL;
	char *low = copy != NULL ? (char *)frame_of(copy) : top;
	struct vci_raised *landed = (struct vci_raised *)align_down(low - sizeof *landed, 16);

	*landed = *raised;
	landed->context = copy;
	reset_registers(context);
	call(context, (const char *)landed, land, landed);
}

void vci_raised_resume(const struct vci_raised *raised, const struct vci_signal_stack *stack,
		       uint64_t mask)
{
	struct vci_interrupted interrupted = {.context = raised->context};

	vci_interrupted_move(&interrupted, stack, mask);
	return_from_signal(raised->context);
}
