/*
 * Exclusive spaces: the gate that lets the threads of one in at a time.
 *
 * Models src/sched/gang.c, invariants G1 to G4 of gang.h, and what switch.c,
 * idle.c and preempt.c make of it.  There are two spaces; thread t lives in space
 * t % 2, and its stack lies there.  A processor chooses any thread that is queued,
 * and asks the gate, on a stack of its own; a thread that was let in is switched
 * to, runs, and leaves its stack
 *
 *	to be queued again: it yields, or was put off by a tick and is KEPT (to the
 *		gate that is the same; that it has a kernel thread is not shown)
 *	for another of its space, and the processor stays inside
 *	for good
 *
 * or is let go: then it runs on without the processor, until it comes back to be
 * queued.  A thread that is held is in no queue.  What the gate does with its lock
 * is one step, but for a change of the open space: closing the one and opening the
 * other are steps of their own, without the lock.
 *
 * A slice may be over at any time when somebody waits.  Then nobody is let in, and
 * who is inside will leave, as all do.  Looks at the clock that find that nobody
 * has come who was called are so many as LOOKS says.
 *
 * Left out: who wakes processors and arms ticks (park.pml, tick.pml), spares
 * (preempt.pml), failures to open a space.
 *
 * Promises
 *	G1  a thread touches its stack only while its space is open	(touch)
 *	G2  no two spaces are open					(change)
 *	G3  all threads end: none is lost		(else a state is stuck)
 *	G4  nobody is let in before those who were called: of a thread that is held
 *	    the space is opened, and stays so until one of its threads has come,
 *	    after at most one turn of the other, but for looks	(begin)
 *
 * size: PROCESSORS=2 THREADS=3 ROUNDS=2 LOOKS=0
 * size: PROCESSORS=2 THREADS=4 ROUNDS=1 LOOKS=1
 * size: PROCESSORS=1 THREADS=3 ROUNDS=2 LOOKS=1
 * size: PROCESSORS=3 THREADS=3 ROUNDS=1 LOOKS=1
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */

#define NONE 255

#define space_of(t) ((t) % 2)

/* Spaces. */
bool accessible[2];
byte wanted_by[2];	/* threads that were held, and not let in since */
byte overtaken[2];	/* how often the other was opened while there were some */

/* Threads. */
bool queued[THREADS] = true;
bool held[THREADS];
byte on[THREADS];	/* kernel threads on its stack */
byte rounds[THREADS] = ROUNDS;
bool alone_to_go[THREADS];	/* let go: the process Alone goes on with it */
byte unfinished = THREADS;

/* The gate. */
byte open = NONE;
bool changing, called, over;
byte running, alone;
byte first = NONE, second = NONE;	/* spaces that wait */
byte looks = LOOKS;

#define LAST_THREAD (THREADS - 1)
#define THIRD	    (THREADS > 2 -> 2 : 0)
#define any_held(s)                                                                                \
	((held[0] && space_of(0) == (s)) || (held[1] && space_of(1) == (s)) ||                     \
	 (held[THIRD] && space_of(THIRD) == (s)) ||                                                \
	 (held[LAST_THREAD] && space_of(LAST_THREAD) == (s)))

#define is_empty (running + alone == 0)

#ifdef BREAK_JOIN_IN_CHANGE
#define may_join(s) (open == (s) && (called || !over))
#else
#define may_join(s) (open == (s) && !changing && (called || !over))
#endif
#ifdef BREAK_NOT_CALLED
#define is_free	    (is_empty && !changing && first == NONE)
#else
#define is_free	    (is_empty && !changing && !called && first == NONE)
#endif
#define may_call    (first != NONE && is_empty && !called && !changing)

/* One step of a thread on its stack. */
inline touch(t)
{
	atomic { assert(accessible[space_of(t)] && !accessible[1 - space_of(t)]) }
}

inline join(t)
{
	if
	:: called -> called = false; over = false
	:: else
	fi;
	running++
}

inline let_in(t)
{
	if
	:: wanted_by[space_of(t)] > 0 -> wanted_by[space_of(t)] = 0; overtaken[space_of(t)] = 0
	:: else
	fi
}

inline hold(t)
{
	held[t] = true;
	wanted_by[space_of(t)] = 1;
	if
	:: first == NONE -> first = space_of(t)
	:: first != NONE && first != space_of(t) -> second = space_of(t)
	:: else
	fi
}

/* With the lock: those of a space that are held are queued, and it waits no more. */
inline release(s)
{
	for (i : 0 .. THREADS - 1) {
		if
		:: held[i] && space_of(i) == (s) -> held[i] = false; queued[i] = true
		:: else
		fi
	};
	i = 0;
	if	/* one of the space is inside: it has had its turn */
	:: !called -> wanted_by[s] = 0; overtaken[s] = 0
	:: else
	fi;
	if
	:: first == (s) -> first = second; second = NONE
	:: second == (s) -> second = NONE
	:: else
	fi;
	if
	:: first == NONE -> over = false
	:: else
	fi
}

/* With the lock: from now on this one is to be open. */
inline begin(s)
{
	if
	:: wanted_by[1 - (s)] > 0 -> overtaken[1 - (s)]++
	:: else
	fi;
	assert(overtaken[1 - (s)] <= 1 + LOOKS);
	open = s;
	over = false;
	changing = true
}

/* Without the lock; and with it again. */
inline change(s)
{
#ifdef BREAK_OPEN_BEFORE_CLOSE
	atomic { accessible[(s)] = true };
	atomic { assert(!accessible[1 - (s)]); accessible[1 - (s)] = false };
#else
	atomic { accessible[1 - (s)] = false };
	atomic { assert(!accessible[1 - (s)]); accessible[(s)] = true };
#endif
	d_step {
		changing = false;
		release(s)
	}
}

/* Somebody has left. */
inline call_next()
{
	if
	:: atomic { may_call ->
		s = first;
		called = true;
		begin(s) };
		change(s);
		s = NONE
	:: else
	fi
}

/* The lock is not given up between leaving and calling. */
inline leave()
{
	atomic {
		running--;
		if
		:: may_call ->
			s = first;
			called = true;
			begin(s)
		:: else
		fi
	};
	if
	:: s != NONE -> change(s); s = NONE
	:: else
	fi
}

inline pick()
{
	if
	:: queued[0] -> t = 0
	:: queued[1] -> t = 1
	:: queued[THIRD] -> t = THIRD
	:: queued[LAST_THREAD] -> t = LAST_THREAD
	fi;
	queued[t] = false
}

active [PROCESSORS] proctype Processor()
{
	byte t, s = NONE, other, i;

dispatch:
	if
	:: unfinished == 0 -> goto done
	:: atomic { queued[0] || queued[1] || queued[THIRD] || queued[LAST_THREAD] -> pick() }
	fi;

	/* On a stack of its own. */
	if
	:: atomic { may_join(space_of(t)) -> join(t); let_in(t) }
	:: atomic { !may_join(space_of(t)) && is_free ->
		begin(space_of(t));
		running++;
		let_in(t) };
#ifdef BREAK_ENTER_BEFORE_OPEN
		on[t]++;
		touch(t);
		on[t]--;
#endif
		change(space_of(t))
	:: atomic { !may_join(space_of(t)) && !is_free -> hold(t); goto dispatch }
	fi;

going:
	atomic { assert(on[t] == 0); on[t] = 1 };
	touch(t);
	if
	:: goto put_off
	:: atomic { rounds[t] > 0 -> rounds[t]-- }; goto go_alone
	:: atomic { !over && open == space_of(t) &&
		((t == 0 && queued[THIRD] && THIRD != 0) ||
		 (t == THIRD && t != 0 && queued[0])) ->
		other = (t == 0 -> THIRD : 0);
		queued[other] = false };
		goto pass
	:: atomic { rounds[t] == 0 -> skip }; goto end_it
	fi;

	/* It leaves its stack for the processor's own, is queued, and the gate told. */
put_off:
	if
	:: atomic { rounds[t] > 0 -> rounds[t]-- }
	:: else -> goto end_it
	fi;
#ifdef BREAK_TOLD_BEFORE_LEFT
	leave();
	touch(t);
	atomic { on[t] = 0; queued[t] = true };
#else
	touch(t);
	atomic { on[t] = 0; queued[t] = true };
	leave();
#endif
	goto dispatch;

end_it:
	touch(t);
	on[t] = 0;
	leave();
	unfinished--;
	goto dispatch;

	/* From stack to stack. */
pass:	touch(t);
	touch(other);
	atomic { on[t] = 0; queued[t] = true; t = other; other = 0 };
	goto going;

	/* It is let go: the processor goes on without. */
go_alone:
	atomic {
		running--;
#ifndef BREAK_ALONE_NOT_COUNTED
		alone++;
#endif
		alone_to_go[t] = true
	};
#ifdef BREAK_ALONE_NOT_COUNTED
	call_next();
#endif
	goto dispatch;
done:
}

/* Threads that were let go. */
active [THREADS] proctype Alone()
{
	byte s = NONE, i;
	byte t = _pid - PROCESSORS;

end:	do
	:: atomic { alone_to_go[t] -> alone_to_go[t] = false };
		touch(t);
		touch(t);
		on[t] = 0;
#ifdef BREAK_ALONE_TELLS_NOBODY
		atomic { alone-- };
#else
		atomic {
			if
			:: alone > 0 -> alone--
			:: else
			fi;
			if
			:: may_call ->
				s = first;
				called = true;
				begin(s)
			:: else
			fi
		};
		if
		:: s != NONE -> change(s); s = NONE
		:: else
		fi;
#endif
		queued[t] = true
	od
}

/* Time passes. */
active proctype Clock()
{
	byte s = NONE, i;

end:	do
	:: atomic { first != NONE && !over -> over = true }
	:: atomic { over && called && !changing && looks > 0 ->
		looks--;
		called = false };
		call_next()
	od
}
