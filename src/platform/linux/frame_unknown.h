/*
 * On other processors nothing can be told, and nothing is caught: see raised.c.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef VCI_FRAME_H
#define VCI_FRAME_H

#define PC(context)   ((uintptr_t)(context)*0)
#define SP(context)   ((uintptr_t)(context)*0)
#define LINK(context) 0
#define HAS_LINK      true

#define RED_ZONE 0

static enum vcore_access access_of(const ucontext_t *context)
{
	(void)context;
	return VCORE_ACCESS_UNKNOWN;
}

static const char *frame_of(const ucontext_t *context)
{
	return (const char *)context;
}

static size_t context_bytes(const ucontext_t *context)
{
	(void)context;
	return 0;
}

static ucontext_t *copy_context(const ucontext_t *context, char *top)
{
	(void)context;
	return (ucontext_t *)top;
}

static void reset_registers(ucontext_t *context)
{
	(void)context;
}

static void call(ucontext_t *context, const char *sp, void (*f)(struct vci_raised *raised),
		 struct vci_raised *argument)
{
	(void)context;
	(void)sp;
	(void)f;
	(void)argument;
}

static __attribute__((noreturn)) void return_from_signal(const ucontext_t *context)
{
	(void)context;
	__builtin_trap();
}

#endif /* VCI_FRAME_H */
