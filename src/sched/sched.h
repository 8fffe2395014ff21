/*
 * Threads, processors, kernel threads, runtimes: the data, and what holds.
 *
 * A processor (struct vci_processor) is the right to run green threads: run
 * queue, timers, stack cache.  A kernel thread (struct vci_kthread) carries
 * one.  They are separate, because a kernel thread may lose its processor.
 *
 * States of a thread, and who makes the transitions
 *
 *	(free)   → RUNNABLE	the allocator			thread.c
 *	RUNNABLE → RUNNING	the kernel thread that took it from a queue
 *				and switches to it		switch.c;
 *				or, if it is KEPT, that gave its processor to
 *				the thread's own		spare.c
 *	RUNNING  → RUNNABLE	itself, by yielding; done by whom it was left
 *				for (arrive)			switch.c;
 *				itself, in the handler of a tick: it is KEPT
 *								preempt.c
 *	RUNNING  → WAITING	itself; committed by whom it was left for
 *								waiter.c
 *	WAITING  → RUNNABLE	who claims its waiter: waker, timer, destroyer
 *								waiter.c
 *	RUNNING  → ENDED	itself; done by whom it was left for	end.c
 *	ENDED    → (free)	its joiner, or as above if detached	end.c
 *
 * Invariants
 *	S1  A thread is in at most one queue, and only while RUNNABLE.
 *	S2  A thread becomes visible to others (queued, committed as waiting,
 *	    ended) only after it has been left: its context is complete.
 *	    What has to be done then is done by whoever arrives (switch.c).
 *	S3  Of threads that may be taken, who runs next is decided by vci_pick
 *	    (processor.c) only, and what another processor may take by
 *	    vci_steal (steal.c).
 *	S4  A control block is type-stable (memory/stack.h): `life` and the
 *	    waiter's claim may be read through a stale pointer, and a compare
 *	    and swap on them fails if the thread is no longer the same.
 *
 *	S5  A thread that is KEPT was not left (the exception to S2): its kernel
 *	    thread, the `keeper`, is on its stack, in the handler, and goes on
 *	    with it when it is given a processor.  Nobody else runs it.  If its
 *	    space is exclusive its stack was left, and the keeper is on its own.
 *	S6  A thread of an exclusive space may be held, in no queue: gang.h.
 *
 * States of a kernel thread M, and who makes the transitions
 *
 *	OWNER	 has a processor, and runs what it will
 *	DETACHED has none; runs its green thread in foreign code
 *	KEPT	 has none; parked in the handler on its green thread's stack, or,
 *		 if that is in an exclusive space, on its own
 *	SPARE	 has none; parked on its own stack, or on the way there
 *
 *	OWNER → KEPT	 M itself, in the handler, in application text	preempt.c,
 *									keep.c
 *	OWNER → DETACHED M itself, in the handler, in foreign code	preempt.c
 *	OWNER → SPARE	 M itself, on its own stack, for a thread that is
 *			 KEPT						spare.c;
 *			 who comes back and takes the processor that M is
 *			 parked with (idle_lock)			park.c
 *	DETACHED → OWNER M itself, in a call, with such a processor	enter.c
 *	DETACHED → SPARE M itself, in a call; the thread is runnable	enter.c
 *	DETACHED → KEPT	 M itself, in the handler			preempt.c
 *	KEPT, SPARE → OWNER  who gives it a processor			spare.c
 *
 * Invariants
 *	I1  Outside the library an M has at most one thread that it has begun
 *	    and not left; LIGHT threads excepted, by their promise.
 *	I2  M loses its processor by its own hand alone, or while it is parked
 *	    with it, in the list of idlers, by who holds idle_lock.
 *	I3  A parked M goes on when `processor` is not NULL: no other condition.
 *	    Opening its gate too often does no harm.
 *	I4  M is in the list of spares only after it has left its green thread.
 *	I5  The library holds no lock across VCI_AWAY or a callback, and reloads
 *	    what it knows of its kernel thread after either.
 *	I6  The tick of a processor is armed, and its M changed, with the tick's
 *	    lock held.
 *	I7  To resume a thread that is KEPT takes no spare.
 *
 * Fields are grouped by who may touch them.  "owner" is the kernel thread that
 * carries the processor, or that runs the thread.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef VCI_SCHED_H
#define VCI_SCHED_H

#include <vcore/eventcount.h>
#include <vcore/inspect.h>
#include <vcore/runtime.h>
#include <vcore/slot.h>
#include <vcore/thread.h>

#include "memory/ordered.h"
#include "memory/stack.h"
#include "platform/annotate.h"
#include "platform/panic.h"
#include "platform/spin.h"
#include "sched/queue.h"

/* --- waiting ------------------------------------------------------------- */

/*
 * The claim word of a waiter: a count of its waits, and a state.
 *
 *	ENROLLING	it is being put into several objects, to wait for any
 *	WAITING		it may be claimed by anyone
 *	WAITING_FIRM	by anyone but a destroyer
 *	WAITING_HOST	it is a pthread, which looks at the word itself
 *	HELD		such a one, claimed by a waker that is about to wake it
 *	WOKEN, TIMED_OUT, DESTROYED	claimed, and for what
 *
 * Invariants
 *	W1  The waiter alone leaves the last three; everybody else
 *	    only goes from WAITING to claimed, by compare and swap: exactly one
 *	    wins, and it must wake the waiter.  Until then the waiter's record
 *	    is the winner's; afterwards it must not be touched.  Instead of
 *	    waking it the winner may make it wait for another object
 *	    (vci_waiter_divert).
 *	W2  It becomes WAITING (vci_waiter_commit) while every structure that
 *	    contains the waiter is locked.  Who finds it in one, with the lock,
 *	    finds it WAITING or claimed.  One that waits for several objects
 *	    is found in some of them before: it is ENROLLING then, and who
 *	    claims it makes it WOKEN, has nothing more to do with it, and it
 *	    does not begin to wait.
 *	W3  It leaves the structures before it returns from its wait: the waker
 *	    unlinks it before the claim is acted on, everything else it unlinks
 *	    itself, with the lock.  So a record found with the lock is alive.
 *	W4  The count grows with each wait and is kept from thread to thread:
 *	    a claim meant for an earlier wait fails.
 */
enum vci_claim {
	VCI_ENROLLING,
	VCI_WAITING,
	VCI_WAITING_FIRM,
	VCI_WAITING_HOST,
	VCI_HELD,
	VCI_WOKEN,
	VCI_TIMED_OUT,
	VCI_DESTROYED,
};

#define VCI_CLAIM_STATE UINT64_C(7)
#define VCI_CLAIM_COUNT UINT64_C(8) /* one wait */

struct vci_timers;
struct vci_kthread;
struct vci_area;

/*
 * What it owns: locks of all kinds, for when it ends.  See sync/holds.h.  `at`
 * has `room` entries: none before the first is needed.
 */
#define VCI_HOLDS_NEAR 5

struct vci_holds {
	uintptr_t *at;
	uint32_t n, room;
	uintptr_t near[VCI_HOLDS_NEAR];
	/* of the word of the last lock, and ticketlock: see mutex.h */
	uint32_t seen;
	bool crowded;
};

/*
 * Who can wait, and own: a part of each green thread, and of each pthread that
 * does.  What a waker on another processor touches comes first, in one line.
 */
struct vci_waiter {
	_Alignas(VCI_CACHE_LINE) uint64_t claim; /* atomic; see above */
	/* its place in the object, guarded by its lock; the key is the target */
	struct vci_ordered node;
	/*
	 * Puts it into the object it waits for and commits, with the object
	 * locked; or returns false, because it need not wait any more.
	 */
	bool (*publish)(struct vci_waiter *waiter);
	/*
	 * Called by the waiter when its wait is over: gives the result.  `m` is
	 * NULL for a host.
	 */
	int (*finish)(struct vci_kthread *m, struct vci_waiter *waiter, enum vci_claim reason);
	void *argument; /* for finish */
	/* its own; read by inspection, which checks the claim afterwards */
	bool host;
	uint8_t kind; /* enum vcore_wait_kind */
	bool starved; /* it has waited for a lock too long to be overtaken */
	uint32_t id;  /* see owner.h; 0: not known yet */
	void *object;
	vcore_instant since;
	/* guarded by timers->lock; NULL: no deadline; the key is the deadline */
	struct vci_timers *timers;
	struct vci_ordered timer;
	/* its own */
	vcore_instant began; /* to want a lock */
	uintptr_t owes;      /* a note: see vci_holds_owe */
	uint32_t lot;        /* the last it drew: see comm/select.c */
	_Alignas(VCI_CACHE_LINE) struct vci_holds holds;
};

/* The deadlines of the threads that began to wait on one processor. */
struct vci_timers {
	struct vci_spin lock;
	struct vci_ordered *order; /* guarded by lock */
	vcore_instant next;        /* atomic: the earliest, written under lock */
};

/* --- threads ---------------------------------------------------------------- */

/*
 * The life word: the generation of the stack, and
 *
 *	ALIVE		from allocation to end
 *	ENDED		from end to join
 *	DESTROY		it has been asked to end; set by others by compare and
 *			swap, with the generation
 */
#define VCI_LIFE_ALIVE      UINT64_C(1)
#define VCI_LIFE_ENDED      UINT64_C(2)
#define VCI_LIFE_DESTROY    UINT64_C(4)
#define VCI_LIFE_GENERATION UINT64_C(8)

/* An id is a generation - 1 and an index + 1: 1, 2, 3, … at first. */
#define VCI_ID_INDEX_BITS 24

#define VCI_GENERATION_MAX (((uint64_t)1 << (64 - VCI_ID_INDEX_BITS)) - 1)

_Static_assert(VCI_STACKS_MAX < (uint32_t)1 << VCI_ID_INDEX_BITS, "an id holds an index");

/*
 * The join word: NULL, the waiter of the one joiner, or one of these.
 *
 *	BUSY		the joiner is being committed
 *	CLOSING		set by the ending thread, still on its own stack; with
 *			BUSY or CLOSING a joiner that timed out cannot leave
 *	ENDED		the thread has been left: the block may be freed
 *	DETACHED	nobody will join; whom it is left for frees it
 */
#define VCI_JOIN_BUSY     ((struct vci_waiter *)1)
#define VCI_JOIN_CLOSING  ((struct vci_waiter *)2)
#define VCI_JOIN_ENDED    ((struct vci_waiter *)3)
#define VCI_JOIN_DETACHED ((struct vci_waiter *)4)

static inline bool vci_join_is_waiter(const struct vci_waiter *word)
{
	return word > VCI_JOIN_DETACHED;
}

/*
 * Of a thread that has faulted, in `trouble`:
 *
 *	MENDING		a space is asked whether it mends the cause: see mend.c
 *	DOOMED		it has used up its stack where it could not end, goes on in
 *			the reserve, and ends at the next occasion
 *	ENDING		it ends, and its cleanups and destructors run
 *	HASTENING	it ends, and what is left of these is left out
 *	REPORTING	what is called now is the hook: its faults are not its own
 */
enum vci_trouble {
	VCI_NO_TROUBLE,
	VCI_MENDING,
	VCI_DOOMED,
	VCI_ENDING,
	VCI_HASTENING,
	VCI_REPORTING,
};

/*
 * In `flags`, beside the public ones: see S5; it lives in a space; in an exclusive
 * one, and its stack too (gang.h).
 */
#define VCI_THREAD_KEPT      0x80u
#define VCI_THREAD_EXCLUSIVE 0x40u
#define VCI_THREAD_RESIDENT  0x20u

/* A thread's slots: a few in place, the others in a table of its own. */
#define VCI_SLOTS_NEAR 4

struct vci_slot_value {
	void *value;
	uint32_t generation;
};

struct vci_slots {
	struct vci_slot_value near[VCI_SLOTS_NEAR];
	struct vci_slot_value *far; /* NULL, or VCORE_SLOTS_MAX entries */
};

/*
 * A thread's control block, at the top of its stack, if that is in the pool.  What a thread that
 * only begins and ends touches comes first: three lines, of which each is fetched from far away
 * when there are many threads.
 */
struct vcore_thread {
	struct vci_stack stack; /* first: the pool's header */
	/* owner of the queue that it is in, or nobody */
	struct vcore_thread *next, *prev;
	/* of the thread itself, while it runs */
	struct vci_context context;
	/* called when it is resumed, with its kernel thread */
	int (*resume)(struct vci_kthread *m, struct vcore_thread *self);
	struct vcore_runtime *runtime;
	int errno_value;
	int8_t priority;
	uint8_t flags;          /* VCORE_THREAD_…, VCI_THREAD_… */
	uint16_t undestroyable; /* disables minus enables */
	uint16_t unpreemptible; /* likewise */
	bool polls;             /* atomic; in a call that a tick cuts short */
	uint8_t reserve;        /* enum vci_reserve: how much of its stack's is open */
	uint32_t pin;           /* the processor, if PINNED */
	uint32_t processor;     /* that runs it, or ran it last; read by others */
	uint64_t switches;      /* so far; read by others */
	/* atomic */
	uint64_t life;           /* see above */
	struct vci_waiter *join; /* see above */
	/* of the thread itself */
	void *(*entry)(void *);
	void *argument; /* then the result */
	struct vcore_cleanup *cleanups;
	int64_t cpu_time; /* read by others */
	enum vcore_how how;
	bool has_slots, has_holds;
	/* of preemption; read by others */
	uint8_t refusal; /* enum vcore_refusal */
	uint8_t trouble; /* enum vci_trouble; of the thread itself, and its handler */
	uint32_t refusals, preemptions, hand_overs;
	struct vci_kthread *keeper; /* atomic; its kernel thread, if KEPT or let go */
	/* owner of the queue that it is in, while it is KEPT: queue.h, Q5 */
	struct vcore_thread *next_kept, *prev_kept;
	char name[32];
	struct vci_exceptions exceptions;
	struct vci_fpenv fpenv; /* with FPENV; the runtime's at first */
	struct vci_waiter waiter;
	struct vci_slots slots;    /* meaningful if has_slots */
	struct vcore_fault fault;  /* in trouble */
	struct vcore_space *mends; /* the space that is asked, or NULL */
	/* if RESIDENT; the rest if EXCLUSIVE: see resident.h */
	struct vcore_space *space;
	char *stack_low, *stack_high;
	struct vci_area *areas; /* of the thread itself */
	unsigned valgrind;      /* the stack's number there */
	struct vci_annotation annotation;
};

/* --- processors and kernel threads ------------------------------------------ */

/*
 * Threads given to a processor, or to all, by others: a list that anyone
 * pushes to and one takes whole, the last given first.
 */
struct vci_inbox {
	struct vcore_thread *head; /* atomic */
};

/*
 * The tick of a processor: see tick.h.  `soon` and `at` are read by all;
 * `kthread`, who carries the processor, changes with the lock held.
 */
struct vci_tick {
	struct vci_spin lock;
	/* guarded by lock */
	bool soon;        /* armed within a quantum, for something runnable */
	vcore_instant at; /* armed for this instant; NEVER: not armed */
};

struct vci_processor {
	/* owner; but see queue.h and steal.c for what thieves do */
	struct vci_queue queue;
	struct vci_timers timers;
	struct vcore_runtime *runtime;
	struct vci_kthread *kthread; /* atomic; see struct vci_tick */
	struct vci_tick tick;
	vcore_instant slice_until; /* atomic; until then only for a higher priority */
	unsigned passed_over;      /* ticks since those of lower ones had a turn */
	uint32_t number;
	uint32_t seat;            /* see seat.h; constant while open */
	uint32_t choices;         /* how often it chose a thread */
	vcore_instant looked_at;  /* its last look at the clock */
	vcore_instant stole_at;   /* if it runs what it stole: since when */
	unsigned in_vain;         /* steals, less those that were not: see idle.c */
	struct vci_stack *cached; /* warm stacks of the default kind */
	unsigned n_cached;
	/*
	 * Of a server: when to return.  One that polls runs what was runnable
	 * when it began, `turns` threads: what becomes runnable meanwhile goes
	 * to the inboxes, and stays there.
	 */
	vcore_instant serves_until;
	unsigned turns;
	bool server, leaving, polls;
	/* counted by the owner, read by all */
	uint64_t allocated, ended, switches, steals;
	uint64_t ticks, preemptions, preemptions_light, preemptions_fallen, hand_overs, refusals;
	/* guarded by runtime->idle_lock */
	struct vci_processor *next_idle, *prev_idle;
	bool idle;
	/* guarded by the gate's lock: see gang.h */
	struct vci_processor *next_inside, *prev_inside;
	/* atomic; 1: its kernel thread is parked with it */
	_Alignas(VCI_CACHE_LINE) uint32_t parked;
	_Alignas(VCI_CACHE_LINE) struct vci_inbox inbox;
};

/* What whoever arrives must do for the thread that was left. */
enum vci_afterwards {
	VCI_NOTHING,
	VCI_YIELD,  /* queue it */
	VCI_ROTATE, /* queue it, with the queue locked */
	VCI_WAIT,   /* publish it */
	VCI_END,    /* wake its joiner, or free it, or leave it to be joined */
	VCI_HANDED, /* it ended, and it is its joiner who arrives */
	VCI_KEEP,   /* its kernel thread is to keep it: keep.h */
	/* Its kernel thread had no processor: */
	VCI_RETURN, /* become a spare, queue it */
	VCI_STOP,   /* keep it, queue it */
};

/* Beside these, in `afterwards`: it is a thread of an exclusive space. */
#define VCI_WAS_EXCLUSIVE 16u

enum vci_kthread_state { VCI_OWNER, VCI_DETACHED, VCI_KEPT, VCI_SPARE };

struct vci_kthread {
	struct vci_processor *processor; /* atomic: see I3 */
	struct vcore_thread *current;    /* NULL: on its own stack */
	struct vcore_thread *left;       /* on the way from it */
	unsigned afterwards;             /* enum vci_afterwards, VCI_WAS_EXCLUSIVE */
	bool passes;                     /* with the latter: to one of the same space */
	struct vci_waiter *joiner;       /* with VCI_END: claimed, to be woken */
	struct vci_context base;         /* its own stack, while a thread runs */
	int *errno_address;
	struct vci_exceptions *exceptions; /* NULL: no C++ runtime */
	struct vcore_runtime *runtime;
	struct vci_fpenv fpenv; /* what threads without FPENV run with */
	enum vci_kthread_state state;
	/* given with the processor: the thread to run; NULL: as it likes */
	struct vcore_thread *next;
	struct vcore_thread *keeps; /* on its own stack: see keep.h */
	unsigned retries;           /* ticks in a row that could do nothing */
	volatile bool missed;       /* a tick came when it had no current thread: see tick.h, T4 */
	uint64_t mask;              /* the signals that are blocked */
	bool was_blocked;           /* SIGALRM was, before it came */
	int timer, cpu_timer;
	int64_t cpu_before;   /* the CPU time it had used when it was let go */
	struct vci_range tls; /* where its thread-local variables lie */
	struct vci_kernel_thread handle;
	struct vci_signal_stack signal_stack;
	struct vci_annotation annotation;
	struct vci_kthread *next_spare;         /* guarded by spares.lock */
	bool taken;                             /* guarded by idle_lock: its processor was */
	_Alignas(VCI_CACHE_LINE) uint32_t gate; /* atomic, a futex; counts openings */
};

/* Kernel threads beyond the processors': see spare.h. */
struct vci_spares {
	struct vci_spin lock;
	/* guarded by lock; n_free is read by all */
	struct vci_kthread *free;
	unsigned n_free;
	/* written by the helper, read by all */
	unsigned made;
	const char *limit; /* why there are no more, or NULL */
	void *(*run)(void *m);
	/* atomic */
	uint64_t short_of; /* how often there was none */
	uint32_t wanted;   /* the helper's gate: a futex; counts openings */
	struct vci_kernel_thread helper;
};

#define VCI_SERVERS_MAX 16

struct vcore_runtime {
	/* constant while open */
	unsigned n_processors; /* the runtime's own */
	unsigned n_servers;    /* room for servers, behind them */
	unsigned flags;
	uint8_t thread_flags; /* of all its threads */
	int64_t quantum;
	const char *unpreemptive; /* why quantum is OFF, or NULL */
	unsigned spares_max;
	uint32_t number; /* in the process: see owner.h */
	void (*panic)(const struct vcore_report *report);
	void (*fault)(const struct vcore_fault *fault);
	struct vci_processor *processors;
	struct vci_kthread *kthreads; /* the processors', the servers', spares */
	struct vci_fpenv fpenv;       /* of who opened it: threads with FPENV begin so */
	uint64_t mask;                /* likewise, of signals */
	size_t bytes;                 /* of the mapping that all of this lies in */
	bool ends_on_deadlock;
	/* called, on a processor, when no thread is alive, or all are stuck */
	void (*on_drained)(struct vcore_runtime *runtime);
	/* how often that was so; of the facade */
	struct vcore_eventcount drained;
	/* of the process's list: see registry.c */
	struct vcore_runtime *next;

	struct vci_stacks stacks;
	/* atomic, rarely written */
	bool closing;  /* allocate no more */
	bool stopping; /* and what was allocated meanwhile is to end */
	bool over;     /* kernel threads are to end */
	bool draining; /* somebody waits for all threads to end */
	bool deadlocked;
	bool lost; /* in a child of fork */
	uint64_t allocated_outside, refused_outside;
	unsigned servers;
	uint32_t let_go, kept; /* threads: DETACHED, KEPT */
	uint32_t residents;    /* threads: of spaces, and not yet forgotten */
	uint32_t up;           /* kernel threads that have begun: a futex */
	uint32_t crippled;     /* of them, those that got no timers */
	/*
	 * Who makes a thread runnable from outside.  Once it is pushed, the
	 * thread may run and end, and the runtime be closed: which waits.
	 */
	unsigned visitors;
	/*
	 * Idle processors.  `idle` and `searching` are written under the lock
	 * or by atomic addition, and read by all: see idle.h.
	 */
	_Alignas(VCI_CACHE_LINE) uint32_t idle;
	uint32_t searching;
	vcore_instant watched_until; /* atomic; NEVER if nobody watches */
	struct vci_spin idle_lock;
	struct vci_processor *idlers;  /* guarded by idle_lock */
	struct vci_processor *watcher; /* likewise */
	uint64_t wakes;                /* likewise */
	bool serving[VCI_SERVERS_MAX]; /* likewise: which servers are taken */
	struct vci_spares spares;
	_Alignas(VCI_CACHE_LINE) struct vci_inbox inbox;
};

/* In a child of fork: there is nothing behind it. */
static inline bool vci_runtime_is_lost(const struct vcore_runtime *runtime)
{
	return unlikely(__atomic_load_n(&runtime->lost, __ATOMIC_RELAXED));
}

/* How many processors it has, servers included. */
static inline uint32_t vci_runtime_all(const struct vcore_runtime *runtime)
{
	return runtime->n_processors + runtime->n_servers;
}

/* It is the program's, and serves. */
static inline bool vci_kthread_is_server(const struct vci_kthread *m)
{
	const struct vcore_runtime *runtime = m->runtime;
	size_t number = (size_t)(m - runtime->kthreads);

	return number >= runtime->n_processors && number < vci_runtime_all(runtime);
}

static inline bool vci_runtime_has_ticks(const struct vcore_runtime *runtime)
{
	return runtime->quantum != VCORE_QUANTUM_OFF;
}

/* How many kernel threads it has: of processors, spares, and their helper. */
static inline uint32_t vci_runtime_kernel_threads(const struct vcore_runtime *runtime)
{
	return runtime->n_processors + __atomic_load_n(&runtime->spares.made, __ATOMIC_RELAXED) -
	       __atomic_load_n(&runtime->crippled, __ATOMIC_RELAXED) +
	       (vci_runtime_has_ticks(runtime) ? 1 : 0);
}

/* --- who is calling ------------------------------------------------------------ */

/*
 * The calling kernel thread, if it has a processor.  One that was let go acts
 * as a pthread: calls that must have a processor enter by vci_enter.
 */
static inline struct vci_kthread *vci_kthread_self(void)
{
	return vci_local_carrier();
}

/* The calling green thread, or NULL. */
static inline struct vcore_thread *vci_thread_self(void)
{
	struct vci_kthread *m = vci_local_bound();

	return m != NULL ? m->current : NULL;
}

static inline uint64_t vci_id(uint64_t generation, uint32_t index)
{
	return (generation - 1) << VCI_ID_INDEX_BITS | (index + 1);
}

static inline uint32_t vci_id_index(uint64_t id)
{
	return (uint32_t)(id & (((uint64_t)1 << VCI_ID_INDEX_BITS) - 1)) - 1;
}

static inline uint64_t vci_thread_id(const struct vcore_thread *thread)
{
	return vci_id(thread->stack.generation, thread->stack.index);
}

static inline struct vcore_thread *vci_waiter_thread(struct vci_waiter *waiter)
{
	return (struct vcore_thread *)((char *)waiter - offsetof(struct vcore_thread, waiter));
}

/* Around what the context switch does outside of library text, where it does. */
static inline void vci_context_leave(void)
{
	if (VCI_CONTEXT_CALLS_OUT) {
		vci_local()->inside++;
	}
}

static inline void vci_context_return(void)
{
	if (VCI_CONTEXT_CALLS_OUT) {
		vci_local()->inside--;
	}
}

/*
 * A counter that one kernel thread writes and others read.  Release: a thread
 * counted as ended was not the last to be counted as allocated (census.c).
 */
static inline void vci_count(uint64_t *counter, uint64_t n)
{
	__atomic_store_n(counter, __atomic_load_n(counter, __ATOMIC_RELAXED) + n, __ATOMIC_RELEASE);
}

#endif /* VCI_SCHED_H */
