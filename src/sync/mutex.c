/*
 * The mutex, where it does not come free at once: see mutex.h.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "sync/mutex.h"

#define STARVED_AFTER 1000000 /* nanoseconds */

static bool is_fifo(const struct vci_waiter *waiter)
{
	return waiter->kind == VCORE_WAIT_TICKETLOCK;
}

/* Lower comes first: of one that was woken in vain it is odd. */
static int64_t key_of(struct vci_waiter *waiter, bool again)
{
	int priority = waiter->host ? 0 : vci_waiter_thread(waiter)->priority;

	return -2 * priority - again;
}

static bool was_woken(const struct vci_waiter *waiter)
{
	return (waiter->node.key & 1) != 0;
}

/* --- releasing ----------------------------------------------------------------------- */

static bool has_starved(const struct vci_waiter *waiter, vcore_instant now)
{
	return now - waiter->began > STARVED_AFTER;
}

/* With LIST: the first in the line becomes the owner; NULL if nobody waits. */
static struct vci_waiter *hand_over(struct vci_waiters *mutex, uint64_t *word)
{
	struct vci_waiter *next;

	do {
		next = vci_waiters_first(mutex);
		if (next == NULL || next->starved) { /* it is next, or is leaving: M4 */
			*word &= ~VCI_STARVING;
		}
	} while (next != NULL && !vci_waiters_claim(mutex, next));
	*word |= next != NULL ? vci_owner_mark(next) : 0;
	return next;
}

/* With LIST, and nobody owns it: whom to wake, by M3. */
static struct vci_waiter *wake_first(struct vci_waiters *mutex, uint64_t *word)
{
	struct vci_waiter *next = NULL;

	if (!(*word & VCI_WAKING)) {
		next = vci_waiters_claim_first(mutex);
		*word |= next != NULL ? VCI_WAKING : 0;
	}
	return next;
}

/* With LIST, and OWNED cleared. */
static struct vci_waiter *choose(struct vci_waiters *mutex, uint64_t *word, bool fifo)
{
	if (fifo || (*word & VCI_STARVING)) {
		return hand_over(mutex, word);
	}
	return wake_first(mutex, word);
}

/* With LIST; the word is as it was before. */
static struct vci_waiter *drop(struct vci_waiters *mutex, uint64_t word, bool fifo)
{
	struct vci_ordered *told = NULL;
	struct vci_waiter *next = NULL;

	word = vci_owner_clear(word);
	if (unlikely(word & VCI_DEAD)) { /* nobody can acquire it any more */
		told = vci_waiters_claim_all(mutex);
		word = (word & ~(VCI_DEAD | VCI_STARVING)) | VCI_LOST;
	} else {
		next = choose(mutex, &word, fifo);
	}
	vci_waiters_unlock(mutex, word);
	vci_waiter_wake_chain(told);
	return next;
}

struct vci_waiter *vci_mutex_drop(struct vci_waiters *mutex, bool fifo)
{
	return drop(mutex, vci_waiters_lock(mutex), fifo);
}

/*
 * By who has waited for it: others wait, mostly, so that there is no need to
 * look (see vci_mutex_expected).
 */
static bool hand_on(struct vci_waiters *mutex, struct vci_waiter *self)
{
	uint64_t word = vci_owner_mark(self) | VCI_WAITERS;
	struct vci_waiter *next;

	if (!__atomic_compare_exchange_n(&mutex->word, &word, word | VCI_LIST, false,
					 __ATOMIC_ACQ_REL, __ATOMIC_RELAXED)) {
		return false;
	}
	next = drop(mutex, word, true);
	(void)vci_holds_strike(self, vci_mutex_note(mutex, true));
	if (likely(next != NULL)) {
		vci_waiter_wake(next);
	}
	return true;
}

void vci_mutex_refuse(const char *function, const struct vci_waiters *mutex)
{
	vci_owner_refuse(function, __atomic_load_n(&mutex->word, __ATOMIC_RELAXED));
}

void vci_mutex_release_slowly(const char *function, struct vci_waiters *mutex, bool fifo)
{
	struct vci_waiter *self = vci_wait_caller();
	struct vci_waiter *next;
	uint64_t word;

	if (fifo && likely(self != NULL) && hand_on(mutex, self)) {
		return;
	}
	word = __atomic_load_n(&mutex->word, __ATOMIC_RELAXED);
	if (self == NULL || vci_owner_of(word) != vci_owner_mark(self)) {
		vci_mutex_refuse(function, mutex);
	}
	(void)vci_holds_strike(self, vci_mutex_note(mutex, fifo));
	vci_mutex_expect(self, word & ~VCI_OWNED, fifo);
	if (!vci_mutex_try_release(mutex, fifo)) {
		next = vci_mutex_drop(mutex, fifo);
		if (next != NULL) {
			vci_waiter_wake(next);
		}
	}
}

void vci_mutex_abandon(struct vci_waiters *mutex, bool fifo)
{
	uint64_t word = vci_owner_clear(vci_waiters_lock(mutex)) | VCI_DEAD;
	struct vci_waiter *next = choose(mutex, &word, fifo);

	vci_waiters_unlock(mutex, word);
	if (next != NULL) {
		vci_waiter_wake(next);
	}
}

bool vci_mutex_is_held(const struct vci_waiters *mutex, bool fifo)
{
	const struct vci_waiter *self = vci_wait_caller();

	return self != NULL && vci_holds_has(self, vci_mutex_note(mutex, fifo));
}

bool vci_mutex_recover(struct vci_waiters *mutex, bool fifo)
{
	if (!vci_mutex_is_held(mutex, fifo)) {
		return false;
	}
	vci_waiters_unlock(mutex, vci_waiters_lock(mutex) & ~VCI_DEAD);
	return true;
}

/* --- trying ------------------------------------------------------------------------------ */

/* Who finds one of these cannot acquire it at once. */
static uint64_t barred(bool fifo)
{
	return VCI_LIST | VCI_OWNED | VCI_LOST | (fifo ? 0 : VCI_STARVING);
}

/*
 * Acquires it if that can be done at once: with *word as it was before.  What is
 * over with that is cleared: WAKING, if it was the caller's own.
 */
static inline bool try(struct vci_waiters *mutex, struct vci_waiter *self, bool fifo, uint64_t over,
		       uint64_t *word)
{
	*word = __atomic_load_n(&mutex->word, __ATOMIC_RELAXED);
	while (likely(!(*word & barred(fifo)))) {
		if (likely(__atomic_compare_exchange_n(&mutex->word, word,
						       (*word & ~over) | vci_owner_mark(self), true,
						       __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))) {
			return true;
		}
	}
	return false;
}

/* The same while somebody edits the line. */
static bool try_slowly(struct vci_waiters *mutex, struct vci_waiter *self, bool fifo,
		       uint64_t *word)
{
	bool can;

	*word = vci_waiters_lock(mutex);
	can = !(*word & barred(fifo));
	vci_waiters_unlock(mutex, can ? *word | vci_owner_mark(self) : *word);
	return can;
}

/*
 * For a moment, while the owner runs elsewhere (or LIST is set: then it is about
 * to change).  A mutex that will be handed over is not waited for so.
 */
static bool try_for_a_moment(struct vci_kthread *m, struct vci_waiters *mutex,
			     struct vci_waiter *self, uint64_t over, uint64_t *word)
{
	struct vci_patience patience = {VCI_PATIENCE_LOOKS, VCI_PATIENCE_PAUSE};

	do {
		if (try(mutex, self, false, over, word)) {
			return true;
		}
		if ((*word & (VCI_STARVING | VCI_LOST)) != 0 ||
		    ((*word & VCI_OWNED) && !vci_owner_may_release_soon(m, *word))) {
			return false;
		}
	} while (vci_patience_pause(&patience));
	return false;
}

/* --- waiting ---------------------------------------------------------------------------- */

/* Takes the mutex, or joins the line (M2). */
static bool publish(struct vci_waiter *waiter)
{
	struct vci_waiters *mutex = waiter->object;
	uint64_t word = vci_waiters_lock(mutex);

	if (was_woken(waiter)) {
		word &= ~VCI_WAKING;
	}
	if (!(word & VCI_OWNED)) {
		word |= word & VCI_LOST ? 0 : vci_owner_mark(waiter);
		vci_waiters_unlock(mutex, word);
		return false;
	}
	vci_waiters_insert(mutex, waiter);
	word |= waiter->starved ? VCI_STARVING : 0;
	vci_waiter_commit(waiter);
	vci_waiters_unlock(mutex, word);
	return true;
}

/*
 * Who was not woken leaves the line; if it starved there, that is over.  If it is
 * not there any more it was over already (hand_over), and another may starve.
 */
void vci_mutex_retract(struct vci_waiters *mutex, struct vci_waiter *waiter)
{
	uint64_t word = vci_waiters_lock(mutex);

	if (waiter->starved && waiter->node.linked) {
		word &= ~VCI_STARVING;
	}
	vci_waiters_leave(mutex, waiter);
	vci_waiters_unlock(mutex, word);
}

int vci_mutex_finish(struct vci_waiters *mutex, struct vci_waiter *self, bool fifo)
{
	uint64_t word = __atomic_load_n(&mutex->word, __ATOMIC_ACQUIRE);

	if (likely(vci_owner_of(word) == vci_owner_mark(self))) {
		return vci_holds_acquired(self, vci_mutex_note(mutex, fifo), word);
	}
	return word & VCI_LOST ? -ENOTRECOVERABLE : VCI_WOKEN_ONLY;
}

static int finish(struct vci_kthread *m, struct vci_waiter *waiter, enum vci_claim reason)
{
	(void)m;
	if (unlikely(reason != VCI_WOKEN)) {
		vci_mutex_retract(waiter->object, waiter);
		if (reason == VCI_DESTROYED) {
			vci_wait_destroyed(waiter);
		}
		return -ETIMEDOUT;
	}
	return vci_mutex_finish(waiter->object, waiter, is_fifo(waiter));
}

static void prepare(struct vci_waiters *mutex, struct vci_waiter *self, bool fifo, bool again)
{
	self->kind = fifo ? VCORE_WAIT_TICKETLOCK : VCORE_WAIT_LOCK;
	self->object = mutex;
	self->node.key = fifo ? 0 : key_of(self, again);
	self->starved = false;
}

static int wait(struct vci_kthread *m, struct vci_waiter *self, vcore_instant deadline)
{
	self->publish = publish;
	self->finish = finish;
	return vci_wait(m, self, deadline);
}

/*
 * Who was woken waits no more: it acquires the mutex if it is free after all, or
 * it is owned, and the release will wake another.
 */
static int give_up(struct vci_waiters *mutex, struct vci_waiter *self)
{
	uint64_t word = vci_waiters_lock(mutex) & ~VCI_WAKING;
	bool free = !(word & (VCI_OWNED | VCI_LOST));

	vci_waiters_unlock(mutex, free ? word | vci_owner_mark(self) : word);
	if (free) {
		return vci_holds_acquired(self, vci_mutex_note(mutex, false), word);
	}
	return word & VCI_LOST ? -ENOTRECOVERABLE : -ETIMEDOUT;
}

/* Woken, and not handed the mutex: tries to get it, or goes to the front. */
static int wait_again(struct vci_waiter *self, struct vci_waiters *mutex, vcore_instant deadline)
{
	struct vci_kthread *m = vci_kthread_self();
	uint64_t word;

	if (try_for_a_moment(m, mutex, self, VCI_WAKING, &word)) {
		return vci_holds_acquired(self, vci_mutex_note(mutex, false), word);
	}
	if (word & VCI_LOST) {
		return -ENOTRECOVERABLE;
	}
	if (vci_wait_is_over(deadline)) {
		return give_up(mutex, self);
	}
	prepare(mutex, self, false, true);
	self->starved = has_starved(self, vci_clock());
	return wait(m, self, deadline);
}

int vci_mutex_go_on(struct vci_waiters *mutex, struct vci_waiter *self, vcore_instant deadline,
		    int result)
{
	while (unlikely(result == VCI_WOKEN_ONLY)) {
		result = wait_again(self, mutex, deadline);
	}
	return result;
}

static int wait_barging(struct vci_kthread *m, struct vci_waiter *self, struct vci_waiters *mutex,
			vcore_instant deadline)
{
	prepare(mutex, self, false, false);
	self->began = vci_clock();
	return vci_mutex_go_on(mutex, self, deadline, wait(m, self, deadline));
}

static int wait_fifo(struct vci_kthread *m, struct vci_waiter *self, struct vci_waiters *mutex,
		     vcore_instant deadline)
{
	prepare(mutex, self, true, false);
	return wait(m, self, deadline);
}

/* The word is as it was when the caller tried in vain. */
static int acquire_slowly(struct vci_kthread *m, struct vci_waiter *self, struct vci_waiters *mutex,
			  uint64_t word, vcore_instant deadline, bool fifo)
{
	bool over = vci_wait_is_over(deadline);

	if ((!fifo && try_for_a_moment(m, mutex, self, 0, &word)) ||
	    (over && (word & VCI_LIST) && try_slowly(mutex, self, fifo, &word))) {
		return vci_holds_acquired(self, vci_mutex_note(mutex, fifo), word);
	}
	if (word & VCI_LOST) {
		return -ENOTRECOVERABLE;
	}
	if (over) {
		return -ETIMEDOUT;
	}
	return fifo ? wait_fifo(m, self, mutex, deadline) : wait_barging(m, self, mutex, deadline);
}

int vci_mutex_acquire(const char *function, struct vci_waiters *mutex, vcore_instant deadline,
		      bool fifo)
{
	struct vci_kthread *m = vci_wait_enter_from(function);
	struct vci_waiter *self = vci_wait_self(m);
	uint64_t word;

	if (unlikely(self == NULL || !vci_holds_make_room(self))) {
		return -ENOMEM;
	}
	if (try(mutex, self, fifo, 0, &word)) {
		vci_mutex_expect(self, word, fifo);
		return vci_holds_acquired(self, vci_mutex_note(mutex, fifo), word);
	}
	if (unlikely(vci_owner_of(word) == vci_owner_mark(self))) {
		vci_panic(function, "the caller owns the lock already");
	}
	return acquire_slowly(m, self, mutex, word, deadline, fifo);
}

void vci_mutex_acquire_surely(const char *function, struct vci_waiters *mutex, bool fifo)
{
	int result = vci_mutex_acquire(function, mutex, VCORE_NEVER, fifo);

	if (unlikely(result != 0)) {
		vci_holds_fail(function, result);
	}
}

bool vci_mutex_try_acquire(const char *function, struct vci_waiters *mutex, bool fifo)
{
	struct vci_waiter *self = vci_holds_taker(function);
	uint64_t word;
	bool acquired;

	acquired = try(mutex, self, fifo, 0, &word);
	if (unlikely(!acquired && (word & VCI_LIST))) {
		acquired = try_slowly(mutex, self, fifo, &word);
	}
	return vci_holds_tried(function, self, vci_mutex_note(mutex, fifo), acquired, word);
}

/* --- for conditions ------------------------------------------------------------------- */

bool vci_mutex_invite(struct vci_waiters *mutex, struct vci_waiter *waiter)
{
	uint64_t word = vci_waiters_lock(mutex);
	bool queue = (word & VCI_OWNED) != 0; /* then it is not LOST (M7) */

	if (queue) {
		prepare(mutex, waiter, false, false);
		waiter->publish = publish;
		waiter->began = vci_clock();
		vci_waiters_insert(mutex, waiter);
		vci_waiter_divert(waiter);
	} else if (!(word & VCI_LOST)) {
		word |= vci_owner_mark(waiter);
	}
	vci_waiters_unlock(mutex, word);
	return !queue;
}
