/*
 * Parking: processors that find nothing to do, pushes that wake them, and kernel
 * threads that come back and take them.
 *
 * Models src/sched/park.c and idle.c, invariants I1 to I4.  `idle` counts the processors
 * in the idle list, `searching` those that look through the queues.  Who pushes
 * work wakes a processor only if one is idle and none searches, because a
 * searcher looks again after it has entered the list.
 *
 * A push is followed by a light fence only.  It is therefore a store into a
 * store buffer that any number of the pusher's loads may overtake; the heavy
 * fence of a processor about to park empties all buffers, and a locked
 * instruction that of its own processor.  Everything else is sequentially
 * consistent.
 *
 * A thread may run for ever, so that its processor never looks at a queue
 * again; it may push before.
 *
 * A kernel thread whose thread was let go comes back without a processor.  It
 * takes one that is parked, whose own kernel thread it does not wake; or it
 * queues its thread.  A kernel thread that has none is a spare, here for good.
 *
 * Left out: priorities, pinned threads, timers and their watcher, servers, and
 * how often and how slowly a searcher looks before it gives up (dozing).
 *
 * Promises
 *	while work is queued no processor is parked for good	(Judge)
 *	both counts are right when nothing happens		(Judge)
 *	no processor has two kernel threads			(Judge)
 *
 * size: PROCESSORS=2 COMERS=1 PUSHES=1 SPAWNS=0
 * size: PROCESSORS=2 COMERS=0 PUSHES=2 SPAWNS=1
 * size: PROCESSORS=3 COMERS=0 PUSHES=1 SPAWNS=0
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */

/* A queue a processor, and one for pushes from elsewhere, the last. */
#define QUEUES	  (PROCESSORS + 1)
#define INJECTION PROCESSORS

#define KTHREADS (PROCESSORS + COMERS)

byte queue[QUEUES];	/* work that everybody can see */
byte buffered[QUEUES];	/* pushed, and still in the pusher's store buffer */

byte idle, searching;
bool listed[PROCESSORS];	/* the idle list; its lock makes each use one step */
bool parked[PROCESSORS];	/* what their kernel threads sleep for */
bool taken[KTHREADS];		/* it has lost its processor: guarded by the list's lock */
byte carrier[PROCESSORS];	/* who sleeps there */
byte carriers[PROCESSORS];	/* for the Judge: kernel threads that have it */
bool busy[PROCESSORS];		/* it runs a thread for ever */
byte spawns;			/* pushes by threads so far */

#define drain(q) atomic { queue[q] = queue[q] + buffered[q]; buffered[q] = 0 }

/* Takes one piece of work from a queue, if there is any. */
inline take(q)
{
	atomic {
		found = (queue[q] > 0);
		if
		:: found -> queue[q]--
		:: else
		fi
	}
}

inline search_queues()
{
	q = 0;
	do
	:: q < QUEUES ->
		take(q);
		if
		:: found -> break
		:: else -> q++
		fi
	:: q == QUEUES -> break
	od;
	q = 0
}

/* The look of a processor that is in the idle list: it takes nothing. */
inline look_again()
{
	q = 0;
	found = false;
	do
	:: q < QUEUES && !found -> found = (queue[q] > 0); q++
	:: else -> break
	od;
	q = 0
}

inline heavy_fence()
{
	d_step {
		for (q : 0 .. QUEUES - 1) {
			queue[q] = queue[q] + buffered[q];
			buffered[q] = 0
		};
		q = 0
	}
}

/* Calls an idle processor out of the list, counts it as a searcher, wakes it. */
inline wake_one()
{
	atomic {
		q = 0;
		do
		:: q < PROCESSORS && listed[q] ->
			listed[q] = false;
			idle--;
			searching++;
			break
		:: q < PROCESSORS && !listed[q] -> q++
		:: q == PROCESSORS -> break
		od
	};
	if	/* it may not sleep any more, or sleep again */
	:: q < PROCESSORS -> parked[q] = false
	:: else
	fi;
	q = 0
}

inline push(to)
{
	buffered[to]++;
	/* a light fence */
	if
	:: idle > 0 ->
		if
		:: searching == 0 -> drain(to); wake_one()
		:: else
		fi
	:: else
	fi
}

/* Whoever found work, and was the last searcher, wakes another for the rest. */
inline stop_searching()
{
	atomic { searching--; last = (searching == 0) };
	if
	:: last && idle > 0 ->
#ifndef BREAK_NO_FENCE_TO_HAND_ON
		heavy_fence();
#endif
		look_again();
#ifdef BREAK_NO_HAND_ON
		found = false;
#endif
		if
		:: found -> wake_one()
		:: else
		fi
	:: else
	fi
}

/* Enters the list, looks once more, and sleeps until it is called. */
inline park()
{
	atomic {
		listed[me] = true;
		idle++;
		parked[me] = true;
		carrier[me] = _pid;
#if !defined(BREAK_SEARCHING_TO_THE_END) && !defined(BREAK_SEARCHING_IN_THE_LIST)
		searching--
#endif
	};
#ifdef BREAK_SEARCHING_TO_THE_END
	look_again();
	atomic { searching-- };
#else
#ifdef BREAK_SEARCHING_IN_THE_LIST
	atomic { searching-- };
#endif
#ifdef BREAK_LOOK_BEFORE_FENCE
	look_again();
	heavy_fence();
#else
#ifndef BREAK_NO_FENCE
	heavy_fence();
#endif
	look_again();
#endif
#endif
#ifdef BREAK_NO_SECOND_LOOK
	found = false;
#endif
	if
	:: found
	:: !found ->
end_parked:	!parked[me] || taken[_pid]
	fi;
	atomic {	/* leaves the list, unless it was called out of it, or taken */
		called = !listed[me];
#ifdef BREAK_CALL_UNNOTICED
		called = false;
#endif
		if
		:: taken[_pid]
		:: !taken[_pid] && listed[me] -> listed[me] = false; idle--; parked[me] = false
		:: !taken[_pid] && !listed[me] -> parked[me] = false
		fi
	}
}

/* Takes the processor out of the list, from the kernel thread that sleeps there. */
inline take_idler()
{
	atomic {
		me = 0;
		do
		:: me < PROCESSORS && listed[me] ->
			listed[me] = false;
			idle--;
			searching++;
			parked[me] = false;
#ifndef BREAK_TAKEN_UNNOTICED
			taken[carrier[me]] = true;
			carriers[me]--;
#endif
			carriers[me]++;
			break
		:: me < PROCESSORS && !listed[me] -> me++
		:: me == PROCESSORS -> break
		od
	}
}

active [KTHREADS] proctype KernelThread()
{
	byte me;	/* its processor */
	byte q;
	bool found, last, called;

	if
	:: _pid < PROCESSORS -> me = _pid; carriers[me]++; goto next
	:: else
	fi;
	take_idler();
	if
	:: me < PROCESSORS -> stop_searching(); goto work
	:: else -> push(INJECTION); goto spare
	fi;

next:	drain(me);
	take(me);
	if
	:: found -> goto work
	:: else -> atomic { searching++ }
	fi;

search:	search_queues();
	if
	:: found -> stop_searching(); goto work
	:: else
	fi;
	park();
	if
	:: taken[_pid] -> goto spare
	:: !taken[_pid] && called -> goto search	/* and is counted already */
	:: else -> atomic { searching++ }; goto search
	fi;

work:	if
	:: true
	:: spawns < SPAWNS -> spawns++; push(me)
	fi;
	if
	:: goto next
	:: busy[me] = true
	fi;
spare:	skip
}

active proctype Pusher()
{
	byte pushes, q;

	for (pushes : 1 .. PUSHES) {
		push(INJECTION)
	}
}

/* Buffered stores become visible in their own time. */
active [QUEUES] proctype StoreBuffer()
{
end:	do
	:: atomic {
			buffered[_pid - KTHREADS - 1] > 0 ->
			queue[_pid - KTHREADS - 1]++;
			buffered[_pid - KTHREADS - 1]--
		}
	od
}

/* When nothing can happen any more. */
active proctype Judge()
{
	byte p, q;
	byte sleepers;

	timeout;
	d_step {
		for (p : 0 .. PROCESSORS - 1) {
			assert(busy[p] != listed[p]);
			assert(carriers[p] == 1);
			sleepers = sleepers + listed[p]
		};
		for (q : 0 .. QUEUES - 1) {
			assert(sleepers == 0 || queue[q] == 0)
		};
		assert(idle == sleepers && searching == 0)
	}
}
