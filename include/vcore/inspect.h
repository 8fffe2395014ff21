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
	const void *object; /* the eventcount */
	int64_t value;      /* the value it must exceed */
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
};

struct vcore_statistics {
	size_t size;
	unsigned processors;                      /* without servers */
	unsigned servers;                         /* serving now */
	unsigned idle;                            /* processors without a thread to run */
	uint64_t threads;                         /* that have not ended */
	uint64_t allocated;                       /* threads ever */
	uint64_t switches;                        /* from thread to thread */
	uint64_t steals;                          /* threads taken from another processor */
	uint64_t wakes;                           /* of idle processors */
	uint64_t preemptions, hand_overs, spares; /* with preemption */
	size_t stack_bytes;                       /* reserved for stacks */
	/*
	 * What made the last allocation of a thread fail: "memory",
	 * "vm.max_map_count", "threads"; NULL if none did.
	 */
	const char *limit;
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
