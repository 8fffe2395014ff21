/*
 * Inspection: what threads and processors are doing.
 *
 *	vcore_dump(runtime, STDERR_FILENO);
 *
 * prints every thread with its state, what it waits for and since when.  The
 * two functions above it give the same to a program.  All may be called while
 * the runtime works; they stop nobody, so that what they say of a thread was
 * true at some instant of the call, but not at the same for all threads.
 *
 *				inspect_threads	inspect_runtime	dump
 *	from a vcore thread	yes		yes		yes
 *	from a pthread		yes		yes		yes
 *	from a signal handler	no		no		no
 *	may switch threads	the callback	no		no
 *	orders memory		no		no		no
 *
 * Times are exact in a runtime opened with VCORE_RUNTIME_ACCOUNT.  Otherwise
 * they are sampled: a processor looks at the clock at every 64th choice and
 * when it idles; a wait counts from its last look, and the time between two
 * looks is charged to the thread that was running at the second.
 *
 * Both structures may grow with the soname; `size` is set by the library.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef VCORE_INSPECT_H
#define VCORE_INSPECT_H

#include <vcore/base.h>

#ifdef __cplusplus
extern "C" {
#endif

struct vcore_runtime;

enum vcore_thread_state {
	VCORE_THREAD_RUNNABLE,
	VCORE_THREAD_RUNNING,
	VCORE_THREAD_WAITING,
	VCORE_THREAD_ENDED, /* and not yet joined */
};

enum vcore_wait_kind {
	VCORE_WAIT_NONE,
	VCORE_WAIT_SLEEP,
	VCORE_WAIT_EVENTCOUNT,
	VCORE_WAIT_JOIN,
	VCORE_WAIT_LOCK,
	VCORE_WAIT_TICKETLOCK,
	VCORE_WAIT_READ,  /* a reader-writer lock */
	VCORE_WAIT_WRITE, /* likewise */
	VCORE_WAIT_CONDITION,
	VCORE_WAIT_SEMAPHORE,
	VCORE_WAIT_SEND,    /* for room in a buffer */
	VCORE_WAIT_RECEIVE, /* for a message */
	VCORE_WAIT_SELECT,
};

/* Why a tick could not make a thread let others run, when it came. */
enum vcore_refusal {
	VCORE_REFUSAL_NONE,
	VCORE_REFUSAL_LIBRARY,  /* it was inside the library */
	VCORE_REFUSAL_DISABLED, /* it had preemption disabled */
	VCORE_REFUSAL_MASK,     /* its signal mask was not the one it began with */
	VCORE_REFUSAL_HANDLER,  /* it was in a signal handler of the program's */
	VCORE_REFUSAL_STACK,    /* it was on another stack than its own */
	VCORE_REFUSAL_FOREIGN,  /* it was in foreign code, for a short while yet */
	VCORE_REFUSAL_SPARES,   /* there was no kernel thread to go on with */
	VCORE_REFUSAL_SERVER,   /* its kernel thread is the program's, and it is not LIGHT */
	VCORE_REFUSAL_RCU,      /* it was in a read section */
};

struct vcore_thread_info {
	size_t size;
	uint64_t id;
	char name[32];
	enum vcore_thread_state state;
	int priority;
	unsigned processor; /* the one that ran it last */
	bool destroyed;     /* it was asked to end */
	/* if WAITING */
	enum vcore_wait_kind wait;
	const void *object; /* what for: an eventcount, a lock, …; NULL for a join */
	int64_t value;      /* the value that an eventcount must exceed */
	uint64_t joins;     /* the id of the thread it joins */
	vcore_instant since, deadline;
	/* what it has used */
	uint64_t switches, preemptions;
	int64_t cpu_time; /* nanoseconds */
	size_t stack_size;
	/*
	 * The most its stack was ever in use, bytes; by an earlier thread
	 * on the same stack, perhaps.
	 */
	size_t stack_used;
	/* of preemption */
	bool kept;                  /* RUNNABLE: put off, its kernel thread with it */
	bool let_go;                /* RUNNING: without a processor */
	uint64_t hand_overs;        /* how often it was let go */
	uint64_t refusals;          /* ticks that could do neither */
	enum vcore_refusal refusal; /* why, the last time */
	/*
	 * If it WAITs for a lock: the id of the thread of the same runtime that
	 * owns it, or writes; 0 if it is free, read, or another's.
	 */
	uint64_t owner;
};

struct vcore_statistics {
	size_t size;
	unsigned processors;  /* without servers */
	unsigned servers;     /* serving now */
	unsigned idle;        /* processors without a thread to run */
	uint64_t threads;     /* that have not ended */
	uint64_t allocated;   /* threads ever */
	uint64_t switches;    /* from thread to thread */
	uint64_t steals;      /* threads taken from another processor */
	uint64_t wakes;       /* of idle processors */
	uint64_t preemptions; /* by ticks: threads put off, or switched */
	uint64_t hand_overs;  /* by ticks: threads let go */
	uint64_t spares;      /* kernel threads beyond the processors', now */
	size_t stack_bytes;   /* reserved for stacks */
	/*
	 * What made the last allocation of a thread fail: "memory",
	 * "vm.max_map_count", "threads"; NULL if none did.
	 */
	const char *limit;
	/* of preemption: see preempt.h */
	int64_t quantum;             /* nanoseconds, or VCORE_QUANTUM_OFF */
	const char *unpreemptive;    /* why it is off: "option", "valgrind", …; or NULL */
	uint64_t ticks;              /* that came while a thread was running */
	uint64_t preemptions_light;  /* of the preemptions: LIGHT threads switched */
	uint64_t preemptions_fallen; /* LIGHT threads put off like others */
	uint64_t refusals;           /* ticks that could not do what was due */
	uint64_t kept, let_go;       /* threads put off, let go, now */
	/* How often no kernel thread was there to go on with, if only yet. */
	uint64_t spares_short;
	/* Why: "spares" (the option), "kernel threads", "timers", "memory"; or NULL. */
	const char *spares_limit;
};

/*
 * Calls back for every thread of the runtime that exists throughout the call,
 * and perhaps for others; a callback that returns other than 0 ends it.
 *
 * Returns: 0, or what the callback returned.  Errors: -ESHUTDOWN after fork.
 */
VCORE_API int vcore_inspect_threads(struct vcore_runtime *runtime,
				    int (*callback)(const struct vcore_thread_info *info,
						    void *argument),
				    void *argument);

/* Returns: 0, and *statistics.  Errors: -ESHUTDOWN after fork. */
VCORE_API int vcore_inspect_runtime(struct vcore_runtime *runtime,
				    struct vcore_statistics *statistics);

/*
 * Writes all of that as text to a descriptor; threads that wait for each
 * other in a circle are marked.
 *
 * Returns: 0.  Errors: those of write(2), -ESHUTDOWN after fork.
 */
VCORE_API int vcore_dump(struct vcore_runtime *runtime, int fd);

#ifdef __cplusplus
}
#endif
#endif /* VCORE_INSPECT_H */
