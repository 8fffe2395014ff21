/*
 * Pools: an object belongs to one thread from get to put, what was done to it
 * before put is seen after get, and none is lost.
 *
 * Vcore threads and pthreads get, keep, put, and leave objects for others to put;
 * what they write in them is plain memory, for TSan to see.  Runtimes are opened
 * and closed meanwhile, whose processors take each other's seats; and children
 * are forked, for which the pool must be whole.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "locks.h"
#include <sys/prctl.h>
#include <sys/wait.h>

#define WORKERS 8
#define PLAIN   3   /* of these, pthreads */
#define HELD    150 /* at a time, of a worker: more than a cache has */

struct object {
	struct vcore_stack_node node; /* while it is left for others */
	uint64_t owner;               /* its number + 1; 0: nobody */
	uint64_t uses;
	char rest[];
};

struct store {
	struct vcore_pool *pool;
	size_t object_size;
	struct vcore_stack left; /* by one for another to put */
};

struct user {
	struct store *store;
	unsigned number;
	uint64_t random;
	struct object *held[HELD];
	unsigned n_held;
};

/* Why no child can be forked while others are busy; NULL: one can. */
#if defined STRESS_ASAN
#define NO_FORK "ASan's allocator is not made ready for it"
#elif defined STRESS_TSAN
#define NO_FORK "TSan's 16-byte atomics have a lock, which the child may find held"
#else
#define NO_FORK NULL
#endif

/* 63 in a magazine, 62, 10, one. */
static const size_t sizes[] = {sizeof(struct object), 520, 3000, 50000};

static void own(struct user *self, struct object *object)
{
	CHECK_IS(object->owner, 0);
	object->owner = self->number + 1;
	object->uses++;
	((char *)object)[self->store->object_size - 1] = (char)self->number;
}

static void disown(struct user *self, struct object *object)
{
	CHECK_IS(object->owner, self->number + 1);
	if (self->store->object_size > sizeof(*object)) {
		CHECK_IS(((char *)object)[self->store->object_size - 1], self->number);
		((char *)object)[self->store->object_size - 1] = 0;
	}
	object->owner = 0;
}

static struct object *take_any(struct user *self)
{
	unsigned next = (unsigned)stress_below(&self->random, self->n_held);
	struct object *object = self->held[next];

	self->held[next] = self->held[--self->n_held];
	disown(self, object);
	return object;
}

static void get_some(struct user *self)
{
	uint64_t n = stress_below(&self->random, HELD - self->n_held + 1);

	for (uint64_t i = 0; i < n; i++) {
		struct object *object = vcore_pool_get(self->store->pool);

		if (CHECK(object != NULL)) {
			own(self, object);
			self->held[self->n_held++] = object;
		}
	}
}

static void put_some(struct user *self)
{
	for (uint64_t n = stress_below(&self->random, self->n_held + 1); n > 0; n--) {
		vcore_pool_put(self->store->pool, take_any(self));
	}
}

static void leave_some(struct user *self)
{
	for (uint64_t n = stress_below(&self->random, self->n_held + 1); n > 0; n--) {
		vcore_stack_push(&self->store->left, &take_any(self)->node);
	}
}

static void put_what_was_left(struct store *store)
{
	struct vcore_stack_node *node;

	while ((node = vcore_stack_pop(&store->left)) != NULL) {
		vcore_pool_put(store->pool, node);
	}
}

/* Where threads go to other processors, ticks come, and some are let go. */
static void pause_a_little(struct user *self)
{
	switch (stress_below(&self->random, 16)) {
	case 0:
		vcore_yield();
		break;
	case 1:
		vcore_sleep(vcore_after((int64_t)stress_below(&self->random, 30 * MICROSECOND)));
		break;
	case 2:
		usleep((useconds_t)stress_below(&self->random, 300));
		break;
	default:
		compute(1, stress_below(&self->random, 5000));
	}
}

static void use(struct user *self, size_t times)
{
	for (size_t i = 0; i < times; i++) {
		get_some(self);
		pause_a_little(self);
		put_some(self);
		pause_a_little(self);
		if (stress_below(&self->random, 2) == 0) {
			leave_some(self);
		} else {
			put_what_was_left(self->store);
		}
	}
	while (self->n_held > 0) {
		vcore_pool_put(self->store->pool, take_any(self));
	}
}

static void *be_user(void *user)
{
	use(user, stress_size(400, 10));
	return NULL;
}

static void prepare(struct user *users, unsigned n, struct store *store)
{
	for (unsigned i = 0; i < n; i++) {
		users[i] = (struct user){.store = store, .number = i};
		users[i].random = stress_seed * WORKERS + i;
	}
}

static void open_store(struct store *store, size_t object_size)
{
	*store = (struct store){.object_size = object_size};
	CHECK_IS(vcore_pool_create(&store->pool, object_size), 0);
}

/* Nobody has anything any more. */
static void close_store(struct store *store)
{
	put_what_was_left(store);
	CHECK_IS(vcore_pool_outstanding(store->pool), 0);
	CHECK_IS(vcore_pool_delete(store->pool), 0);
}

static void share(const struct ticks *ticks)
{
	static struct user users[WORKERS];

	for (size_t s = 0; s < sizeof(sizes) / sizeof(sizes[0]); s++) {
		struct stress_crew crew = {.vcore = WORKERS - PLAIN, .plain = PLAIN};
		struct store store;

		open_store(&store, sizes[s]);
		prepare(users, WORKERS, &store);
		stress_crew_start(&crew, ticks->runtime, be_user, users, sizeof(users[0]));
		stress_crew_join(&crew);
		close_store(&store);
	}
	locks_case(ticks, "one owner");
}

/* --- runtimes that come and go -------------------------------------------------------------- */

/* Each is opened by a pthread, with the same users as the one before it. */
struct succession {
	struct user *users;
	unsigned n;
	struct vcore_runtime_options options;
};

static void *use_shortly(void *user)
{
	use(user, 3);
	return NULL;
}

static void *succeed(void *argument)
{
	const struct succession *self = argument;
	size_t times = stress_size(5, 2);

	for (size_t i = 0; i < times; i++) {
		struct vcore_runtime *runtime;
		struct stress_crew crew = {.vcore = self->n};

		CHECK_IS(vcore_runtime_open(&runtime, &self->options), 0);
		stress_crew_start(&crew, runtime, use_shortly, self->users, sizeof(self->users[0]));
		stress_crew_join(&crew);
		CHECK_IS(vcore_runtime_close(runtime, VCORE_NEVER), 0);
	}
	return NULL;
}

static void reuse_seats(const struct ticks *ticks)
{
	static struct user users[WORKERS];
	struct vcore_runtime_options options = {.quantum = ticks->quantum,
						.stack_size = 64 * 1024 + STRESS_EXTRA_STACK};
	struct succession successions[2] = {{users, 3, options}, {users + 3, 4, options}};
	struct stress_crew crew = {.plain = 2};
	struct store store;

	successions[0].options.processors = 1;
	successions[1].options.processors = 1 + ticks->processors;
	open_store(&store, sizes[0]);
	prepare(users, WORKERS, &store);
	stress_crew_start(&crew, NULL, succeed, successions, sizeof(successions[0]));
	use(&users[WORKERS - 1], stress_size(100, 10));
	stress_crew_join(&crew);
	close_store(&store);
	locks_case(ticks, "runtimes that come and go");
}

/* --- fork ----------------------------------------------------------------------------------- */

/* The others are not there: neither is what they have got, or left. */
static void use_in_child(struct user *self)
{
	size_t others;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	atomic_store(&tap_failures, 0);
	others = vcore_pool_outstanding(self->store->pool);
	for (int i = 0; i < 5; i++) {
		get_some(self);
		put_some(self);
	}
	while (self->n_held > 0) {
		vcore_pool_put(self->store->pool, take_any(self));
	}
	CHECK_IS(vcore_pool_outstanding(self->store->pool), others);
	_exit((int)atomic_load(&tap_failures));
}

static void *fork_often(void *user)
{
	size_t times = stress_size(20, 3);

	for (size_t i = 0; i < times; i++) {
		pid_t child = fork();
		int status = -1;

		if (child == 0) {
			use_in_child(user);
		}
		CHECK(child > 0);
		while (waitpid(child, &status, WNOHANG) == 0) {
			vcore_sleep(vcore_after(200 * MICROSECOND));
		}
		CHECK_IS(status, 0);
	}
	return NULL;
}

static void fork_meanwhile(const struct ticks *ticks)
{
	static struct user users[WORKERS + 2];
	struct stress_crew crew = {.vcore = WORKERS - PLAIN, .plain = PLAIN};
	struct stress_crew forkers = {.vcore = 1, .plain = 1};
	struct store store;

	open_store(&store, sizes[3]); /* they exchange magazines all the time */
	prepare(users, WORKERS + 2, &store);
	stress_crew_start(&crew, ticks->runtime, be_user, users, sizeof(users[0]));
	stress_crew_start(&forkers, ticks->runtime, fork_often, &users[WORKERS], sizeof(users[0]));
	stress_crew_join(&forkers);
	stress_crew_join(&crew);
	close_store(&store);
	locks_case(ticks, "fork");
}

/* ------------------------------------------------------------------------------------------ */

static void pool(const struct ticks *ticks)
{
	share(ticks);
	reuse_seats(ticks);
	if (NO_FORK != NULL) {
		tap_skip("fork", NO_FORK);
	} else {
		fork_meanwhile(ticks);
	}
}

int main(int argc, char **argv)
{
	return locks_main(argc, argv, pool);
}
