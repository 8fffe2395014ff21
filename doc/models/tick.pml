/*
 * Ticks: a processor that computes is interrupted if something is due there.
 *
 * Models src/sched/tick.c, invariants T1 and T3 to T5, and who relies on them:
 * vci_preempt in preempt.c, announce in inbox.c, and in idle.c how a processor
 * goes from searching or parking to a thread.  Each processor runs one thread
 * that computes for ever, but for what it spawns, and which now and then leaves
 * it without work for a while.  What is pushed ends at once: who takes it runs
 * it in the same step.
 *
 *	soon	a tick is armed, or its handler has not looked yet
 *	at	for when: NEVER; ARMED, in the future; or that has PASSED, and
 *		the signal has come or is on its way
 *
 * The timer and its signal are those of the kernel thread that carries the
 * processor.  From the handler, or from where it is parked, the processor may
 * move to another: there are two for each.  A signal that finds its kernel
 * thread without a thread (`current`), or without the processor, is but noted
 * as missed; one that finds it in the library comes again, and meanwhile a call
 * may do what is due.
 *
 * Two kinds of stores go through store buffers: the push to the inbox of all,
 * and the reset of soon and at, with the unlock behind it.  The heavy fence of
 * parking empties all of them.  Everything else is sequentially consistent, and
 * a section with a tick's lock held is one step.
 *
 * Left out: what else may be due (timers, destroying), priorities, servers, and
 * where the next kernel thread comes from (see preempt.pml).
 *
 * Promises
 *	what is pushed runs, even if all processors compute	(Judge)
 *	also if they park and are called meanwhile		(Judge)
 *
 * size: PROCESSORS=2 PUSHES=1 PINNED=1 SPAWNS=1 LEAVES=0 MOVES=1 DEADLINES=0
 * size: PROCESSORS=2 PUSHES=1 PINNED=1 SPAWNS=0 LEAVES=1 MOVES=0 DEADLINES=0
 * size: PROCESSORS=2 PUSHES=0 PINNED=1 SPAWNS=1 LEAVES=1 MOVES=1 DEADLINES=1
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */

#define NEVER  0
#define ARMED  1
#define PASSED 2

/* Processors. */
byte queue[PROCESSORS];
bool soon[PROCESSORS];
byte at[PROCESSORS];
bool resetting[PROCESSORS];	/* the reset of both is in the store buffer */
bool current[PROCESSORS];	/* its kernel thread is on a thread's stack */
bool second[PROCESSORS];	/* it is with the second of its kernel threads */
bool listed[PROCESSORS];	/* the list of idlers */
bool parked[PROCESSORS];	/* its kernel thread sleeps with it, or is about to */
byte pinned[PROCESSORS];	/* its own inbox */
byte spawns, leaves, moves, deadlines;	/* so far */

/* Kernel threads, two a processor. */
#define CARRIER(p) (2 * (p) + second[p])
bool timer[2 * PROCESSORS];	/* it is set */
bool signal[2 * PROCESSORS];
bool missed[2 * PROCESSORS];	/* it came while there was no thread */

byte inbox;
byte buffered;		/* pushed there, and still in the pusher's store buffer */
byte idle, searching;

inline reset(p)
{
	if
	:: resetting[p] -> resetting[p] = false; soon[p] = false; at[p] = NEVER
	:: else
	fi
}

/* --- arming ------------------------------------------------------------------ */

inline arm(p, m)
{
	if
	:: !soon[p] -> soon[p] = true; at[p] = ARMED; timer[m] = true
	:: else
	fi
}

/* Something is runnable behind the thread that p runs. */
inline tick_soon(p)
{
	if
	:: soon[p]
	:: !soon[p] ->
#ifdef BREAK_ARM_UNLOCKED
		m = CARRIER(p);
		atomic { !resetting[p] -> arm(p, m); m = 0 }
#else
		atomic { !resetting[p] -> arm(p, CARRIER(p)) }
#endif
	fi
}

/*
 * The processor is about to run a thread, or goes on with one: the tick has
 * been handled, or was missed before `current` was set.
 */
inline go_on(p)
{
	atomic {
		if
#ifdef BREAK_MISSED_IGNORED
		:: in_handler -> resetting[p] = true
#else
		:: in_handler || missed[CARRIER(p)] -> resetting[p] = true
#endif
		:: else
		fi;
		missed[CARRIER(p)] = false;
		in_handler = false
	};
#ifndef BREAK_NO_FENCE_TO_GO_ON
	d_step { reset(p) };
#endif
#ifndef BREAK_NO_LOOK_TO_GO_ON
	if
	:: queue[p] > 0 || pinned[p] > 0 || inbox > 0 ->
		d_step { reset(p) };	/* it reads its own stores */
		tick_soon(p)
	:: else
	fi
#endif
}

/* --- parking: see park.pml --------------------------------------------------- */

inline call(p)
{
	listed[p] = false;
	idle--;
	searching++
}

inline wake_one()
{
	atomic {
		q = 0;
		do
		:: q < PROCESSORS && listed[q] -> call(q); break
		:: q < PROCESSORS && !listed[q] -> q++
		:: q == PROCESSORS -> break
		od
	};
	if
	:: q < PROCESSORS -> parked[q] = false
	:: else
	fi;
	q = 0
}

/* That processor is to look into its own inbox. */
inline wake(p)
{
	if
	:: !parked[p] -> tick_soon(p)
	:: else ->
		atomic {
			if
			:: listed[p] -> call(p)
			:: else
			fi
		};
		parked[p] = false
	fi
}

/* Whoever is there takes what has been pushed for all. */
inline announce()
{
#ifndef BREAK_NO_FENCE_TO_ANNOUNCE
	d_step { inbox = inbox + buffered; buffered = 0 };
#endif
	if
	:: searching > 0
	:: searching == 0 && idle > 0 -> wake_one()
	:: searching == 0 && idle == 0 ->
#ifndef BREAK_NO_TICK_TO_ANNOUNCE
		k = 0;
		do
		:: k < PROCESSORS -> tick_soon(k); k++
		:: k == PROCESSORS -> k = 0; break
		od
#endif
	fi
}

inline heavy_fence()
{
	inbox = inbox + buffered;
	buffered = 0;
	for (q : 0 .. PROCESSORS - 1) {
		reset(q)
	};
	q = 0
}

/* What is in any queue: takes it all. */
inline take_all()
{
	atomic {
		pinned[_pid] = 0;
		inbox = 0;
		for (q : 0 .. PROCESSORS - 1) {
			queue[q] = 0
		};
		q = 0
	}
}

inline look_again()
{
	found = (inbox > 0 || pinned[_pid] > 0);
	for (q : 0 .. PROCESSORS - 1) {
		found = found || queue[q] > 0
	};
	q = 0
}

inline stop_searching()
{
	atomic { searching--; found = (searching == 0 && idle > 0) };
	if
	:: found ->
		d_step { heavy_fence(); look_again() };
		if
		:: found -> wake_one()
		:: else
		fi
	:: else
	fi;
	found = false
}

/* To its other kernel thread, with the tick's lock held. */
inline move(p)
{
	second[p] = !second[p];
	soon[p] = false;
	at[p] = NEVER
}

/* --- processes ----------------------------------------------------------------- */

active [PROCESSORS] proctype Processor()
{
	byte q, m;
	bool found, in_handler;

	/* On its own stack, without work. */
search:	atomic { searching++ };
again:	take_all();
	if
	:: stop_searching(); goto resume	/* there is a thread that computes */
	:: skip
	fi;
	atomic { listed[_pid] = true; parked[_pid] = true; idle++; searching-- };
	d_step { heavy_fence(); look_again() };
	if
	:: found
	:: !found ->
end_parked:
		if
		:: !parked[_pid]
		:: atomic { parked[_pid] && deadlines < DEADLINES -> deadlines++ }
		:: atomic {	/* a kernel thread comes back to it with a thread */
			listed[_pid] && moves < MOVES ->
			moves++;
			call(_pid);
			parked[_pid] = false;
			move(_pid)
		   };
			stop_searching();
			goto resume
		fi
	fi;
	atomic {
		found = false;
#ifdef BREAK_STILL_PARKED
		parked[_pid] = (listed[_pid] -> false : parked[_pid]);
#else
		parked[_pid] = false;
#endif
		if
		:: listed[_pid] -> listed[_pid] = false; idle--; goto search
		:: else -> goto again
		fi
	};

	/* In the library, towards the thread that computes. */
resume:
#ifdef BREAK_CURRENT_SET_LATE
	go_on(_pid);
	current[_pid] = true;
#else
	current[_pid] = true;
	go_on(_pid);
#endif

	/* It computes, but for what it spawns, or leaves, in the library. */
end:	if
	:: atomic { spawns < SPAWNS -> spawns++; queue[_pid]++ };
#ifndef BREAK_NO_TICK_TO_SPAWN
		tick_soon(_pid);
#endif
		if
		:: idle > 0 && searching == 0 -> wake_one()
		:: else
		fi;
		goto end
	:: atomic { leaves < LEAVES -> leaves++; current[_pid] = false }; goto search
	:: atomic {
		signal[CARRIER(_pid)] ->
		signal[CARRIER(_pid)] = false;
		if
		:: at[_pid] != PASSED -> goto end	/* it is not due yet */
		:: else
		fi
	   }
	:: atomic { signal[CARRIER(_pid)] && at[_pid] == PASSED -> skip }
		/* a call does what it could not: the signal comes again all the same */
	fi;

	/* The handler: LIGHT, or KEEP, which takes another kernel thread. */
	atomic {
		queue[_pid] = queue[_pid] + pinned[_pid] + inbox;
		pinned[_pid] = 0;
		inbox = 0;
		if
		:: queue[_pid] == 0 -> in_handler = true
		:: queue[_pid] > 0 -> queue[_pid]--; in_handler = true
		:: queue[_pid] > 0 && moves < MOVES ->
			moves++;
			queue[_pid]--;
			current[_pid] = false;
			move(_pid)
		fi
	};
	goto resume
}

/* From outside: to all processors, and to the first. */
active proctype Pusher()
{
	byte pushes, pins, k, q, m;

	do
	:: pushes < PUSHES ->
		pushes++;
		buffered++;
		announce()
	:: pins < PINNED ->
		pins++;
		pinned[0]++;
		wake(0)
	:: pushes == PUSHES && pins == PINNED -> break
	od
}

/* Time passes: a timer runs out, and the signal comes. */
active [2 * PROCESSORS] proctype Timer()
{
#define m  (_pid - PROCESSORS - 1)
#define p  (m / 2)
end:	do
	:: atomic { timer[m] && CARRIER(p) == m && at[p] == ARMED -> at[p] = PASSED }
	:: atomic {
		timer[m] && (CARRIER(p) != m || at[p] != ARMED) ->
		timer[m] = false;
		signal[m] = true
	   }
	:: atomic { signal[m] && (CARRIER(p) != m || !current[p]) ->
		signal[m] = false;
		missed[m] = true
	   }
	od
#undef m
#undef p
}

/* Buffered stores become visible in their own time. */
active [PROCESSORS] proctype StoreBuffer()
{
#define p (_pid - 3 * PROCESSORS - 1)
end:	do
	:: atomic { resetting[p] -> reset(p) }
	:: atomic { p == 0 && buffered > 0 -> inbox++; buffered-- }
	od
#undef p
}

/* When nothing can happen any more. */
active proctype Judge()
{
	byte q;

	timeout;
	d_step {
		assert(inbox == 0 && searching == 0);
		for (q : 0 .. PROCESSORS - 1) {
			assert(queue[q] == 0 && pinned[q] == 0)
		}
	}
}
