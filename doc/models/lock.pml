/*
 * The lock: a mutex with one designated wake in flight, and hand-over.
 *
 * Models src/sync/mutex.c without fifo, with waiters.h and the claims of
 * src/sched/waiter.c.  The word is one byte:
 *
 *	OWNER	 who owns it, counted from 1; 0: nobody
 *	LIST	 somebody edits the line
 *	WAITERS	 the line is not empty
 *	WAKING	 one was woken, and has neither got it nor begun to wait again
 *	STARVING one in the line has waited too long: no one may overtake it
 *	DEAD	 an owner ended without releasing it
 *	LOST	 the next one released it without saying that all is well again
 *
 * A thread acquires, releases, and again.  Some (a set, TIMED, a bit each) have
 * deadlines: what these do does for threads that are destroyed, too.  Some (HIGH)
 * have a higher priority.  Now and then an owner ends without releasing, once in
 * all.
 *
 * A section with LIST is two steps: from LIST being set to the last look at the
 * line, where only claims could come between, which may as well come before; and
 * the store that publishes the word.  That of a thread that waits is a process
 * of its own, for the thread may be woken before.  Looking a few times before
 * waiting is to begin late.  Claims and the wakes that follow them are separate.
 *
 * Everything is sequentially consistent: there is but one word.  That a thread
 * is not resumed before it was left is shown in wait.pml.
 *
 * Left out: pthreads, notes of what is held, recovering more than once.
 *
 * Promises
 *	one owner (M1)						(owner)
 *	nobody waits for ever (M2, M3)	(unlock; else a state is stuck)
 *	when nobody comes any more the word is clean		(Judge)
 *	after who has starved come only, before it, those of a
 *	higher priority who wait				(acquires)
 *	STARVING implies OWNED, WAITERS, and not WAKING (M4)	(unlock)
 *	what a dead owner left is told until it is recovered	(owner)
 *	no look at a record whose wait has returned (L4)	(look)
 *	no look at a lock that the last owner freed (L3)	(touch)
 *
 * size: THREADS=3 TIMED=1 ROUNDS=2 DEATHS=1 HIGH=4
 * size: THREADS=3 TIMED=2 ROUNDS=1 DEATHS=1 HIGH=0
 * size: THREADS=3 TIMED=4 ROUNDS=2 DEATHS=0 HIGH=4
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */

#define OWNER	 3
#define LIST	 4
#define WAITERS	 8
#define WAKING	 16
#define STARVING 32
#define DEAD	 64
#define LOST	 128
byte word;

#ifdef BREAK_SWAP_OVER_LIST
#define BARRED (OWNER | STARVING | LOST)
#else
#define BARRED (LIST | OWNER | STARVING | LOST)
#endif
#ifdef BREAK_DEAD_LEFT_TO_WOKEN
#define SPECIAL (LIST | STARVING)
#else
#define SPECIAL (LIST | STARVING | DEAD)
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

byte last;		/* owner, counted from 1 */
bool starved[THREADS];
byte overdue;		/* it has starved: of its priority no other may come */
bool inside;		/* somebody owns it */
bool broken, ruined;	/* an owner died; the next did not recover */
byte deaths;
bool freed;

#define look(t) assert(claim[t] != RUNNING)
#define touch() assert(!freed)

/* --- the line, with LIST -------------------------------------------------------------- */

#define is_high(t) ((HIGH & (1 << (t))) != 0)

/* The higher priority first; in front of its own, or behind. */
#define comes_before(t, other, front)                                          \
	((other) == 0 || (is_high(t) && !is_high((other) - 1)) ||               \
	 (is_high(t) == is_high((other) - 1) && (front)))

#define is_in_line(t) (line[0] == (t) + 1 || line[1] == (t) + 1 || line[2] == (t) + 1)

inline insert(t, front)
{
	i = THREADS - 1;
	do
	:: i > 0 && comes_before(t, line[i - 1], front) -> line[i] = line[i - 1]; i--
	:: else -> break
	od;
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
		fi
#endif
	od
}

#define LINE_SET (line[0] != 0 -> WAITERS : 0)

/* Publishes the word. */
inline unlock()
{
	touch();
	word = (pending & ~(LIST | WAITERS)) | LINE_SET;
	pending = 0;
	assert(!(word & WAITERS) || (word & (OWNER | WAKING)));
	assert(!(word & STARVING) || ((word & OWNER) && (word & WAITERS) && !(word & WAKING)))
}

/* --- acquiring --------------------------------------------------------------- */

/* In the step in which the word comes to say so, or is to. */
inline acquires(t)
{
	if
	:: overdue != 0 && overdue != t + 1 ->
		assert(is_high(t) && !is_high(overdue - 1) && claim[t] == WOKEN)
	:: else -> overdue = 0
	fi;
	last = t + 1
}

/* Takes it, or joins the line, or finds that it is lost. */
inline publish(t)
{
	waits = false;
	pending = word;
	if
#ifndef BREAK_WAKING_KEPT_IN_LINE
	:: woken -> pending = pending & ~WAKING
#endif
	:: else
	fi;
	if
#ifndef BREAK_JOIN_WITHOUT_OWNED
	:: pending & LOST
	:: !(pending & (OWNER | LOST)) -> pending = pending | (t + 1); acquires(t)
#endif
	:: else ->
		waits = true;
		insert(t, woken);
		if
		:: woken -> pending = pending | STARVING; starved[t] = true; overdue = t + 1
		:: true -> starved[t] = false
		fi;
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

/* Who was not woken leaves; if it starved there that is over. */
inline retract(t)
{
	pending = word;
	if
#ifdef BREAK_STARVING_ENDED_BY_ANY
	:: true -> pending = pending & ~STARVING
#elif !defined(BREAK_STARVING_LEFT_SET)
	:: starved[t] && is_in_line(t) -> pending = pending & ~STARVING
#endif
	:: else
	fi;
	remove(t);
	word = word | LIST
}

/* --- releasing --------------------------------------------------------------- */

/* Whoever starved is in the line no more, or is next: that is over. */
inline look_whether_starved()
{
#ifdef BREAK_STARVING_ENDED_BY_ANOTHER
	pending = pending & ~STARVING
#else
	if
	:: line[0] == 0 || starved[line[0] - 1] -> pending = pending & ~STARVING
	:: else
	fi
#endif
}

inline hand_over()
{
	do
	:: look_whether_starved();
		if
		:: line[0] == 0 -> first = 0; break
		:: else -> first = line[0]; look(first - 1); remove(first - 1)
		fi;
		if
		:: claim[first - 1] == WAITING -> claim[first - 1] = WOKEN; break
		:: else
		fi
	od;
	if
	:: first != 0 ->
		acquires(first - 1);
		pending = pending | first;
		wakes = 1 << (first - 1)
	:: else
	fi
}

inline wake_first()
{
	if
	:: !(pending & WAKING) ->
		claim_first();
		if
		:: first != 0 -> wakes = 1 << (first - 1); pending = pending | WAKING
		:: else
		fi
	:: else
	fi
}

inline lose()
{
	pending = (pending & ~(DEAD | STARVING)) | LOST;
#ifndef BREAK_LOST_NOT_TOLD
	do
	:: claim_first();
		if
		:: first != 0 -> wakes = wakes | (1 << (first - 1))
		:: else -> break
		fi
	od
#endif
}

/* Nobody owns it any more. */
inline choose()
{
	if
#ifndef BREAK_NO_HAND_OVER
	:: pending & STARVING -> hand_over()
#endif
	:: else -> pending = pending & ~STARVING; wake_first()
	fi
}

inline drop()
{
	pending = word & ~OWNER;
	if
	:: pending & DEAD -> lose()
	:: else -> choose()
	fi;
	word = word | LIST
}

inline abandon()
{
	broken = true;
	pending = (word & ~OWNER) | DEAD;
	choose();
	word = word | LIST
}

/* Who was woken waits no more: takes it if it is free after all. */
inline give_up(t)
{
	waits = true;
#ifdef BREAK_WAKING_LEFT_SET
	pending = word;
#else
	pending = word & ~WAKING;
#endif
	if
#ifndef BREAK_FREE_LOCK_LEFT
	:: !(pending & (OWNER | LOST)) ->
		pending = pending | (t + 1);
		acquires(t);
		waits = false
#endif
	:: else
	fi;
	word = word | LIST
}

inline wake()
{
	d_step {
		do
		:: i < THREADS ->
			if
			:: wakes & (1 << i) -> look(i); assert(!awake[i]); awake[i] = true
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

inline acquire(t)
{
	woken = false;
	atomic {
		touch();
		if
		:: !(word & BARRED) -> acquires(t); word = word | (t + 1); goto owner
		:: else
		fi
	};
again:	atomic { !(word & LIST) -> touch(); publish(t) };
	if
	:: !waits -> atomic { unlock() }
	:: else ->
		if
		:: atomic { awake[t] -> awake[t] = false }
		:: atomic {	/* the deadline passes */
				timed && claim[t] == WAITING ->
				claim[t] = TIMED_OUT;
				if
				:: overdue == t + 1 -> overdue = 0
				:: else
				fi
			};
#ifndef BREAK_NO_RETRACT
			atomic { !(word & LIST) -> touch(); retract(t) };
			atomic { unlock() };
#endif
			goto without
		fi
	fi;
	atomic {	/* finish, and go on */
		touch();
		claim[t] = RUNNING;
		if
		:: (word & OWNER) == t + 1 -> goto owner
		:: (word & OWNER) != t + 1 && (word & LOST) -> goto without
		:: else -> assert(waits)
		fi
	};
	woken = true;
	atomic {
		touch();
		if
		:: !(word & BARRED) -> acquires(t); word = (word | (t + 1)) & ~WAKING; goto owner
		:: (word & BARRED) && timed
		:: (word & BARRED) && !(word & LOST) -> goto again
		:: word & LOST -> goto without
		fi
	};
	atomic { !(word & LIST) -> touch(); give_up(t) };
	atomic { unlock() };
	if
	:: waits -> goto without
	:: else -> goto owner
	fi
}

inline release(t)
{
	leaving[t] = (round == ROUNDS);
#ifdef BREAK_LOOK_AFTER_RELEASE
	atomic { !(word & (LIST | DEAD | STARVING)) -> touch(); word = word & ~OWNER };
	atomic {
		touch();
		if
		:: (word & (OWNER | LIST | WAITERS | WAKING)) == WAITERS
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
	atomic {
		touch();
		if
		:: (word & WAKING) && !(word & SPECIAL) -> word = word & ~OWNER; goto done
		:: !(word & LIST) -> drop()
		fi
	};
	unlock_and_wake()
}

proctype Thread(byte t; bool timed)
{
	byte round, i, first, wakes;
	bool woken, waits;

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

/*
 * Whoever acquires last frees the lock once its own release has returned; those
 * of earlier owners may still be on their way.
 */
#define GONE(t) (finished[t] || (leaving[t] && last != t + 1))

active proctype Freer()
{
end:	atomic { GONE(0) && GONE(1) && GONE(2) -> freed = true }
}

/* When nothing can happen any more. */
active proctype Judge()
{
	timeout;
	assert(finished[0] && finished[1] && finished[2]);
	assert((word & ~(DEAD | WAKING)) == (ruined -> LOST : 0));
	assert(!(word & WAKING) || ruined)
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
