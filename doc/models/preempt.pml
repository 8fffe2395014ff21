/*
 * Preemption: processors that move between kernel threads.
 *
 * Models src/sched/preempt.c and spare.c, parking and taking in park.c, coming
 * back in enter.c, invariants I1 to I4 and I7 of sched.h.  A kernel thread is
 *
 *	OWNER		it has a processor; on its own stack or a thread's
 *	DETACHED	it has none, and runs its thread in foreign code, or
 *			since then in application text
 *	KEPT		it has none, and waits at its gate, in the handler on
 *			its thread's stack; the thread is in a queue
 *	SPARE		it has none, and waits at its gate, on its own stack
 *
 * and an OWNER without work waits at its gate as well, with its processor in
 * the list of idlers: who comes back may take it from there.  A gate is a futex
 * that counts: who waits reads it, looks whether there is a reason to go on,
 * and sleeps while the gate is as it was.  So there is no harm in an opening
 * that was meant for another wait.
 *
 * A thread computes in application text, or calls foreign code and there waits
 * for a pthread mutex, which belongs to the kernel thread.  In the library, to
 * whose door it may come at any time, it yields or ends.  Thread 0 does not go
 * there before all others have ended: until then it computes, or blocks in
 * foreign code, and others run only if ticks see to it.  A tick may come at any
 * step outside the library, while it can do something; that one is armed then
 * is shown in tick.pml.
 *
 * There is one queue, of which anyone takes any thread: a processor's own and
 * its thieves', the inboxes, in all orders.  Of parking and what wakes from it
 * there is little: see park.pml.  A section with a lock held is one step where
 * no other process can see its inside, and so are stores before the one that
 * makes them visible.
 *
 * Left out: fairness, priorities, pinned and LIGHT threads, servers, destroying.
 *
 * Promises
 *	I1  one unfinished thread a kernel thread, and one kernel thread a
 *	    thread							(begin)
 *	I2  an owner keeps its processor, and is its only one		(own)
 *	I3  no opening is lost that is needed		(else a state is stuck)
 *	I4  a spare is on its own stack				(take_spare)
 *	I7  all threads end, then all kernel threads, even if there are but two
 *	    of these					(else a state is stuck)
 *
 * size: KTHREADS=3 PROCESSORS=2 THREADS=3 STRAYS=0
 * size: KTHREADS=3 PROCESSORS=1 THREADS=3 STRAYS=1
 * size: KTHREADS=2 PROCESSORS=1 THREADS=3 STRAYS=1
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */

#define NONE 255

/* Kernel threads. */
byte processor[KTHREADS] = NONE;
byte next[KTHREADS] = NONE;	/* what to run, from who gave the processor */
byte stack[KTHREADS] = NONE;	/* whose stack it is on, if not its own */
bool opened[KTHREADS] = true;	/* its gate, since it read it to wait */
bool taken[KTHREADS];		/* its processor was, while it was parked with it */
bool spare[KTHREADS];		/* the list of spares */

/* Processors. */
byte kthread[PROCESSORS] = NONE;
bool idle[PROCESSORS];		/* the list of idlers */

/* Threads. */
bool queued[THREADS] = true;
byte keeper[THREADS] = NONE;	/* which kernel thread keeps it */
byte unfinished = THREADS;

byte mutex = NONE;		/* which kernel thread owns it */
byte made = PROCESSORS;		/* kernel threads so far */
bool over;

/* Everything there is two or three of. */
#define LAST_THREAD    (THREADS - 1)
#define LAST_KTHREAD   (KTHREADS - 1)
#define LAST_PROCESSOR (PROCESSORS - 1)

#define is_kept(t) (queued[t] && keeper[t] != NONE)
#define any_kept   (is_kept(0) || is_kept(1) || is_kept(LAST_THREAD))
#define any_queued (queued[0] || queued[1] || queued[LAST_THREAD])
#define any_spare  (spare[0] || spare[1] || spare[LAST_KTHREAD])

/* Whether a tick can do something. */
#ifdef BREAK_KEPT_NEEDS_SPARE
#define has_choice (any_queued && any_spare)
#else
#define has_choice (any_kept || (any_queued && any_spare))
#endif

#define own()	assert(processor[_pid] == p && kthread[p] == _pid && !idle[p])
#define open(m) opened[m] = true

inline enlist(m)
{
	atomic { assert(!spare[m]); spare[m] = true }
}

inline take_spare()
{
	if
	:: spare[0] -> target = 0
	:: !spare[0] && spare[1] -> target = 1
	:: !spare[0] && !spare[1] && spare[LAST_KTHREAD] -> target = LAST_KTHREAD
	:: else -> target = NONE
	fi;
	if
	:: target != NONE -> assert(stack[target] == NONE); spare[target] = false
	:: else
	fi
}

/* Any thread, or any that is KEPT. */
inline pick(all)
{
	if
	:: is_kept(0) || (all && queued[0]) -> chosen = 0
	:: is_kept(1) || (all && queued[1]) -> chosen = 1
	:: is_kept(LAST_THREAD) || (all && queued[LAST_THREAD]) -> chosen = LAST_THREAD
	:: else -> chosen = NONE
	fi;
	if
	:: chosen != NONE -> queued[chosen] = false
	:: else
	fi
}

/* Queues a thread; if a processor is idle, calls it out of the list. */
inline push(t)
{
	assert(!queued[t]);
	queued[t] = true;
	if
	:: idle[0] -> called = 0
	:: idle[LAST_PROCESSOR] -> called = LAST_PROCESSOR
	:: else -> called = NONE
	fi;
	if
	:: called != NONE -> idle[called] = false
	:: else
	fi
}

/* And wakes it, who may be another than it was. */
inline wake()
{
	atomic {
		if
		:: called != NONE -> open(kthread[called]); called = NONE
		:: else
		fi
	}
}

/*
 * Gives p to the target, to run what was chosen.  The target may look at any
 * time, if only because of an opening that was meant for another wait: so what
 * it looks at, its processor, is set after the rest.
 */
inline give()
{
#ifdef BREAK_OPEN_BEFORE_GIVE
	open(target);
#endif
#ifdef BREAK_PROCESSOR_FIRST
	processor[target] = p;
#endif
	d_step {
		assert(kthread[p] == _pid && next[target] == NONE);
		next[target] = chosen;
		kthread[p] = target;
		processor[target] = p;
#ifndef BREAK_OPEN_BEFORE_GIVE
		open(target);
#endif
		p = NONE;
		target = NONE;
		chosen = NONE
	}
}

/*
 * In the handler: what to run next, and on which kernel thread.  A spare is
 * taken first, so that nothing is chosen that nobody can run.
 */
inline choose()
{
	atomic {
#ifdef BREAK_KEPT_NEEDS_SPARE
		if
		:: target != NONE -> pick(true)
		:: else -> chosen = NONE
		fi;
#else
		pick(target != NONE);
#endif
		if
		:: target != NONE && (chosen == NONE || keeper[chosen] != NONE) ->
#ifndef BREAK_SPARE_NOT_PUT_BACK
			enlist(target);
#endif
			target = NONE
		:: else
		fi;
		if
		:: chosen != NONE && keeper[chosen] != NONE -> target = keeper[chosen]
		:: else
		fi
	}
}

/* Goes to a thread's stack, from the kernel thread's own. */
inline begin()
{
	d_step {
		assert(stack[_pid] == NONE && keeper[chosen] == NONE && !queued[chosen]);
		for (m : 0 .. KTHREADS - 1) {
			assert(stack[m] != chosen)
		};
		m = 0;
		stack[_pid] = chosen;
		thread = chosen;
		chosen = NONE
	}
}

/* With the idlers' lock.  Who loses the processor stays parked, as a spare. */
inline take_idle()
{
	atomic {
		if
		:: idle[0] -> p = 0
		:: idle[LAST_PROCESSOR] -> p = LAST_PROCESSOR
		:: else -> goto leave_stack
		fi;
		idle[p] = false;
		target = kthread[p];
		taken[target] = true;
#ifdef BREAK_ENLIST_BEFORE_CLEAR
		enlist(target)
	};
	atomic {
		processor[target] = NONE;
#else
		processor[target] = NONE;
		enlist(target);
#endif
		target = NONE;
		kthread[p] = _pid;
		processor[_pid] = p
	}
}

active [KTHREADS] proctype Kthread()
{
	byte p = NONE;		/* its processor, as it knows */
	byte thread = NONE;	/* its thread */
	byte chosen = NONE, target = NONE, called = NONE, m;

	if
	:: d_step { _pid < PROCESSORS -> p = _pid; processor[_pid] = p; kthread[p] = _pid }
	:: _pid >= PROCESSORS -> goto wait	/* the helper enlists it */
	fi;

	/* An OWNER, on its own stack. */
dispatch:
	atomic {
		own();
		if
		:: over -> goto leave
		:: else -> pick(true)
		fi;
		if
		:: chosen == NONE -> idle[p] = true; goto park
		:: else
		fi
	};
start:
#ifndef BREAK_KEPT_RUN_ELSEWHERE
	if
	:: atomic { keeper[chosen] != NONE ->
		target = keeper[chosen];
#ifdef BREAK_CLEAR_AFTER_ENLIST
		enlist(_pid)
		};
		processor[_pid] = NONE;
#else
		processor[_pid] = NONE;
#ifndef BREAK_NOT_ENLISTED
		enlist(_pid)
#endif
		};
#endif
		give();
		goto wait
	:: else
	fi;
#endif
	begin();

application:
	if
	:: thread != 0 && mutex != _pid -> goto foreign
	:: thread == 0 && unfinished > 1 -> goto foreign
	:: atomic { thread != 0 || unfinished == 1 ->
		mutex = (mutex == _pid -> NONE : mutex) };	/* just before */
		goto library
	:: atomic { p != NONE && has_choice -> take_spare() }; goto keep
	:: p == NONE -> goto stop
	fi;

foreign:
	if
	:: atomic { thread != 0 && mutex == NONE -> mutex = _pid }; goto application
	:: thread == 0 && unfinished == 1 -> goto application
	:: atomic { p != NONE && has_choice -> take_spare() }
	fi;

	/* A tick of an OWNER there: it becomes DETACHED. */
	choose();
	if
	:: chosen == NONE -> goto foreign
	:: else
	fi;
	processor[_pid] = NONE;
	give();
	goto foreign;

	/* A tick of an OWNER in application text: it becomes KEPT. */
keep:	choose();
	if
	:: chosen == NONE -> goto application
	:: else
	fi;
#ifdef BREAK_CLEAR_AFTER_PUSH
	atomic { keeper[thread] = _pid; push(thread) };
	processor[_pid] = NONE;
#else
	atomic { processor[_pid] = NONE; keeper[thread] = _pid; push(thread) };
#endif
	wake();
	give();
	goto stay;

	/* A tick of a DETACHED one in application text: the same. */
stop:
#ifdef BREAK_PUSH_BEFORE_KEPT
	atomic { push(thread) };
	keeper[thread] = _pid;
#else
	atomic { keeper[thread] = _pid; push(thread) };
#endif
	wake();

	/* KEPT, until given a processor. */
stay:	opened[_pid] = false;
	if
	:: atomic {
		processor[_pid] != NONE ->
		p = processor[_pid];
		own();
		assert(next[_pid] == thread);
		next[_pid] = NONE;
		opened[_pid] = true;
#ifndef BREAK_KEPT_FOR_EVER
		keeper[thread] = NONE
#endif
	   };
		goto application
	:: else
	fi;
	opened[_pid];
	goto stay;

	/* SPARE, until given a processor. */
wait:
#ifdef BREAK_LOOK_BEFORE_GATE
	if
	:: processor[_pid] != NONE -> goto given
	:: else
	fi;
	opened[_pid] = false;
#else
	opened[_pid] = false;
	if
	:: processor[_pid] != NONE -> goto given
	:: over -> goto leave
	:: else
	fi;
#endif
	opened[_pid];
#ifndef BREAK_NO_LOOK_AGAIN
	goto wait;
#endif
given:	atomic {
		p = processor[_pid];
		own();
		chosen = next[_pid];
		next[_pid] = NONE;
		opened[_pid] = true
	};
	goto start;

	/* An OWNER without work. */
park:	opened[_pid] = false;
	if
	:: idle[p] && processor[_pid] == p && !over -> opened[_pid]
	:: else
	fi;
	atomic {	/* with the idlers' lock */
		opened[_pid] = true;
		if
#ifndef BREAK_TAKEN_IGNORED
		:: taken[_pid] -> taken[_pid] = false; p = NONE; goto wait
#endif
		:: else -> idle[p] = false; goto dispatch
		fi
	};

library:
	if
	:: p == NONE -> take_idle()
	:: else
	fi;
	own();
	if
	:: atomic { stack[_pid] = NONE; push(thread) };
		wake()
	:: atomic { stack[_pid] = NONE; unfinished--; over = (unfinished == 0) };
		if
		:: over -> goto finish
		:: else
		fi
	fi;
	thread = NONE;
	goto dispatch;

	/* None was parked: SPARE, once it has left the thread's stack. */
leave_stack:
#ifdef BREAK_PUSH_ON_STACK
	enlist(_pid);
	atomic { push(thread) };
	stack[_pid] = NONE;
#elif defined(BREAK_SPARE_ON_STACK)
	enlist(_pid);
	atomic { stack[_pid] = NONE; push(thread) };
#else
	atomic { stack[_pid] = NONE; enlist(_pid) };
	atomic { push(thread) };
#endif
	wake();
	thread = NONE;
	goto wait;

	/* It was the last thread. */
finish:
#ifndef BREAK_OVER_UNHEARD
	atomic {
		for (m : 0 .. KTHREADS - 1) {
			open(m)
		};
		m = 0
	};
#endif
leave:	assert(stack[_pid] == NONE && !any_queued);
	assert(processor[_pid] != NONE || spare[_pid] || _pid >= made)
}

/* Makes a spare whenever there is none, up to the bound. */
active proctype Helper()
{
end:	do
	:: atomic { made < KTHREADS && !any_spare -> enlist(made); made++ }
	od
}

/* An opening meant for a wait that is over. */
active [STRAYS] proctype Stray()
{
	byte m;

	select (m : 0 .. KTHREADS - 1);
	open(m)
}
