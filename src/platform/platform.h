/*
 * What the library asks of the operating system.  linux/ is the one
 * implementation; nothing above this layer calls libc or the kernel.
 *
 * Every call that leaves library text does so through VCI_OUTSIDE
 * (linux/outside.h), which counts `inside` while it is away: a tick that finds
 * the program counter outside can tell our own call-outs from the
 * application's.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef VCI_PLATFORM_H
#define VCI_PLATFORM_H

#include <vcore/base.h>
#include <vcore/runtime.h>

#include "arch/arch.h"

#define VCI_CACHE_LINE 64

/* --- the calling kernel thread ------------------------------------------ */

/*
 * What the library knows of a kernel thread.  A green thread may be on another
 * one after every switch, and compilers cache the addresses of thread-local
 * variables: so these are reached by the functions below only, which are never
 * inlined, and what they return is not kept across a switch.
 */
struct vci_local {
	unsigned inside; /* > 0 during a call-out */
	void *carrier;   /* struct vci_kthread, if it carries green threads */
	void *host;      /* struct vci_host, if it has waited as a pthread */
	bool lost;       /* it carried a green thread when it was forked */
};

struct vci_local *vci_local(void);
void *vci_local_carrier(void);

/* The two words that the C++ runtime keeps of exceptions in flight. */
struct vci_exceptions {
	void *caught;
	unsigned uncaught;
};

int *vci_errno_address(void);                        /* of this kernel thread */
struct vci_exceptions *vci_exceptions_address(void); /* NULL: no C++ runtime */

/* --- time and waiting ---------------------------------------------------- */

vcore_instant vci_clock(void);

/* Waits while *word == expected, until woken, the deadline or a signal. */
void vci_futex_wait(uint32_t *word, uint32_t expected, vcore_instant deadline);
void vci_futex_wake(uint32_t *word, int n);

void vci_kernel_yield(void);

/*
 * Asymmetric fences.  A light fence orders the caller's earlier stores before
 * its later loads as far as another kernel thread can tell that makes a heavy
 * fence: of the two sides, at least one sees the other's store.  The light one
 * is free, the heavy one a system call that interrupts the process's other
 * kernel threads (some µs).  Where the kernel has no membarrier(2), both are
 * full fences.
 */
extern bool vci_fences_asymmetric;

static inline void vci_fence_light(void)
{
	if (likely(vci_fences_asymmetric)) {
		__asm__ volatile("" ::: "memory");
	} else {
		vci_fence_full();
	}
}

void vci_fence_heavy(void);

/* --- memory --------------------------------------------------------------- */

extern size_t vci_page_size;

/*
 * `bytes` of zeroed, reserved address space, readable and writable, which
 * takes memory as it is touched; NULL if there is none.
 */
void *vci_pages_reserve(size_t bytes);
void vci_pages_release(void *address, size_t bytes);
/* Gives the memory back, and keeps the (again zeroed) address space. */
void vci_pages_purge(void *address, size_t bytes);

/*
 * Makes pages inaccessible until they are released: purging keeps a guard.
 * 0, or -ENOMEM with the name of what ran out in *limit.
 */
int vci_pages_guard(void *address, size_t bytes, const char **limit);

/* How many bytes at the low end of [low, low + bytes) were never touched. */
size_t vci_pages_untouched(void *low, size_t bytes);

/* --- kernel threads --------------------------------------------------------- */

struct vci_kernel_thread {
	unsigned long handle_; /* pthread_t */
};

/*
 * Starts a kernel thread that blocks all signals but SIGALRM and the
 * synchronous ones.  0, or -EAGAIN.
 */
int vci_kernel_thread_start(struct vci_kernel_thread *thread, const char *name,
			    void *(*entry)(void *), void *argument);
void vci_kernel_thread_join(struct vci_kernel_thread *thread);

/* Calls f(local->host) when the calling pthread ends.  0, or -ENOMEM. */
int vci_at_thread_end(void (*f)(void *host));

unsigned vci_cpu_count(void);  /* CPUs that the process may use */
unsigned vci_task_count(void); /* kernel threads of it; 0: unknown */
size_t vci_signal_frame(void); /* stack that a signal may need, bytes */

/* --- the process ------------------------------------------------------------ */

/* Once for the process, at the first need; 0 or -E…  Thread-safe. */
int vci_platform_open(void);

/*
 * Calls before() and after_parent() or after_child() around fork.  One set
 * for the process; called from vci_platform_open's caller under its lock.
 */
int vci_at_fork(void (*before)(void), void (*after_parent)(void), void (*after_child)(void));

/* The first whole number in a variable of the environment: see platform.c. */
enum vci_environment { VCI_UNSET, VCI_NUMBER, VCI_OFF, VCI_BAD };
enum vci_environment vci_environment(const char *name, uint64_t *number);

int vci_write(int fd, const void *bytes, size_t n); /* all of it; 0 or -E… */
void vci_abort(void) __attribute__((noreturn));

/* --- faults --------------------------------------------------------------------- */

/*
 * Installs a handler for SIGSEGV and SIGBUS for the process (counted: the last
 * remove restores what was there before).  `explain` is called on the
 * alternate stack with the address touched and the stack pointer (NULL:
 * unknown); if it returns, the signal goes to
 * the handler that was installed before.  The caller excludes others.
 */
int vci_faults_install(void (*explain)(void *address, void *sp));
void vci_faults_remove(void);

/* An alternate signal stack for a kernel thread. */
struct vci_signal_stack {
	void *pages;
	size_t bytes;
	bool used; /* false: the kernel thread has one of its own */
};

int vci_signal_stack_make(struct vci_signal_stack *stack); /* 0 or -ENOMEM */
void vci_signal_stack_free(struct vci_signal_stack *stack);
/* By the kernel thread itself. */
void vci_signal_stack_set(struct vci_signal_stack *stack);
void vci_signal_stack_unset(struct vci_signal_stack *stack);

#endif /* VCI_PLATFORM_H */
