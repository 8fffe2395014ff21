/*
 * Threads: interpreters of one's own, cheap enough to have a million.
 *
 *	static void *work(void *item) { ...; return result; }
 *
 *	struct vcore_thread *thread;
 *	struct vcore_exit end;
 *
 *	vcore_thread_allocate(&thread, NULL, work, item);
 *	...
 *	vcore_thread_join(thread, &end, VCORE_NEVER);
 *	use(end.result);
 *
 * A thread is allocated runnable, runs on any processor of its runtime, and
 * ends when its entry returns, when it exits, is destroyed, or faults.  Its
 * end is kept until somebody joins it; a detached thread (allocated with a
 * NULL handle, or vcore_thread_detach) is forgotten at once.
 *
 * Between two calls into the library a thread is a pthread: errno and C++
 * exceptions in flight are its own (exceptions if the C++ runtime was loaded
 * before the library, as it is by a C++ program).  But after a call that may
 * switch, it may be on another kernel thread.  So an address of a _Thread_local
 * that was taken before such a call must not be used after it; compilers take
 * errno's, and keep it, in any function that uses errno.  A function that makes
 * calls that switch leaves errno to another:
 *
 *	__attribute__((noinline)) static int last_error(void)
 *	{
 *		return errno;
 *	}
 *
 * The stack has a guard below it.  A thread that runs into it ends, as of any other
 * fault of its own (fault.h): others go on, and its cleanups run in a reserve.  A
 * frame of more than 48 KiB may step over reserve and guard: compile with
 * -fstack-clash-protection.
 *
 * A thread must not call pthread_exit, and no C++ exception may leave its entry
 * (std::terminate is called).
 *
 * Ended from outside.  vcore_thread_destroy asks a thread to end: it does so
 * where it next waits, yields or enters the library (1), or at once if it
 * waits.  One that has not begun yet begins, and ends there too.  With
 * VCORE_THREAD_DESTROY_ANYWHERE it also ends wherever it is in the
 * application's own text (preempt.h), an endless loop within about a quantum.
 * It runs its cleanups and slot destructors as in vcore_thread_exit.  What must
 * not be torn apart goes between vcore_destroy_disable and
 * vcore_destroy_enable; what must be undone is pushed as a cleanup:
 *
 *	struct vcore_cleanup cleanup;
 *
 *	vcore_cleanup_push(&cleanup, close_file, file);
 *	...	// may wait, may be destroyed
 *	vcore_cleanup_pop(&cleanup, true);
 *
 * The rest of the thread's stack is abandoned: C++ destructors do not run.
 *
 *	(1) calls marked so in the tables of the headers; here: allocate, join,
 *	    yield, sleep, destroy_enable.
 *
 *				allocate  join	 detach	 destroy  yield	 sleep
 *	from a vcore thread	yes	  yes	 yes	 yes	  yes	 yes
 *	from a pthread		yes (2)	  yes	 yes	 yes	  yes	 yes
 *	from a signal handler	no	  no	 no	 no	  no	 no
 *	may switch threads	no	  yes	 no	 self	  yes	 yes
 *	acts on destroy		entry	  yes	 no	 self	  yes	 yes
 *	orders memory		release	  acq.	 no	 no	  no	 no
 *
 *	(2) options->runtime is required there.
 *	To exit, and to push and pop cleanups, is for vcore threads alone (checked:
 *	panics); all other calls are for both, and do not switch; destroy_enable acts
 *	on destroy.
 *	What a thread did before its end is seen by who joined it; what was
 *	done before allocate is seen by the new thread.
 *
 * Who runs next.  Higher priorities first.  Of one priority: a thread that
 * was just woken, then threads just allocated, the latest first, then those
 * that yielded or were made runnable from elsewhere, in order.  So that no
 * thread starves, every 64th choice of a processor takes the thread that has
 * been runnable longest in one of its queues, of all priorities in turn.
 * Idle processors take work from others, the oldest first.  A thread
 * that computes on and on, above others, lets the longest runnable of them have
 * a turn at every 64th tick.
 *
 * Source: Saltzer & Kaashoek, 5.5; work stealing after Blumofe & Leiserson,
 * JACM 46 (1999).
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef VCORE_THREAD_H
#define VCORE_THREAD_H

#include <vcore/base.h>
#include <vcore/fault.h>

#ifdef __cplusplus
extern "C" {
#endif

struct vcore_thread;
struct vcore_runtime;
struct vcore_space;

/* Preempted faster, by a promise of its own: see preempt.h. */
#define VCORE_THREAD_LIGHT 1u
/* Destroy acts wherever the thread is in the application's own text. */
#define VCORE_THREAD_DESTROY_ANYWHERE 2u
/* The floating-point control words (rounding, traps) travel with it. */
#define VCORE_THREAD_FPENV 4u
/* Runs on options->processor only. */
#define VCORE_THREAD_PINNED 8u

#define VCORE_PRIORITY_MIN (-8)
#define VCORE_PRIORITY_MAX 7

/*
 * How a thread is to be; a zero field means the default.  `size` is
 * sizeof(struct vcore_thread_options), or 0 for the same.
 */
struct vcore_thread_options {
	size_t size;
	const char *name;              /* copied, cut to 31 bytes */
	struct vcore_runtime *runtime; /* NULL: the caller's own */
	struct vcore_space *space;     /* that it lives in: see space.h; NULL: none */
	size_t stack_size;             /* usable bytes, up to 1 GiB; 0: the runtime's */
	int priority;                  /* -8 … 7, higher runs first */
	unsigned flags;                /* VCORE_THREAD_… */
	unsigned processor;            /* with PINNED: which, from 0 */
};

enum vcore_how { VCORE_RETURNED, VCORE_DESTROYED, VCORE_FAULTED };

/* How a thread ended. */
struct vcore_exit {
	enum vcore_how how;       /* by return or exit; destroyed; a fault */
	void *result;             /* RETURNED: its result, else NULL */
	struct vcore_fault fault; /* set only if how is VCORE_FAULTED */
};

/* A cleanup that is pushed; it lies on the stack of its thread. */
struct vcore_cleanup {
	struct vcore_cleanup *next_; /* private */
	void (*f_)(void *);          /* private */
	void *argument_;             /* private */
};

/*
 * Allocates a thread that runs entry(argument), and returns without waiting
 * for it.  With `thread` NULL it is detached from the start.
 *
 * Requires: entry is not NULL, and from a plain pthread options->runtime is
 *	not (checked: panics).
 * Returns: 0, and *thread.
 * Errors: -EINVAL (priority, flags, processor or stack_size out of range),
 *	-E2BIG (options of a later release), -ENOTSUP (LIGHT or
 *	DESTROY_ANYWHERE where vcore_preempt_obstacle names a function that lies
 *	in the program, in which a thread might be abandoned), -ENOMEM,
 *	-EAGAIN (no more threads, or no more mappings for guards: see `limit`
 *	in vcore_inspect_runtime), -ESHUTDOWN (the runtime is closing or
 *	stopped, or was lost in fork).
 */
VCORE_API int vcore_thread_allocate(struct vcore_thread **thread,
				    const struct vcore_thread_options *options,
				    void *(*entry)(void *), void *argument);

/*
 * Waits until the thread has ended; *exit tells how.
 *
 * Requires: nobody else joins it, it is not the caller (checked: panics),
 *	and it is not detached.
 * Returns: 0; the handle is no longer valid.
 * Errors: -ETIMEDOUT, and -ENOMEM as for an await: the handle stays valid.
 *	-ESHUTDOWN after fork, in the child.
 */
VCORE_API int vcore_thread_join(struct vcore_thread *thread, struct vcore_exit *exit,
				vcore_instant deadline);

/*
 * Gives the handle up: the thread is forgotten when it ends, or now if it has.
 *
 * Requires: nobody joins it (checked: panics).
 * Returns: 0; the handle is no longer valid.
 * Errors: -ESHUTDOWN after fork, in the child.
 */
VCORE_API int vcore_thread_detach(struct vcore_thread *thread);

/*
 * Ends the calling thread: runs its cleanups, the last pushed first, then the
 * destructors of its slots, with destruction disabled throughout.
 *
 * Requires: the caller is a vcore thread (checked: panics).
 */
VCORE_API void vcore_thread_exit(void *result) __attribute__((__noreturn__));

/*
 * Asks a thread to end, and does not wait for it to do so: join does.  On
 * the calling thread it is vcore_thread_exit, but with VCORE_DESTROYED.
 * NULL, a second time, or after the end, it has no effect.
 *
 * Returns: 0.  Errors: -ESHUTDOWN after fork, in the child.
 */
VCORE_API int vcore_thread_destroy(struct vcore_thread *thread);

/*
 * The same by id; detached threads may be destroyed so.
 *
 * Errors: -ESRCH: the runtime has no such thread, or it has ended.
 *	-ESHUTDOWN after fork, in the child.
 */
VCORE_API int vcore_thread_destroy_id(struct vcore_runtime *runtime, uint64_t id);

/*
 * While the calls to disable outnumber those to enable, the calling thread is
 * not destroyed; the enable that evens them acts on a destroy that has come
 * meanwhile.  No effect on a plain pthread.
 *
 * Requires: as many enables as disables (checked: panics).
 */
VCORE_API void vcore_destroy_disable(void);
VCORE_API void vcore_destroy_enable(void);

/*
 * Lets other runnable threads of the same priority or higher run first.  On a
 * plain pthread it is sched_yield.
 */
VCORE_API void vcore_yield(void);

/*
 * Waits until the deadline; it may be later, never earlier.
 *
 * Returns: 0.
 */
VCORE_API int vcore_sleep(vcore_instant deadline);

/* The calling thread, NULL on a plain pthread. */
VCORE_API struct vcore_thread *vcore_thread_self(void);

/* The thread's id: never 0 and never reused in its runtime. */
VCORE_API uint64_t vcore_thread_id(const struct vcore_thread *thread);

/* The thread's name, "" if it has none; lives as long as the handle. */
VCORE_API const char *vcore_thread_name(const struct vcore_thread *thread);

/*
 * Pushes a cleanup: f(argument) runs when the calling thread exits, is destroyed
 * or faults before the cleanup was popped.  The structure lies on the
 * caller's stack, and is popped in the function that pushed it, in reverse
 * order of pushing.  Cleanups may wait and call the library; they must not
 * exit.  With `execute`, pop runs f(argument), destruction disabled.
 *
 * Requires: the caller is a vcore thread, `cleanup` was the last pushed, and
 *	none is left when the entry returns (checked: panics).
 */
VCORE_API void vcore_cleanup_push(struct vcore_cleanup *cleanup, void (*f)(void *), void *argument);
VCORE_API void vcore_cleanup_pop(struct vcore_cleanup *cleanup, bool execute);

#ifdef __cplusplus
}
#endif
#endif /* VCORE_THREAD_H */
