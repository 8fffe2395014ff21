/*
 * Semaphores: see vcore/semaphore.h.
 *
 * The word (see waiters.h): the permits in the upper half.
 *
 * Invariant
 *	P1  With WAITERS there are no permits, when LIST is not set: a release
 *	    gives them to those who wait, first come, first served, and a
 *	    waiter joins the line only in a step that sees none.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <vcore/semaphore.h>

#include <errno.h>

#include "sync/waiters.h"

#define PERMIT_SHIFT 32
#define PERMIT       (UINT64_C(1) << PERMIT_SHIFT)

_Static_assert(sizeof(struct vcore_semaphore) == 16, "part of the ABI");

static inline uint64_t permits(uint64_t word)
{
	return word >> PERMIT_SHIFT;
}

/* False: there is none; or LIST is set. */
static inline bool take(struct vci_waiters *waiters, uint64_t *word)
{
	*word = __atomic_load_n(&waiters->word, __ATOMIC_RELAXED);
	while (likely(!(*word & VCI_LIST) && permits(*word) > 0)) {
		if (likely(__atomic_compare_exchange_n(&waiters->word, word, *word - PERMIT, false,
						       __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))) {
			return true;
		}
	}
	return false;
}

static bool take_slowly(struct vci_waiters *waiters)
{
	uint64_t word = vci_waiters_lock(waiters);
	bool can = permits(word) > 0;

	vci_waiters_unlock(waiters, can ? word - PERMIT : word);
	return can;
}

static inline bool try(struct vci_waiters *waiters)
{
	uint64_t word;

	return take(waiters, &word) || (unlikely(word & VCI_LIST) && take_slowly(waiters));
}

bool vcore_semaphore_try_acquire(struct vcore_semaphore *semaphore)
{
	VCI_PANIC_IF(semaphore == NULL, "semaphore is NULL");
	return try(VCI_WAITERS_OF(semaphore));
}

/* --- waiting ---------------------------------------------------------------------- */

static bool publish(struct vci_waiter *waiter)
{
	struct vci_waiters *waiters = waiter->object;
	uint64_t word = vci_waiters_lock(waiters);
	bool waits = permits(word) == 0;

	if (waits) {
		vci_waiters_insert(waiters, waiter);
		vci_waiter_commit(waiter);
	}
	vci_waiters_unlock(waiters, waits ? word : word - PERMIT);
	return waits;
}

/* Who was woken, or did not begin to wait, has its permit. */
static int finish(struct vci_kthread *m, struct vci_waiter *waiter, enum vci_claim reason)
{
	(void)m;
	if (likely(reason == VCI_WOKEN)) {
		return 0;
	}
	(void)vci_waiters_retract(waiter->object, waiter);
	if (reason == VCI_DESTROYED) {
		vci_wait_destroyed(waiter);
	}
	return -ETIMEDOUT;
}

static int wait(struct vci_kthread *m, struct vci_waiters *waiters, vcore_instant deadline)
{
	struct vci_waiter *self = vci_wait_self(m);

	if (self == NULL) {
		return -ENOMEM;
	}
	self->kind = VCORE_WAIT_SEMAPHORE;
	self->object = waiters;
	self->publish = publish;
	self->finish = finish;
	self->node.key = 0;
	return vci_wait(m, self, deadline);
}

static int acquire(const char *function, struct vcore_semaphore *semaphore, vcore_instant deadline)
{
	struct vci_kthread *m;

	if (unlikely(semaphore == NULL)) {
		vci_panic(function, "semaphore is NULL");
	}
	m = vci_wait_enter_from(function);
	if (try(VCI_WAITERS_OF(semaphore))) {
		return 0;
	}
	if (vci_wait_is_over(deadline)) {
		return -ETIMEDOUT;
	}
	return wait(m, VCI_WAITERS_OF(semaphore), deadline);
}

int vcore_semaphore_acquire_until(struct vcore_semaphore *semaphore, vcore_instant deadline)
{
	return acquire(__func__, semaphore, deadline);
}

void vcore_semaphore_acquire(struct vcore_semaphore *semaphore)
{
	int result = acquire(__func__, semaphore, VCORE_NEVER);

	VCI_PANIC_IF(result != 0, "there is no memory for the pthread's first wait");
}

/* --- releasing ----------------------------------------------------------------------- */

static bool too_many(uint64_t word, uint32_t n)
{
	return permits(word) + n > VCORE_SEMAPHORE_MAX;
}

/* False: there would be too many. */
static bool release_slowly(struct vci_waiters *waiters, uint32_t n)
{
	struct vci_chain chain = {NULL, NULL};
	uint64_t word = vci_waiters_lock(waiters);
	struct vci_waiter *first;

	if (too_many(word, n)) {
		vci_waiters_unlock(waiters, word);
		return false;
	}
	while (n > 0 && (first = vci_waiters_claim_first(waiters)) != NULL) {
		vci_chain_add(&chain, first);
		n--;
	}
	vci_waiters_unlock(waiters, word + n * PERMIT);
	vci_waiter_wake_chain(chain.first);
	return true;
}

void vcore_semaphore_release(struct vcore_semaphore *semaphore, uint32_t n)
{
	struct vci_waiters *waiters;
	bool released = false;
	uint64_t word;

	VCI_PANIC_IF(semaphore == NULL, "semaphore is NULL");
	waiters = VCI_WAITERS_OF(semaphore);
	word = __atomic_load_n(&waiters->word, __ATOMIC_RELAXED);
	while (likely(!released && !(word & (VCI_LIST | VCI_WAITERS)) && !too_many(word, n))) {
		released = __atomic_compare_exchange_n(&waiters->word, &word, word + n * PERMIT,
						       false, __ATOMIC_RELEASE, __ATOMIC_RELAXED);
	}
	VCI_PANIC_IF(!released && !release_slowly(waiters, n),
		     "there would be more permits than VCORE_SEMAPHORE_MAX");
}

uint32_t vcore_semaphore_read(const struct vcore_semaphore *semaphore)
{
	VCI_PANIC_IF(semaphore == NULL, "semaphore is NULL");
	return (uint32_t)permits(__atomic_load_n(&semaphore->word_, __ATOMIC_ACQUIRE));
}
