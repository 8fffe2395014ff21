/*
 * Preemption: what a tick may do to a thread, and where.
 *
 * A thread that computes for longer than the runtime's quantum while others
 * could run is made to let them.  There is nothing to call for that, and
 * little to know, for
 *
 *	between two calls into the library a thread is a pthread:
 *
 * thread-local variables, errno, mutexes of all kinds, FILE locks and C++
 * exceptions behave as on a pthread, wherever the tick comes.
 *
 * How it is done depends on what the tick (a SIGALRM) interrupts:
 *
 *	the application's own text	the thread is put off: its kernel thread
 *		stays with it, parked, and another takes the processor.  A
 *		thread that is VCORE_THREAD_LIGHT is switched on the kernel
 *		thread that it is on, which is faster and keeps no kernel thread.
 *	other text: libc, libraries	the thread is let go: it goes on under
 *		the kernel's own scheduling, without a processor, which another
 *		thread gets.  So a thread that blocks in the kernel, on a pthread
 *		mutex or in a long library call never stops the others.  It waits
 *		for a processor again in its next call into the library that may
 *		switch threads, or when a later tick finds it computing.
 *	the library			nothing; its next call that may switch does
 *		it, or a later tick.
 *
 * The application's own text is that of the program itself, and of each module
 * that an entry given to vcore_thread_allocate lies in.  Code made at run time,
 * and modules that are reached only by calls from others, are foreign until
 * they are allowed here: they are not preempted, but let go, which serves the
 * others as well and counts on the kernel's scheduler for fairness.  A module
 * that is to be unloaded is forbidden first:
 *
 *	void (*work)(void) = dlsym(plugin, "work");
 *
 *	vcore_preempt_allow((void *)work);
 *	...
 *	vcore_preempt_forbid((void *)work, NULL);
 *	dlclose(plugin);
 *
 * What others on the same processor must not see half done (threads pinned to
 * one processor need no lock for what is theirs) goes between disable and
 * enable:
 *
 *	vcore_preempt_disable();
 *	account->balance -= sum;
 *	account->booked += sum;
 *	vcore_preempt_enable();
 *
 * It is not mutual exclusion: other processors go on, a thread that waits
 * inside is switched, and one that a tick finds in a system call, or for long in
 * other foreign code, is let go.  So keep to the application's own text there.
 *
 * The promise of a LIGHT thread: wherever it is in the application's own text,
 * it holds no lock that is owned by a kernel thread (pthread mutexes, FILE
 * locks), is in no C++ catch block, and makes no use after of an address of a
 * thread-local variable that it took before; errno travels with it.  Such an
 * address in a register or on the stack is found, and the thread put off
 * instead; but not one of a variable of a module loaded by dlopen, which lies
 * anywhere.  Nor does it unblock signals that the runtime blocks.
 *
 *				disable, enable	allow, forbid	obstacle
 *	from a vcore thread	yes		yes		yes
 *	from a pthread		no effect	yes		yes
 *	from a signal handler	no		no		no
 *	may switch threads	yes		no		no
 *	acts on destroy		no		no		no
 *	orders memory		no		no		no
 *
 * What a program may notice of ticks, what to do where they do not come, and
 * how to see it: doc/preemption.md.
 *
 * Source: xv6 for the idea of preemption at ticks; Shiina, Iwasaki, Taura,
 * Balaji, "Lightweight preemptive user-level threads", PPoPP 2021, for the two
 * ways.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef VCORE_PREEMPT_H
#define VCORE_PREEMPT_H

#include <vcore/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * While the calls to disable outnumber those to enable, the calling thread is
 * not preempted in the application's own text; the enable that evens them lets
 * others run if a tick has come meanwhile.
 *
 * Requires: as many enables as disables (checked: panics).
 */
VCORE_API void vcore_preempt_disable(void);
VCORE_API void vcore_preempt_enable(void);

/*
 * The text of the module (the program, or a shared library) that contains
 * `address_in_module` is the application's own.
 *
 * Returns: 0; also if it was before.
 * Errors: -EINVAL: no module contains the address.
 *	-ENOTSUP: the module has functions of the C library or of the memory
 *	allocator: whoever calls them is not to be interrupted there.
 *	-ENOMEM: more than 256 ranges.
 */
VCORE_API int vcore_preempt_allow(const void *address_in_module);

/*
 * The same for a range [from, to) of code that is in no module.
 *
 * Returns: 0.
 * Errors: -EINVAL: it is empty; -ENOMEM, as above.
 */
VCORE_API int vcore_preempt_allow_range(const void *from, const void *to);

/*
 * The range [from, to) is not the application's own any more, until it is
 * allowed again.  With `to` NULL: the whole module that contains `from`, until
 * it is allowed again or, but for the program itself, an entry given to
 * vcore_thread_allocate lies in it.
 *
 * Requires: before the code is unmapped, that no thread is in it.
 * Returns: 0.
 * Errors: -EINVAL: it is empty, or no module contains `from`; -ENOMEM.
 */
VCORE_API int vcore_preempt_forbid(const void *from, const void *to);

/*
 * Why threads of this process cannot be LIGHT: the name of a function that
 * must not be interrupted and lies in the application's own text (a statically
 * linked C library, a replaced malloc, a sanitizer), or NULL if they can.
 */
VCORE_API const char *vcore_preempt_obstacle(void);

#ifdef __cplusplus
}
#endif
#endif /* VCORE_PREEMPT_H */
