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
 *				and switches to it		switch.c
 *	RUNNING  → RUNNABLE	itself, by yielding; done by whom it was left
 *				for (arrive)			switch.c
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

#include "memory/stack.h"
#include "platform/annotate.h"
#include "platform/panic.h"
#include "platform/spin.h"
#include "sched/ordered.h"
#include "sched/queue.h"

/* --- waiting ------------------------------------------------------------- */

/*
 * The claim word of a waiter: a count of its waits, and a state.
 *
 *	RUNNING		it does not wait; or it prepares to
 *	WAITING		it may be claimed by anyone
 *	WAITING_FIRM	by anyone but a destroyer
 *	WAITING_HOST	it is a pthread, which looks at the word itself
 *	HELD		such a one, claimed by a waker that is about to wake it
 *	WOKEN, TIMED_OUT, DESTROYED	claimed, and for what
 *
 * Invariants
 *	W1  The waiter alone leaves the last three and RUNNING; everybody else
 *	    only goes from WAITING to claimed, by compare and swap: exactly one
 *	    wins, and it must wake the waiter.  Until then the waiter's record
 *	    is the winner's; afterwards it must not be touched.
 *	W2  It becomes WAITING (vci_waiter_commit) while every structure that
 *	    contains the waiter is locked.  Who finds it in one, with the lock,
 *	    finds it WAITING or claimed.
 *	W3  It leaves the structures before it returns from its wait: the waker
 *	    unlinks it before the claim is acted on, everything else it unlinks
 *	    itself, with the lock.  So a record found with the lock is alive.
 *	W4  The count grows with each wait and is kept from thread to thread:
 *	    a claim meant for an earlier wait fails.
 */
enum vci_claim {
	VCI_RUNNING,
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

/*
 * Who can wait: a part of each green thread, and of each pthread that does.
 * What a waker on another processor touches comes first, in one line.
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
	void *object;
	vcore_instant since;
	/* guarded by timers->lock; NULL: no deadline; the key is the deadline */
	struct vci_timers *timers;
	struct vci_ordered timer;
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
 * A thread's control block, at the top of its stack.  What a thread that only
 * begins and ends touches comes first: three lines, of which each is fetched
 * from far away when there are many threads.
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
	uint8_t flags;          /* VCORE_THREAD_… */
	uint16_t undestroyable; /* disables minus enables */
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
	bool has_slots;
	char name[32];
	struct vci_exceptions exceptions;
	struct vci_fpenv fpenv; /* with FPENV */
	struct vci_waiter waiter;
	struct vci_slots slots; /* meaningful if has_slots */
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

struct vci_processor {
	/* owner; but see queue.h and steal.c for what thieves do */
	struct vci_queue queue;
	struct vci_timers timers;
	struct vcore_runtime *runtime;
	struct vci_kthread *kthread;
	uint32_t number;
	uint32_t choices;         /* how often it chose a thread */
	vcore_instant looked_at;  /* its last look at the clock */
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
	/* guarded by runtime->idle_lock */
	struct vci_processor *next_idle, *prev_idle;
	bool idle;
	/* of the futex it parks on; 1: parked */
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
};

struct vci_kthread {
	struct vci_processor *processor;
	struct vcore_thread *current; /* NULL: on its own stack */
	struct vcore_thread *left;    /* on the way from it */
	enum vci_afterwards afterwards;
	struct vci_waiter *joiner; /* with VCI_END: claimed, to be woken */
	struct vci_context base;   /* its own stack, while a thread runs */
	int *errno_address;
	struct vci_exceptions *exceptions; /* NULL: no C++ runtime */
	struct vcore_runtime *runtime;
	struct vci_fpenv fpenv; /* what threads without FPENV run with */
	struct vci_kernel_thread handle;
	struct vci_signal_stack signal_stack;
	struct vci_annotation annotation;
};

#define VCI_SERVERS_MAX 16

struct vcore_runtime {
	/* constant while open */
	unsigned n_processors; /* the runtime's own */
	unsigned n_servers;    /* room for servers, behind them */
	unsigned flags;
	int64_t quantum;
	unsigned spares;
	void (*panic)(const struct vcore_report *report);
	struct vci_processor *processors;
	struct vci_kthread *kthreads;
	size_t bytes; /* of the mapping that all of this lies in */
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
	/*
	 * Who makes a thread runnable from outside.  Once it is pushed, the
	 * thread may run and end, and the runtime be closed: which waits.
	 */
	unsigned visitors;
	/*
	 * Idle processors.  `idle` and `searching` are written under the lock
	 * or by atomic addition, and read by all: see idle.c.
	 */
	_Alignas(VCI_CACHE_LINE) uint32_t idle;
	uint32_t searching;
	vcore_instant watched_until; /* atomic; NEVER if nobody watches */
	struct vci_spin idle_lock;
	struct vci_processor *idlers;  /* guarded by idle_lock */
	struct vci_processor *watcher; /* likewise */
	uint64_t wakes;                /* likewise */
	bool serving[VCI_SERVERS_MAX]; /* likewise: which servers are taken */
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

/* --- who is calling ------------------------------------------------------------ */

static inline struct vci_kthread *vci_kthread_self(void)
{
	return vci_local_carrier();
}

/* The calling green thread, or NULL. */
static inline struct vcore_thread *vci_thread_self(void)
{
	struct vci_kthread *m = vci_kthread_self();

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

/*
 * A counter that one kernel thread writes and others read.  Release: a thread
 * counted as ended was not the last to be counted as allocated (census.c).
 */
static inline void vci_count(uint64_t *counter, uint64_t n)
{
	__atomic_store_n(counter, __atomic_load_n(counter, __ATOMIC_RELAXED) + n, __ATOMIC_RELEASE);
}

#endif /* VCI_SCHED_H */
