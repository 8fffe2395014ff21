/*
 * Joining: the join word of a thread, until its control block is freed.
 *
 * Models src/sync/join.c (the joiner) and src/sched/end.c (the thread that
 * ends).  The control block lies on the thread's stack: who frees it while the
 * thread still runs pulls the ground from under it.
 *
 *	RUNNING		nobody joins (NULL in the source)
 *	BUSY		the joiner is being committed, by its publish step
 *	JOINER		a joiner waits (a pointer to its record)
 *	CLOSING		the thread has begun its end, on its own stack
 *	ENDED		it has left its stack; who has the handle frees it
 *	DETACHED	it is freed for it once it has left its stack
 *
 * A thread that ends puts CLOSING in the place of what was there.  If that was
 * a joiner it claims it.  Whoever runs next on the processor stores ENDED, and
 * wakes the joiner that was claimed.  A joiner whose wait was ended by somebody
 * else takes its registration back; if it finds CLOSING the ending thread may
 * still look at its record, and it waits for ENDED, but one switch away.
 *
 * Everything is sequentially consistent here; that claims, time-outs and
 * destruction of a waiter work is shown in wait.pml.
 *
 * Promises
 *	the block is freed in the end, whatever happened	(Judge)
 *	but once, and not before its thread left its stack	(free)
 *	no look at a block that is freed			(touch)
 *	no look at the record of a joiner that has returned	(look)
 *	the joiner runs once a wait, its context saved		(make_runnable)
 *
 * size: CALLS=3
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */

/* The join word. */
#define RUNNING	 0
#define BUSY	 1
#define JOINER	 2
#define CLOSING	 3
#define ENDED	 4
#define DETACHED 5
byte word;

/* The thread that ends, and its block. */
bool on_stack = true;
bool freed;

/* The joiner: its claim word; its record, valid while it waits. */
#define PREPARING 0
#define WAITING	  1
#define WOKEN	  2
#define TIMED_OUT 3
#define DESTROYED 4
byte claim;
bool valid;
bool timed;		/* its timer is set */
bool away, saved, runnable;

#define look()	assert(valid)
#define touch()	assert(!freed)

inline free()
{
	atomic { assert(!freed && !on_stack); freed = true }
}

inline make_runnable()
{
	atomic { assert(away && saved && !runnable); runnable = true }
}

inline claim_as(state, won)
{
	atomic {
#ifdef BREAK_CLAIM_UNCHECKED
		won = true;
#else
		won = (claim == WAITING);
#endif
		if
		:: won -> claim = state
		:: else
		fi
	}
}

inline change(from, to, done)
{
	atomic {
		touch();
		done = (word == from);
		if
		:: done -> word = to
		:: else
		fi
	}
}

/* With the timers locked, if there is a deadline. */
inline commit()
{
	atomic { look(); timed = deadline; claim = WAITING }
}

/* The joiner's publish step, on the stack of the thread that runs next. */
proctype Publish(bool deadline)
{
	bool registered;

#ifdef BREAK_COMMIT_BEFORE_BUSY
	commit();
#endif
#ifdef BREAK_NEVER_BUSY
	change(RUNNING, JOINER, registered);
#else
	change(RUNNING, BUSY, registered);
#endif
	if
	:: registered ->
#ifndef BREAK_COMMIT_BEFORE_BUSY
		commit();
#endif
#ifndef BREAK_NEVER_BUSY
		touch();
		word = JOINER
#endif
	:: else ->
		claim = WOKEN;
		make_runnable()
	fi
}

inline wait_while_closing()
{
	atomic { word != CLOSING -> touch() }
}

/* A joiner that was not woken takes its registration back, unless too late. */
inline retract()
{
#ifdef BREAK_NO_RETRACT
	ended = false;
#elif defined(BREAK_RETRACT_ONCE)
	change(JOINER, RUNNING, ended);
	ended = !ended;
#else
	atomic {
		touch();
		if
		:: word == ENDED -> ended = true
		:: word == JOINER -> word = RUNNING; ended = false
		fi
	};
#endif
}

/* Waits for the end; ended tells whether it has come. */
inline join()
{
	d_step { valid = true; claim = PREPARING; away = true };
	if
	:: deadline = true
	:: deadline = false
	fi;
#ifdef BREAK_PUBLISH_BEFORE_SAVE
	run Publish(deadline);
	saved = true;
#else
	saved = true;
	run Publish(deadline);
#endif
	atomic { runnable -> runnable = false; saved = false; away = false };
	timed = false;
	if
	:: claim == WOKEN ->
		wait_while_closing();
		assert(word == ENDED);
		ended = true
	:: else ->
		assert(claim == TIMED_OUT || claim == DESTROYED);
		retract()
	fi;
	valid = false
}

inline detach()
{
#ifdef BREAK_STORED_DETACHED
	ended = (word != RUNNING);
	if
	:: !ended -> word = DETACHED
	:: else
	fi;
#else
	change(RUNNING, DETACHED, ended);
	ended = !ended;
#endif
	if
	:: ended -> wait_while_closing(); assert(word == ENDED); free()
	:: else
	fi
}

/*
 * Whoever has the handle joins, with a deadline or without, until that is done
 * or detaches.  A joiner that was destroyed leaves the handle to another, who
 * goes on in the same way.
 */
active proctype Holder()
{
	byte calls;
	bool deadline, ended;

	do
	:: calls < CALLS ->
		calls++;
		join();
		if
		:: ended && claim != DESTROYED -> free(); break
		:: else
		fi
	:: detach(); break
	od
}

/* Takes the word out of the joiner's reach. */
inline close_join()
{
#ifdef BREAK_STORED_CLOSING
	atomic { word != BUSY -> touch(); before = word };
	word = (before == DETACHED -> DETACHED : CLOSING);
#else
	atomic {
#ifndef BREAK_CLOSING_OVER_BUSY
		word != BUSY ->
#endif
		touch();
		before = word;
		word = (before == DETACHED -> DETACHED : CLOSING)
	};
#endif
}

/* What is left to do once the thread is off its stack. */
inline settle()
{
	if
	:: word == DETACHED -> free()
	:: else -> touch(); word = ENDED
	fi
}

/* The end of a thread. */
active proctype End()
{
	byte before;
	bool won;

	close_join();
	if
	:: before == JOINER -> look(); claim_as(WOKEN, won)
	:: else
	fi;
#ifdef BREAK_ENDED_ON_STACK
	settle();
	on_stack = false;
#else
	on_stack = false;
	settle();
#endif
	if
	:: won -> make_runnable()
	:: else
	fi
}

/* The joiner's deadline passes. */
active proctype Timer()
{
	bool won;

end:	do
	:: atomic { timed -> look(); timed = false; claim_as(TIMED_OUT, won) };
		if
		:: won -> make_runnable()
		:: else
		fi
	od
}

/* Somebody destroys the joiner, once. */
active proctype Destroyer()
{
	bool won;

end:	claim == WAITING;
	claim_as(DESTROYED, won);
	if
	:: won -> make_runnable()
	:: else
	fi
}

active proctype Judge()
{
	timeout;
	assert(freed)
}
