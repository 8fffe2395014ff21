/*
 * Grace periods, and what is done after them: see vcore/rcu.h.
 *
 * One kernel thread for the process, the reclaimer, waits for grace periods on
 * behalf of everybody.  Again and again it reads how many have asked (`asked`),
 * takes all calls that are pending, has a grace period, and tells those who wait
 * for one (`periods`); then it makes calls, in the order in which they were
 * deferred, until it has made all or somebody asks again, and tells those for whom
 * all have been made (`passes`).  Who asks draws a number and waits until the
 * count has reached it: there is no record of it, and it may cease to wait at any
 * time.
 *
 * Why not liburcu's own call_rcu: it ends the process if it cannot start a
 * thread, which then runs the program's signal handlers; it sleeps for 10 ms
 * before each grace period, which a caller of synchronize would have to wait
 * for; and it gives no account of being idle.
 *
 * Invariants
 *	G1  A call is pushed before its caller asks; the reclaimer reads `asked`
 *	    before it takes what is pending: once it has made what it has taken
 *	    then, it has made the calls of who had asked.
 *	G2  Who finds nothing pending, or asks, opens the gate after.  The reclaimer
 *	    reads the gate before it looks: it does not sleep over either.
 *	G3  While `busy` is set the reclaimer is between taking calls and the end of
 *	    their grace period, in liburcu too.  Who forks sets it meanwhile: then
 *	    all calls are pending or ready, and liburcu's locks are free.
 *	G4  A call is taken off `ready` before it is made: in a child of fork those
 *	    that are there have not been made, nor begun.
 * Order
 *	O15 Pushing a call is a release, taking it an acquire; what a read section
 *	    did is published by liburcu's fences.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <vcore/rcu.h>

#include <errno.h>
#include <limits.h>

#include "sched/rcu.h"
#include "sched/registry.h"
#include "sync/eventcount.h"
#include "sync/wait.h"

/*
 * How long to wait for more calls before a grace period that nobody awaits, so
 * that a stream of them does not keep a CPU busy with grace periods.
 */
#define GATHER_NS INT64_C(1000000)

struct call {
	struct call *next;
	void (*f)(struct vcore_rcu_head *head);
};

_Static_assert(sizeof(struct call) == sizeof(struct vcore_rcu_head), "part of the ABI");

/* atomic */
static struct call *pending; /* the last deferred first */
static int64_t asked;
static uint32_t gate; /* a futex; counts openings */
static uint32_t busy; /* a lock, and futex: G3 */
static bool is_idle;  /* the reclaimer waits for the gate, or is about to */
/* the reclaimer's */
static struct call *ready; /* in order */
static struct call **ready_end = &ready;
static uint64_t taken, made; /* calls, ever */
static int64_t done;         /* of those who asked, who have had their period; read by all */
static int64_t told;         /* of those, who were told that their calls are made */
/* the next who will be told, and after which call */
static struct {
	int64_t asked;
	uint64_t calls;
} mark;

enum { NONE, STARTING, STARTED };

static uint32_t state; /* atomic, a futex: of the reclaimer */
static struct vci_kernel_thread reclaimer;

static struct vcore_eventcount periods, passes;

/* --- the reclaimer -------------------------------------------------------------------- */

static void open_gate(void)
{
	__atomic_fetch_add(&gate, 1, __ATOMIC_SEQ_CST);
	vci_futex_wake(&gate, 1);
}

static void become_busy(void)
{
	while (__atomic_exchange_n(&busy, 1, __ATOMIC_ACQUIRE) != 0) {
		vci_futex_wait_away(&busy, 1);
	}
}

static void cease_to_be_busy(void)
{
	__atomic_store_n(&busy, 0, __ATOMIC_RELEASE);
	vci_futex_wake(&busy, 1);
}

/* Appends what is pending to what is ready. */
static void take(void)
{
	struct call *newest = __atomic_exchange_n(&pending, NULL, __ATOMIC_ACQUIRE);
	struct call *call = newest;
	struct call *in_order = NULL;

	vci_annotate_acquire(&pending);
	while (call != NULL) {
		struct call *next = call->next;

		call->next = in_order;
		in_order = call;
		call = next;
		taken++;
	}
	if (newest != NULL) {
		*ready_end = in_order;
		ready_end = &newest->next;
	}
}

static void tell(struct vcore_eventcount *count, int64_t n)
{
	if (n > 0) {
		(void)vcore_eventcount_advance_by(count, n);
	}
}

/* How long the last one was, which is for as long as calls may be made then. */
static int64_t length;

static void have_period(void)
{
	vcore_instant began;
	int64_t now, n;

	become_busy();
	began = vci_clock();
	now = __atomic_load_n(&asked, __ATOMIC_ACQUIRE);
	n = now - done;
	take();
	vci_rcu_synchronize();
	length = vci_clock() - began;
	__atomic_store_n(&done, now, __ATOMIC_RELAXED);
	cease_to_be_busy();
	tell(&periods, n);
}

static bool has_askers(void)
{
	return __atomic_load_n(&asked, __ATOMIC_SEQ_CST) !=
	       __atomic_load_n(&done, __ATOMIC_RELAXED);
}

static bool has_pending(void)
{
	return __atomic_load_n(&pending, __ATOMIC_SEQ_CST) != NULL;
}

/*
 * Who asks meanwhile waits for as much of them as for a period: half of the time is
 * theirs, however many ask.
 */
static void make_calls(void)
{
	vcore_instant until = ready != NULL ? vci_clock() + length : 0;

	while (ready != NULL) {
		struct call *call = ready;

		ready = call->next;
		ready_end = ready != NULL ? ready_end : &ready;
		call->f((struct vcore_rcu_head *)(void *)call);
		made++;
		if (has_askers() && vci_clock() >= until) {
			return;
		}
	}
}

static void tell_up_to(int64_t number)
{
	tell(&passes, number - told);
	told = number;
}

static void tell_passes(void)
{
	if (made >= mark.calls) {
		tell_up_to(mark.asked);
		if (ready == NULL) {
			tell_up_to(done);
		}
		mark.asked = done;
		mark.calls = taken;
	}
}

static void set_idle(bool idle)
{
	__atomic_store_n(&is_idle, idle, __ATOMIC_SEQ_CST);
}

static void *reclaim(void *argument)
{
	vci_local()->reader.reclaims = true;
	for (;;) {
		uint32_t seen = __atomic_load_n(&gate, __ATOMIC_SEQ_CST);

		if (!has_askers() && !has_pending() && ready == NULL) {
			set_idle(true);
			vci_futex_wait(&gate, seen, VCORE_NEVER);
			set_idle(false);
			continue;
		}
		if (!has_askers() && ready == NULL) {
			vci_futex_wait(&gate, seen, vci_clock() + GATHER_NS);
		}
		if (has_askers() || has_pending()) {
			have_period();
		}
		make_calls();
		tell_passes();
	}
	return argument;
}

/* 0, -ENOSYS, -ENOMEM or -EAGAIN.  Others wait for who starts it, without a lock. */
static int start(void)
{
	int error = vci_rcu_is_there ? vci_registry_open() : -ENOSYS;

	while (error == 0) {
		uint32_t before = NONE;

		if (__atomic_compare_exchange_n(&state, &before, STARTING, false, __ATOMIC_ACQUIRE,
						__ATOMIC_ACQUIRE)) {
			error = vci_kernel_thread_start(&reclaimer, "vcore-rcu", reclaim, NULL);
			__atomic_store_n(&state, error == 0 ? STARTED : NONE, __ATOMIC_RELEASE);
			vci_futex_wake(&state, INT_MAX);
			break;
		}
		if (before == STARTED) {
			break;
		}
		vci_futex_wait_away(&state, STARTING);
	}
	return error;
}

static int ensure_started(void)
{
	return likely(__atomic_load_n(&state, __ATOMIC_ACQUIRE) == STARTED) ? 0 : start();
}

/* --- for the scheduler ------------------------------------------------------------------ */

unsigned vci_reclaim_idle(void)
{
	return __atomic_load_n(&is_idle, __ATOMIC_SEQ_CST) && !has_askers() && !has_pending();
}

void vci_reclaim_before_fork(void)
{
	become_busy();
}

void vci_reclaim_after_fork_in_parent(void)
{
	cease_to_be_busy();
}

/*
 * There is no reclaimer, unless it was its own call that forked; and nobody who
 * waits for it.  Calls that have not begun wait for the next one.
 */
void vci_reclaim_after_fork_in_child(void)
{
	bool reclaims = vci_local()->reader.reclaims;

	state = reclaims ? STARTED : NONE;
	is_idle = false;
	asked = 0;
	done = 0;
	told = 0;
	made = 0;
	taken = reclaims; /* the one that is being made */
	ready_end = &ready;
	for (struct call *call = ready; call != NULL; call = call->next) {
		ready_end = &call->next;
		taken++;
	}
	mark.asked = 0;
	mark.calls = 0;
	periods = (struct vcore_eventcount)VCORE_EVENTCOUNT_INITIALIZER;
	passes = (struct vcore_eventcount)VCORE_EVENTCOUNT_INITIALIZER;
	busy = 0;
}

/* --- the calls ------------------------------------------------------------------------------ */

int vcore_rcu_defer(struct vcore_rcu_head *head, void (*f)(struct vcore_rcu_head *head))
{
	struct call *call = (struct call *)(void *)head;
	struct call *before;
	int error;

	VCI_PANIC_IF(head == NULL || f == NULL, "head or f is NULL");
	error = ensure_started();
	if (error != 0) {
		return error;
	}
	call->f = f;
	before = __atomic_load_n(&pending, __ATOMIC_RELAXED);
	do {
		call->next = before;
		vci_annotate_release(&pending);
	} while (!__atomic_compare_exchange_n(&pending, &before, call, true, __ATOMIC_SEQ_CST,
					      __ATOMIC_RELAXED));
	if (before == NULL) {
		open_gate();
	}
	return 0;
}

/* Asks for a pass, and awaits what `count` tells of it. */
static int ask(const char *function, struct vcore_eventcount *count, vcore_instant deadline)
{
	int64_t number;
	int error;

	(void)vci_wait_enter_from(function);
	if (vci_local()->reader.reclaims) {
		vci_panic(function, "a deferred call would wait for its own kernel thread");
	}
	error = ensure_started();
	if (error == 0 && vci_wait_is_over(deadline)) {
		error = -ETIMEDOUT;
	}
	if (error != 0) {
		return error;
	}
	number = __atomic_add_fetch(&asked, 1, __ATOMIC_SEQ_CST);
	open_gate();
	return vcore_eventcount_await(count, number - 1, deadline);
}

int vcore_rcu_synchronize(vcore_instant deadline)
{
	return ask(__func__, &periods, deadline);
}

int vcore_rcu_barrier(vcore_instant deadline)
{
	return ask(__func__, &passes, deadline);
}
