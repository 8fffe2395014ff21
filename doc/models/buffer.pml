/*
 * Buffers for any number of senders and receivers: claiming, waiting, closing.
 *
 * Models src/comm/ring.c and kept.c, with what waits (buffer_wait.c) and closes
 * (buffer.c), waiters.h, and the claims of src/sched/waiter.c.
 *
 * Senders send up to SENDS messages each, receivers receive up to RECEIVES.
 * KEEPING is a set, a bit a thread, senders first: those that do so in place,
 * where a sender may cancel; which is what it does for a thread that ends, too.
 * Those that copy find up to FAULTS times in all that the message cannot be read.
 * Somebody may close at any time.  TIMED is the set of those that may have a
 * deadline, or be destroyed.
 *
 * A claim without LIST is one step: its compare and swap fails if what it has
 * seen has changed.  One with LIST is two, the second of which publishes the
 * number.  A wake is part of the step after which it comes: that it is done later
 * is as if who was woken went on later.  Who would spin stops until there is
 * something that it could do: so a cell that is never published is a stuck state.
 *
 * All is sequentially consistent.  What a fence is for is shown by mutations that
 * do what it orders in the wrong order.
 *
 * Left out: batches, which claim as many waiters as numbers; select (select.pml);
 * pthreads.
 *
 * Promises
 *	no message is lost, doubled, or overtaken by one with a
 *	greater number						(receive, Judge)
 *	no cell is written before it was read			(fill)
 *	no lost wake-up (B5, B6): who waits has reason to	(Judge)
 *	nobody spins for ever (B3)		(else a state is stuck)
 *	nothing is sent after close, all is received		(Judge)
 *	who gives up leaves no gap (B4)				(Judge)
 *	no look at a record whose wait has returned		(look)
 *
 * size: CAPACITY=2 SENDERS=2 SENDS=2 RECEIVERS=2 RECEIVES=1 TIMED=4 KEEPING=10 FAULTS=0
 * size: CAPACITY=2 SENDERS=2 SENDS=2 RECEIVERS=1 RECEIVES=2 TIMED=1 KEEPING=6 FAULTS=1
 * size: CAPACITY=1 SENDERS=1 SENDS=2 RECEIVERS=3 RECEIVES=1 TIMED=2 KEEPING=1 FAULTS=0
 * size: CAPACITY=1 SENDERS=2 SENDS=2 RECEIVERS=1 RECEIVES=2 TIMED=1 KEEPING=2 FAULTS=1
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */

#define THREADS (SENDERS + RECEIVERS)

/* Senders change `in`, and wait for `out`. */
#define IN  0
#define OUT 1
byte in, out;
bool closed;
bool list[2];
byte queue[2 * THREADS];	/* threads, counted from 1; 0: no more */

/* The cells: the number that each is for, its turn, and a message. */
#define FREE	 0
#define FULL	 1
#define RESERVED 2
#define SKIPPED	 3
#define TAKEN	 4
byte number[CAPACITY], turn[CAPACITY];
byte message[CAPACITY];		/* its number, counted from 1; 0: none */

/* Of each thread. */
#define RUNNING	  0
#define WAITING	  1
#define WOKEN	  2
#define TIMED_OUT 3
byte claim[THREADS];
bool awake[THREADS];	/* runnable again */
bool finished[THREADS];

byte faults;
byte sent, received;	/* messages, in truth */
bool drained;		/* a receiver was told so */

#define look(t)	    assert(claim[t] != RUNNING)
#define is_in(set, t) (((set) & (1 << (t))) != 0)

#define first_of(side)	  queue[(side) * THREADS]
#define has_waiters(side) (first_of(side) != 0)

/* --- cells ------------------------------------------------------------------------ */

#define cell(n)	  ((n) % CAPACITY)
#define is(n, t)  (number[cell(n)] == (n) && turn[cell(n)] == (t))
#define set(n, t) turn[cell(n)] = (t)

/* It is free for the next round. */
inline vacate(n)
{
	number[cell(n)] = (n) + CAPACITY;
	turn[cell(n)] = FREE
}

inline fill(n)
{
	assert(message[cell(n)] == 0);
	message[cell(n)] = (n) + 1;
	sent++
}

inline receive(n)
{
	assert(message[cell(n)] == (n) + 1);
	message[cell(n)] = 0;
	received++
}

/* --- orders, with LIST --------------------------------------------------------------- */

inline append(side, t)
{
	d_step {
		i = (side) * THREADS;
		do
		:: queue[i] != 0 -> i++
		:: else -> break
		od;
		queue[i] = t + 1;
		i = 0
	}
}

inline prepend(side, t)
{
	d_step {
		i = (side) * THREADS + THREADS - 1;
		do
		:: i > (side) * THREADS -> queue[i] = queue[i - 1]; i--
		:: else -> break
		od;
		queue[i] = t + 1;
		i = 0
	}
}

/* From the place where it is, if it is there. */
inline remove(side, t)
{
	i = (side) * THREADS;
	do
	:: i < (side + 1) * THREADS && queue[i] != t + 1 -> i++
	:: else -> break
	od;
	do
	:: i + 1 < (side + 1) * THREADS -> queue[i] = queue[i + 1]; i++
	:: i + 1 == (side + 1) * THREADS -> queue[i] = 0; i++
	:: else -> break
	od;
	i = 0
}

#define ALL 255

/* Up to n of those who wait; they are to be woken. */
inline claim_waiters(side, n)
{
	d_step {
		more = (n);
		do
		:: more == 0 || first_of(side) == 0 -> break
		:: else ->
			first = first_of(side) - 1;
			look(first);
			remove(side, first);
			if
#ifdef BREAK_CLAIM_UNCHECKED
			:: true ->
#else
			:: claim[first] == WAITING ->
#endif
				claim[first] = WOKEN;
				wakes = wakes | (1 << first);
				more--
#ifdef BREAK_WAKE_LOST_WITH_WHO_LEAVES
			:: else -> more--
#else
			:: else
#endif
			fi
		od;
		more = 0;
		first = 0
	}
}

inline wake()
{
	d_step {
		do
		:: wakes == 0 -> break
		:: wakes != 0 ->
			if
			:: wakes & (1 << first) ->
				assert(!awake[first] && claim[first] == WOKEN);
				awake[first] = true;
				wakes = wakes & ~(1 << first)
			:: else
			fi;
			first++
		od;
		first = 0
	}
}

/* Who was claimed is woken when the cell is published, not before. */
inline put_off()
{
	d_step { later = wakes; wakes = 0 }
}

inline wake_put_off()
{
	wakes = later;
	later = 0;
	wake()
}

/* --- what is done with LIST ------------------------------------------------------------- */

#ifdef BREAK_LOOK_BEFORE_PUBLISHING
#define look_before(side)  seen = (list[side] || has_waiters(side))
#define sees_waiters(side) seen
#else
#define look_before(side)  skip
#define sees_waiters(side) has_waiters(side)
#endif

/* How many messages, or places, there are: up to a cell that is kept. */
inline count(side)
{
	d_step {
		if
		:: side == IN ->
			do
			:: out + next < in && !is(out + next, RESERVED) -> next++
			:: else -> break
			od
		:: else ->
			do
			:: in + next < out + CAPACITY &&
				(in + next < CAPACITY || !is(in + next - CAPACITY, TAKEN)) -> next++
			:: else -> break
			od
		fi
	}
}

/* Who waits for what a cell kept back. */
inline wake_kept_back(side)
{
	if
	:: atomic { !list[side] && !sees_waiters(side) -> skip }
	:: atomic {
			!list[side] && sees_waiters(side) ->
			if
#ifdef BREAK_ONE_WOKEN_WHEN_CLOSED
			:: side == IN && closed -> claim_waiters(side, 1)
#else
			:: side == IN && closed -> claim_waiters(side, ALL)
#endif
#ifdef BREAK_ONE_WOKEN
			:: else -> claim_waiters(side, 1)
#else
			:: else -> count(side); claim_waiters(side, next); next = 0
#endif
			fi;
			wake()
		}
	fi
}

/* Frees the cells at the head for which there will be no message. */
inline drop_skipped()
{
	atomic {
		!list[OUT] ->
		list[OUT] = true;
		d_step {
			do
			:: is(out + dropped, SKIPPED) -> vacate(out + dropped); dropped++
			:: else -> break
			od
		};
#ifndef BREAK_DROPPED_UNTOLD
		claim_waiters(OUT, dropped)
#endif
	};
	atomic { out = out + dropped; dropped = 0; list[OUT] = false; wake() }
}

inline drop_if_skipped()
{
	if
	:: is(out, SKIPPED) -> drop_skipped()
	:: else
	fi
}

/* One that waits; or, if it need not any more, does not. */
inline wait(t, side)
{
	atomic {
#ifndef BREAK_LOOK_BEFORE_LIST
		!list[side] ->
		list[side] = true;
#endif
		seen = closed;
		next = (side == OUT -> in : out)
	};
	atomic {
		if
		:: side == OUT ->
			must = (!seen && next >= CAPACITY && (is(next - CAPACITY, TAKEN) ||
				(out + CAPACITY == next
#ifndef BREAK_SKIPPED_IS_FULL
				 && !is(next - CAPACITY, SKIPPED)
#endif
				)))
		:: else ->
			must = (is(next, RESERVED) || (in == next && !closed))
		fi;
		next = 0;
		seen = false;
#ifdef BREAK_LOOK_BEFORE_LIST
	};
	atomic {
		!list[side] ->
#endif
		if
		:: must && waited -> prepend(side, t)
		:: must && !waited -> append(side, t)
		:: else
		fi;
		if
		:: must -> waited = true; claim[t] = WAITING
		:: else
		fi;
		list[side] = false
	};
end_waiting:
	if
	:: atomic { !must || awake[t] -> awake[t] = false; must = false; claim[t] = RUNNING }
	:: atomic {
			must && timed && claim[t] == WAITING ->
			claim[t] = TIMED_OUT;
			timed = false;
			must = false
		};
#ifndef BREAK_NO_RETRACT
		atomic { !list[side] -> remove(side, t) };
#endif
		atomic { claim[t] = RUNNING; goto gone }
	fi
}

/* --- threads ----------------------------------------------------------------------------- */

/* Claims the next number, mine; or waits; or finds that it is closed. */
inline claim_place(t)
{
	if
	:: atomic {
#ifdef BREAK_CLAIMED_OVER_LIST
			!closed && is(in, FREE) ->
#else
			!list[IN] && !has_waiters(IN) && !closed && is(in, FREE) ->
#endif
			mine = in;
			in++
		}
	:: atomic {
#ifdef BREAK_CLAIMED_WHEN_CLOSED
			!list[IN] && (has_waiters(IN) || closed) && is(in, FREE) ->
#else
			!list[IN] && has_waiters(IN) && !closed && is(in, FREE) ->
#endif
			list[IN] = true;
			mine = in;
			if
			:: !keeps -> claim_waiters(IN, 1)
			:: keeps
			fi
		};
		atomic { in++; list[IN] = false }
	:: closed -> goto gone
	:: is(out, SKIPPED) -> drop_skipped(); goto again
	:: !is(in, FREE) && !is(out, SKIPPED) && !closed && in >= CAPACITY &&
		(out + CAPACITY == in || is(in - CAPACITY, TAKEN)) -> wait(t, OUT); goto again
	fi
}

inline commit()
{
	look_before(IN);
#ifdef BREAK_FULL_BEFORE_FILLED
	set(mine, FULL);
	atomic { fill(mine) };
#else
	atomic { fill(mine); set(mine, FULL) };
#endif
#ifndef BREAK_COMMIT_UNTOLD
	wake_kept_back(IN)
#endif
}

inline cancel()
{
	look_before(IN);
	set(mine, SKIPPED);
	wake_kept_back(IN);
#ifndef BREAK_SKIPPED_NOT_DROPPED
	drop_if_skipped()
#endif
}

proctype Sender(byte t; bool timed, keeps)
{
	byte i, mine, next, more, first, wakes, later, dropped, round;
	bool waited, must, seen;

	do
	:: round < SENDS ->
again:		claim_place(t);
		if
		:: !keeps -> atomic { fill(mine); set(mine, FULL); wake() }
		:: !keeps && faults < FAULTS ->
			atomic { faults++; set(mine, SKIPPED) };
			put_off();
			drop_if_skipped();
			atomic { wake_put_off() }
		:: keeps ->
			set(mine, RESERVED);
			if
			:: commit()
			:: cancel()
			fi
		fi;
		atomic { round++; mine = 0; waited = false }
	:: true -> break
	od;
gone:	finished[t] = true
}

inline claim_message(t)
{
	if
	:: atomic {
			!list[OUT] && !has_waiters(OUT) && is(out, FULL) ->
			mine = out;
			out++
		}
	:: atomic {
			!list[OUT] && has_waiters(OUT) && is(out, FULL) ->
			list[OUT] = true;
			mine = out;
			if
			:: !keeps -> claim_waiters(OUT, 1)
			:: keeps
			fi
		};
		atomic { out++; list[OUT] = false; put_off() };
#ifndef BREAK_SKIPPED_HEAD_UNSEEN
		if	/* more than these may send now */
		:: later != 0 -> drop_if_skipped()
		:: later == 0
		fi
#endif
	:: is(out, SKIPPED) -> drop_skipped(); goto again
	:: atomic { closed && in == out -> drained = true; goto gone }
	:: is(out, RESERVED) || (in == out && !closed) -> wait(t, IN); goto again
	fi
}

inline end_use()
{
	look_before(OUT);
	atomic { receive(mine); vacate(mine) };
#ifndef BREAK_DONE_UNTOLD
	wake_kept_back(OUT);
#endif
#ifndef BREAK_SKIPPED_BEHIND_UNSEEN
	drop_if_skipped()	/* it may be the head since this one was taken */
#endif
}

proctype Receiver(byte t; bool timed, keeps)
{
	byte i, mine, next, more, first, wakes, later, dropped, round;
	bool waited, must, seen;

	do
	:: round < RECEIVES ->
again:		claim_message(t);
		if
		:: !keeps ->
#ifdef BREAK_FREE_BEFORE_READ
			atomic { vacate(mine); wake_put_off() };
			atomic { receive(mine) }
#else
			atomic { receive(mine); vacate(mine); wake_put_off() }
#endif
		:: keeps ->
			set(mine, TAKEN);
			end_use()
		fi;
		atomic { round++; mine = 0; waited = false }
	:: true -> break
	od;
gone:	finished[t] = true
}

active proctype Closer()
{
	byte i, more, first, wakes;

	if
	:: true -> goto open	/* nobody closes */
	:: true
	fi;
	atomic { !list[IN] -> closed = true; claim_waiters(IN, ALL); wake() };
#ifndef BREAK_CLOSE_UNTOLD
	atomic { !list[OUT] -> claim_waiters(OUT, ALL); wake() };
#endif
open:	skip
}

/* When nothing can happen any more, who waits has reason to. */
active proctype Judge()
{
	byte t, n, left;

	timeout;
	d_step {
		for (t : 0 .. THREADS - 1) {
			assert(finished[t] || (claim[t] == WAITING && !closed));
			assert(finished[t] || t < SENDERS || in == out);
			assert(finished[t] || t >= SENDERS ||
			       (in == out + CAPACITY && is(out, FULL)))
		};
		for (n : 0 .. CAPACITY - 1) {
			left = left + (turn[n] == FULL -> 1 : 0);
			assert(turn[n] != RESERVED && turn[n] != TAKEN)
		};
		assert(!drained || in == out);
		assert(sent == received + left && !list[IN] && !list[OUT])
	}
}

init
{
	byte t;

	atomic {
		for (t : 0 .. CAPACITY - 1) {
			number[t] = t
		};
		for (t : 0 .. SENDERS - 1) {
			run Sender(t, is_in(TIMED, t), is_in(KEEPING, t))
		};
		for (t : SENDERS .. THREADS - 1) {
			run Receiver(t, is_in(TIMED, t), is_in(KEEPING, t))
		}
	}
}
