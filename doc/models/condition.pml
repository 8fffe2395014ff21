/*
 * The condition: two stages, between which who waits is not woken.
 *
 * Models src/sync/condition.c, and of src/sync/mutex.c what it needs, with
 * waiters.h, the claims of src/sched/waiter.c, and vci_waiter_divert.
 *
 * Consumers wait, with the lock, until there is a token, and take it, or give up
 * when their deadline passes; TIMED is the set of those that have one, a bit a
 * thread.  Being destroyed is the same but that it is no deadline: then, too,
 * they leave with the lock.  Consumers in the set HOSTS are pthreads, which keep
 * the deadline in the second stage.  Producers make a token and signal, or as
 * many as there are consumers and broadcast, with the lock or after it, up to
 * CALLS times.
 *
 * The first stage is the condition's order, guarded by its LIST; the second the
 * line of the lock, guarded by that of the lock.  The lock's word has OWNER,
 * LIST, WAITERS and WAKING as in lock.pml, where sections with LIST are
 * explained, too.  The wake that ends such a section is part of its last step:
 * that it is done later is as if who was woken went on later.
 *
 * Left out: STARVING, DEAD, LOST, deadlines of acquiring, all in lock.pml;
 * batches; a second lock for the same condition.
 *
 * Promises
 *	no signal is lost: while there are tokens nobody waits	(Judge)
 *	nobody waits for the lock for ever			(Judge)
 *	who waited goes on with the lock (C3)			(consumer)
 *	one owner						(owner)
 *	no look at a record whose wait has returned		(look)
 *	no look at a condition or a lock that is freed as soon
 *	as all waits have returned				(touch)
 *
 * size: CONSUMERS=2 PRODUCERS=1 CALLS=2 TIMED=1 HOSTS=1
 * size: CONSUMERS=2 PRODUCERS=2 CALLS=1 TIMED=1 HOSTS=0
 * size: CONSUMERS=3 PRODUCERS=1 CALLS=1 TIMED=1 HOSTS=1
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */

#define THREADS (CONSUMERS + PRODUCERS)

/* The lock's word, and what its LIST guards. */
#define OWNER	7
#define LIST	8
#define WAITERS 16
#define WAKING	32
byte word, pending;
bool joins;		/* somebody waits, and LIST is still set for it */

/* The condition's, and what its LIST guards. */
bool list, waiters;
byte broadcasts;
byte key[THREADS];	/* broadcasts when it began to wait */
bool waits;		/* somebody waits, and LIST is still set for it */
byte to_wake;		/* and whom it is to wake, counted from 1 */

/* The line and the order: threads, counted from 1; 0: no more. */
#define LINE  0
#define ORDER THREADS
byte queue[2 * THREADS];

/* Of each thread. */
#define RUNNING	     0
#define WAITING	     1
#define WAITING_FIRM 2	/* no deadline, and it cannot be destroyed */
#define WOKEN	     3
#define TIMED_OUT    4
byte claim[THREADS];
bool second[THREADS];	/* stage */
bool awake[THREADS];	/* runnable again */
bool past[THREADS];	/* a producer's last call has found somebody */
bool finished[THREADS];

byte tokens;
bool inside;		/* somebody owns the lock */
bool freed;

#define look(t) assert(claim[t] != RUNNING)
#define touch() assert(!freed)
#define IS_TIMED(t) ((TIMED & (1 << (t))) != 0)
#define IS_HOST(t)  ((HOSTS & (1 << (t))) != 0)

/* --- the line, or the order, with its LIST ------------------------------------------------ */

inline append(t, from)
{
	i = from;
	do
	:: queue[i] != 0 -> i++
	:: else -> break
	od;
	queue[i] = t + 1;
	i = 0
}

inline prepend(t, from)
{
	i = from + THREADS - 1;
	do
	:: i > from -> queue[i] = queue[i - 1]; i--
	:: else -> break
	od;
	queue[from] = t + 1;
	i = 0
}

/* From the place where it is, if it is there. */
inline remove(t, from)
{
	i = from;
	do
	:: i < from + THREADS && queue[i] != t + 1 -> i++
	:: else -> break
	od;
	do
	:: i < from + THREADS - 1 -> queue[i] = queue[i + 1]; i++
	:: i == from + THREADS - 1 -> queue[i] = 0; i++
	:: else -> break
	od;
	i = 0
}

#define CAN_BE_CLAIMED(t) (claim[t] == WAITING || claim[t] == WAITING_FIRM)

/* It concerns a broadcast of that number, a signal, a release. */
#define CONCERNED(t, from, number) (from == LINE || key[t] < number)
#define ANY 255

/* The first that can be claimed: first, counted from 1; 0: nobody. */
inline claim_first(from, number)
{
	do
	:: queue[from] == 0 -> first = 0; break
	:: queue[from] != 0 && !CONCERNED(queue[from] - 1, from, number) -> first = 0; break
	:: else ->
		first = queue[from];
		look(first - 1);
		remove(first - 1, from);
		if
		:: CAN_BE_CLAIMED(first - 1) -> claim[first - 1] = WOKEN; break
#ifdef BREAK_SIGNAL_LOST_ON_TIMEOUT
		:: !CAN_BE_CLAIMED(first - 1) && from == ORDER -> first = 0; break
#endif
		:: else
		fi
	od
}

inline wake(t)
{
	assert(!awake[t] && claim[t] == WOKEN);
	awake[t] = true
}

/* --- the lock --------------------------------------------------------------- */

inline lock()
{
	!(word & LIST) -> touch();
	pending = word;
	word = word | LIST
}

inline unlock()
{
	touch();
	word = (pending & ~(LIST | WAITERS)) | (queue[LINE] != 0 -> WAITERS : 0);
	pending = 0;
	assert(!(word & WAITERS) || (word & (OWNER | WAKING)))
}

/* Nobody owns it any more: whom to wake, first. */
inline drop()
{
	first = 0;
	pending = pending & ~OWNER;
	if
	:: !(pending & WAKING) ->
		claim_first(LINE, ANY);
		if
		:: first != 0 -> pending = pending | WAKING
		:: else
		fi
	:: else
	fi
}

/* In one step, or in two: then first is to be woken. */
inline begin_to_release(t)
{
	atomic {
		touch();
		slow = false;
		if
		:: word == t + 1 -> word = 0
		:: word != t + 1 && (word & WAKING) && !(word & LIST) -> word = word & ~OWNER
		:: word != t + 1 && !(word & LIST) -> lock(); drop(); slow = true
		fi
	}
}

inline wake_first()
{
	if
	:: first != 0 -> wake(first - 1); first = 0
	:: else
	fi
}

inline release(t)
{
	begin_to_release(t);
	if
	:: slow -> atomic { unlock(); wake_first() }
	:: else
	fi
}

/* By one that was woken: the lock is its own, or it tries again. */
inline finish(t)
{
	atomic {
		awake[t] -> awake[t] = false;
		touch();
		claim[t] = RUNNING;
		second[t] = false;
		if
		:: (word & OWNER) == t + 1 -> goto owner
		:: else -> goto again
		fi
	}
}

/* As in lock.pml, without a deadline: takes it, or joins the line. */
inline acquire(t)
{
	woken = false;
	goto try;
again:	woken = true;
try:	atomic {
		touch();
		if
		:: !(word & (LIST | OWNER)) ->
			word = (woken -> word & ~WAKING : word) | (t + 1);
			goto owner
		:: else
		fi
	};
	atomic {
		lock();
		pending = (woken -> pending & ~WAKING : pending);
		if
		:: !(pending & OWNER) -> pending = pending | (t + 1)
		:: else ->
			if
			:: woken -> prepend(t, LINE)
			:: else -> append(t, LINE)
			fi;
			claim[t] = WAITING_FIRM;
			joins = true
		fi
	};
	if
	:: claim[t] == RUNNING -> atomic { unlock() }
	:: else -> finish(t)
	fi
}

/* The end of a publish step whose thread waits, and may be woken meanwhile. */
active proctype Joiner()
{
end:	do
	:: atomic { joins -> joins = false; unlock() }
	od
}

/* --- the condition --------------------------------------------------------------- */

inline lock_condition()
{
	!list -> touch();
	list = true
}

inline unlock_condition()
{
	touch();
	list = false;
	waiters = (queue[ORDER] != 0)
}

inline insert(t)
{
	atomic { lock_condition(); append(t, ORDER); key[t] = broadcasts }
}

/* In the place of the thread that waits: whom to wake when all is done, to_wake. */
inline release_for(t)
{
	begin_to_release(t);
	if
	:: slow -> atomic { unlock(); to_wake = first; first = 0 }
	:: else
	fi
}

inline publish(t)
{
#ifdef BREAK_RELEASE_BEFORE_INSERT
	release_for(t);
	insert(t);
#else
	insert(t);
	release_for(t);
#endif
#ifdef BREAK_COMMIT_AFTER_UNLOCK
	atomic { unlock_condition() };
#endif
	atomic { claim[t] = WAITING; waits = true }
}

/* Likewise. */
active proctype Publisher()
{
end:	do
	:: atomic {
			waits -> waits = false;
#ifndef BREAK_COMMIT_AFTER_UNLOCK
			unlock_condition();
#endif
			if
			:: to_wake != 0 -> wake(to_wake - 1); to_wake = 0
			:: else
			fi
		}
	od
}

/* Who was not woken leaves the list of the stage it is in. */
inline finish_unwoken(t)
{
	if
	:: !second[t] ->
		timed_out = true;
#ifndef BREAK_NO_LEAVE
		atomic { lock_condition(); remove(t, ORDER) };
		atomic { unlock_condition() }
#endif
	:: else ->
#ifndef BREAK_NO_RETRACT
		atomic { lock(); remove(t, LINE) };
		atomic { unlock() }
#endif
	fi;
	claim[t] = RUNNING;
	second[t] = false
}

/* Of a claimed waiter, counted from 1: the second stage. */
inline invite(w)
{
	atomic {
		lock();
		look(w - 1);
		if
#ifndef BREAK_JOIN_WITHOUT_OWNED
		:: !(pending & OWNER) -> pending = pending | w; goto handed
#endif
		:: else ->
			append(w - 1, LINE);
			second[w - 1] = true
#ifndef BREAK_DIVERT_AFTER_UNLOCK
			;
			divert(w - 1)
#endif
		fi
	};
	atomic { unlock() };
#ifdef BREAK_DIVERT_AFTER_UNLOCK
	atomic { divert(w - 1) };
#endif
	goto invited;
handed:	atomic { unlock(); wake(w - 1) };
invited: skip
}

inline divert(w)
{
	claim[w] = (IS_HOST(w) -> WAITING : WAITING_FIRM)
}

inline claim_next()
{
	if
	:: all ->
		atomic { lock_condition(); claim_first(ORDER, number) };
		atomic { unlock_condition() }
	:: else
	fi
}

/* Or all, a broadcast. */
inline signal(t)
{
	atomic {
		touch();
		if
#ifdef BREAK_LOOK_PAST_LIST
		:: !waiters -> goto signalled
#else
		:: !waiters && !list -> goto signalled
#endif
		:: else
		fi
	};
	atomic {
		lock_condition();
		if
		:: all -> broadcasts++; number = broadcasts
		:: else -> number = ANY
		fi;
		claim_first(ORDER, number);
		past[t] = (last && !keeps && first != 0);
		this = first;
		first = 0
	};
	atomic { unlock_condition() };
	do
	:: this == 0 -> break
	:: else ->	/* the next is claimed before this one is let go */
#ifndef BREAK_LET_GO_BEFORE_CLAIMING
		claim_next();
#endif
		invite(this);
#ifdef BREAK_LET_GO_BEFORE_CLAIMING
		claim_next();
#endif
		this = first;
		first = 0
	od
}

/* --- threads --------------------------------------------------------------- */

proctype Consumer(byte t)
{
	byte i, first;
	bool woken, slow, timed_out;

start:	acquire(t);

owner:	atomic { assert(!inside && (word & OWNER) == t + 1); inside = true };
	atomic {
		inside = false;
		if
		:: timed_out -> goto leave
		:: !timed_out && tokens > 0 -> tokens--; goto leave
		:: else
		fi
	};
	publish(t);
end_waiting:
	if
	:: finish(t)
	:: atomic { IS_TIMED(t) && claim[t] == WAITING -> claim[t] = TIMED_OUT };
		finish_unwoken(t);
#ifdef BREAK_RETURN_WITHOUT_LOCK
		goto owner
#else
		goto start
#endif
	fi;

leave:	release(t);
	finished[t] = true
}

proctype Producer(byte t)
{
	byte i, first, this, made, number;
	bool woken, slow, all, keeps, last;

next:	acquire(t);

owner:	atomic { assert(!inside && (word & OWNER) == t + 1); inside = true };
	atomic {
		inside = false;
		made++;
		if
		:: all = true; tokens = tokens + CONSUMERS
		:: all = false; tokens++
		fi;
		if
		:: keeps = true	/* the lock, while it signals */
		:: keeps = false
		fi;
		if
		:: last = true
		:: made < CALLS -> last = false
		fi
	};
	if
	:: !keeps -> release(t)
	:: else
	fi;
	signal(t);
signalled:
	if
	:: keeps -> release(t)
	:: else
	fi;
	if
	:: !last -> goto next
	:: else
	fi;
	finished[t] = true
}

#define DONE(t) (finished[t] || past[t])
#if CONSUMERS == 2 && PRODUCERS == 1
#define all_returned() (finished[0] && finished[1] && DONE(2))
#elif CONSUMERS == 2
#define all_returned() (finished[0] && finished[1] && DONE(2) && DONE(3))
#else
#define all_returned() (finished[0] && finished[1] && finished[2] && DONE(3))
#endif

/*
 * All waits have returned, and the lock was released: the owner frees both.  A
 * signal that let one of them go may still be on its way.
 */
active proctype Freer()
{
end:	atomic { all_returned() -> freed = true }
}

/* When nothing can happen any more, who waits does so on the condition. */
active proctype Judge()
{
	byte t;

	timeout;
	d_step {
		for (t : 0 .. THREADS - 1) {
			assert(finished[t] || (t < CONSUMERS && claim[t] == WAITING && !second[t]));
			assert(finished[t] || tokens == 0)
		};
		assert(word == 0 && !list)
	}
}

init
{
	byte t;

	atomic {
		for (t : 0 .. CONSUMERS - 1) {
			run Consumer(t)
		};
		for (t : CONSUMERS .. THREADS - 1) {
			run Producer(t)
		}
	}
}
