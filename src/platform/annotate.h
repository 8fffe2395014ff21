/*
 * What ASan, TSan and Valgrind must be told about stacks that are switched in
 * user space; nothing at all in a build without them.
 *
 *	ASan	each switch names the stack it goes to, and keeps the fake stack
 *		of the one it leaves;
 *	TSan	each thread is a "fiber";
 *	Valgrind each stack is registered, once.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef VCI_ANNOTATE_H
#define VCI_ANNOTATE_H

#include <stdbool.h>
#include <stddef.h>

#include "platform/platform.h"

#ifdef VCI_HAVE_VALGRIND
#include <valgrind/valgrind.h>
#define VCI_VALGRIND_STACK(low, high) ((unsigned)VALGRIND_STACK_REGISTER(low, high))
#define VCI_VALGRIND_NO_STACK(number) VALGRIND_STACK_DEREGISTER(number)
#define VCI_ON_VALGRIND               (RUNNING_ON_VALGRIND != 0)
#define VCI_VALGRIND_SAY(text)        (void)VALGRIND_PRINTF("%s\n", text)
#else
#define VCI_VALGRIND_STACK(low, high) ((void)(low), (void)(high), 0u)
#define VCI_VALGRIND_NO_STACK(number) ((void)(number))
#define VCI_ON_VALGRIND               false
#define VCI_VALGRIND_SAY(text)        ((void)(text))
#endif

#ifdef __has_feature
#if __has_feature(address_sanitizer)
#define VCI_ASAN 1
#endif
#if __has_feature(thread_sanitizer)
#define VCI_TSAN 1
#endif
#endif
#ifdef __SANITIZE_ADDRESS__
#define VCI_ASAN 1
#endif
#ifdef __SANITIZE_THREAD__
#define VCI_TSAN 1
#endif

/*
 * A call into a sanitizer's runtime leaves library text, as a call into libc
 * does (linux/outside.h); such calls that the compiler adds stay in the
 * runtime's own text, which a tick does not touch.
 */
#if defined VCI_ASAN || defined VCI_TSAN
#define VCI_TELL(call)                                                                             \
	do {                                                                                       \
		vci_local()->inside++;                                                             \
		call;                                                                              \
		vci_local()->inside--;                                                             \
	} while (0)
#endif

/*
 * A function that reads what others may write at the same time, and checks
 * afterwards that they did not.
 */
#define VCI_READS_RACILY __attribute__((no_sanitize("thread")))

/* In it: the field, read once. */
#define VCI_READ(field) (*(volatile __typeof__(field) *)&(field))

/* Of a stack: its bounds for ASan, its fiber for TSan. */
struct vci_annotation {
#ifdef VCI_ASAN
	const void *low;
	size_t bytes;
	void *fake_stack;
#endif
#ifdef VCI_TSAN
	void *fiber;
#endif
#if !defined VCI_ASAN && !defined VCI_TSAN
	char none[1];
#endif
};

#ifdef VCI_ASAN
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif
#ifdef VCI_TSAN
#include <sanitizer/tsan_interface.h>
#endif

/* Pages that are new to the library, or are given up: their shadow may be of what was there. */
static inline void vci_annotate_fresh(void *address, size_t bytes)
{
#ifdef VCI_ASAN
	VCI_TELL(__asan_unpoison_memory_region(address, bytes));
#endif
	(void)address;
	(void)bytes;
}

/* A new thread will run on [low, high). */
static inline void vci_annotate_begin(struct vci_annotation *to, void *low, void *high)
{
#ifdef VCI_ASAN
	to->low = low;
	to->bytes = (size_t)((char *)high - (char *)low);
	to->fake_stack = NULL;
	VCI_TELL(__asan_unpoison_memory_region(low, to->bytes));
#endif
#ifdef VCI_TSAN
	VCI_TELL(to->fiber = __tsan_create_fiber(0));
#endif
	(void)to;
	(void)low;
	(void)high;
}

/* The calling kernel thread's own stack, before it switches for the first time. */
static inline void vci_annotate_base(struct vci_annotation *base)
{
#ifdef VCI_ASAN
	base->low = NULL; /* learnt at the first switch: see finish */
	base->bytes = 0;
	base->fake_stack = NULL;
#endif
#ifdef VCI_TSAN
	VCI_TELL(base->fiber = __tsan_get_current_fiber());
#endif
	(void)base;
}

/* Just before a switch; `ends` if `from` is never resumed. */
static inline void vci_annotate_leave(struct vci_annotation *from, struct vci_annotation *to,
				      int ends)
{
#ifdef VCI_ASAN
	VCI_TELL(__sanitizer_start_switch_fiber(ends ? NULL : &from->fake_stack, to->low,
						to->bytes));
#endif
#ifdef VCI_TSAN
	VCI_TELL(__tsan_switch_to_fiber(to->fiber, 0));
#endif
	(void)from;
	(void)to;
	(void)ends;
}

/* Just after a switch, on the stack of `to`; `from` learns its bounds. */
static inline void vci_annotate_arrive(struct vci_annotation *from, struct vci_annotation *to)
{
#ifdef VCI_ASAN
	const void *low;
	size_t bytes;

	VCI_TELL(__sanitizer_finish_switch_fiber(to->fake_stack, &low, &bytes));
	if (from->low == NULL) {
		from->low = low;
		from->bytes = bytes;
	}
#endif
	(void)from;
	(void)to;
}

/* A thread has ended and its stack been left. */
static inline void vci_annotate_end(struct vci_annotation *ended)
{
#ifdef VCI_TSAN
	VCI_TELL(__tsan_destroy_fiber(ended->fiber));
	ended->fiber = NULL;
#endif
	(void)ended;
}

/*
 * Orders plain data by an address where the atomics alone do not tell TSan: where
 * they are asymmetric, and wherever a tick may come, for in calls that block it
 * overlooks atomics.
 */
static inline void vci_annotate_acquire(void *address)
{
#ifdef VCI_TSAN
	VCI_TELL(__tsan_acquire(address));
#endif
	(void)address;
}

static inline void vci_annotate_release(void *address)
{
#ifdef VCI_TSAN
	VCI_TELL(__tsan_release(address));
#endif
	(void)address;
}

#endif /* VCI_ANNOTATE_H */
