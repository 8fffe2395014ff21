/*
 * A runtime: processors that run threads.
 *
 * A runtime virtualizes the interpreter.  It owns a number of processors,
 * each carried by a kernel thread, and any number of threads, which the
 * processors take turns to run.  The smallest program opens one, runs a
 * function as its first thread, and closes it when all threads have ended:
 *
 *	static void *hello(void *name)
 *	{
 *		printf("hello, %s\n", (char *)name);
 *		return NULL;
 *	}
 *
 *	int main(void)
 *	{
 *		return vcore_run(NULL, hello, (void *)"world", NULL) != 0;
 *	}
 *
 * A program that has a life of its own opens a runtime instead, allocates
 * threads in it from any of its pthreads, and closes it.  A program whose
 * main thread must do some of the work (a frame loop, a user interface) lends
 * that thread for a while with vcore_runtime_serve.  Several runtimes may
 * live side by side; a thread belongs to one and never moves to another, but
 * all may wait on the same objects.
 *
 *				run	open	close	 stop	serve	self
 *	from a vcore thread	yes	yes	yes (1)	 yes (1) no (2)	yes
 *	from a pthread		yes	yes	yes	 yes	yes	yes
 *	from a signal handler	no	no	no	 no	no	no
 *	may switch threads	yes	no	yes	 no	runs threads
 *	acts on destroy		no	no	yes	 yes	-	no
 *	orders memory		(3)	no	(3)	 no	no	no
 *
 *	(1) another runtime; to close one's own panics, to stop it destroys
 *	    the caller like all others.  (2) panics.  (3) what its threads did is
 *	    seen by who has waited for all of them.
 *
 * Kernel threads of a runtime block every signal but SIGALRM and the
 * synchronous ones (SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT): the
 * program's handlers run on the program's own threads.  A process that a vcore
 * thread starts by posix_spawn or vfork inherits that mask: give it another
 * (POSIX_SPAWN_SETSIGMASK).
 *
 * fork: the child has none of the runtime's processors.  It may exec or exit,
 * and open runtimes of its own.  A vcore thread that forked goes on in the
 * child as a plain pthread, with the signal mask of who opened the runtime: it
 * may wait as one, but it is no thread any more, and to return from its entry
 * panics.  Calls that need the lost processors (allocating in the runtime, joining
 * or destroying its threads, inspecting, serving or closing it) return -ESHUTDOWN.
 *
 * Source: Saltzer & Kaashoek, Principles of Computer System Design, 5.5.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef VCORE_RUNTIME_H
#define VCORE_RUNTIME_H

#include <vcore/base.h>

#ifdef __cplusplus
extern "C" {
#endif

struct vcore_runtime;
struct vcore_exit;
struct vcore_fault;

/*
 * The report of a breach: a call that its contract forbids.
 *
 * The `panic` hook of the offending thread's runtime gets it, on that thread's
 * stack; if the hook returns, or there is none, or the offender is a plain
 * pthread, the report is printed on standard error and the process aborts.
 * Where `recoverable` is true, which in this release it always is, no object is
 * half changed, and a hook may end the offending thread alone by calling
 * vcore_thread_exit.
 */
struct vcore_report {
	size_t size;
	const char *function; /* the call that was misused */
	const char *breach;   /* what was wrong, one sentence */
	uint64_t thread;      /* id of the thread, 0: a plain pthread */
	const char *name;     /* its name, "" if it has none */
	bool recoverable;
};

/*
 * Panics for a library that is built on this one, as this one's own calls do:
 * `function` of it was misused, and `breach` says how.  Before, it leaves no object
 * of its own half changed, and no lock held.
 *
 * Requires: function, breach are not NULL (checked: panics).
 */
VCORE_API void vcore_panic(const char *function, const char *breach) __attribute__((__noreturn__));

/* Preemption off. */
#define VCORE_QUANTUM_OFF (-1)

/* The most processors a runtime may have. */
#define VCORE_PROCESSORS_MAX 1024

/* Read the clock at every switch: exact times in inspect.h, 2 × ~25 ns. */
#define VCORE_RUNTIME_ACCOUNT 1u
/* All its threads are VCORE_THREAD_LIGHT. */
#define VCORE_RUNTIME_LIGHT 2u
/*
 * Faults of its threads are the program's affair: its handler's that was there
 * before, or the default action's (a core dump).  See fault.h.
 */
#define VCORE_RUNTIME_HOST_FAULTS 4u

/*
 * How a runtime is to be.  A zero field means the default; an environment
 * variable, where there is one, changes the default but never a field that
 * was set.  `size` is sizeof(struct vcore_runtime_options), or 0 for the same.
 */
struct vcore_runtime_options {
	size_t size;
	/*
	 * How many processors: 1 … VCORE_PROCESSORS_MAX.  Default:
	 * VCORE_PROCESSORS, else one for each CPU the process may use.
	 */
	unsigned processors;
	/*
	 * How long a thread may run while others wait, in nanoseconds, from
	 * 100 µs to an hour, or VCORE_QUANTUM_OFF.  Default: VCORE_QUANTUM
	 * (in µs, or "off"), else 10 ms.  See preempt.h.
	 */
	int64_t quantum;
	/*
	 * The usable stack of a thread, bytes, rounded up; up to 1 GiB.
	 * Default: VCORE_STACK (in KiB, at least 4), else 64 KiB.
	 */
	size_t stack_size;
	/*
	 * How many kernel threads there may be beyond the processors.
	 * Default: VCORE_SPARES, else 1024; at most 1 000 000.  A thread
	 * that a tick has put off, or let go, keeps one for that time.  When
	 * all but one are taken no more threads begin; when all are, those
	 * that ticks have put off take turns, and others wait until one of
	 * them waits or ends.
	 */
	unsigned spares;
	unsigned flags; /* VCORE_RUNTIME_… */
	void (*panic)(const struct vcore_report *report);
	/*
	 * How many kernel threads of the program may serve the runtime at
	 * one time, at most 16: see vcore_runtime_serve.  Default: 4.
	 */
	unsigned servers;
	/*
	 * Told of each thread that a fault has ended (fault.h), on its stack, after
	 * its cleanups; not to wait for long, and not to fault.  Default: the report
	 * is printed on standard error.
	 */
	void (*fault)(const struct vcore_fault *fault);
};

/*
 * Opens a runtime, with its processors running.
 *
 * Returns: 0, and *runtime.
 * Errors: -EINVAL (a field out of range, or an environment variable that is
 *	not a number in range: which is said on standard error), -E2BIG (options
 *	of a later release with fields set that this one does not know), -ENOMEM,
 *	-EAGAIN (no more kernel threads or timers; 254 runtimes are open),
 *	-ENOTSUP (VCORE_RUNTIME_LIGHT where vcore_preempt_obstacle names
 *	something; a processor with shadow stacks switched on).  Nothing is left behind.
 */
VCORE_API int vcore_runtime_open(struct vcore_runtime **runtime,
				 const struct vcore_runtime_options *options);

/*
 * Waits until all threads of the runtime have ended, then closes it: kernel
 * threads, mappings and memory are given back.  From the first call on, no
 * thread can be allocated in it (-ESHUTDOWN).  NULL is allowed.
 *
 * Requires: the caller is not one of its threads (checked: panics); no call
 *	on it or on its threads is under way once close returns 0.
 * Returns: 0.  Handles of threads nobody joined are invalid.
 * Errors: -ETIMEDOUT: the runtime is as before, but allocates no threads;
 *	close may be called again; -ENOMEM, likewise: see the eventcount's
 *	await.  -ESHUTDOWN after fork, in the child.
 */
VCORE_API int vcore_runtime_close(struct vcore_runtime *runtime, vcore_instant deadline);

/*
 * Destroys all threads of the runtime, those that are allocated while it does
 * so included, and allows no more (-ESHUTDOWN).  It does not wait: close does.
 * As with vcore_thread_destroy, a thread ends where it waits, yields or
 * enters the library, and not while it has destruction disabled.
 *
 * Requires: runtime is not NULL (checked: panics).
 * Returns: 0.  Errors: -ESHUTDOWN after fork, in the child.
 */
VCORE_API int vcore_runtime_stop(struct vcore_runtime *runtime);

/*
 * Lends the calling kernel thread to the runtime until the deadline: it runs
 * threads that are pinned to it and, like any processor, free ones.  It looks
 * at the deadline whenever a thread waits, yields or ends; with a deadline in
 * the past it runs what is runnable now, each thread at most once, and
 * returns.
 *
 * Servers are processors beyond the runtime's own `processors`: the first to
 * serve is number `processors`, the next `processors` + 1, and so on, the
 * lowest free number each time.  A thread pinned to such a number waits until
 * somebody serves under it, to be destroyed too.  Meanwhile the kernel thread's
 * signal handlers may run on the stack of a vcore thread; where there are ticks
 * they must not be installed with SA_NODEFER.
 *
 * Requires: runtime is not NULL; the caller is a plain pthread (checked: panics).
 * Returns: 0 at the deadline.
 * Errors: -EBUSY (`servers` kernel threads serve already), -ENOMEM, -EAGAIN (no
 *	more timers), -ESHUTDOWN (the runtime is closing or stopped and has no more
 *	threads: no need to come again; or after fork).
 */
VCORE_API int vcore_runtime_serve(struct vcore_runtime *runtime, vcore_instant deadline);

/* The runtime of the calling thread; NULL on a plain pthread. */
VCORE_API struct vcore_runtime *vcore_runtime_self(void);

/*
 * Opens a runtime, runs entry(argument) as its first thread, named "main",
 * waits until all threads have ended, and closes it.  The caller waits
 * meanwhile and is not a processor.  *exit tells how the first thread ended.
 *
 * When every thread waits without a deadline and the process has no other
 * kernel thread that could wake one, nothing can happen any more: the dump
 * of vcore_dump is printed on standard error, the threads are destroyed (their
 * cleanups run) and the result is -EDEADLK.  This needs /proc; without it, or
 * with other kernel threads in the process, vcore_run waits.
 *
 * Returns: 0.
 * Errors: those of vcore_runtime_open and vcore_thread_allocate, -EDEADLK.
 */
VCORE_API int vcore_run(const struct vcore_runtime_options *options, void *(*entry)(void *),
			void *argument, struct vcore_exit *exit);

#ifdef __cplusplus
}
#endif
#endif /* VCORE_RUNTIME_H */
