/*
 * Waiting: publish, wake, time out, destroy, on one eventcount.
 *
 * Models src/sync/wait.c, with src/sched/waiter.c (commit and claim), timers.c
 * (expiry), destroy.c and arrive_wait in switch.c, and advance in
 * src/sync/eventcount.c.
 *
 * A thread that has to wait switches away first.  What follows, the publish
 * step, runs on the next thread's stack: here a process of its own, so that
 * everything may overtake it.  The waiter's record may be used by others only
 * while its owner waits.  Life and claim words, in the control block, may be
 * looked at whenever one likes: the block may be another thread's by then, but
 * it is never unmapped.
 *
 * Stores of the publish step go through a store buffer, because the last of
 * them are ordered before the look at the destroy flag by a light fence only;
 * the heavy fence of destroy empties all buffers.  Everything else is
 * sequentially consistent: locks, compare-and-swap and release/acquire pairs
 * are taken to do what they are for, and a critical section is one step where
 * no other process can see its inside.
 *
 * Left out: several objects, the order of the waiters, batches, pthreads (with
 * them the claim HELD), what a thread does between two waits.  After a wait a
 * thread waits again, or it ends and another takes its control block over.  Of
 * two waiters only the first may have a deadline and be destroyed.
 *
 * Promises
 *	no lost wake-up, time-out or destroy		(the process Judge)
 *	one wake a wait, after the context was saved	(make_runnable)
 *	no look at a record whose wait has returned	(look)
 *	no look at an eventcount that may be freed	(touch)
 *	what was awaited holds; an end has a cause	(resume)
 *
 * size: WAITERS=1 ROUNDS=2 ADVANCES=2
 * size: WAITERS=2 ROUNDS=1 ADVANCES=1
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */

/* The claim word: a state, and above it the count of waits; at first 0. */
#define WAITING	     1
#define WAITING_FIRM 2	/* not by a destroyer */
#define WOKEN	     3
#define TIMED_OUT    4
#define DESTROYED    5
#define WORD(count, state) ((count) * 8 + (state))
#define STATE(word)	   ((word) % 8)
#ifdef BREAK_NO_COUNT
#define COUNT(word) 0
#else
#define COUNT(word) ((word) / 8)
#endif

/* The eventcount. */
byte count;		/* threads wait until it exceeds their target */
bool list;		/* the LIST bit: guards linked[] */
byte advances;		/* how many there are going to be */
bool freed;

bool timers;		/* the lock of a processor's timers: guards timed[] */

/* The waiters' records. */
bool valid[WAITERS];	/* its owner waits */
bool linked[WAITERS];
bool timed[WAITERS];
bool deadline[WAITERS];	/* it has one */
byte target[WAITERS];

/* The threads' control blocks. */
byte claim[WAITERS];
byte generation[WAITERS];	/* with destroy[] the life word */
bool destroy[WAITERS];
bool firm[WAITERS];	/* the thread has destruction disabled */
bool away[WAITERS];	/* it has decided to wait and has not resumed */
bool saved[WAITERS];	/* its context is complete */
bool runnable[WAITERS];
bool finished[WAITERS];

/*
 * The store buffer of each publish step.  How many of its last stores are
 * still to become visible: 3 the claim word, 2 the unlock of the timers, 1 the
 * unlock of the list.
 */
#define BUFFERS (WAITERS * ROUNDS)
byte buffered[BUFFERS];

#if WAITERS == 1
#define none_linked()  !linked[0]
#define all_finished() finished[0]
#else
#define none_linked()  (!linked[0] && !linked[1])
#define all_finished() (finished[0] && finished[1])
#endif

#define look(w) assert(valid[w])
#define touch() assert(!freed)

inline make_runnable(w)
{
	atomic {
		assert(away[w] && saved[w] && !runnable[w]);
		runnable[w] = true
	}
}

/* Claims a waiter that was found in a structure. */
inline claim_found(w, reason, won)
{
	atomic {
		won = (STATE(claim[w]) == WAITING || STATE(claim[w]) == WAITING_FIRM);
#ifdef BREAK_CLAIM_UNCHECKED
		won = true;
#endif
		if
		:: won -> claim[w] = WORD(COUNT(claim[w]), reason)
		:: else
		fi
	}
}

/* Claims, as destroyed, the very wait that `word` was read from. */
inline claim_destroyed(w, word, won)
{
	atomic {
		won = (STATE(word) == WAITING && claim[w] == word);
		if
		:: won -> claim[w] = WORD(COUNT(claim[w]), DESTROYED)
		:: else
		fi
	}
}

/* The thread of a control block may be claimed from now on. */
inline commit(w)
{
	if
	:: firm[w] -> claim[w] = WORD(COUNT(claim[w] + 8), WAITING_FIRM)
	:: else -> claim[w] = WORD(COUNT(claim[w] + 8), WAITING)
	fi
}

/* One buffered store of a publish step becomes visible. */
inline drain_one(b)
{
	if
	:: buffered[b] == 3 -> commit(b / ROUNDS)
	:: buffered[b] == 2 && deadline[b / ROUNDS] -> timers = false
	:: buffered[b] == 2 && !deadline[b / ROUNDS]
	:: buffered[b] == 1 -> list = false
	fi;
	buffered[b]--
}

/* In its own time, */
active [BUFFERS] proctype StoreBuffer()
{
end:	do
	:: atomic { buffered[_pid] > 0 -> drain_one(_pid) }
	od
}

/* or by a fence that reaches every processor. */
inline heavy_fence()
{
	d_step {
		b = 0;
		do
		:: b == BUFFERS -> break
		:: b < BUFFERS && buffered[b] > 0 -> drain_one(b)
		:: b < BUFFERS && buffered[b] == 0 -> b++
		od;
		b = 0
	}
}

/* The publish step of one wait, on the stack of the thread that runs next. */
proctype Publish(byte w; byte round)
{
	byte word;
	bool won;

	word = WORD(COUNT(claim[w] + 8), WAITING);
#ifdef BREAK_COMMIT_BEFORE_LIST
	atomic { commit(w) };
#endif
	atomic {
		!list -> touch();
#ifndef BREAK_NO_RECHECK
		if
		:: count > target[w] -> goto no_wait
		:: else
		fi;
#endif
		look(w);
		list = true;
		linked[w] = true
	};
	if
	:: deadline[w] -> atomic { !timers -> look(w); timers = true; timed[w] = true }
	:: else
	fi;
#ifdef BREAK_COMMIT_AFTER_TIMERS
	timers = false;
	atomic { commit(w) };
	buffered[w * ROUNDS + round] = 1;
#elif defined(BREAK_COMMIT_BEFORE_LIST)
	buffered[w * ROUNDS + round] = 2;
#else
	buffered[w * ROUNDS + round] = 3;
#endif
	/* a light fence: the stores above may still be in the buffer */
#ifndef BREAK_NO_LOOK_AT_DESTROY
	if
	:: destroy[w] ->
		buffered[w * ROUNDS + round] == 0;	/* a locked instruction */
		claim_destroyed(w, word, won);
		if
		:: won -> make_runnable(w)
		:: else
		fi
	:: else
	fi;
#endif
	goto done;
no_wait:
	claim[w] = WORD(COUNT(claim[w]), WOKEN);
	make_runnable(w);
done:	skip
}

/* A thread learns why it runs again, and takes its record back. */
inline resume(w)
{
	d_step {
		how = STATE(claim[w]);
		assert(how == WOKEN || how == TIMED_OUT || how == DESTROYED);
		assert(how != DESTROYED || (destroy[w] && !firm[w]));
		assert(how != TIMED_OUT || deadline[w]);
		assert(how != WOKEN || count > target[w])
	};
	if
#ifndef BREAK_NO_TIMER_REMOVAL
	:: deadline[w] -> atomic { !timers -> timed[w] = false }
#endif
	:: else
	fi;
	if
#ifndef BREAK_NO_UNLINK
	:: how != WOKEN -> atomic { !list -> touch(); linked[w] = false }
#endif
	:: else
	fi;
	valid[w] = false
}

inline switch_away(w)
{
	away[w] = true;
#ifdef BREAK_PUBLISH_BEFORE_SAVE
	run Publish(w, round);
	saved[w] = true;
#else
	saved[w] = true;
	run Publish(w, round);
#endif
end_waiting:
	atomic { runnable[w] -> runnable[w] = false; saved[w] = false; away[w] = false }
}

inline await(w)
{
	if
	:: w == 0 -> firm[w] = true
	:: firm[w] = false
	fi;
	if
	:: destroy[w] && !firm[w] -> how = DESTROYED
	:: (!destroy[w] || firm[w]) && count > round -> how = WOKEN
	:: else ->
		d_step { target[w] = round; valid[w] = true };
		if
		:: w == 0 -> deadline[w] = true
		:: deadline[w] = false
		fi;
		switch_away(w);
		resume(w)
	fi
}

proctype Thread(byte w)
{
	byte round, how;

	do
	:: round == ROUNDS -> break
	:: round < ROUNDS ->
		await(w);
		round++;
		if	/* it waits again, or is followed by another thread */
		:: how != DESTROYED
		:: atomic { generation[w]++; destroy[w] = false }
		fi
	od;
	finished[w] = true
}

/* The timer of one waiter runs out. */
proctype Timer(byte w)
{
	bool won;

end:	do
	:: atomic {
			!timers && timed[w] -> look(w);
			timed[w] = false;
			claim_found(w, TIMED_OUT, won)
		};
		if
		:: won -> make_runnable(w)
		:: else
		fi
	od
}

/*
 * Asks for the end of the thread that is there now, at any time.  The claim
 * word may be that of its successor, who must live: that it is not is known
 * if the generation, looked at after it, is still the same.
 */
proctype Destroyer(byte w)
{
	byte b, asked, word;
	bool won;

	atomic {
		if
		:: !finished[w] -> asked = generation[w]; destroy[w] = true
		:: true -> goto done
		fi
	};
#ifndef BREAK_NO_FENCE
	heavy_fence();
#endif
	word = claim[w];
#ifndef BREAK_NO_LOOK_AT_GENERATION
	if
	:: generation[w] != asked -> goto done
	:: else
	fi;
#endif
	claim_destroyed(w, word, won);
	if
	:: won -> make_runnable(w)
	:: else
	fi;
done:	skip
}

/* One due waiter leaves the list; who claimed it has it run. */
inline wake(w)
{
	look(w);
	linked[w] = false;
	claim_found(w, WOKEN, won);
	if
#ifdef BREAK_WAKE_BEFORE_COUNT
	:: won -> make_runnable(w)
#else
	:: won -> woken[w] = true
#endif
	:: else
	fi
}

/* The last store to the eventcount: the count, and the LIST bit off. */
inline publish_count()
{
	atomic { touch(); count = next; list = false }
}

/* An advance by one. */
proctype Advance()
{
	bool won, woken[WAITERS];
	byte w, next;

	atomic {
		!list -> touch();
		next = count + 1;
		if
		:: none_linked() -> count = next; goto done
		:: else -> list = true
		fi
	};
#ifdef BREAK_UNLINK_AFTER_COUNT
	publish_count();
#endif
	for (w : 0 .. WAITERS - 1) {
		atomic {
			touch();
			if
			:: linked[w] && target[w] < next -> wake(w)
			:: else
			fi
		}
	};
#if defined(BREAK_UNLOCK_AFTER_WAKE)
	count = next;
#elif !defined(BREAK_UNLINK_AFTER_COUNT)
	publish_count();
#endif
	for (w : 0 .. WAITERS - 1) {
		if
		:: woken[w] ->
			make_runnable(w);
#ifdef BREAK_LOOK_AFTER_WAKE
			look(w)
#endif
		:: else
		fi
	};
#ifdef BREAK_UNLOCK_AFTER_WAKE
	touch();
	list = false;
#endif
done:	skip
}

/* The owner of the eventcount frees it as soon as the contract allows. */
proctype Owner()
{
end:	atomic { all_finished() && count == advances -> freed = true }
}

/* When nothing can happen any more, whoever waits has reason to. */
proctype Judge()
{
	byte w;

	timeout;
	d_step {
		for (w : 0 .. WAITERS - 1) {
			assert(finished[w] || away[w]);
			assert(finished[w] || !destroy[w] || firm[w]);
			assert(finished[w] || !deadline[w]);
			assert(finished[w] || count <= target[w])
		}
	}
}

init
{
	byte i;

	atomic {
		for (i : 0 .. WAITERS - 1) {
			run Thread(i)
		};
		run Timer(0);
		run Destroyer(0);
		do
		:: advances < ADVANCES -> run Advance(); advances++
		:: break
		od;
		run Owner();
		run Judge()
	}
}
