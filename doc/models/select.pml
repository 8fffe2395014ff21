/*
 * Select: one who waits for several objects, and is woken through any.
 *
 * Models src/comm/select.c, with proxies (src/sync/waiters.h), claims
 * (src/sched/waiter.c: enroll, enrolled, claim_enrolling), the joiner's side of
 * src/sync/join.c that a select takes, and close_join in src/sched/end.c.
 *
 * Two objects are buffers: a sender puts a token into one and wakes the first who
 * waits for it.  Each of SELECTORS threads selects from both, once; the first of
 * them may join a thread, too, that ends at some time, if JOIN is 1, and may be
 * asked to end.  TIMED is a set, a bit a thread: those that may have
 * a deadline.  PLAIN
 * threads, of larger numbers, wait for the first object only.  Each object gets
 * up to POSTS tokens.  If ENDS is 1 the first may end when it is about to use a
 * wake: its memory faults.
 *
 * A section with LIST is one step where nothing is looked at that it does not
 * guard; claims are no such thing.  All is sequentially consistent here: that
 * commit and destroy find each other over fences is shown in wait.pml.
 *
 * Left out: eventcounts, which wake all who are due, and keep their tokens; those
 * who wait to send, who are as those who wait to receive; pthreads; timers as
 * objects: that a claim of one that has left them is without effect is shown in
 * wait.pml.
 *
 * Promises
 *	exactly one case is done, none after a deadline (S1)	(done)
 *	no lost wake-up, nor one that is not used (S2, S3)	(Judge)
 *	one wake a wait						(wake)
 *	no look at a record, or a case, whose call returned (S4) (look)
 *
 * size: SELECTORS=1 PLAIN=1 POSTS=1 TIMED=1 JOIN=1 ENDS=1
 * size: SELECTORS=2 PLAIN=0 POSTS=1 TIMED=1 JOIN=0 ENDS=1
 * size: SELECTORS=1 PLAIN=2 POSTS=1 TIMED=2 JOIN=0 ENDS=0
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */

#define THREADS (SELECTORS + PLAIN)

/* The objects. */
byte tokens[2];
bool list[2];
byte order[2 * THREADS];	/* threads, counted from 1; 0: no more */

/* The join word: 0, a thread, counted from 1, or one of these. */
#define CLOSING 254
#define ENDED	255
byte join;

/* Of each thread. */
#define RUNNING	  0
#define ENROLLING 1
#define WAITING	  2
#define WOKEN	  3
#define TIMED_OUT 4
#define DESTROYED 5
byte claim[THREADS];
bool calls[THREADS];	/* it is in its call: there are its record and its cases */
bool awake[THREADS];	/* runnable again */
bool finished[THREADS];
byte won_by[THREADS];	/* the object through which it was claimed, counted from 1 */
bool asked;		/* the first is to end */

byte posts, taken;

/* The result of a call: the number of its case. */
#define JOINED 2
#define NONE   3

#define look(t)	    assert(calls[t])
#define IS_TIMED(t) ((TIMED & (1 << (t))) != 0)
#define JOINS(t)    (JOIN && (t) == 0)

/* --- orders, with LIST ------------------------------------------------------------- */

#define first_of(o) order[(o) * THREADS]

inline append(o, t)
{
	i = (o) * THREADS;
	do
	:: order[i] != 0 -> i++
	:: else -> break
	od;
	order[i] = t + 1;
	i = 0
}

inline prepend(o, t)
{
	i = (o) * THREADS + THREADS - 1;
	do
	:: i > (o) * THREADS -> order[i] = order[i - 1]; i--
	:: else -> break
	od;
	order[i] = t + 1;
	i = 0
}

/* From the place where it is; was_in: there was one. */
inline remove(o, t)
{
	i = (o) * THREADS;
	do
	:: i < (o + 1) * THREADS && order[i] != t + 1 -> i++
	:: else -> break
	od;
	was_in = (i < (o + 1) * THREADS);
	do
	:: i + 1 < (o + 1) * THREADS -> order[i] = order[i + 1]; i++
	:: i + 1 == (o + 1) * THREADS -> order[i] = 0; i++
	:: else -> break
	od;
	i = 0
}

/* --- claiming and waking ---------------------------------------------------------------- */

/* won: it is to be woken. */
inline claim_found(t)
{
	won = false;
	atomic { look(t); word = claim[t] };
#ifndef BREAK_ENROLLING_LEFT_ALONE
	if
	:: word == ENROLLING ->
		atomic {
			look(t);
			if
			:: claim[t] == ENROLLING ->
				claim[t] = WOKEN;
				word = WOKEN;
#ifdef BREAK_ENROLLING_WOKEN
				won = true
#endif
#ifdef BREAK_ENROLLING_NOT_SEEN_TO_WAIT
			:: else -> word = WOKEN
#else
			:: else -> word = claim[t]
#endif
			fi
		}
	:: else
	fi;
#endif
	if
	:: word == WAITING ->
		atomic {
			look(t);
			won = (claim[t] == WAITING);
			if
			:: won -> claim[t] = WOKEN
			:: else
			fi
		}
	:: else
	fi;
	word = 0
}

/* With LIST: first, counted from 1; 0: nobody. */
inline claim_first(o)
{
	do
	:: atomic { first_of(o) == 0 -> first = 0; break }
	:: atomic {
			first_of(o) != 0 ->
			first = first_of(o);
			look(first - 1);
			remove(o, first - 1);
			was_in = false
		};
		claim_found(first - 1);
		if
		:: won -> won_by[first - 1] = o + 1; won = false; break
#ifdef BREAK_WAKE_LOST_WITH_THE_CLAIMED
		:: !won -> first = 0; break
#endif
		:: !won
		fi
	od
}

inline wake(t)
{
	atomic { assert(claim[t] == WOKEN && !awake[t]); look(t); awake[t] = true }
}

inline wake_first()
{
	if
	:: first != 0 -> wake(first - 1); first = 0
	:: first == 0
	fi
}

proctype Sender(byte o)
{
	byte i, first, word;
	bool won, was_in;

	atomic { !list[o] -> list[o] = true };
	claim_first(o);
	atomic { tokens[o]++; list[o] = false };
	wake_first()
}

/* The thread that may be joined. */
proctype Ending()
{
	byte first, word;
	bool won;

	atomic { first = join; join = CLOSING };
	if
	:: first != 0 -> claim_found(first - 1)
	:: first == 0
	fi;
	join = ENDED;
	if
	:: won -> wake(first - 1)
	:: !won
	fi
}

/* The first is asked to end, at any time. */
proctype Destroyer()
{
	asked = true;
	atomic {
		if
		:: claim[0] == WAITING -> claim[0] = DESTROYED; awake[0] = true
		:: else
		fi
	}
}

/* --- the call ------------------------------------------------------------------------------ */

inline begin(t)
{
	atomic {
		calls[t] = true;
		if
		:: IS_TIMED(t) -> timed = true
		:: true
		fi
	}
}

inline done(t, what)
{
	assert(calls[t] && !finished[t] && result == NONE);
	result = what
}

#define ALL_TRIED (JOINS(t) -> 7 : 3)

inline try_buffer(t, o)
{
	atomic {
		tried = tried | (1 << o);
		if
		:: tokens[o] > 0 -> tokens[o]--; taken++; done(t, o); tried = 0; goto leave
		:: else
		fi
	}
}

/* In any order, until one can be done. */
inline try_all(t)
{
	do
	:: (tried & 1) == 0 -> try_buffer(t, 0)
	:: (tried & 2) == 0 -> try_buffer(t, 1)
	:: (tried & 4) == 0 && JOINS(t) ->
		atomic {
			join != CLOSING ->
			tried = tried | 4;
			if
			:: join == ENDED -> done(t, JOINED); tried = 0; goto leave
			:: else
			fi
		}
	:: tried == ALL_TRIED -> tried = 0; break
	od
}

/* With LIST, unless waits is false already. */
inline enroll(t, o)
{
	if
	:: waits ->
		atomic {
			!list[o] ->
#ifdef BREAK_ENROLLED_WITHOUT_A_LOOK
			waits = true;
#else
			waits = (tokens[o] == 0);
#endif
			if
			:: waits -> append(o, t); enrolled[o] = true
			:: else
			fi
		}
	:: !waits
	fi
}

inline enroll_to_join(t)
{
	if
	:: waits && JOINS(t) ->
		atomic {
			waits = (join == 0);
			if
			:: waits -> join = t + 1; joins = true
			:: else
			fi
		}
	:: else
	fi
}

/* Then it looks whether it was asked to end. */
inline commit(t)
{
	atomic {
		waits = (waits && claim[t] == ENROLLING);
#ifdef BREAK_COMMIT_STORED
		waits = (waits || claim[t] == WOKEN);
#endif
		if
		:: waits -> claim[t] = WAITING
		:: else -> claim[t] = WOKEN
		fi
	};
#ifndef BREAK_NO_LOOK_WHETHER_ASKED
	atomic {
		if
		:: t == 0 && asked && claim[t] == WAITING -> claim[t] = DESTROYED; awake[t] = true
		:: else
		fi
	}
#endif
}

inline publish(t)
{
	claim[t] = ENROLLING;
	waits = true;
	enroll(t, 0);
	enroll(t, 1);
	enroll_to_join(t);
	commit(t)
}

inline retract(t, o)
{
	if
	:: enrolled[o] ->
#ifndef BREAK_NO_RETRACT
		atomic { !list[o] -> remove(o, t); was_in = false };
#endif
		enrolled[o] = false
	:: !enrolled[o]
	fi
}

/* Who finds CLOSING waits: who ends may look at the record still. */
inline retract_join(t)
{
	if
	:: joins ->
#ifdef BREAK_CLOSING_NOT_WAITED_FOR
		atomic {
#else
		atomic {
			join != CLOSING;
#endif
			if
			:: join == t + 1 -> join = 0
			:: else
			fi;
			joins = false
		}
	:: !joins
	fi
}

/* By one that ends: somebody else may use it. */
inline pass_on(o)
{
	atomic { !list[o] -> list[o] = true };
	if
	:: tokens[o] > 0 -> claim_first(o)
	:: tokens[o] == 0
	fi;
	list[o] = false;
	wake_first()
}

/* It was claimed through by - 1: that one is tried first. */
inline use_wake(t)
{
	if
#ifndef BREAK_ANOTHER_TRIED_FIRST
	:: atomic {
			if
			:: tokens[by - 1] > 0 ->
				tokens[by - 1]--;
				taken++;
				done(t, by - 1);
				by = 0;
				goto leave
			:: else -> by = 0
			fi
		}
#else
	:: by = 0
#endif
	:: ENDS && t == 0 ->
#ifndef BREAK_NOT_PASSED_ON
		pass_on(by - 1);
#endif
		by = 0;
		goto leave
	fi
}

proctype Selector(byte t)
{
	byte i, first, word, tried, by, result = NONE;
	bool timed, won, waits, was_in, joins, enrolled[2];

	begin(t);
again:	try_all(t);
	if
	:: true
	:: timed -> goto leave
	fi;
	publish(t);
end_waiting:
	if
	:: atomic { !waits || awake[t] -> awake[t] = false; waits = false }
	:: atomic { waits && timed && claim[t] == WAITING ->
			claim[t] = TIMED_OUT;
			waits = false
		}
	fi;
	retract(t, 0);
	retract(t, 1);
#ifndef BREAK_NO_RETRACT_OF_JOIN
	retract_join(t);
#endif
	if
	:: atomic { claim[t] == WOKEN -> claim[t] = RUNNING; by = won_by[t]; won_by[t] = 0 };
		if
		:: by != 0 -> use_wake(t)
		:: by == 0
		fi;
		goto again
	:: claim[t] != WOKEN -> goto leave
	fi;

leave:	atomic {
		claim[t] = RUNNING;
		calls[t] = false;
		finished[t] = true
	}
}

/* Receives from the first object. */
proctype Receiver(byte t)
{
	byte i, result = NONE;
	bool timed, waited, was_in;

	begin(t);
again:	atomic {
		if
		:: tokens[0] > 0 -> tokens[0]--; taken++; done(t, 0); goto out
		:: else
		fi
	};
	atomic {
		!list[0] ->
		if
		:: tokens[0] > 0 -> goto again
		:: tokens[0] == 0 && waited -> prepend(0, t)
		:: tokens[0] == 0 && !waited -> append(0, t)
		fi;
		waited = true;
		claim[t] = WAITING
	};
end_waiting:
	if
	:: atomic { awake[t] -> awake[t] = false; claim[t] = RUNNING; goto again }
	:: atomic { timed && claim[t] == WAITING -> claim[t] = TIMED_OUT };
		atomic { !list[0] -> remove(0, t) }
	fi;
out:	atomic { calls[t] = false; finished[t] = true }
}

/* When nothing can happen any more, who waits has reason to. */
active proctype Judge()
{
	byte t;

	timeout;
	d_step {
		for (t : 0 .. THREADS - 1) {
			assert(finished[t] || claim[t] == WAITING);
			assert(finished[t] || tokens[0] == 0);
			assert(finished[t] || t >= SELECTORS || tokens[1] == 0);
			assert(finished[t] || !JOINS(t) || join != ENDED)
		};
		assert(finished[0] || !asked);
		assert(taken + tokens[0] + tokens[1] == 2 * posts)
	}
}

init
{
	byte t;

	atomic {
		for (t : 0 .. SELECTORS - 1) {
			run Selector(t)
		};
		for (t : SELECTORS .. THREADS - 1) {
			run Receiver(t)
		};
		do
		:: posts < POSTS -> posts++; run Sender(0); run Sender(1)
		:: break
		od;
		if
		:: JOIN -> run Ending()
		:: true
		fi;
		if
		:: JOIN -> run Destroyer()
		:: true
		fi
	}
}
