/*
 * Waiting: see wait.h.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "sync/wait.h"

#include "sched/host.h"
#include "sched/processor.h"
#include "sched/rcu.h"
#include "sched/switch.h"
#include "sched/timers.h"

struct vci_waiter *vci_wait_host(void)
{
	struct vci_host *host = vci_host_self();

	return host != NULL ? &host->waiter : NULL;
}

static int resume(struct vci_kthread *m, struct vcore_thread *self)
{
	struct vci_waiter *waiter = &self->waiter;

	if (waiter->timers != NULL) {
		vci_timers_leave(waiter);
	}
	return waiter->finish(m, waiter,
			      vci_claim_state(__atomic_load_n(&waiter->claim, __ATOMIC_RELAXED)));
}

static inline int wait_green(struct vci_kthread *m, struct vci_waiter *waiter,
			     vcore_instant deadline)
{
	struct vci_processor *processor = m->processor;

	waiter->timers = NULL;
	if (deadline != VCORE_NEVER) {
		waiter->timers = &processor->timers;
		waiter->timer.key = deadline;
	}
	waiter->since = processor->looked_at;
	return vci_switch_away(m, m->current, VCI_WAIT, vci_pick(processor, VCORE_PRIORITY_MIN),
			       resume);
}

/* A host times itself out. */
static bool give_up(struct vci_waiter *waiter, uint64_t word)
{
	return vci_claim_state(word) == VCI_WAITING_HOST &&
	       __atomic_compare_exchange_n(&waiter->claim, &word,
					   (word & ~VCI_CLAIM_STATE) | VCI_TIMED_OUT, false,
					   __ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
}

/*
 * The futex is the half of the claim word that holds the state.  While HELD a
 * waker is about to wake it, and will not be long.
 */
static enum vci_claim wait_host(struct vci_waiter *waiter, vcore_instant deadline)
{
	uint64_t word;

	waiter->timers = NULL;
	waiter->since = vci_clock();
	if (!waiter->publish(waiter)) {
		return VCI_WOKEN;
	}
	for (;;) {
		word = __atomic_load_n(&waiter->claim, __ATOMIC_ACQUIRE);
		if (vci_claim_state(word) != VCI_WAITING_HOST &&
		    vci_claim_state(word) != VCI_HELD) {
			return vci_claim_state(word);
		}
		if (vci_wait_is_over(deadline) && give_up(waiter, word)) {
			return VCI_TIMED_OUT;
		}
		vci_futex_wait((uint32_t *)&waiter->claim, (uint32_t)word,
			       vci_claim_state(word) == VCI_HELD ? VCORE_NEVER : deadline);
	}
}

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
	       "the half of the claim word with the state is at its address");

int vci_wait(struct vci_kthread *m, struct vci_waiter *waiter, vcore_instant deadline)
{
	if (likely(m != NULL)) {
		return wait_green(m, waiter, deadline);
	}
	return waiter->finish(NULL, waiter, wait_host(waiter, deadline));
}

void vci_wait_destroyed(struct vci_waiter *waiter)
{
	vci_end_self(vci_waiter_thread(waiter), VCORE_DESTROYED, NULL);
}

void vci_wait_pass_slowly(void)
{
	struct vcore_thread *self = vci_thread_self();

	if (self != NULL) {
		vci_end_if_due(self);
	}
}

void vci_wait_breathe(void)
{
	if (vci_thread_self() != NULL && !vci_rcu_is_inside()) {
		vci_undestroyable_begin();
		vcore_yield();
		vci_undestroyable_end();
	}
}
