/*
 * The reader-writer lock, in its three policies.
 *
 * Models src/sync/rwlock.c, with waiters.h and the claims of
 * src/sched/waiter.c.  POLICY is 0 for READERS_FIRST, 1 for WRITERS_FIRST, 2 for
 * FAIR.  Threads below WRITERS write, and may become readers then; the others
 * read.  TIMED is a set, a bit a thread: those with deadlines.  The word is in
 * three parts, always changed in one step:
 *
 *	readers	how many hold the lock
 *	word	OWNED by a writer; LIST; WAITERS; CLOSED to readers that come
 *	writer	who owns it; the model's own, for M1
 *
 * Sections with LIST, deadlines and destruction are as in lock.pml: between LIST
 * and the store that publishes the word others see the old one.
 *
 * Left out: owners that end, DEAD and LOST (lock.pml has them, of a mutex; those
 * of this lock are tested in tests/unit/rwlock-dead.c); pthreads; notes of what
 * is held.
 *
 * Promises
 *	one writer, or readers (R1)				(holds)
 *	the first in the order may not enter (R2)		(unlock)
 *	CLOSED is as the policy says (R4)			(unlock)
 *	nobody waits for ever			(else a state is stuck)
 *	who was woken holds the lock (R3)			(holds)
 *	READERS_FIRST: no reader waits but for a writer's end	(unlock)
 *	WRITERS_FIRST: no reader enters while a writer waits	(enters)
 *	FAIR: nobody enters past one that waits longer		(enters)
 *	when nobody comes any more the word is clean		(Judge)
 *	no look at a record whose wait has returned (L4)	(look)
 *	no look at a lock that the last holder freed (L3)	(touch)
 *
 * size: POLICY=2 READERS=2 WRITERS=2 TIMED=5 ROUNDS=1
 * size: POLICY=1 READERS=2 WRITERS=2 TIMED=5 ROUNDS=1
 * size: POLICY=0 READERS=2 WRITERS=2 TIMED=5 ROUNDS=1
 * size: POLICY=2 READERS=2 WRITERS=1 TIMED=1 ROUNDS=2
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */

#define READERS_FIRST 0
#define WRITERS_FIRST 1
#define FAIR	      2

#define THREADS (READERS + WRITERS)

#define OWNED	1
#define LIST	2
#define WAITERS 4
#define CLOSED	8
byte word, readers;

/* Guarded by LIST: what is to be published, and the order. */
byte p_word, p_readers;
byte order[THREADS];	/* threads, counted from 1; 0: no more */
byte publishing;	/* a thread that waits, and LIST is still set for it */

/* Of each thread. */
#define RUNNING	  0
#define WAITING	  1
#define WOKEN	  2
#define TIMED_OUT 3
byte claim[THREADS];
bool awake[THREADS];	/* runnable again */
bool leaving[THREADS];	/* in its last release */
bool released[THREADS];	/* and the word says so */
bool holding[THREADS];	/* by the word; perhaps not yet running */
bool finished[THREADS];

/* Who waits and can be claimed, and who of these came before it: a bit each. */
byte waiting;
byte before[THREADS];

byte reading, writing;	/* inside */
bool freed;

#define BIT(t)	      (1 << (t))
#define ALL_WRITERS   (BIT(WRITERS) - 1)
#define IS_WRITER(t)  ((t) < WRITERS)
#define IS_TIMED(t)   ((TIMED & BIT(t)) != 0)

#define look(t) assert(claim[t] != RUNNING)
#define touch() assert(!freed)

/* --- the order, with LIST --------------------------------------------------------------- */

#if POLICY == READERS_FIRST
#define KEY(t) (IS_WRITER(t) -> 1 : 0)
#elif POLICY == WRITERS_FIRST
#define KEY(t) (IS_WRITER(t) -> 0 : 1)
#elif defined(BREAK_READERS_IN_FRONT)
#define KEY(t) IS_WRITER(t)
#else
#define KEY(t) 0
#endif

/* Behind all whose key is not greater. */
inline insert(t)
{
	i = THREADS - 1;
	do
	:: i > 0 && order[i - 1] == 0 -> i--
	:: i > 0 && order[i - 1] != 0 && KEY(order[i - 1] - 1) > KEY(t) ->
		order[i] = order[i - 1];
		i--
	:: else -> break
	od;
	order[i] = t + 1;
	i = 0
}

/* From the place where it is, if it is there. */
inline remove(t)
{
	i = 0;
	do
	:: i < THREADS && order[i] != t + 1 -> i++
	:: else -> break
	od;
	do
	:: i < THREADS - 1 -> order[i] = order[i + 1]; i++
	:: i == THREADS - 1 -> order[i] = 0; i++
	:: else -> break
	od;
	i = 0
}

/* --- entering --------------------------------------------------------------- */

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
inline enters(t)
{
#if POLICY == FAIR
	if
	:: waiting & BIT(t) -> assert(before[t] == 0)
	:: else -> assert(waiting == 0)
	fi;
#elif POLICY == WRITERS_FIRST
	assert(IS_WRITER(t) || !(waiting & ALL_WRITERS));
#endif
	waits_no_more(t);
	holding[t] = true
}

#ifdef BREAK_SWAP_OVER_LIST
#define OPEN (!(word & (OWNED | CLOSED)))
#else
#define OPEN (!(word & (LIST | OWNED | CLOSED)))
#endif

/* Who comes. */
#define MAY_COME(t) (IS_WRITER(t) -> word == 0 && readers == 0 : OPEN)

#ifdef BREAK_WRITER_LET_IN_BESIDE_READERS
#define MAY_ENTER(w, n, t) (!((w) & OWNED))
#else
#define MAY_ENTER(w, n, t) (!((w) & OWNED) && (!IS_WRITER(t) || (n) == 0))
#endif

inline enter_pending(t)
{
	enters(t);
	if
	:: IS_WRITER(t) -> p_word = p_word | OWNED
	:: else -> p_readers++
	fi
}

/* --- with LIST ----------------------------------------------------------------------------- */

inline lock()
{
	!(word & LIST) -> touch();
	p_word = word;
	p_readers = readers;
	word = word | LIST
}

/* All who may, claimed, to be woken when LIST is clear. */
inline let_in()
{
	do
	:: order[0] == 0 -> break
	:: order[0] != 0 && !MAY_ENTER(p_word, p_readers, order[0] - 1) -> break
	:: else ->
		first = order[0] - 1;
		look(first);
		remove(first);
		if
#ifdef BREAK_ENTER_UNCLAIMED
		:: claim[first] != WAITING -> p_readers = p_readers + !IS_WRITER(first)
#endif
		:: claim[first] == WAITING ->
			claim[first] = WOKEN;
			enter_pending(first);
			wakes = wakes | BIT(first)
#ifdef BREAK_ONE_LET_IN
			;
			break
#endif
		:: else
		fi
	od;
	first = 0
}

#if POLICY == READERS_FIRST
#define CLOSED_SET 0
#else
#define CLOSED_SET (order[0] != 0 -> CLOSED : 0)
#endif

/* Publishes the word. */
inline unlock()
{
	touch();
	word = (p_word & ~(LIST | WAITERS | CLOSED)) | (order[0] != 0 -> WAITERS : 0);
#ifdef BREAK_STAYS_CLOSED
	word = word | (p_word & CLOSED);
#endif
#ifndef BREAK_NEVER_CLOSED
	word = word | CLOSED_SET;
#endif
	readers = p_readers;
	p_word = 0;
	p_readers = 0;
	assert(order[0] == 0 || !MAY_ENTER(word, readers, order[0] - 1) ||
	       claim[order[0] - 1] != WAITING);
	assert((word & CLOSED) == CLOSED_SET);
#if POLICY == READERS_FIRST
	assert(!(waiting & ~ALL_WRITERS) || (word & OWNED))
#endif
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
#endif
	atomic { unlock(); released[t] = leaving[t] };
	wake()
}

/* Enters, or joins the order. */
inline publish(t)
{
	if
#ifndef BREAK_JOIN_UNSEEN
	:: MAY_COME(t) -> lock(); enter_pending(t); waits = false
#endif
	:: else ->
		lock();
		waits = true;
		insert(t);
		before[t] = waiting;
		waiting = waiting | BIT(t);
#ifndef BREAK_COMMIT_AFTER_UNLOCK
		claim[t] = WAITING;
#endif
		publishing = t + 1
	fi
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

/* --- threads --------------------------------------------------------------- */

inline acquire(t)
{
	atomic {
		touch();
		if
		:: MAY_COME(t) ->
			enters(t);
			if
			:: IS_WRITER(t) -> word = word | OWNED
			:: else -> readers++
			fi;
			goto holder
		:: else
		fi
	};
	atomic { !(word & LIST) -> publish(t) };
	if
	:: !waits -> atomic { unlock() }
	:: else ->
		if
		:: atomic { awake[t] -> awake[t] = false }
		:: atomic {	/* the deadline passes */
				IS_TIMED(t) && claim[t] == WAITING ->
				claim[t] = TIMED_OUT;
				waits_no_more(t)
			};
#ifndef BREAK_NO_LEAVE
			atomic {
				lock();
				remove(t);
#ifndef BREAK_NO_LET_IN_ON_TIMEOUT
				let_in()
#endif
			};
			unlock_and_wake();
#endif
			claim[t] = RUNNING;
			goto without
		fi
	fi;
	claim[t] = RUNNING
}

/* By the word, and in truth. */
inline holds(t)
{
	atomic {
		touch();
		assert(holding[t]);
		if
		:: IS_WRITER(t) -> assert(word & OWNED); writing++
		:: else -> assert(!(word & OWNED) && readers > 0); reading++
		fi;
		assert(writing == 0 || (writing == 1 && reading == 0))
	}
}

#ifdef BREAK_LAST_READER_SLIPS_OUT
#define MAY_SLIP_OUT (!(word & LIST) && (readers > 0 || !(word & WAITERS)))
#else
#define MAY_SLIP_OUT (!(word & LIST) && (readers > 1 || !(word & WAITERS)))
#endif

inline release_read(t)
{
	leaving[t] = (round == ROUNDS);
	reading--;
	atomic {
#ifdef BREAK_LOOK_AFTER_RELEASE
		!(word & LIST) -> touch(); readers--; holding[t] = false; released[t] = leaving[t]
	};
	atomic {
		touch();
		if
		:: readers == 0 && (word & (LIST | WAITERS)) == WAITERS -> lock(); let_in()
		:: else -> goto done
		fi
#else
		touch();
		if
		:: MAY_SLIP_OUT ->
			readers--;
			holding[t] = false;
			released[t] = leaving[t];
			goto done
		:: !(word & LIST) -> lock(); p_readers--; holding[t] = false; let_in()
		fi
#endif
	};
	unlock_and_wake()
}

inline release_write(t)
{
	leaving[t] = (round == ROUNDS);
	writing--;
	atomic {
		touch();
		if
		:: word == OWNED ->
			word = 0;
			holding[t] = false;
			released[t] = leaving[t];
			goto done
		:: !(word & LIST) -> lock(); p_word = p_word & ~OWNED; holding[t] = false; let_in()
		fi
	};
	unlock_and_wake()
}

inline downgrade(t)
{
	atomic {
		writing--;
		reading++;
		lock();
		p_word = p_word & ~OWNED;
		p_readers++;
#ifndef BREAK_DOWNGRADE_ALONE
		let_in()
#endif
	};
	unlock_and_wake()
}

proctype Thread(byte t)
{
	byte round, i, first, wakes;
	bool waits;

next:	round++;
	acquire(t);

holder:	holds(t);
	if
	:: IS_WRITER(t) -> release_write(t)
	:: IS_WRITER(t) -> downgrade(t); goto reader
	:: !IS_WRITER(t) ->
reader:		release_read(t)
	fi;

done:
without: if
	:: round < ROUNDS -> goto next
	:: else
	fi;
	finished[t] = true
}

#define GONE(t) (finished[t] || released[t])
#if READERS + WRITERS == 4
#define all_gone() (GONE(0) && GONE(1) && GONE(2) && GONE(3))
#else
#define all_gone() (GONE(0) && GONE(1) && GONE(2))
#endif

/*
 * The lock may be acquired, released and freed by somebody else as soon as the
 * word says that nobody holds it; releases may still be on their way.
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
		assert(word == 0 && readers == 0)
	}
}

init
{
	byte t;

	atomic {
		for (t : 0 .. THREADS - 1) {
			run Thread(t)
		}
	}
}
