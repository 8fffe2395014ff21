/*
 * The ticket lock: strictly first come, first served, with places given up.
 *
 * Models src/sync/mutex.c with fifo, with waiters.h and the claims of
 * src/sched/waiter.c.  The word is one byte:
 *
 *	OWNER	who owns it, counted from 1; 0: nobody
 *	LIST	somebody edits the line
 *	WAITERS	the line is not empty
 *	DEAD	an owner ended without releasing it
 *	LOST	the next one released it without saying that all is well again
 *
 * Threads, deadlines, dying owners, and sections with LIST are as in lock.pml.
 * A thread whose deadline has passed when it comes tries no more than once.
 *
 * When one came is when it acquires the lock or joins the line; for the promise
 * the model keeps a record of that which the lock does not have.
 *
 * Promises
 *	one owner (M1)						(owner)
 *	who acquires it came before all who still wait (M5)	(acquires)
 *	nobody waits for ever, whoever gives up	(else a state is stuck)
 *	with WAITERS somebody owns it (M5)			(unlock)
 *	a lock that is free is acquired though the deadline
 *	has passed						(try_slowly)
 *	when nobody comes any more the word is clean		(Judge)
 *	what a dead owner left is told until it is recovered	(owner)
 *	no look at a record whose wait has returned (L4)	(look)
 *	no look at a lock that the last owner freed (L3)	(touch)
 *
 * size: THREADS=4 TIMED=2 ROUNDS=1 DEATHS=1
 * size: THREADS=3 TIMED=1 ROUNDS=2 DEATHS=1
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */

#define OWNER	7
#define LIST	8
#define WAITERS 16
#define DEAD	32
#define LOST	64
byte word;

#ifdef BREAK_SWAP_OVER_LIST
#define BARRED (OWNER | LOST | WAITERS)
#else
#define BARRED (LIST | OWNER | LOST | WAITERS)
#endif

/* Guarded by LIST: the word to be published, and the line. */
byte pending;
byte line[THREADS];	/* threads, counted from 1; 0: no more */
byte publishing;	/* a thread that waits, and LIST is still set for it */

/* Of each thread. */
#define RUNNING	  0
#define WAITING	  1
#define WOKEN	  2
#define TIMED_OUT 3
byte claim[THREADS];
bool awake[THREADS];	/* runnable again */
bool leaving[THREADS];	/* in its last release */
bool finished[THREADS];

/* Who waits and can be claimed, and who of these came before it: a bit each. */
byte waiting;
byte before[THREADS];

byte last;		/* owner, counted from 1 */
bool inside;		/* somebody owns it */
bool broken, ruined;	/* an owner died; the next did not recover */
byte deaths;
bool freed;

#define BIT(t) (1 << (t))

#define look(t) assert(claim[t] != RUNNING)
#define touch() assert(!freed)

/* --- the line, with LIST -------------------------------------------------------------- */

inline insert(t)
{
	i = 0;
	do
	:: line[i] != 0 -> i++
	:: else -> break
	od;
#ifdef BREAK_JOIN_IN_FRONT
	do
	:: i > 0 -> line[i] = line[i - 1]; i--
	:: else -> break
	od;
#endif
	line[i] = t + 1;
	i = 0
}

/* From the place where it is, if it is there. */
inline remove(t)
{
	i = 0;
	do
	:: i < THREADS && line[i] != t + 1 -> i++
	:: else -> break
	od;
	do
	:: i < THREADS - 1 -> line[i] = line[i + 1]; i++
	:: i == THREADS - 1 -> line[i] = 0; i++
	:: else -> break
	od;
	i = 0
}

/* The first that can be claimed: first, counted from 1; 0: nobody. */
inline claim_first()
{
	do
	:: line[0] == 0 -> first = 0; break
	:: else ->
		first = line[0];
		look(first - 1);
		remove(first - 1);
#ifdef BREAK_CLAIM_UNCHECKED
		claim[first - 1] = WOKEN;
		break
#else
		if
		:: claim[first - 1] == WAITING -> claim[first - 1] = WOKEN; break
		:: else
#ifdef BREAK_CLAIM_ONCE
			-> first = 0; break
#endif
		fi
#endif
	od
}

#define LINE_SET (line[0] != 0 -> WAITERS : 0)

/* Publishes the word. */
inline unlock()
{
	touch();
#ifdef BREAK_WAITERS_NOT_PUBLISHED
	word = pending & ~LIST;
#else
	word = (pending & ~(LIST | WAITERS)) | LINE_SET;
#endif
	pending = 0;
	assert(!(word & WAITERS) || (word & OWNER))
}

/* --- acquiring --------------------------------------------------------------- */

/* It waits no more. */
inline waits_no_more(t)
{
	waiting = waiting & ~BIT(t);
	before[t] = 0;
	for (i : 0 .. THREADS - 1) {
		before[i] = before[i] & ~BIT(t)
	};
	i = 0
}

/* In the step in which the word comes to say so, or is to. */
inline acquires(t)
{
	if
	:: waiting & BIT(t) -> assert(before[t] == 0)
	:: else -> assert(waiting == 0)
	fi;
	waits_no_more(t);
	last = t + 1
}

/* Takes it, or joins the line, or finds that it is lost. */
inline publish(t)
{
	waits = false;
	pending = word;
	if
#ifndef BREAK_JOIN_WITHOUT_OWNED
	:: pending & LOST
	:: !(pending & (OWNER | LOST)) -> acquires(t); pending = pending | (t + 1)
#endif
	:: else ->
		waits = true;
		insert(t);
		before[t] = waiting;
		waiting = waiting | BIT(t);
#ifndef BREAK_COMMIT_AFTER_UNLOCK
		claim[t] = WAITING;
#endif
		publishing = t + 1
	fi;
	word = word | LIST
}

/* What is left of a publish step whose thread waits. */
active proctype Publisher()
{
end:	do
	:: atomic {
			publishing != 0 -> unlock();
#ifdef BREAK_COMMIT_AFTER_UNLOCK
			skip
		};
		atomic {
			claim[publishing - 1] = WAITING;
#endif
			publishing = 0
		}
	od
}

/* --- releasing --------------------------------------------------------------- */

inline hand_over()
{
	claim_first();
	if
#ifdef BREAK_NOT_HANDED_OVER
	:: first != 0 -> waits_no_more(first - 1); wakes = BIT(first - 1)
#else
	:: first != 0 -> acquires(first - 1); pending = pending | first; wakes = BIT(first - 1)
#endif
	:: else
	fi
}

inline lose()
{
	pending = (pending & ~DEAD) | LOST;
#ifndef BREAK_LOST_NOT_TOLD
	do
	:: claim_first();
		if
		:: first != 0 -> wakes = wakes | BIT(first - 1); waits_no_more(first - 1)
		:: else -> break
		fi
	od
#endif
}

inline drop()
{
	pending = word & ~OWNER;
	if
	:: pending & DEAD -> lose()
	:: else -> hand_over()
	fi;
	word = word | LIST
}

inline abandon()
{
	broken = true;
	pending = (word & ~OWNER) | DEAD;
#ifndef BREAK_ABANDONED_TO_NOBODY
	hand_over();
#endif
	word = word | LIST
}

inline wake()
{
	d_step {
		do
		:: i < THREADS ->
			if
			:: wakes & BIT(i) -> look(i); assert(!awake[i]); awake[i] = true
			:: else
			fi;
			i++
		:: else -> break
		od;
		i = 0;
		wakes = 0
	}
}

inline unlock_and_wake()
{
#ifdef BREAK_WAKE_BEFORE_UNLOCK
	wake();
	atomic { unlock() }
#else
	atomic { unlock() };
	wake()
#endif
}

/* --- threads --------------------------------------------------------------- */

/* The deadline has passed: once, and not at the mercy of who edits the line. */
inline try_slowly(t)
{
	atomic {
		!(word & LIST) ->
		touch();
		pending = word;
		if
		:: !(word & BARRED) -> acquires(t); pending = pending | (t + 1); waits = false
		:: else -> assert((word & OWNER) || (word & LOST)); waits = true
		fi;
		word = word | LIST
	};
	atomic { unlock() };
	if
	:: !waits -> goto owner
	:: else -> goto without
	fi
}

inline acquire(t)
{
	atomic {
		touch();
		if
		:: !(word & BARRED) -> acquires(t); word = word | (t + 1); goto owner
		:: else
		fi
	};
	if
	:: timed -> try_slowly(t)
	:: true
	fi;
	atomic { !(word & LIST) -> touch(); publish(t) };
	if
	:: !waits -> atomic { unlock() }
	:: else ->
		if
		:: atomic { awake[t] -> awake[t] = false }
		:: atomic {	/* the deadline passes */
				timed && claim[t] == WAITING ->
				claim[t] = TIMED_OUT;
				waits_no_more(t)
			};
#ifndef BREAK_NO_RETRACT
			atomic {
				!(word & LIST) ->
				touch();
				pending = word;
				remove(t);
				word = word | LIST
			};
			atomic { unlock() };
#endif
			goto without
		fi
	fi;
	atomic {
		touch();
		claim[t] = RUNNING;
		assert((word & OWNER) == t + 1 || (word & LOST)); /* M6 */
		if
		:: (word & OWNER) == t + 1
		:: else -> goto without
		fi
	}
}

inline release(t)
{
	leaving[t] = (round == ROUNDS);
#ifdef BREAK_LOOK_AFTER_RELEASE
	atomic { !(word & (LIST | DEAD)) -> touch(); word = word & ~OWNER };
	atomic {
		touch();
		if
		:: (word & (OWNER | LIST | WAITERS)) == WAITERS
		:: else -> goto done
		fi
	};
#else
	atomic {
		touch();
		if
		:: word == t + 1 -> word = 0; goto done
		:: else
		fi
	};
#endif
	atomic { !(word & LIST) -> touch(); drop() };
	unlock_and_wake()
}

proctype Thread(byte t; bool timed)
{
	byte round, i, first, wakes;
	bool waits;

next:	round++;
	acquire(t);

owner:	atomic {
		assert(!inside && !ruined && broken == ((word & DEAD) != 0));
		inside = true
	};
	atomic {
		inside = false;
		if
		:: broken -> ruined = true
		:: broken -> broken = false
		:: !broken
		:: !broken && deaths < DEATHS -> deaths++; leaving[t] = true; goto dead
		fi
	};
	if
	:: !broken && (word & DEAD) ->	/* it recovers */
		atomic { !(word & LIST) -> touch(); pending = word & ~DEAD; word = word | LIST };
		atomic { unlock() }
	:: else
	fi;
	release(t);
	goto done;

dead:	atomic { !(word & LIST) -> touch(); abandon() };
	unlock_and_wake();
	goto gone;

without: claim[t] = RUNNING;
done:	if
	:: round < ROUNDS -> goto next
	:: else
	fi;
gone:	finished[t] = true
}

#define GONE(t) (finished[t] || (leaving[t] && last != t + 1))
#if THREADS == 4
#define all_gone() (GONE(0) && GONE(1) && GONE(2) && GONE(3))
#else
#define all_gone() (GONE(0) && GONE(1) && GONE(2))
#endif

/*
 * Whoever acquires last frees the lock once its own release has returned; those
 * of earlier owners may still be on their way.
 */
active proctype Freer()
{
end:	atomic { all_gone() -> freed = true }
}

/* When nothing can happen any more. */
active proctype Judge()
{
	byte t;

	timeout;
	d_step {
		for (t : 0 .. THREADS - 1) {
			assert(finished[t])
		};
		assert((word & ~DEAD) == (ruined -> LOST : 0))
	}
}

init
{
	byte t;

	atomic {
		for (t : 0 .. THREADS - 1) {
			run Thread(t, t < TIMED)
		}
	}
}
