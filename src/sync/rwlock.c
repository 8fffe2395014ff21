/*
 * Reader-writer locks: see vcore/rwlock.h.
 *
 * The word (see waiters.h for LIST and WAITERS)
 *	OWNED	a writer holds the lock: the upper half says who (owner.h);
 *		otherwise the upper half is the number of readers
 *	CLOSED	readers that come now must wait
 *	DEAD, LOST	see owner.h
 *
 * The policy decides two things, and nothing else knows of it: the order of
 * those who wait, by their keys, and whether readers that come pass them.
 *
 *			key of a reader	  of a writer	CLOSED if
 *	READERS_FIRST		0		1	never
 *	WRITERS_FIRST		1		0	somebody waits
 *	FAIR			0		0	somebody waits
 *
 * Under WRITERS_FIRST somebody who waits while no writer holds the lock is a
 * writer, or comes after one (R2).
 *
 * Invariants
 *	R1  OWNED is set for exactly one writer; the number of readers is that
 *	    of those who hold the lock, those let in and not yet running among
 *	    them.  There is never both.
 *	R2  When LIST is not set, the first in the order may not enter: whoever
 *	    changes that lets them in, one after the other, until it is so
 *	    again (let_in), before LIST is cleared.
 *	R3  Who is let in was claimed: no deadline and no destroy can come
 *	    between.  It need not ask again.
 *	R4  CLOSED is as the policy says when LIST is not set.
 * Order
 *	Entering is an acquire of the word, releasing a release (O1).  Readers
 *	change it by compare and swap, so that each release by a reader is in the
 *	release sequence that the next writer acquires.
 *
 * Model: doc/models/rwlock.pml.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <vcore/rwlock.h>

#include <errno.h>

#include "sched/owner.h"
#include "sync/holds.h"

#define CLOSED UINT64_C(8)

#define READER   (UINT64_C(1) << VCI_OWNER_SHIFT)
#define TOO_MANY (READER << 31) /* of the word: 2^31 readers */

enum policy { READERS_FIRST, WRITERS_FIRST, FAIR };

_Static_assert(sizeof(struct vcore_rwlock) <= 32, "part of the ABI");

static inline uint64_t readers(uint64_t word)
{
	return word & VCI_OWNED ? 0 : word >> VCI_OWNER_SHIFT;
}

static bool writes(const struct vci_waiter *waiter)
{
	return waiter->kind == VCORE_WAIT_WRITE;
}

static struct vcore_rwlock *rwlock_of(struct vci_waiters *waiters)
{
	return (struct vcore_rwlock *)(void *)waiters;
}

static uintptr_t note(const void *lock, bool write)
{
	return vci_hold_note(lock, write ? VCI_HOLD_WRITE : VCI_HOLD_READ);
}

/* --- who may enter ---------------------------------------------------------------------- */

/* Who comes: past those who wait, if the policy says so. */
static inline bool may_come(uint64_t word, bool write)
{
	return write ? !(word & ~VCI_DEAD) : !(word & (VCI_LIST | VCI_OWNED | CLOSED | VCI_LOST));
}

/* Who is first of those who wait, with LIST. */
static bool may_enter(uint64_t word, bool write)
{
	return !(word & (VCI_OWNED | VCI_LOST)) && (!write || readers(word) == 0);
}

static inline uint64_t enter(uint64_t word, struct vci_waiter *waiter, bool write)
{
	return write ? word | vci_owner_mark(waiter) : word + READER;
}

/* --- with LIST ------------------------------------------------------------------------- */

/* All who may (R2), claimed, to be woken when LIST is clear. */
static struct vci_ordered *let_in(struct vci_waiters *waiters, uint64_t *word)
{
	struct vci_chain chain = {NULL, NULL};

	for (;;) {
		struct vci_waiter *first = vci_waiters_first(waiters);

		if (first == NULL || !may_enter(*word, writes(first))) {
			return chain.first;
		}
		if (vci_waiters_claim(waiters, first)) {
			*word = enter(*word, first, writes(first));
			vci_chain_add(&chain, first);
		}
	}
}

static void unlock(struct vci_waiters *waiters, uint64_t word)
{
	bool closed = waiters->order != NULL && rwlock_of(waiters)->policy_ != READERS_FIRST;

	vci_waiters_unlock(waiters, (word & ~CLOSED) | (closed ? CLOSED : 0));
}

/* The last touch: somebody left, or gave up what it held. */
static void unlock_for_others(struct vci_waiters *waiters, uint64_t word)
{
	struct vci_ordered *chain = let_in(waiters, &word);

	unlock(waiters, word);
	vci_waiter_wake_chain(chain);
}

/* All who wait are told that nobody can hold it any more. */
static void unlock_lost(struct vci_waiters *waiters, uint64_t word)
{
	struct vci_ordered *told = vci_waiters_claim_all(waiters);

	unlock(waiters, (word & ~VCI_DEAD) | VCI_LOST);
	vci_waiter_wake_chain(told);
}

/* --- acquiring --------------------------------------------------------------------------- */

static inline bool try(struct vci_waiters *waiters, struct vci_waiter *self, bool write,
		       uint64_t *word)
{
	unsigned rounds = 0;

	*word = __atomic_load_n(&waiters->word, __ATOMIC_RELAXED);
	while (likely(may_come(*word, write))) {
		if (likely(__atomic_compare_exchange_n(&waiters->word, word,
						       enter(*word, self, write), false,
						       __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))) {
			return true;
		}
		vci_back_off(&rounds);
		*word = __atomic_load_n(&waiters->word, __ATOMIC_RELAXED);
	}
	return false;
}

/* The same while somebody edits the order. */
static bool try_slowly(struct vci_waiters *waiters, struct vci_waiter *self, bool write,
		       uint64_t *word)
{
	bool can;

	*word = vci_waiters_lock(waiters);
	can = may_come(*word, write);
	unlock(waiters, can ? enter(*word, self, write) : *word);
	return can;
}

/* Of readers nobody knows whether they run: a pthread hopes, a thread does not. */
static bool may_be_released_soon(const struct vci_kthread *m, uint64_t word)
{
	if (word & VCI_OWNED) {
		return vci_owner_may_release_soon(m, vci_owner_of(word));
	}
	return m == NULL && vci_cpus > 1;
}

/*
 * For a moment, while a writer runs elsewhere, or readers may be about to leave;
 * but not where others wait.
 */
static bool try_for_a_moment(struct vci_kthread *m, struct vci_waiters *waiters,
			     struct vci_waiter *self, bool write, uint64_t *word)
{
	struct vci_patience patience = {VCI_PATIENCE_LOOKS, VCI_PATIENCE_PAUSE};

	do {
		if (try(waiters, self, write, word)) {
			return true;
		}
		if ((*word & (CLOSED | VCI_LOST)) != 0 || !may_be_released_soon(m, *word)) {
			return false;
		}
	} while (vci_patience_pause(&patience));
	return false;
}

/* Enters, or joins the order. */
static bool publish(struct vci_waiter *waiter)
{
	struct vci_waiters *waiters = waiter->object;
	uint64_t word = vci_waiters_lock(waiters);

	if (may_come(word, writes(waiter))) {
		unlock(waiters, enter(word, waiter, writes(waiter)));
		return false;
	}
	if (word & VCI_LOST) {
		unlock(waiters, word);
		return false;
	}
	vci_waiters_insert(waiters, waiter);
	vci_waiter_commit(waiter);
	unlock(waiters, word);
	return true;
}

/* Who was not let in leaves: perhaps it was what the next ones waited for. */
static int finish_unwoken(struct vci_waiter *waiter, enum vci_claim reason)
{
	struct vci_waiters *waiters = waiter->object;
	uint64_t word = vci_waiters_lock(waiters);

	vci_waiters_leave(waiters, waiter);
	unlock_for_others(waiters, word);
	if (reason == VCI_DESTROYED) {
		vci_wait_destroyed(waiter);
	}
	return -ETIMEDOUT;
}

static int finish(struct vci_kthread *m, struct vci_waiter *waiter, enum vci_claim reason)
{
	struct vci_waiters *waiters = waiter->object;
	uint64_t word;

	(void)m;
	if (unlikely(reason != VCI_WOKEN)) {
		return finish_unwoken(waiter, reason);
	}
	word = __atomic_load_n(&waiters->word, __ATOMIC_ACQUIRE);
	if (unlikely(word & VCI_LOST)) { /* not while anybody holds it */
		return -ENOTRECOVERABLE;
	}
	return vci_holds_acquired(waiter, note(waiters, writes(waiter)), word);
}

static int64_t key_of(enum policy policy, bool write)
{
	return (policy == READERS_FIRST && write) || (policy == WRITERS_FIRST && !write) ? 1 : 0;
}

static int wait(struct vci_kthread *m, struct vci_waiter *self, struct vci_waiters *waiters,
		bool write, vcore_instant deadline)
{
	self->kind = write ? VCORE_WAIT_WRITE : VCORE_WAIT_READ;
	self->object = waiters;
	self->publish = publish;
	self->finish = finish;
	self->node.key = key_of(rwlock_of(waiters)->policy_, write);
	return vci_wait(m, self, deadline);
}

/* Checks what is wrong before it would be waited for, or counted. */
static void check(const char *function, const struct vci_waiters *waiters,
		  const struct vci_waiter *self)
{
	const struct vcore_rwlock *lock = (const void *)waiters;

	if (unlikely(lock->policy_ > FAIR)) {
		vci_panic(function, "the lock was not initialised");
	}
	if (unlikely(self->holds.n > 0) &&
	    (vci_holds_has(self, note(lock, false)) || vci_holds_has(self, note(lock, true)))) {
		vci_panic(function, "the caller holds the lock already");
	}
	if (unlikely(readers(__atomic_load_n(&waiters->word, __ATOMIC_RELAXED)) * READER >=
		     TOO_MANY)) {
		vci_panic(function, "there are too many readers");
	}
}

static int acquire_slowly(struct vci_kthread *m, struct vci_waiter *self,
			  struct vci_waiters *waiters, bool write, vcore_instant deadline)
{
	bool over = vci_wait_is_over(deadline);
	uint64_t word;

	if (try_for_a_moment(m, waiters, self, write, &word) ||
	    (over && (word & VCI_LIST) && try_slowly(waiters, self, write, &word))) {
		return vci_holds_acquired(self, note(waiters, write), word);
	}
	if (word & VCI_LOST) {
		return -ENOTRECOVERABLE;
	}
	return over ? -ETIMEDOUT : wait(m, self, waiters, write, deadline);
}

/* Nothing is in the way: neither of the caller, nor of the lock. */
static inline bool acquire_at_once(struct vcore_rwlock *lock, bool write)
{
	struct vci_waiters *waiters = VCI_WAITERS_OF(lock);
	struct vci_waiter *self = vci_wait_unhindered();
	uint64_t word = __atomic_load_n(&waiters->word, __ATOMIC_RELAXED);

	if (unlikely(self == NULL || !vci_holds_have_room(self) || self->holds.n > 0 ||
		     !may_come(word, write) || (word & (VCI_DEAD | TOO_MANY)) != 0)) {
		return false;
	}
	if (unlikely(!__atomic_compare_exchange_n(&waiters->word, &word, enter(word, self, write),
						  false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))) {
		return false;
	}
	vci_holds_note(self, note(lock, write));
	return true;
}

static int acquire(const char *function, struct vcore_rwlock *lock, bool write,
		   vcore_instant deadline)
{
	struct vci_waiters *waiters = VCI_WAITERS_OF(lock);
	struct vci_kthread *m = vci_wait_enter_from(function);
	struct vci_waiter *self = vci_wait_self(m);
	uint64_t word;

	if (unlikely(self == NULL || !vci_holds_make_room(self))) {
		return -ENOMEM;
	}
	check(function, waiters, self);
	if (likely(try(waiters, self, write, &word))) {
		return vci_holds_acquired(self, note(waiters, write), word);
	}
	return acquire_slowly(m, self, waiters, write, deadline);
}

static __attribute__((noinline)) void acquire_surely(const char *function,
						     struct vcore_rwlock *lock, bool write)
{
	int result = acquire(function, lock, write, VCORE_NEVER);

	if (unlikely(result != 0)) {
		vci_holds_fail(function, result);
	}
}

void vcore_rwlock_acquire_read(struct vcore_rwlock *lock)
{
	VCI_PANIC_IF(lock == NULL, "lock is NULL");
	if (unlikely(!acquire_at_once(lock, false))) {
		acquire_surely(__func__, lock, false);
	}
}

void vcore_rwlock_acquire_write(struct vcore_rwlock *lock)
{
	VCI_PANIC_IF(lock == NULL, "lock is NULL");
	if (unlikely(!acquire_at_once(lock, true))) {
		acquire_surely(__func__, lock, true);
	}
}

int vcore_rwlock_acquire_read_until(struct vcore_rwlock *lock, vcore_instant deadline)
{
	VCI_PANIC_IF(lock == NULL, "lock is NULL");
	return acquire(__func__, lock, false, deadline);
}

int vcore_rwlock_acquire_write_until(struct vcore_rwlock *lock, vcore_instant deadline)
{
	VCI_PANIC_IF(lock == NULL, "lock is NULL");
	return acquire(__func__, lock, true, deadline);
}

static bool try_acquire(const char *function, struct vcore_rwlock *lock, bool write)
{
	struct vci_waiter *self;
	uint64_t word = 0;
	bool acquired;

	if (unlikely(lock == NULL)) {
		vci_panic(function, "lock is NULL");
	}
	self = vci_holds_taker(function);
	check(function, VCI_WAITERS_OF(lock), self);
	acquired = try(VCI_WAITERS_OF(lock), self, write, &word) ||
		   ((word & VCI_LIST) && try_slowly(VCI_WAITERS_OF(lock), self, write, &word));
	return vci_holds_tried(function, self, note(lock, write), acquired, word);
}

bool vcore_rwlock_try_acquire_read(struct vcore_rwlock *lock)
{
	return try_acquire(__func__, lock, false);
}

bool vcore_rwlock_try_acquire_write(struct vcore_rwlock *lock)
{
	return try_acquire(__func__, lock, true);
}

/* --- releasing ------------------------------------------------------------------------------ */

/* Strikes the caller's note out: it must be there. */
static inline struct vci_waiter *give_up(const char *function, struct vcore_rwlock *lock,
					 bool write)
{
	struct vci_waiter *self = vci_wait_caller();

	if (unlikely(lock == NULL)) {
		vci_panic(function, "lock is NULL");
	}
	if (unlikely(self == NULL || !vci_holds_strike(self, note(lock, write)))) {
		vci_panic(function, write ? "the caller does not hold the lock for writing"
					  : "the caller does not hold the lock for reading");
	}
	return self;
}

static inline void release_read(struct vci_waiters *waiters)
{
	uint64_t word = __atomic_load_n(&waiters->word, __ATOMIC_RELAXED);
	unsigned rounds = 0;

	/* Who leaves others behind, or nobody who waits. */
	while (likely(!(word & VCI_LIST) && (readers(word) > 1 || !(word & VCI_WAITERS)))) {
		if (likely(__atomic_compare_exchange_n(&waiters->word, &word, word - READER, false,
						       __ATOMIC_RELEASE, __ATOMIC_RELAXED))) {
			return;
		}
		vci_back_off(&rounds);
		word = __atomic_load_n(&waiters->word, __ATOMIC_RELAXED);
	}
	unlock_for_others(waiters, vci_waiters_lock(waiters) - READER);
}

void vcore_rwlock_release_read(struct vcore_rwlock *lock)
{
	(void)give_up(__func__, lock, false);
	release_read(VCI_WAITERS_OF(lock));
}

void vcore_rwlock_release_write(struct vcore_rwlock *lock)
{
	uint64_t word = vci_owner_mark(give_up(__func__, lock, true));
	struct vci_waiters *waiters = VCI_WAITERS_OF(lock);

	if (likely(__atomic_compare_exchange_n(&waiters->word, &word, 0, false, __ATOMIC_RELEASE,
					       __ATOMIC_RELAXED))) {
		return;
	}
	word = vci_owner_clear(vci_waiters_lock(waiters));
	if (unlikely(word & VCI_DEAD)) {
		unlock_lost(waiters, word);
	} else {
		unlock_for_others(waiters, word);
	}
}

void vcore_rwlock_downgrade(struct vcore_rwlock *lock)
{
	struct vci_waiter *self;
	struct vci_waiters *waiters;

	VCI_PANIC_IF(lock == NULL, "lock is NULL");
	waiters = VCI_WAITERS_OF(lock);
	VCI_PANIC_IF(__atomic_load_n(&waiters->word, __ATOMIC_RELAXED) & VCI_DEAD,
		     "what the lock guards was not recovered");
	self = give_up(__func__, lock, true);
	vci_holds_note(self, note(lock, false));
	unlock_for_others(waiters, vci_owner_clear(vci_waiters_lock(waiters)) + READER);
}

void vcore_rwlock_recovered(struct vcore_rwlock *lock)
{
	const struct vci_waiter *self = vci_wait_caller();
	struct vci_waiters *waiters;

	VCI_PANIC_IF(lock == NULL, "lock is NULL");
	VCI_PANIC_IF(self == NULL || !vci_holds_has(self, note(lock, true)),
		     "the caller does not hold the lock for writing");
	waiters = VCI_WAITERS_OF(lock);
	unlock(waiters, vci_waiters_lock(waiters) & ~VCI_DEAD);
}

/* --- holders that ended ---------------------------------------------------------------------- */

void vci_rwlock_abandon_read(struct vci_waiters *waiters)
{
	release_read(waiters);
}

void vci_rwlock_abandon_write(struct vci_waiters *waiters)
{
	unlock_for_others(waiters, vci_owner_clear(vci_waiters_lock(waiters)) | VCI_DEAD);
}
