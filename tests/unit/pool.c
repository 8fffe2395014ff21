/*
 * Pools: what include/vcore/pool.h promises, one promise to a test.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <vcore/pool.h>

TestSuite(pool, .timeout = 100);

/* More than caches hold, of small objects. */
enum { MANY = 1000 };

static struct vcore_pool *make(size_t object_size)
{
	struct vcore_pool *pool = NULL;

	check(vcore_pool_create(&pool, object_size) == 0);
	check(pool != NULL);
	return pool;
}

static void get_all(struct vcore_pool *pool, void **objects, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		objects[i] = vcore_pool_get(pool);
		check(objects[i] != NULL);
	}
}

static void put_all(struct vcore_pool *pool, void **objects, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		vcore_pool_put(pool, objects[i]);
	}
}

static bool consists_of(const void *object, char byte, size_t n)
{
	const char *bytes = object;

	for (size_t i = 0; i < n; i++) {
		if (bytes[i] != byte) {
			return false;
		}
	}
	return true;
}

static const size_t sizes[] = {1, 8, 9, 16, 24, 100, 4096, 40000, (size_t)5 << 20};

#define SIZES (sizeof(sizes) / sizeof(sizes[0]))

TestEverywhere(pool, objects_have_their_size_for_themselves)
{
	enum { N = 200 };
	void *objects[N];

	for (size_t s = 0; s < SIZES; s++) {
		struct vcore_pool *pool = make(sizes[s]);
		size_t n = sizes[s] < 4096 ? N : 3;
		size_t bytes = sizes[s] < 40000 ? sizes[s] : 40000;

		get_all(pool, objects, n);
		for (size_t i = 0; i < n; i++) {
			memset(objects[i], (int)i, bytes);
			((char *)objects[i])[sizes[s] - 1] = (char)i;
		}
		for (size_t i = 0; i < n; i++) {
			check(consists_of(objects[i], (char)i, bytes));
			check(((char *)objects[i])[sizes[s] - 1] == (char)i);
		}
		put_all(pool, objects, n);
		check(vcore_pool_delete(pool) == 0);
	}
}

TestEverywhere(pool, objects_are_aligned_to_16_small_ones_to_8)
{
	void *objects[MANY];

	for (size_t s = 0; s < SIZES; s++) {
		struct vcore_pool *pool = make(sizes[s]);
		size_t n = sizes[s] < 4096 ? MANY : 3;

		get_all(pool, objects, n);
		for (size_t i = 0; i < n; i++) {
			check((uintptr_t)objects[i] % (sizes[s] > 8 ? 16 : 8) == 0);
		}
		put_all(pool, objects, n);
		check(vcore_pool_delete(pool) == 0);
	}
}

TestEverywhere(pool, an_object_that_was_never_got_is_zero)
{
	struct vcore_pool *pool = make(40);
	void *objects[MANY];

	get_all(pool, objects, MANY);
	for (int i = 0; i < MANY; i++) {
		check(consists_of(objects[i], 0, 40));
	}
	put_all(pool, objects, MANY);
	check(vcore_pool_delete(pool) == 0);
}

TestEverywhere(pool, an_object_stays_as_it_was_put)
{
	struct vcore_pool *pool = make(40);
	void *objects[MANY];

	get_all(pool, objects, MANY);
	for (int i = 0; i < MANY; i++) {
		memset(objects[i], 'x', 40);
	}
	put_all(pool, objects, MANY);
	for (int i = 0; i < MANY; i++) { /* also before it is got again */
		check(consists_of(objects[i], 'x', 40));
	}
	get_all(pool, objects, MANY);
	for (int i = 0; i < MANY; i++) {
		check(consists_of(objects[i], 'x', 40));
	}
	put_all(pool, objects, MANY);
	check(vcore_pool_delete(pool) == 0);
}

TestEverywhere(pool, put_of_null_has_no_effect)
{
	struct vcore_pool *pool = make(8);

	vcore_pool_put(pool, NULL);
	check(vcore_pool_outstanding(pool) == 0);
	check(vcore_pool_delete(pool) == 0);
}

TestEverywhere(pool, delete_of_null_has_no_effect)
{
	check(vcore_pool_delete(NULL) == 0);
}

TestEverywhere(pool, outstanding_says_how_many_were_got_and_not_put)
{
	struct vcore_pool *pool = make(8);
	void *objects[MANY];

	for (int i = 0; i < MANY; i++) {
		check(vcore_pool_outstanding(pool) == (size_t)i);
		objects[i] = vcore_pool_get(pool);
	}
	for (int i = MANY; i > 0; i--) {
		check(vcore_pool_outstanding(pool) == (size_t)i);
		vcore_pool_put(pool, objects[i - 1]);
	}
	check(vcore_pool_outstanding(pool) == 0);
	check(vcore_pool_delete(pool) == 0);
}

TestEverywhere(pool, delete_is_refused_while_objects_are_outstanding)
{
	struct vcore_pool *pool = make(8);
	int *object = vcore_pool_get(pool);

	*object = 7;
	check(vcore_pool_delete(pool) == -EBUSY);
	check(*object == 7);
	check(vcore_pool_outstanding(pool) == 1);
	vcore_pool_put(pool, object);
	check(vcore_pool_delete(pool) == 0);
}

static size_t address_space(void)
{
	char line[64] = "";
	FILE *file = fopen("/proc/self/statm", "r");

	check(file != NULL && fgets(line, sizeof(line), file) != NULL);
	fclose(file);
	return strtoul(line, NULL, 10);
}

static void make_and_delete(void)
{
	struct vcore_pool *pool = make(4000);
	void *objects[MANY];

	get_all(pool, objects, MANY);
	put_all(pool, objects, MANY);
	check(vcore_pool_delete(pool) == 0);
}

/* Where nobody else asks for memory meanwhile. */
static void leave_nothing(void)
{
	size_t before;

	make_and_delete();
	(void)address_space(); /* libc has what it wants */
	before = address_space();
	make_and_delete();
	check(address_space() == before);
}

Test(pool, delete_returns_all_memory)
{
	leave_nothing();
}

TestInTurns(pool, delete_returns_the_memory_of_processors_too)
{
	leave_nothing();
}

/* --- memory ----------------------------------------------------------------------------- */

TestInShortage(pool, after_warm_up_no_memory_is_asked_for)
{
	struct vcore_pool *pool = make(100);
	void *objects[MANY];

	get_all(pool, objects, MANY);
	put_all(pool, objects, MANY);
	begin_shortage();
	for (int i = 0; i < 10; i++) {
		get_all(pool, objects, MANY);
		put_all(pool, objects, MANY);
	}
	end_shortage();
	check(vcore_pool_delete(pool) == 0);
}

/* Until there is no memory; how many. */
static size_t get_what_there_is(struct vcore_pool *pool, void **objects)
{
	size_t n = 0;

	while ((objects[n] = vcore_pool_get(pool)) != NULL) {
		n++;
	}
	return n;
}

TestInShortage(pool, without_memory_get_returns_null_and_put_works)
{
	static void *objects[100000], *others[100000];
	struct vcore_pool *pool = make(100);
	size_t n;

	vcore_pool_put(pool, vcore_pool_get(pool));
	begin_shortage();
	n = get_what_there_is(pool, objects);
	check(n > 0);
	check(vcore_pool_get(pool) == NULL);
	check(vcore_pool_outstanding(pool) == n);
	put_all(pool, objects, n);
	check(get_what_there_is(pool, others) == n);
	put_all(pool, others, n);
	end_shortage();
	get_all(pool, objects, n + 1);
	put_all(pool, objects, n + 1);
	check(vcore_pool_delete(pool) == 0);
}

TestInShortage(pool, one_cannot_be_made_without_memory)
{
	struct vcore_pool *pool = NULL;
	int error;

	begin_shortage();
	error = vcore_pool_create(&pool, 8);
	end_shortage();
	check(error == -ENOMEM);
	check(pool == NULL);
}

TestEverywhere(pool, objects_larger_than_the_address_space_cannot_be)
{
	struct vcore_pool *pool = NULL;

	check(vcore_pool_create(&pool, SIZE_MAX) == -ENOMEM);
	check(vcore_pool_create(&pool, SIZE_MAX / 2) == -ENOMEM);
	check(pool == NULL);
	check(vcore_pool_create(&pool, (size_t)1 << 47) == 0); /* takes none yet */
	check(vcore_pool_get(pool) == NULL);
	check(vcore_pool_delete(pool) == 0);
}

/* --- several threads -------------------------------------------------------------------- */

struct handing {
	struct vcore_pool *pool;
	void *objects[MANY];
};

static void *hand_back(void *argument)
{
	struct handing *handing = argument;

	put_all(handing->pool, handing->objects, MANY);
	return NULL;
}

static struct peer start_pthread_peer(void *(*entry)(void *), void *argument)
{
	return (struct peer){.pthread = start_pthread(entry, argument)};
}

static int mark_fresh(void **objects)
{
	int n = 0;

	for (int i = 0; i < MANY; i++) {
		char *object = objects[i];

		n += *object == 0;
		*object = 1;
	}
	return n;
}

/* What the other puts is got again: beyond what caches keep nothing new is made. */
static void hand_over(struct peer (*start)(void *(*entry)(void *), void *argument))
{
	static struct handing handing;
	int fresh = 0;

	handing.pool = make(1000);
	for (int i = 0; i < 50; i++) {
		get_all(handing.pool, handing.objects, MANY);
		check(vcore_pool_outstanding(handing.pool) == MANY);
		fresh += mark_fresh(handing.objects);
		peer_finish(start(hand_back, &handing));
		check(vcore_pool_outstanding(handing.pool) == 0);
	}
	check(fresh < 2 * MANY);
	check(vcore_pool_delete(handing.pool) == 0);
}

TestEverywhere(pool, one_thread_may_put_what_another_got)
{
	hand_over(peer_start);
}

TestAround(pool, a_pthread_may_put_what_a_vcore_thread_got)
{
	hand_over(start_pthread_peer);
}

/* What the processor of a runtime has kept, one opened later has. */
static struct vcore_pool *lasting;
static void *seen[2];

static void get_once(void)
{
	seen[0] = seen[1];
	seen[1] = vcore_pool_get(lasting);
	vcore_pool_put(lasting, seen[1]);
}

Test(pool, it_outlives_runtimes)
{
	lasting = make(8);
	for (int i = 0; i < 100; i++) {
		run_inside(1, get_once);
		cr_assert(i == 0 || seen[0] == seen[1]);
	}
	cr_assert_eq(vcore_pool_delete(lasting), 0);
}

TestAround(pool, there_may_be_many)
{
	enum { POOLS = 200 };
	struct vcore_pool *pools[POOLS];
	int *objects[POOLS];

	for (int i = 0; i < POOLS; i++) {
		pools[i] = make(sizeof(int));
		objects[i] = vcore_pool_get(pools[i]);
		*objects[i] = i;
	}
	for (int i = 0; i < POOLS; i++) {
		check(*objects[i] == i);
		vcore_pool_put(pools[i], objects[i]);
		check(vcore_pool_delete(pools[i]) == 0);
	}
}

/* --- fork ------------------------------------------------------------------------------- */

static struct outcome outcome;
static struct handing forked;

static void use_in_child(void)
{
	void *more[MANY];

	check(vcore_pool_outstanding(forked.pool) == MANY);
	check(vcore_pool_delete(forked.pool) == -EBUSY);
	get_all(forked.pool, more, MANY);
	hand_back(&forked);
	put_all(forked.pool, more, MANY);
	check(vcore_pool_outstanding(forked.pool) == 0);
	check(vcore_pool_delete(forked.pool) == 0);
	_exit(42);
}

static void fork_with_a_pool(void)
{
	forked.pool = make(100);
	get_all(forked.pool, forked.objects, MANY);
	run_child(&outcome, use_in_child);
	check(exited_with(&outcome, 42));
	hand_back(&forked);
	check(vcore_pool_delete(forked.pool) == 0);
}

static void *fork_inside(void *unused)
{
	fork_with_a_pool();
	return unused;
}

Test(pool, a_child_of_a_pthread_has_it)
{
	fork_with_a_pool();
}

Test(pool, a_child_of_a_vcore_thread_has_it)
{
	runtime_start(NULL);
	finish(spawn_with((struct vcore_thread_options){.stack_size = 1 << 20}, fork_inside, NULL));
	runtime_finish();
}

static struct vcore_pool *busy;
static atomic_bool stop;

static void *be_busy(void *unused)
{
	void *objects[3];

	while (!atomic_load(&stop)) {
		get_all(busy, objects, 3);
		put_all(busy, objects, 3);
	}
	return unused;
}

static void get_and_put(void)
{
	void *object = vcore_pool_get(busy);

	check(object != NULL);
	vcore_pool_put(busy, object);
	_exit(42);
}

Test(pool, a_child_does_not_wait_for_who_is_not_there)
{
	pthread_t others[2];

	busy = make(40000); /* one to a batch: they are at the depot all the time */
	for (int i = 0; i < 2; i++) {
		others[i] = start_pthread(be_busy, NULL);
	}
	for (int i = 0; i < 100; i++) {
		run_child(&outcome, get_and_put);
		cr_assert(exited_with(&outcome, 42), "%s", outcome.text);
	}
	atomic_store(&stop, true);
	for (int i = 0; i < 2; i++) {
		finish_pthread(others[i]);
	}
	cr_assert_eq(vcore_pool_delete(busy), 0);
}

/* --- panics ----------------------------------------------------------------------------- */

static struct vcore_pool *subject;

static void create_nowhere(void)
{
	vcore_pool_create(NULL, 8);
}

static void get_from_none(void)
{
	vcore_pool_get(NULL);
}

static void put_to_none(void)
{
	vcore_pool_put(NULL, &subject);
}

static void look_into_none(void)
{
	vcore_pool_outstanding(NULL);
}

Test(pool, null_panics)
{
	check(panics_with(create_nowhere, "vcore_pool_create: pool is NULL"));
	check(panics_with(get_from_none, "vcore_pool_get: pool is NULL"));
	check(panics_with(put_to_none, "vcore_pool_put: pool is NULL"));
	check(panics_with(look_into_none, "vcore_pool_outstanding: pool is NULL"));
}

static void create_of_nothing(void)
{
	vcore_pool_create(&subject, 0);
}

Test(pool, objects_of_no_size_panic)
{
	check(panics_with(create_of_nothing, "object_size is 0"));
}

static void put_again_and_again(void)
{
	void *object;

	subject = make(8);
	object = vcore_pool_get(subject);
	for (int i = 0; i < MANY; i++) {
		vcore_pool_put(subject, object);
	}
}

static void put_again_and_again_inside(void)
{
	run_inside(1, put_again_and_again);
}

Test(pool, puts_without_gets_panic_before_there_is_no_room)
{
	check(panics_with(put_again_and_again, "vcore_pool_put: more objects were put than got"));
	check(panics_with(put_again_and_again_inside, "more objects were put than got (thread 1"));
}
