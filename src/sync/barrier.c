/*
 * Barriers: see vcore/barrier.h.
 *
 * The tickets of a round are r × number … r × number + number - 1.  Who has the
 * last one advances the eventcount, which the others await to exceed r.  Tickets
 * of a round are alike: who leaves before the round is complete gives the last
 * one back, whichever that is.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <vcore/barrier.h>
#include <vcore/thread.h>

#include <errno.h>

#include "sync/eventcount.h"
#include "sync/wait.h"

_Static_assert(sizeof(struct vcore_barrier) == 32, "part of the ABI");

struct arrival {
	struct vcore_barrier *barrier;
	int64_t round;
};

/* False: the round is complete. */
static bool give_back(const struct arrival *arrival)
{
	struct vcore_barrier *barrier = arrival->barrier;
	int64_t next = __atomic_load_n(&barrier->arrivals_.next_, __ATOMIC_RELAXED);

	do {
		if (next / (int64_t)barrier->number_ != arrival->round) {
			return false;
		}
	} while (!__atomic_compare_exchange_n(&barrier->arrivals_.next_, &next, next - 1, true,
					      __ATOMIC_RELAXED, __ATOMIC_RELAXED));
	return true;
}

static void leave(void *arrival)
{
	(void)give_back(arrival);
}

static int await(const struct arrival *arrival, vcore_instant deadline)
{
	return vcore_eventcount_await(&arrival->barrier->rounds_, arrival->round, deadline);
}

/* A thread that is destroyed meanwhile gives its ticket back. */
static int await_or_leave(struct arrival *arrival, vcore_instant deadline)
{
	struct vcore_cleanup cleanup;
	bool green = vci_thread_self() != NULL;
	int result;

	if (green) {
		vcore_cleanup_push(&cleanup, leave, arrival);
	}
	result = await(arrival, deadline);
	if (green) {
		vcore_cleanup_pop(&cleanup, false);
	}
	if (result != 0 && !give_back(arrival)) {
		result = await(arrival, VCORE_NEVER); /* it is complete; at once */
	}
	return result;
}

int vcore_barrier_wait(struct vcore_barrier *barrier, vcore_instant deadline)
{
	struct arrival arrival = {.barrier = barrier};
	int64_t ticket;

	VCI_PANIC_IF(barrier == NULL, "barrier is NULL");
	VCI_PANIC_IF(barrier->number_ == 0, "the barrier was not initialised");
	if (vci_wait_self(vci_wait_enter()) == NULL) {
		return -ENOMEM;
	}
	ticket = vcore_sequencer_ticket(&barrier->arrivals_);
	arrival.round = ticket / (int64_t)barrier->number_;
	if (ticket % (int64_t)barrier->number_ == (int64_t)barrier->number_ - 1) {
		vci_eventcount_advance(&barrier->rounds_);
		return 1;
	}
	return await_or_leave(&arrival, deadline);
}
