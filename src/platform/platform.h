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
#include <vcore/fault.h>
#include <vcore/runtime.h>

#include "arch/arch.h"
#include "platform/stall.h"

#define VCI_CACHE_LINE 64

/* What must not be disturbed by its neighbours: processors fetch lines in pairs. */
#define VCI_LINE_PAIR (2 * (size_t)VCI_CACHE_LINE)

/* To a multiple of the unit, a power of two. */
static inline size_t vci_round_up(size_t bytes, size_t unit)
{
	return (bytes + unit - 1) & ~(unit - 1);
}

/* --- the calling kernel thread ------------------------------------------ */

/* As a reader of read-copy update: see sched/rcu.h. */
struct vci_reader {
	uint32_t nesting; /* of its read sections */
	uint32_t left;    /* so many more, and it looks around at the end of one */
	bool online;      /* it holds up grace periods */
	bool registered;
	bool asked;    /* by the program, and not only while it carries processors */
	bool owes;     /* the door is to stay closed at the end of the section */
	bool reclaims; /* it makes deferred calls: see comm/rcu.c */
	/* guarded by vci_process_lock: those that are registered */
	struct vci_reader *next, *prev;
	void *known; /* the record that liburcu has of it */
};

/*
 * What the library knows of a kernel thread.  A green thread may be on another
 * one after every switch, and compilers cache the addresses of thread-local
 * variables: so these are reached by the functions below, which are never inlined,
 * and what they return is not kept across a switch; but for what neither switches
 * nor calls anything that does.
 */
struct vci_local {
	unsigned inside; /* > 0 during a call-out */
	/* With the locks of registry.c and of spaces: a tick may let it go, no more. */
	bool forking;
	/*
	 * While the program's SIGALRM handler runs, where on the stack that is;
	 * also after it was left by siglongjmp.
	 */
	const char *handler;
	/* struct vci_kthread, if it belongs to a runtime */
	void *bound;
	void *carrier; /* the same, while it has a processor */
	void *door;    /* the same, unless something is due at the next call */
	void *host;    /* struct vci_host, if it has waited as a pthread */
	struct vci_reader reader;
	bool lost; /* it carried a green thread when it was forked */
};

struct vci_local *vci_local(void);
extern _Thread_local struct vci_local vci_local_of_caller; /* where nothing switches */
void *vci_local_bound(void);
void *vci_local_carrier(void);
void *vci_local_door(void);

/* The two words that the C++ runtime keeps of exceptions in flight. */
struct vci_exceptions {
	void *caught;
	unsigned uncaught;
};

int *vci_errno_address(void);                        /* of this kernel thread */
struct vci_exceptions *vci_exceptions_address(void); /* NULL: no C++ runtime */

/* --- time and waiting ---------------------------------------------------- */

vcore_instant vci_clock(void);
/* For one who may do nothing but look at it: a tick finds it in foreign code. */
vcore_instant vci_clock_for_caller(void);
int64_t vci_cpu_clock(void); /* CPU time of the calling kernel thread, ns */

/* Waits while *word == expected, until woken, the deadline or a signal. */
void vci_futex_wait(uint32_t *word, uint32_t expected, vcore_instant deadline);
void vci_futex_wake(uint32_t *word, int n);
/* The same by a green thread that holds nothing, and others go on meanwhile. */
void vci_futex_wait_away(uint32_t *word, uint32_t expected);

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
	vci_stall();
	if (likely(vci_fences_asymmetric)) {
		__asm__ volatile("" ::: "memory");
	} else {
		vci_fence_full();
	}
}

void vci_fence_heavy(void);

/* --- read-copy update ----------------------------------------------------- */

/* False: the library was built without liburcu, and the rest does nothing. */
extern const bool vci_rcu_is_there;

/*
 * The calling kernel thread becomes a reader, offline at first; and is none any
 * more.  The caller excludes others.
 */
void vci_reader_register(struct vci_reader *reader);
void vci_reader_unregister(struct vci_reader *reader);

/*
 * Of a registered one.  Online, it holds up every grace period until it is
 * quiescent, or goes offline.  No locks, no memory: a handler may call these.
 */
void vci_reader_online(void);
void vci_reader_offline(void);
void vci_reader_quiescent(void);

/*
 * In a child of fork: forgets all but `self` (NULL: it is none), which no grace
 * period was under way for.  The caller excluded others before the fork.
 */
void vci_reader_alone(struct vci_reader *self);

/* A grace period.  By a kernel thread of the library's that is no reader. */
void vci_rcu_synchronize(void);

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
/* Guards are a mark of pages, which a change of their protection leaves. */
bool vci_pages_have_guards(void);

/* The opposite; system calls only.  0, or -ENOMEM. */
int vci_pages_unguard(void *address, size_t bytes);

/* How many bytes at the low end of [low, low + bytes) were never touched. */
size_t vci_pages_untouched(void *low, size_t bytes);

/* --- kernel threads --------------------------------------------------------- */

struct vci_kernel_thread {
	unsigned long handle_; /* pthread_t */
};

/*
 * Starts a kernel thread that blocks all signals but the synchronous ones; it
 * lets SIGALRM come when it is ready (vci_mask_open), and not before: a
 * sanitizer's runtime may not be, until then.  libc may wait for locks of its own
 * meanwhile, and the caller be without a processor afterwards.  0, or -EAGAIN.
 */
int vci_kernel_thread_start(struct vci_kernel_thread *thread, const char *name,
			    void *(*entry)(void *), void *argument);
void vci_kernel_thread_join(struct vci_kernel_thread *thread);

/* Calls f(local->host) when the calling pthread ends.  0, or -ENOMEM. */
int vci_at_thread_end(void (*f)(void *host));

unsigned vci_cpu_count(void);  /* CPUs that the process may use */
extern unsigned vci_cpus;      /* the same, when the library was first used */
unsigned vci_task_count(void); /* kernel threads of it; 0: unknown */
size_t vci_signal_frame(void); /* stack that a signal may need, bytes */

/* A range of addresses. */
struct vci_range {
	uintptr_t from, to;
};

/* --- ticks ------------------------------------------------------------------- */

/* What a tick has interrupted. */
struct vci_interrupted {
	const char *pc;
	char *sp;
	uint64_t mask; /* the signals that were blocked: a bit each */
	void *context; /* the system's; it lies on the interrupted stack */
};

/*
 * Installs the handler of ticks for the process (counted: the last remove
 * restores what was there before).  `on_tick` is called for each SIGALRM, on
 * the stack that it interrupted, with SIGALRM blocked, whoever sent it; first,
 * if it was not one of our timers, the program's own handler is.  The caller
 * excludes others.  0, or -E…; -ENOTSUP where the program counter cannot be
 * told, or must not (shadow stacks).
 */
int vci_ticks_install(void (*on_tick)(struct vci_interrupted *interrupted));
void vci_ticks_remove(void);

/* Why there can be no ticks in this process, or NULL. */
const char *vci_ticks_obstacle(void);

/* Whether it is at a system call, or has just returned from one. */
bool vci_is_in_system_call(const struct vci_interrupted *interrupted);

/*
 * Where what it holds is kept: the general registers, the others, and its stack
 * from the stack pointer (and what may be used below it) up.
 */
#define VCI_INTERRUPTED_RANGES 3
void vci_interrupted_holds(const struct vci_interrupted *interrupted, const void *stack_top,
			   struct vci_range ranges[VCI_INTERRUPTED_RANGES]);

/* It is to go on with this alternate stack and this mask. */
struct vci_signal_stack;
void vci_interrupted_move(struct vci_interrupted *interrupted, const struct vci_signal_stack *stack,
			  uint64_t mask);

/* By a handler that is left in another way than by returning. */
void vci_ticks_unblock(void);

/* The calling kernel thread's signal mask: a bit a signal. */
uint64_t vci_mask_present(void);
void vci_mask_set(uint64_t mask);
/* The same, SIGALRM unblocked if it was not. */
uint64_t vci_mask_open(bool *was_blocked);
void vci_mask_close(bool was_blocked);

/*
 * A timer that sends a tick to the calling kernel thread: of the clock, or of
 * the CPU time that it uses.  The id, or -EAGAIN.
 */
enum vci_timer_kind { VCI_TIMER_CLOCK, VCI_TIMER_CPU };
int vci_timer_make(enum vci_timer_kind kind);
void vci_timer_free(int timer);
/* At an instant of the clock; at once if it has passed. */
void vci_timer_set(int timer, vcore_instant at);
/* After so much more CPU time. */
void vci_timer_set_cpu(int timer, int64_t nanoseconds);

/* --- text ---------------------------------------------------------------------- */

#define VCI_TEXT_SEGMENTS 8

/*
 * The text of the module that contains the address (NULL: of the program):
 * how many ranges, 0 if there is no such module.  It may be long, and the caller
 * be without a processor afterwards (VCI_AWAY): the loader's lock is taken.
 */
int vci_text_of_module(const void *address, struct vci_range segments[VCI_TEXT_SEGMENTS]);

/* Where library text begins and ends: given by the linker, if it is in one section. */
extern const char vci_text_start[] __asm__("__start_vcore_text")
	__attribute__((weak, visibility("hidden")));
extern const char vci_text_stop[] __asm__("__stop_vcore_text")
	__attribute__((weak, visibility("hidden")));

static inline bool vci_text_is_library(const void *pc)
{
	uintptr_t start = (uintptr_t)vci_text_start;

	return (uintptr_t)pc - start < (uintptr_t)vci_text_stop - start;
}

/* Text of a sanitizer's runtime, which must not be interrupted at all. */
bool vci_text_is_sanitizer(const void *pc);

/* The name of a function that must not be switched in and lies there, or NULL. */
const char *vci_text_holds(const struct vci_range *segments, int n);

/* Whether locks that others need are held in the function of that (given) name. */
bool vci_text_is_holder(const char *name);

/*
 * Whether it is one of libc's functions that call nothing, change nothing of
 * libc's and keep nothing on the stack: memcpy, strlen and such.  No locks.
 */
bool vci_text_is_leaf(const void *pc);

/*
 * The module that contains the address: the last part of its file's name, and
 * where the address lies in it.  And the function, if the dynamic linker knows
 * one.  False: none.  As above, the loader's lock is taken.
 */
bool vci_text_locate(const void *address, char *name, size_t size, size_t *offset);
bool vci_text_symbol(const void *address, char *name, size_t size, size_t *offset);

/* The same of a sanitizer, wherever it lies. */
const char *vci_sanitizer_obstacle(void);

/* Where the calling kernel thread's thread-local variables lie. */
void vci_tls_bounds(struct vci_range *bounds);

/* --- calls that may block ------------------------------------------------------- */

/* These may be handed over: see VCI_AWAY.  What they return, or -E…. */
struct pollfd;
int vci_poll(struct pollfd *fds, size_t n, vcore_instant deadline);
long vci_read(int fd, void *bytes, size_t n);
/* 0, or -EBADF: what was not opened for it, poll would wait for in vain. */
int vci_may_transfer(int fd, bool write);
/* Of n bytes, what can be written without waiting when poll has said so. */
enum vci_file { VCI_FILE_REGULAR, VCI_FILE_SOCKET, VCI_FILE_OTHER };
enum vci_file vci_file_kind(int fd);
long vci_write_ready(int fd, enum vci_file kind, const void *bytes, size_t n);

/* --- the process ------------------------------------------------------------ */

/* Once for the process, at the first need; 0 or -E…  Thread-safe. */
int vci_platform_open(void);

/*
 * Calls before() and after_parent() or after_child() around fork; 0 or -E…
 */
int vci_at_fork(void (*before)(void), void (*after_parent)(void), void (*after_child)(void));

/* A variable of the environment, which should be a whole number. */
enum vci_environment { VCI_UNSET, VCI_NUMBER, VCI_OFF, VCI_BAD };
enum vci_environment vci_environment(const char *name, uint64_t *number);

int vci_write(int fd, const void *bytes, size_t n); /* all of it; 0 or -E… */

/* Copies memory that may have gone meanwhile; false: it has, or one may not. */
bool vci_peek(void *to, const void *from, size_t n);
void vci_abort(void) __attribute__((noreturn));

/* An alternate signal stack for a kernel thread. */
struct vci_signal_stack {
	void *pages;
	size_t bytes;
	bool used; /* false: the kernel thread has one of its own */
};

/* --- faults --------------------------------------------------------------------- */

/* Whether a fault of a green thread can be caught at all: as copies survive (arch.h). */
#ifdef VCI_COPY_SURVIVES
#define VCI_FAULTS_LAND true
#else
#define VCI_FAULTS_LAND false
#endif

/* A signal that an instruction has raised. */
struct vci_raised {
	int signal;
	enum vcore_fault_kind kind; /* by the signal alone */
	enum vcore_access access;
	/*
	 * A SIGSEGV for which the kernel knows no address: of one that is not
	 * canonical, or because there was no room for the frame of another signal.
	 */
	bool by_kernel;
	const char *address; /* what was touched; if the signal is not of memory, pc */
	const char *pc;
	char *sp;
	const char *link; /* the register with the return address, if there is one */
	uint64_t mask;    /* the signals that were blocked: a bit each */
	void *context;    /* the system's */
};

/*
 * Installs a handler for SIGSEGV, SIGBUS, SIGFPE and SIGILL for the process
 * (counted: the last remove restores what was there before).  `judge` is called on
 * the alternate stack for each that was raised by an instruction outside of
 * vci_copy; if it returns false, as for those that were sent, the signal goes to
 * the handler that was installed before.  The caller excludes others.
 */
int vci_faults_install(bool (*judge)(struct vci_raised *raised));
void vci_faults_remove(void);

/* By the handler: reads the system's information; sees to those in vci_copy. */
void vci_raised_read(struct vci_raised *raised, int number, const void *information, void *system);
bool vci_raised_survives(void *system);

/*
 * Where the function that was interrupted returns to, if it keeps nothing on its
 * stack.  The word at the stack pointer must be readable.
 */
const char *vci_raised_return(const struct vci_raised *raised);

/* Below that nothing on the interrupted stack is in use. */
const char *vci_raised_used(const struct vci_raised *raised);

/*
 * By judge: when the handler returns, land(copy of raised) is called on the
 * interrupted stack below `top`, with floating-point control words as for a
 * handler.  It never returns; but if the landing is resumable what was interrupted
 * can be gone on with, on any kernel thread, whose alternate stack and mask these
 * are: with no switch between asking whose they are and that.
 */
void vci_raised_land(const struct vci_raised *raised, char *top, bool resumable,
		     void (*land)(struct vci_raised *raised));
void vci_raised_resume(const struct vci_raised *raised, const struct vci_signal_stack *stack,
		       uint64_t mask) __attribute__((noreturn));

/* Stack that a resumable landing takes, bytes. */
size_t vci_raised_bytes(const struct vci_raised *raised);

/*
 * Return barriers.  What was interrupted, wherever, goes on; but when it returns to
 * a place for which is_place holds, it finds itself in vci_fault_returned instead.
 * Return addresses are looked for in [from, top): a word that is a place behind a
 * call is taken for one, for nothing of that stack is needed there any more once
 * it has returned so far.
 */
void vci_raised_bar(const struct vci_raised *raised, const char *from, const char *top,
		    bool (*is_place)(const void *pc));
/* Given by the scheduler: on the stack of who has returned. */
void vci_fault_returned(void) __attribute__((noreturn));

/* --- alternate signal stacks ------------------------------------------------------ */

int vci_signal_stack_make(struct vci_signal_stack *stack); /* 0 or -ENOMEM */
void vci_signal_stack_free(struct vci_signal_stack *stack);
/* By the kernel thread itself. */
void vci_signal_stack_set(struct vci_signal_stack *stack);
void vci_signal_stack_unset(struct vci_signal_stack *stack);

#endif /* VCI_PLATFORM_H */
