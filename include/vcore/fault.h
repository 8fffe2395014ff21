/*
 * Faults: an exception belongs to the thread that raised it.
 *
 * A vcore thread that touches memory it may not touch, divides by zero, executes
 * an illegal instruction or runs out of stack ends, alone.  Its cleanups and
 * slot destructors run; locks that it held become owner-dead; its joiner is told
 * VCORE_FAULTED, with the report; and the report is given to the runtime's `fault`
 * hook, or printed on standard error:
 *
 *	vcore: thread 12 "client 3" has faulted, and was ended
 *	  it wrote to 0x7f21c0004010, which is in another space:
 *	  space 2, block 5 + 0x10
 *	  at 0x55e0a7f3b2c4 in tour + 0x32c4 (spoil + 0x14)
 *
 * Which faults are a thread's own: SIGSEGV, SIGBUS, SIGFPE and SIGILL that its
 * instruction raised
 *
 *   - in the application's own text (preempt.h); but not in a program's that has the C
 *     library, or a memory allocator, in itself: it cannot be told which is which, and
 *     who ends there may hold a lock that others need;
 *   - in leaf functions of a shared libc, called from there: memcpy, memmove, memset,
 *     memcmp, bcmp, memchr, memrchr, rawmemchr, strlen, strnlen, strcpy, stpcpy, strcmp,
 *     strncmp, strchr, strrchr, strchrnul; and, where libc has them in assembler, as on
 *     x86-64, mempcpy, strncpy, stpncpy, strcat, strncat, wcslen;
 *   - where it jumped to an address that is not executable, from there;
 *   - where the library copies to or from memory that the thread has named: a
 *     message, or what join tells.  The object stays whole;
 *   - by running out of stack, wherever.  In foreign code or the library's, which
 *     may hold locks, it goes on in 16 KiB of a reserve, and ends when it returns to
 *     the application's text or makes a call that acts on destroy.  If it uses that
 *     up too, still in such code, the process ends, with a message: foreign code that
 *     recurs through callbacks, say.  And so it does, wherever it is, on a stack in an
 *     exclusive space where the kernel has no guard pages of its own (before Linux
 *     6.13): there is no reserve.
 *
 * All others end the process as if the library were not there: the signal goes to
 * the handler that the program had installed before it opened a runtime, or has its
 * default action.  Such are faults of plain pthreads; in foreign code; in the library
 * (a pointer to an object that is none); with signals blocked, on a signal handler's
 * stack, or in a handler; and signals that were sent, not raised.  What the kernel
 * is given a bad address for returns EFAULT, and raises no signal.
 *
 * A thread's cleanups run on its own stack, below the frame that faulted; after a
 * stack overflow in a reserve of 16 KiB at least.  If they fault in turn the rest of
 * them, and of the destructors, is left out, and the first report counts.  A thread
 * that faults in a read section of rcu.h leaves it.  Destruction and preemption disabled
 * make no difference.
 *
 * Sanitizers own these signals: in their builds of the library a fault is reported
 * by them and ends the process; and so it is under Valgrind, and where threads are
 * switched by ucontext(3).  vcore_faults_are_caught tells.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef VCORE_FAULT_H
#define VCORE_FAULT_H

#include <vcore/base.h>

#ifdef __cplusplus
extern "C" {
#endif

enum vcore_access {
	VCORE_ACCESS_UNKNOWN,
	VCORE_ACCESS_READ,
	VCORE_ACCESS_WRITE,
	VCORE_ACCESS_EXECUTE,
};

enum vcore_fault_kind {
	VCORE_FAULT_NONE,
	VCORE_FAULT_UNMAPPED,       /* nothing is mapped at the address */
	VCORE_FAULT_PROTECTION,     /* mapped, but not for this access */
	VCORE_FAULT_STACK_OVERFLOW, /* the guard below the thread's stack */
	VCORE_FAULT_BUS,            /* SIGBUS */
	VCORE_FAULT_ARITHMETIC,     /* SIGFPE */
	VCORE_FAULT_INSTRUCTION,    /* SIGILL */
	VCORE_FAULT_OTHER_SPACE,    /* in an exclusive space that is not the thread's */
	VCORE_FAULT_FREED_BLOCK,    /* where a block was that was unmapped and freed */
};

struct vcore_fault {
	uint64_t thread; /* the id of the thread */
	char name[32];   /* its name, empty if it had none */
	/* What it touched; ARITHMETIC, INSTRUCTION: pc.  NULL, too, where a processor
	 * does not tell: x86-64, of an address that is not canonical. */
	void *address;
	/* Where it was; if it jumped to what is not executable, where from: the
	 * return address of that call. */
	void *pc;
	int signal;
	enum vcore_access access;
	enum vcore_fault_kind kind;
	uint64_t space, block; /* where `address` lies: ids, 0 for none */
	size_t offset;         /* of `address` in the block; without one, in the space */
	char module[64];       /* the file that `pc` lies in, its last part */
	size_t module_offset;  /* of `pc` in the module, bytes */
};

/*
 * Writes the report for a person to read, several lines, into a text of `size`
 * bytes, which is cut if it is longer and always ends with '\0'.  With the name of the
 * function at fault->pc, if the dynamic linker knows one.
 *
 * From any thread or pthread; not from a signal handler.  Takes the dynamic linker's
 * lock.
 *
 * Requires: fault is not NULL; text is not NULL if size > 0 (checked: panics).
 * Returns: the length of the whole report, '\0' not counted.
 */
VCORE_API size_t vcore_fault_describe(const struct vcore_fault *fault, char *text, size_t size);

/*
 * Whether a fault in the program's own text ends its thread alone.  Not so, and then it
 * ends the process: in the builds named above, under Valgrind, and where the program
 * has the C library or a memory allocator in itself.  A runtime with
 * VCORE_RUNTIME_HOST_FAULTS catches none in any case.
 *
 * From any thread or pthread; not from a signal handler.
 */
VCORE_API bool vcore_faults_are_caught(void);

#ifdef __cplusplus
}
#endif
#endif /* VCORE_FAULT_H */
