/*
 * Buffers for one sender and one receiver: waiting, and closing.
 *
 * Models src/comm/spsc.c, with what waits (buffer_wait.c) and closes (buffer.c),
 * waiters.h, and the claims of src/sched/waiter.c.
 *
 * The sender sends MESSAGES messages, copied or made in place, and may cancel
 * before each; the receiver receives as long as there are any, or as it likes;
 * somebody may close at any time.  TIMED is a set, a bit a party: each that is in
 * it times out once, or is woken through another object of a select, and tries
 * again.
 *
 * What a party stores without a lock goes through a store buffer, because it is
 * ordered before the looks that follow by a light fence only; the heavy fence of
 * the other empties both.  A party's own locked instructions empty its own.  A
 * section with LIST is one step where nothing else is looked at meanwhile, and
 * the wake that follows it is part of it: that it is done later is as if who was
 * woken went on later.
 *
 * Left out: batches, which are one message with a larger number; faults, which
 * come before anything is changed; that each party knows the other's number of
 * some time ago, but in the sender's `limit`.
 *
 * Promises
 *	no message is lost, doubled, or overtaken		(receiver)
 *	one that was refused is never received			(Judge)
 *	one that was made in place is never refused		(look_who_asks)
 *	no cell is written before it was read (C2)		(sender)
 *	-EPIPE comes after the last message (C3)		(Judge)
 *	no lost wake-up (C4)					(Judge)
 *	no look at a record whose wait has returned		(look)
 *
 * size: CAPACITY=1 MESSAGES=3 TIMED=3
 * size: CAPACITY=2 MESSAGES=4 TIMED=3
 * size: CAPACITY=2 MESSAGES=5 TIMED=0
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */

#define SENDER	 0
#define RECEIVER 1

/* What is seen by all, once it has left the store buffers. */
byte done[2];		/* the number that the party has come to */
byte promised;		/* what the sender has reserved ends there */
bool awaited[2];	/* the other waits for this party */
bool closing;		/* beside the sender's `awaited`: one look sees both */
byte cell[CAPACITY];	/* a number, counted from 1; 0: it was read */

/* Of the word of `in`, with LIST; and where the messages end, then. */
bool closed;
byte end_of_all;

#define DONE	 0
#define PROMISED 1
chan stores[2] = [4] of { bit, byte };

/* Of each side, that of the party which changes it: who waits is the other. */
bool list[2];
bool linked[2];

/* Of each party. */
#define RUNNING	  0
#define WAITING	  1
#define WOKEN	  2
#define TIMED_OUT 3
byte claim[2];
bool awake[2];		/* runnable again */
bool finished[2];

byte sent, received;	/* in truth */
bool gone;		/* the receiver does not come any more */

#define other(p) (1 - (p))
#define look(p)	 assert(claim[p] != RUNNING)

/* --- store buffers -------------------------------------------------------------- */

inline drain_one(p)
{
	if
	:: stores[p]?DONE(done[p])
	:: stores[p]?PROMISED(promised)
	fi
}

inline drain(p)
{
	do
	:: len(stores[p]) > 0 -> drain_one(p)
	:: else -> break
	od
}

inline heavy_fence()
{
	d_step { drain(SENDER); drain(RECEIVER) }
}

proctype Memory(byte p)
{
end:	do
	:: atomic { len(stores[p]) > 0 -> drain_one(p) }
	od
}

/* --- waking ---------------------------------------------------------------------- */

/* With LIST: whoever waits for this party is claimed, and woken. */
inline claim_waiter(p, won)
{
	won = false;
	if
	:: linked[p] ->
		look(other(p));
		linked[p] = false;
		won = (claim[other(p)] == WAITING)
	:: else
	fi;
	if
	:: won -> claim[other(p)] = WOKEN; awake[other(p)] = true
	:: else
	fi
}

/* By a receiver that has come further. */
inline wake_if_awaited(p)
{
	if
	:: !awaited[p]
	:: awaited[p] ->
		atomic {
			!list[p] -> drain(p);
			awaited[p] = false;
			claim_waiter(p, won);
			won = false
		}
	fi
}

/*
 * By a sender that has come further, or given up what it had reserved.  Closed
 * meanwhile: what was sent after the end was not sent.
 */
inline look_who_asks()
{
	if
	:: atomic { !awaited[SENDER] && !closing -> skip }
	:: atomic { awaited[SENDER] || closing -> skip };
		atomic {
			!list[SENDER] -> drain(SENDER);
			awaited[SENDER] = false;
			if
			:: closed && done[SENDER] > end_of_all ->
#ifdef BREAK_NOT_TAKEN_BACK
				skip
#else
				assert(!made);
				done[SENDER] = end_of_all;
				sent = end_of_all;
				cell[end_of_all % CAPACITY] = 0
#endif
			:: closed && done[SENDER] <= end_of_all ->
#ifdef BREAK_PROMISE_KEPT_UP
				skip
#else
				end_of_all = done[SENDER]
#endif
			:: else
			fi;
			claim_waiter(SENDER, won);
			won = false
		}
	fi
}

/* --- waiting ----------------------------------------------------------------------- */

/* With LIST: must. */
inline look_whether_full()
{
	atomic { must = (done[SENDER] == done[RECEIVER] + CAPACITY) };
	atomic { must = must && !closed }
}

inline look_whether_empty()
{
	atomic { must = (done[SENDER] == done[RECEIVER]) };
	atomic { must = must && !(closed && end_of_all == done[RECEIVER]) }
}

/* Until the other, p, has come further, or somebody closes. */
inline await(self, p)
{
	awaited[p] = true;
#ifndef BREAK_ANNOUNCED_LIGHTLY
	heavy_fence();
#endif
	atomic { !list[p] -> drain(self); list[p] = true };
	if
	:: self == SENDER -> look_whether_full()
	:: else -> look_whether_empty()
	fi;
	atomic {
#ifndef BREAK_TAKEN_BACK_UNSEEN
		must = must && awaited[p];
#endif
		if
		:: must -> linked[p] = true; claim[self] = WAITING
		:: else -> awaited[p] = false
		fi;
		list[p] = false
	};
end_waiting:
	if
	:: !must
	:: atomic { must && awake[self] -> awake[self] = false }
	:: atomic {
			must && timed && claim[self] == WAITING ->
			timed = false;
			claim[self] = TIMED_OUT
		};
#ifndef BREAK_NO_RETRACT
		atomic { !list[p] -> drain(self); linked[p] = false };
#endif
		awaited[p] = false
	fi;
	atomic { claim[self] = RUNNING; must = false }
}

/* --- the parties ---------------------------------------------------------------------- */

proctype Sender(bool timed)
{
	byte limit = CAPACITY, at;
	bool won, must, made;

next:	if
	:: sent == MESSAGES -> goto out
	:: sent < MESSAGES
	fi;
again:	if
	:: closing -> goto out
	:: !closing
	fi;
	if
	:: atomic { limit == sent -> limit = done[RECEIVER] + CAPACITY }
	:: limit > sent
	fi;
	if
	:: limit == sent -> await(SENDER, RECEIVER); goto again
	:: limit > sent
	fi;
	if
	:: true		/* it is copied */
	:: made = true;	/* it is made in place; or not at all */
#ifndef BREAK_PROMISE_NOT_TOLD
		stores[SENDER]!PROMISED(sent + 1);
#endif
#ifndef BREAK_PROMISE_UNCHECKED
		if
		:: !closing
		:: closing ->
			atomic {
				!list[SENDER] -> drain(SENDER);
				if
				:: closed && end_of_all == sent -> promised = sent; goto out
				:: else
				fi
			}
		fi;
#endif
		if
		:: true
		:: made = false; stores[SENDER]!PROMISED(sent);
#ifdef BREAK_CANCEL_NOT_TOLD
			goto next
#else
			goto told
#endif
		fi
	fi;
#ifdef BREAK_LOOK_BEFORE_DONE
	look_who_asks();
#endif
	atomic {
		at = sent % CAPACITY;
		assert(cell[at] == 0);
		sent++;
		cell[at] = sent;
		at = 0
	};
	stores[SENDER]!DONE(sent);
told:
#ifndef BREAK_LOOK_BEFORE_DONE
	look_who_asks();
#endif
	made = false;
	goto next;

out:	finished[SENDER] = true
}

/* What was sent; closed, what was sent before the end. */
inline look_how_far()
{
#ifdef BREAK_CLOSED_LOOKED_AT_FIRST
	atomic { ends = closing };
	atomic { seen = done[SENDER] };
#else
	atomic { seen = done[SENDER] };
	atomic { ends = closing };
#endif
	if
	:: ends ->
#ifndef BREAK_END_NOT_AWAITED
		closed;
#endif
		atomic { seen = done[SENDER] };
#ifndef BREAK_END_PASSED
		atomic {
			if
			:: seen > end_of_all -> seen = end_of_all
			:: else
			fi
		}
#endif
	:: !ends
	fi
}

proctype Receiver(bool timed)
{
	byte seen;
	bool won, must, ends;

next:	if
	:: true
	:: gone = true; goto out
	fi;
again:	look_how_far();
	if
	:: seen == received && ends && end_of_all == received -> goto out
	:: seen == received && !(ends && end_of_all == received) -> goto none
	:: seen != received
	fi;
	atomic {
		assert(cell[received % CAPACITY] == received + 1);
		cell[received % CAPACITY] = 0;
		received++;
		seen = 0;
		ends = false
	};
	stores[RECEIVER]!DONE(received);
	wake_if_awaited(RECEIVER);
	goto next;

none:	atomic { seen = 0; ends = false };
	await(RECEIVER, SENDER);
	goto again;

out:	finished[RECEIVER] = true
}

active proctype Closer()
{
	bool won;

	if
	:: true -> goto open	/* nobody does */
	:: true
	fi;
	closing = true;
#ifndef BREAK_CLOSED_LIGHTLY
	heavy_fence();
#endif
	atomic {
		!list[SENDER] ->
		closed = true;
		end_of_all = (promised > done[SENDER] -> promised : done[SENDER]);
		claim_waiter(SENDER, won)
	};
#ifndef BREAK_CLOSE_NOT_TOLD_SENDER
	atomic { !list[RECEIVER] -> claim_waiter(RECEIVER, won) };
#endif
open:	skip
}

/* When nothing can happen any more. */
active proctype Judge()
{
	timeout;
	assert(finished[SENDER] || (gone && !closed && sent == received + CAPACITY));
	assert(finished[RECEIVER] || (!closed && sent == MESSAGES));
	assert(received == sent || gone)
}

init
{
	atomic {
		run Memory(SENDER);
		run Memory(RECEIVER);
		run Sender((TIMED & 1) != 0);
		run Receiver((TIMED & 2) != 0)
	}
}
