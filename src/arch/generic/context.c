/*
 * The context switch by ucontext(3).
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <signal.h>

#include "arch/arch.h"

/* makecontext passes ints only: a pointer travels as two halves. */
static void start(unsigned low, unsigned high)
{
	struct vci_context *self =
		(struct vci_context *)((uintptr_t)low | (uintptr_t)high << 16 << 16);

	(void)vci_context_arrive(self->carry);
	self->entry(self->argument);
	__builtin_trap();
}

void vci_context_init(struct vci_context *context, void *low, void *high,
		      void (*entry)(void *argument), void *argument)
{
	uintptr_t self = (uintptr_t)context;

	getcontext(&context->ucontext);
	context->ucontext.uc_link = NULL;
	context->ucontext.uc_stack.ss_sp = low;
	context->ucontext.uc_stack.ss_size = (size_t)((char *)high - (char *)low);
	context->entry = entry;
	context->argument = argument;
	makecontext(&context->ucontext, (void (*)(void))start, 2, (unsigned)self,
		    (unsigned)(self >> 16 >> 16));
}

int vci_context_switch(struct vci_context *from, struct vci_context *to, void *carry)
{
	/* The mask is the kernel thread's: it does not travel. */
	pthread_sigmask(SIG_SETMASK, NULL, &to->ucontext.uc_sigmask);
	to->carry = carry;
	swapcontext(&from->ucontext, &to->ucontext);
	return vci_context_arrive(from->carry);
}
