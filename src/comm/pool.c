/*
 * Pools: see vcore/pool.h.
 *
 * Free objects lie in magazines, arrays of pointers to them.  A cache has two,
 * from which its owner gets and to which it puts; full and empty ones are
 * exchanged with the depot, two lock-free stacks.  Memory is carved in batches
 * (memory/chunks.h): a magazine, and as many objects as it holds.
 *
 * Each processor has a cache of its own, found by its seat.  It needs no lock:
 * a tick does nothing in library text, so that a call is over before another
 * thread makes one on the same processor.  What happened on the processor
 * happened before, whichever kernel thread carried it (O9), and when its seat
 * goes to a processor of another runtime (seat.h).  All others (pthreads,
 * threads that were let go, processors without a seat) are crowds, each around a
 * cache with a lock; a kernel thread is always of the same one.
 *
 * Invariants
 *	P1  Of a cache's two magazines the one not loaded is full or empty, and
 *	    so are those in the depot.
 *	P2  A put that needs an empty magazine from the depot finds one.
 * Order
 *	O14 Caches are installed by a release, and found by an acquire.
 *
 * Why P2 holds.  There are two magazines for each cache and one for each batch
 * carved, M objects.  A cache that exchanges magazines has for a moment one that
 * is not its own: first it takes one from the depot, then it gives one.
 * At any instant let there be b batches, and beyond the caches' own
 *	e, f	empty and full magazines in the depot,
 *	x	caches that have taken a full one, and not yet given an empty,
 *	y	caches that have taken an empty one, and not yet given a full:
 * e + f + x + y = b.  The x have at least M free objects each, the y have 2M.
 * A cache that needs an empty magazine has two full ones, and an object more to
 * put.  So the b * M objects are at least (f + x + y) * M + 2M + 1; hence
 * f + x + y < b, and e > 0.  A batch's magazine is in the depot before its
 * objects are in a cache.
 *
 * Nothing here waits for a thread that may not run on but a crowd's lock.  In a
 * child of fork that is free (registry.h).  The pool is whole there, less the
 * objects in caches of processors that are not there; an exchange that one of
 * them was at stays undone, and P2 holds with it.  A call that was under way
 * counts as made or not.
 *
 * Free objects are not poisoned for ASan: lock-free code may read them.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <vcore/pool.h>
#include <vcore/stack.h>

#include <errno.h>

#include "memory/chunks.h"
#include "sched/registry.h"
#include "sched/seat.h"

/* Beyond what any address space has room for. */
#define OBJECT_MAX ((size_t)1 << 47)

/* A batch is that large, unless it would be more objects, or less than one. */
#define BATCH_BYTES ((size_t)32 << 10)

/* A magazine has 8 lines. */
#define ROUNDS_MAX 63u

struct magazine {
	struct vcore_stack_node node; /* in the depot */
	void *rounds[ROUNDS_MAX];
};

#define APART _Alignas(VCI_LINE_PAIR)

/* Zero until it is first used. */
struct cache {
	APART struct magazine *loaded;
	struct magazine *other;
	uint32_t n;    /* objects in the one loaded */
	uint32_t room; /* of a magazine; 0: not used yet */
	bool other_is_full;
	int64_t outstanding; /* atomic: got here minus put here */
	struct magazine own[2];
};

/* Caches are made so many at a time; of pages, which take memory when used. */
#define LEAF 16u

/* A power of two. */
#define CROWDS 4u

struct crowd {
	APART struct vci_fork_lock lock;
	struct cache cache; /* guarded by lock */
};

struct vcore_pool {
	/* constant */
	size_t object_bytes;
	uint32_t room; /* of a magazine */
	/* atomic */
	struct cache *leaves[VCI_SEATS / LEAF]; /* by seat; NULL: none yet */
	APART struct vci_chunks chunks;
	APART struct vcore_stack full;
	APART struct vcore_stack empty;
	struct crowd crowds[CROWDS];
};

/* --- caches ------------------------------------------------------------------------- */

static void set_up(const struct vcore_pool *pool, struct cache *cache)
{
	cache->loaded = &cache->own[0];
	cache->other = &cache->own[1];
	cache->room = pool->room;
}

static void swap_magazines(struct cache *cache)
{
	struct magazine *loaded = cache->loaded;

	cache->loaded = cache->other;
	cache->other = loaded;
}

/* Gives the other magazine for one from the depot; false: there is none. */
static bool exchange(struct cache *cache, struct vcore_stack *from, struct vcore_stack *to)
{
	struct vcore_stack_node *node = vcore_stack_pop(from);

	if (node == NULL) {
		return false;
	}
	vcore_stack_push(to, &cache->other->node);
	cache->other = (struct magazine *)(void *)node;
	return true;
}

/* Fills the magazine loaded with objects that were never got. */
static bool load_batch(struct vcore_pool *pool, struct cache *cache)
{
	struct magazine *magazine = vci_chunks_carve(&pool->chunks);
	char *object = (char *)(magazine + 1);

	if (magazine == NULL) {
		return false;
	}
	vcore_stack_push(&pool->empty, &magazine->node);
	for (cache->n = cache->room; cache->n > 0; cache->n--) {
		cache->loaded->rounds[cache->n - 1] = object;
		object += pool->object_bytes;
	}
	cache->n = cache->room;
	return true;
}

/* The magazine loaded is empty; false: and stays so. */
static bool load_full(struct vcore_pool *pool, struct cache *cache)
{
	if (cache->room == 0) {
		set_up(pool, cache);
	}
	if (!cache->other_is_full && !exchange(cache, &pool->full, &pool->empty)) {
		return load_batch(pool, cache);
	}
	swap_magazines(cache);
	cache->other_is_full = false;
	cache->n = cache->room;
	return true;
}

/* The magazine loaded is full; false: and stays so, against P2. */
static bool load_empty(struct vcore_pool *pool, struct cache *cache)
{
	if (cache->room == 0) {
		set_up(pool, cache);
		return true;
	}
	if (cache->other_is_full && !exchange(cache, &pool->empty, &pool->full)) {
		return false;
	}
	swap_magazines(cache);
	cache->other_is_full = true;
	cache->n = 0;
	return true;
}

static inline void count(struct cache *cache, int64_t n)
{
	__atomic_store_n(&cache->outstanding, cache->outstanding + n, __ATOMIC_RELAXED);
}

static inline void *take(struct cache *cache)
{
	count(cache, 1);
	cache->n--;
	return cache->loaded->rounds[cache->n];
}

static inline void give(struct cache *cache, void *object)
{
	count(cache, -1);
	cache->loaded->rounds[cache->n] = object;
	cache->n++;
}

/* NULL: there is no memory. */
static void *get(struct vcore_pool *pool, struct cache *cache)
{
	return cache->n > 0 || load_full(pool, cache) ? take(cache) : NULL;
}

/* False: P2 does not hold. */
static bool put(struct vcore_pool *pool, struct cache *cache, void *object)
{
	bool can = cache->n < cache->room || load_empty(pool, cache);

	if (can) {
		give(cache, object);
	}
	return can;
}

/* --- whose cache ---------------------------------------------------------------------- */

/* Where the leaf is that the caller's cache is in; NULL: it is one of the crowd. */
static inline struct cache **own_leaf(struct vcore_pool *pool, uint32_t *seat)
{
	const struct vci_kthread *m = vci_kthread_self();

	if (unlikely(m == NULL)) {
		return NULL;
	}
	*seat = m->processor->seat;
	return likely(*seat < VCI_SEATS) ? &pool->leaves[*seat / LEAF] : NULL;
}

/* NULL: it is one of the crowd, or its cache is not there yet. */
static inline struct cache *own_cache(struct vcore_pool *pool)
{
	uint32_t seat;
	struct cache **place = own_leaf(pool, &seat);
	struct cache *leaf = place != NULL ? __atomic_load_n(place, __ATOMIC_ACQUIRE) : NULL;

	return likely(leaf != NULL) ? &leaf[seat % LEAF] : NULL;
}

static struct cache *add_leaf(struct cache **place)
{
	struct cache *leaf = vci_pages_reserve(LEAF * sizeof(*leaf));
	struct cache *before = NULL;

	if (leaf != NULL && !__atomic_compare_exchange_n(place, &before, leaf, false,
							 __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) {
		vci_pages_release(leaf, LEAF * sizeof(*leaf)); /* another was faster */
		leaf = before;
	}
	return leaf;
}

/* NULL: it is one of the crowd, or becomes so for want of memory. */
static struct cache *make_own_cache(struct vcore_pool *pool)
{
	uint32_t seat;
	struct cache **place = own_leaf(pool, &seat);
	struct cache *leaf = NULL;

	if (place != NULL) {
		leaf = __atomic_load_n(place, __ATOMIC_ACQUIRE);
		leaf = leaf != NULL ? leaf : add_leaf(place);
	}
	return leaf != NULL ? &leaf[seat % LEAF] : NULL;
}

/* The thread-local variables of different kernel threads lie pages apart. */
static struct crowd *own_crowd(struct vcore_pool *pool)
{
	uint64_t page = (uintptr_t)vci_local() / vci_page_size;

	return &pool->crowds[(page * UINT64_C(0x9e3779b97f4a7c15) >> 32) % CROWDS];
}

/* --- the calls ------------------------------------------------------------------------- */

static __attribute__((noinline)) void *get_slowly(struct vcore_pool *pool)
{
	struct cache *cache = make_own_cache(pool);
	struct crowd *crowd;
	void *object;

	if (cache != NULL) {
		return get(pool, cache);
	}
	crowd = own_crowd(pool);
	vci_spin_lock(&crowd->lock.spin);
	object = get(pool, &crowd->cache);
	vci_spin_unlock(&crowd->lock.spin);
	return object;
}

static __attribute__((noinline)) bool put_slowly(struct vcore_pool *pool, void *object)
{
	struct cache *cache = make_own_cache(pool);
	struct crowd *crowd;
	bool done;

	if (cache != NULL) {
		return put(pool, cache, object);
	}
	crowd = own_crowd(pool);
	vci_spin_lock(&crowd->lock.spin);
	done = put(pool, &crowd->cache, object);
	vci_spin_unlock(&crowd->lock.spin);
	return done;
}

void *vcore_pool_get(struct vcore_pool *pool)
{
	struct cache *cache;

	VCI_PANIC_IF(pool == NULL, "pool is NULL");
	cache = own_cache(pool);
	if (unlikely(cache == NULL || cache->n == 0)) {
		return get_slowly(pool);
	}
	return take(cache);
}

void vcore_pool_put(struct vcore_pool *pool, void *object)
{
	struct cache *cache;

	VCI_PANIC_IF(pool == NULL, "pool is NULL");
	if (object == NULL) {
		return;
	}
	cache = own_cache(pool);
	if (unlikely(cache == NULL || cache->n == cache->room)) {
		VCI_PANIC_IF(!put_slowly(pool, object), "more objects were put than got");
		return;
	}
	give(cache, object);
}

static int64_t count_of(const struct cache *cache)
{
	return __atomic_load_n(&cache->outstanding, __ATOMIC_RELAXED);
}

size_t vcore_pool_outstanding(const struct vcore_pool *pool)
{
	int64_t n = 0;

	VCI_PANIC_IF(pool == NULL, "pool is NULL");
	for (uint32_t i = 0; i < CROWDS; i++) {
		n += count_of(&pool->crowds[i].cache);
	}
	for (uint32_t i = 0; i < VCI_SEATS / LEAF; i++) {
		const struct cache *leaf = __atomic_load_n(&pool->leaves[i], __ATOMIC_ACQUIRE);

		for (uint32_t j = 0; leaf != NULL && j < LEAF; j++) {
			n += count_of(&leaf[j]);
		}
	}
	return n > 0 ? (size_t)n : 0; /* of caches that are looked at one by one */
}

int vcore_pool_create(struct vcore_pool **result, size_t object_size)
{
	struct vcore_pool *pool;
	size_t rounds;
	int error;

	VCI_PANIC_IF(result == NULL, "pool is NULL");
	VCI_PANIC_IF(object_size == 0, "object_size is 0");
	if (object_size > OBJECT_MAX) {
		return -ENOMEM;
	}
	error = vci_registry_open();
	if (error != 0) {
		return error;
	}
	pool = vci_pages_reserve(sizeof(*pool));
	if (pool == NULL) {
		return -ENOMEM;
	}
	pool->object_bytes = vci_round_up(object_size, object_size > 8 ? 16 : 8);
	rounds = BATCH_BYTES / pool->object_bytes;
	pool->room = rounds < 1 ? 1 : rounds > ROUNDS_MAX ? ROUNDS_MAX : (uint32_t)rounds;
	pool->chunks.batch_bytes = vci_round_up(
		sizeof(struct magazine) + pool->room * pool->object_bytes, VCI_CACHE_LINE);
	for (uint32_t i = 0; i < CROWDS; i++) {
		vci_fork_lock_add(&pool->crowds[i].lock);
	}
	*result = pool;
	return 0;
}

static void release_all(struct vcore_pool *pool)
{
	vci_chunks_release(&pool->chunks);
	for (uint32_t i = 0; i < VCI_SEATS / LEAF; i++) {
		vci_pages_release(pool->leaves[i], LEAF * sizeof(struct cache));
	}
	vci_pages_release(pool, sizeof(*pool));
}

int vcore_pool_delete(struct vcore_pool *pool)
{
	if (pool == NULL) {
		return 0;
	}
	if (vcore_pool_outstanding(pool) != 0) {
		return -EBUSY;
	}
	for (uint32_t i = 0; i < CROWDS; i++) {
		vci_fork_lock_remove(&pool->crowds[i].lock);
	}
	release_all(pool);
	return 0;
}
