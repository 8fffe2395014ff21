/*
 * Objects freed as soon as the last call that counts has returned, while those
 * that let its caller in may still be on their way out: they must not touch the
 * object any more.
 *
 *	locks	of all kinds, by the last who released; with readers, too.
 *	conditions  with their lock, by the last whose wait returned.
 *	semaphores  by who waited, while the release that let it in returns.
 *	barriers  by the last who waited, while the one that arrived last returns.
 *
 * The memory of an object is freed, for ASan to watch; or unmapped; or overwritten
 * and looked at in the end.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "locks.h"
#include <sys/mman.h>

/* --- graves ------------------------------------------------------------------------------ */

#define POISON 0xa5

union object {
	struct any_lock lock;
	struct {
		struct vcore_lock lock;
		struct vcore_condition condition;
	} pair;
	struct vcore_semaphore semaphore;
	struct vcore_barrier barrier;
};

/* The object, and who is about it. */
struct mortal {
	union object *object;
	enum { FREED, UNMAPPED, POISONED, WAYS } way;
	unsigned users;        /* all */
	_Atomic unsigned left; /* that have not done with it */
	unsigned inside;       /* guarded by the object */
	bool called;           /* likewise */
};

static void make_mortal(struct mortal *mortal, unsigned users, uint64_t *random)
{
	*mortal = (struct mortal){.way = stress_below(random, WAYS), .users = users, .left = users};
	if (mortal->way == UNMAPPED) {
		mortal->object = mmap(NULL, sizeof(union object), PROT_READ | PROT_WRITE,
				      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		CHECK(mortal->object != MAP_FAILED);
	} else {
		mortal->object = calloc(1, sizeof(union object));
	}
}

/* By the last user: nobody touches the object any more. */
static void bury(struct mortal *mortal)
{
	switch (mortal->way) {
	case FREED:
		free(mortal->object);
		break;
	case UNMAPPED:
		munmap(mortal->object, sizeof(union object));
		break;
	default:
		memset(mortal->object, POISON, sizeof(union object));
	}
}

/* When all threads have been joined. */
static void inspect_grave(struct mortal *mortal)
{
	const unsigned char *bytes = (const unsigned char *)mortal->object;

	CHECK_IS(atomic_load(&mortal->left), 0);
	if (mortal->way == POISONED) {
		for (size_t i = 0; i < sizeof(union object); i++) {
			CHECK_IS(bytes[i], POISON);
		}
		free(mortal->object);
	}
}

/* Users are vcore threads and pthreads, one of them at least a vcore thread. */
static void live(const struct ticks *ticks, struct mortal *mortal, void *(*use)(void *),
		 uint64_t *random)
{
	struct mortal *shared[8];
	struct stress_crew crew = {.plain = stress_below(random, mortal->users)};

	crew.vcore = mortal->users - crew.plain;
	for (unsigned i = 0; i < mortal->users; i++) {
		shared[i] = mortal;
	}
	stress_crew_start(&crew, ticks->runtime, use, shared, sizeof(shared[0]));
	stress_crew_join(&crew);
	inspect_grave(mortal);
}

/* Done with it: true for the last. */
static bool is_last(struct mortal *mortal)
{
	return atomic_fetch_sub(&mortal->left, 1) == 1;
}

/* --- locks ---------------------------------------------------------------------------- */

/* Once for reading, if there are readers, then alone: who is last there buries it. */
static void *lock_once(void *argument)
{
	struct mortal *mortal = *(struct mortal **)argument;
	struct any_lock *lock = &mortal->object->lock;
	bool last, has_readers = any_has_readers(lock);

	if (has_readers) {
		vcore_rwlock_acquire_read(&lock->rwlock);
		vcore_rwlock_release_read(&lock->rwlock);
	}
	while (any_acquire_until(lock, vcore_after(20 * MICROSECOND)) != 0) {
		vcore_yield();
	}
	last = is_last(mortal);
	if (has_readers && last) {
		vcore_rwlock_downgrade(&lock->rwlock);
	}
	any_leave(lock, has_readers && last);
	if (last) {
		bury(mortal);
	}
	return NULL;
}

static void locks(const struct ticks *ticks, uint64_t *random)
{
	struct mortal mortal;

	for (size_t i = LOCK_KINDS * stress_size(60, 4); i > 0; i--) {
		make_mortal(&mortal, 2 + (unsigned)stress_below(random, 4), random);
		any_make(&mortal.object->lock, i % LOCK_KINDS);
		live(ticks, &mortal, lock_once, random);
	}
	locks_case(ticks, "locks are freed after the last release");
}

/* --- conditions ------------------------------------------------------------------------- */

/*
 * The last to come calls the others, with the lock or without; it has done with
 * both objects when they are called.
 */
static void call_others(struct mortal *mortal, bool all)
{
	union object *object = mortal->object;

	mortal->called = true;
	if (all) {
		vcore_condition_broadcast(&object->pair.condition);
		vcore_lock_release(&object->pair.lock);
	} else {
		vcore_lock_release(&object->pair.lock);
		vcore_condition_broadcast(&object->pair.condition);
	}
}

static void *wait_once(void *argument)
{
	struct mortal *mortal = *(struct mortal **)argument;
	union object *object = mortal->object;
	bool last;

	vcore_lock_acquire(&object->pair.lock);
	mortal->inside++;
	if (mortal->inside == mortal->users) {
		atomic_fetch_sub(&mortal->left, 1);
		call_others(mortal, mortal->users % 2 == 0);
		return NULL;
	}
	while (!mortal->called) {
		CHECK_IS(vcore_condition_wait(&object->pair.condition, &object->pair.lock,
					      VCORE_NEVER),
			 0);
	}
	last = is_last(mortal);
	vcore_lock_release(&object->pair.lock);
	if (last) {
		bury(mortal);
	}
	return NULL;
}

static void conditions(const struct ticks *ticks, uint64_t *random)
{
	struct mortal mortal;

	for (size_t i = stress_size(200, 10); i > 0; i--) {
		make_mortal(&mortal, 2 + (unsigned)stress_below(random, 4), random);
		live(ticks, &mortal, wait_once, random);
	}
	locks_case(ticks, "conditions are freed after the last return");
}

/* --- semaphores --------------------------------------------------------------------------- */

/* Two meet: who comes first waits. */
static void *release_or_acquire(void *argument)
{
	struct mortal *mortal = *(struct mortal **)argument;
	struct vcore_semaphore *semaphore = &mortal->object->semaphore;

	if (is_last(mortal)) {
		vcore_semaphore_release(semaphore, 1);
	} else {
		vcore_semaphore_acquire(semaphore);
		bury(mortal);
	}
	return NULL;
}

static void semaphores(const struct ticks *ticks, uint64_t *random)
{
	struct mortal mortal;

	for (size_t i = stress_size(200, 10); i > 0; i--) {
		make_mortal(&mortal, 2, random);
		live(ticks, &mortal, release_or_acquire, random);
	}
	locks_case(ticks, "semaphores are freed after the acquire");
}

/* --- barriers --------------------------------------------------------------------------- */

static void *arrive(void *argument)
{
	struct mortal *mortal = *(struct mortal **)argument;
	int result = vcore_barrier_wait(&mortal->object->barrier, VCORE_NEVER);

	CHECK(result == 0 || result == 1);
	if (result == 1) { /* the others may have buried it: it does not count */
		return NULL;
	}
	if (is_last(mortal)) {
		bury(mortal);
	}
	return NULL;
}

static void barriers(const struct ticks *ticks, uint64_t *random)
{
	struct mortal mortal;

	for (size_t i = stress_size(200, 10); i > 0; i--) {
		make_mortal(&mortal, 2 + (unsigned)stress_below(random, 4), random);
		mortal.object->barrier =
			(struct vcore_barrier)VCORE_BARRIER_INITIALIZER(mortal.users);
		mortal.left--;
		live(ticks, &mortal, arrive, random);
	}
	locks_case(ticks, "barriers are freed after the last wait");
}

static void free_after(const struct ticks *ticks)
{
	uint64_t random = stress_seed + ticks->processors;

	locks(ticks, &random);
	conditions(ticks, &random);
	semaphores(ticks, &random);
	barriers(ticks, &random);
}

int main(int argc, char **argv)
{
	return locks_main(argc, argv, free_after);
}
