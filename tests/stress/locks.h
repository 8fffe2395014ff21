/*
 * What the programs about locks share: a lock of any kind, settings, and ways
 * to see that threads wait and that nothing was left behind.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef TESTS_STRESS_LOCKS_H
#define TESTS_STRESS_LOCKS_H

#include "ticks.h"

enum lock_kind { LOCK, TICKETLOCK, READERS_FIRST, WRITERS_FIRST, FAIR, SEMAPHORE, LOCK_KINDS };

/* What one thread at a time has: a lock, an rwlock for writing, one permit. */
struct any_lock {
	enum lock_kind kind;
	union {
		struct vcore_lock lock;
		struct vcore_ticketlock ticketlock;
		struct vcore_rwlock rwlock;
		struct vcore_semaphore semaphore;
	};
};

static inline void any_make(struct any_lock *any, enum lock_kind kind)
{
	static const struct any_lock made[LOCK_KINDS] = {
		[LOCK] = {LOCK, .lock = VCORE_LOCK_INITIALIZER},
		[TICKETLOCK] = {TICKETLOCK, .ticketlock = VCORE_TICKETLOCK_INITIALIZER},
		[READERS_FIRST] = {READERS_FIRST, .rwlock = VCORE_RWLOCK_READERS_FIRST},
		[WRITERS_FIRST] = {WRITERS_FIRST, .rwlock = VCORE_RWLOCK_WRITERS_FIRST},
		[FAIR] = {FAIR, .rwlock = VCORE_RWLOCK_FAIR},
		[SEMAPHORE] = {SEMAPHORE, .semaphore = VCORE_SEMAPHORE_INITIALIZER(1)},
	};

	*any = made[kind];
}

static inline bool any_has_readers(const struct any_lock *any)
{
	return any->kind == READERS_FIRST || any->kind == WRITERS_FIRST || any->kind == FAIR;
}

/* Whether one line is served in order. */
static inline bool any_is_ordered(const struct any_lock *any)
{
	return any->kind == TICKETLOCK || any->kind == FAIR || any->kind == SEMAPHORE;
}

static inline void any_acquire(struct any_lock *any)
{
	switch (any->kind) {
	case LOCK:
		vcore_lock_acquire(&any->lock);
		break;
	case TICKETLOCK:
		vcore_ticketlock_acquire(&any->ticketlock);
		break;
	case SEMAPHORE:
		vcore_semaphore_acquire(&any->semaphore);
		break;
	default:
		vcore_rwlock_acquire_write(&any->rwlock);
	}
}

static inline int any_acquire_until(struct any_lock *any, vcore_instant deadline)
{
	switch (any->kind) {
	case LOCK:
		return vcore_lock_acquire_until(&any->lock, deadline);
	case TICKETLOCK:
		return vcore_ticketlock_acquire_until(&any->ticketlock, deadline);
	case SEMAPHORE:
		return vcore_semaphore_acquire_until(&any->semaphore, deadline);
	default:
		return vcore_rwlock_acquire_write_until(&any->rwlock, deadline);
	}
}

static inline bool any_try_acquire(struct any_lock *any)
{
	switch (any->kind) {
	case LOCK:
		return vcore_lock_try_acquire(&any->lock);
	case TICKETLOCK:
		return vcore_ticketlock_try_acquire(&any->ticketlock);
	case SEMAPHORE:
		return vcore_semaphore_try_acquire(&any->semaphore);
	default:
		return vcore_rwlock_try_acquire_write(&any->rwlock);
	}
}

static inline void any_release(struct any_lock *any)
{
	switch (any->kind) {
	case LOCK:
		vcore_lock_release(&any->lock);
		break;
	case TICKETLOCK:
		vcore_ticketlock_release(&any->ticketlock);
		break;
	case SEMAPHORE:
		vcore_semaphore_release(&any->semaphore, 1);
		break;
	default:
		vcore_rwlock_release_write(&any->rwlock);
	}
}

/* Of one that has owners. */
static inline void any_recovered(struct any_lock *any)
{
	switch (any->kind) {
	case LOCK:
		vcore_lock_recovered(&any->lock);
		break;
	case TICKETLOCK:
		vcore_ticketlock_recovered(&any->ticketlock);
		break;
	default:
		vcore_rwlock_recovered(&any->rwlock);
	}
}

/* For reading, or alone. */
static inline int any_enter_until(struct any_lock *any, bool read, vcore_instant deadline)
{
	return read ? vcore_rwlock_acquire_read_until(&any->rwlock, deadline)
		    : any_acquire_until(any, deadline);
}

static inline void any_leave(struct any_lock *any, bool read)
{
	if (read) {
		vcore_rwlock_release_read(&any->rwlock);
	} else {
		any_release(any);
	}
}

/* --- waiting threads ------------------------------------------------------------------ */

struct locks_queue {
	const void *object;
	size_t length;
};

static inline int locks_count_waiting(const struct vcore_thread_info *info, void *queue)
{
	struct locks_queue *self = queue;

	self->length += info->state == VCORE_THREAD_WAITING && info->object == self->object;
	return 0;
}

/* How many threads of the runtime wait for the object now. */
static inline size_t locks_waiting(struct vcore_runtime *runtime, const void *object)
{
	struct locks_queue queue = {.object = object};

	CHECK_IS(vcore_inspect_threads(runtime, locks_count_waiting, &queue), 0);
	return queue.length;
}

/* --- whole programs --------------------------------------------------------------------- */

static inline void locks_case(const struct ticks *ticks, const char *name)
{
	if (ticks->quantum == VCORE_QUANTUM_OFF) {
		tap_case("%s, no ticks, on %u", name, ticks->processors);
	} else {
		ticks_case(ticks, name);
	}
}

static inline void locks_with(struct vcore_runtime_options options,
			      void (*work)(const struct ticks *ticks))
{
	struct ticks ticks = ticks_open(options);

	if (options.quantum != VCORE_QUANTUM_OFF && ticks.off != NULL) {
		stress_close(ticks.runtime);
		tap_skip("with ticks", ticks.off);
		return;
	}
	work(&ticks);
	stress_close(ticks.runtime);
	locks_case(&ticks, "close");
}

/* Without ticks, and with short quanta, on 1, 2 and 4 processors. */
static inline int locks_main(int argc, char **argv, void (*work)(const struct ticks *ticks))
{
	static const int64_t quanta[] = {VCORE_QUANTUM_OFF, 100 * MICROSECOND, MILLISECOND};

	stress_begin(argc, argv);
	for (size_t i = 0; i < sizeof(quanta) / sizeof(quanta[0]); i++) {
		if (quanta[i] != VCORE_QUANTUM_OFF && quanta[i] < ticks_least_quantum()) {
			continue;
		}
		for (unsigned processors = 1; processors <= 4; processors *= 2) {
			locks_with((struct vcore_runtime_options){.quantum = quanta[i],
								  .processors = processors},
				   work);
		}
	}
	return tap_done();
}

#endif /* TESTS_STRESS_LOCKS_H */
