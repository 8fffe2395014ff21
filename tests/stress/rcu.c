/*
 * Readers, on vcore threads and pthreads, follow pointers that writers replace
 * all the time; what is replaced is freed after a grace period, and poisoned
 * first, so that a reader sees what was freed too early.  Between their sections
 * readers compute, switch, wait, block in the kernel, or do nothing.  In rcu_fork
 * some threads fork, too, and the children read, defer and wait for grace periods of
 * their own.
 *
 * With quanta from 100 µs to none, on 1, 2 and 4 processors.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "ticks.h"
#include <sys/prctl.h>
#include <sys/wait.h>

#define SLOTS  8
#define ALIVE  UINT64_C(0xa11fe)
#define POISON 0xdd

struct item {
	struct vcore_rcu_head head; /* first */
	uint64_t alive, value, complement;
};

static struct {
	struct item *_Atomic slots[SLOTS];
	_Atomic bool stop;
	_Atomic uint64_t made, freed, sections, periods;
	const struct ticks *ticks;
} shared;

struct party {
	uint64_t random;
	bool plain;
};

/* --- items --------------------------------------------------------------------------------- */

static struct item *make_item(uint64_t *random)
{
	struct item *item = malloc(sizeof(*item));

	item->alive = ALIVE;
	item->value = stress_random(random);
	item->complement = ~item->value;
	atomic_fetch_add(&shared.made, 1);
	return item;
}

static void free_item(struct item *item)
{
	memset(item, POISON, sizeof(*item));
	free(item);
	atomic_fetch_add(&shared.freed, 1);
}

static void free_later(struct vcore_rcu_head *head)
{
	free_item((struct item *)(void *)head);
}

static bool is_whole(const struct item *item)
{
	return item->alive == ALIVE && item->value == ~item->complement;
}

/* --- readers --------------------------------------------------------------------------------- */

/* In a section: once when it is found, and again when time has passed. */
static void follow(struct party *self, unsigned depth)
{
	const struct item *item;

	vcore_rcu_read_lock();
	item = atomic_load_explicit(&shared.slots[stress_below(&self->random, SLOTS)],
				    memory_order_acquire);
	CHECK(is_whole(item));
	if (depth > 0) {
		follow(self, depth - 1);
	}
	compute(1, stress_below(&self->random, stress_below(&self->random, 50) == 0 ? 100000 : 50));
	CHECK(is_whole(item));
	vcore_rcu_read_unlock();
	atomic_fetch_add_explicit(&shared.sections, 1, memory_order_relaxed);
}

/* Between two sections, where it must hold nothing up for long. */
static void pass_time(struct party *self)
{
	switch (stress_below(&self->random, 40)) {
	case 0:
		usleep(100); /* where there are ticks, it is let go */
		break;
	case 1:
		vcore_sleep(vcore_after(50 * MICROSECOND));
		break;
	case 2:
		compute(1, stress_below(&self->random, 100000));
		break;
	case 3:
		free(malloc(100));
		break;
	case 4:
	case 5:
		vcore_yield();
		break;
	default:
		break;
	}
}

static void *read_on(void *argument)
{
	struct party *self = argument;

	CHECK_IS(vcore_rcu_register(), 0);
	do {
		follow(self, (unsigned)stress_below(&self->random, 3));
		pass_time(self);
	} while (!atomic_load(&shared.stop));
	return NULL;
}

static void *read_briefly(void *argument)
{
	CHECK_IS(vcore_rcu_register(), 0);
	follow(argument, 1);
	return NULL;
}

/* Readers come and go, some without a word. */
static void *send_readers(void *argument)
{
	struct party *self = argument;

	do {
		struct party reader = {.random = stress_random(&self->random)};
		struct stress_crew crew = {.vcore = !self->plain, .plain = self->plain};

		stress_crew_start(&crew, shared.ticks->runtime, read_briefly, &reader, 0);
		stress_crew_join(&crew);
		CHECK_IS(vcore_rcu_register(), 0);
		follow(self, 0);
		vcore_rcu_unregister();
	} while (!atomic_load(&shared.stop));
	return NULL;
}

/* --- writers --------------------------------------------------------------------------------- */

static void dispose(struct party *self, struct item *old)
{
	vcore_instant deadline = VCORE_NEVER;

	switch (stress_below(&self->random, 8)) {
	case 0:
		deadline = vcore_after((int64_t)stress_below(&self->random, MILLISECOND));
		/* fallthrough */
	case 1:
		if (vcore_rcu_synchronize(deadline) == 0) {
			atomic_fetch_add(&shared.periods, 1);
			free_item(old);
			return;
		}
		break;
	default:
		break;
	}
	CHECK_IS(vcore_rcu_defer(&old->head, free_later), 0);
}

static void *write_on(void *argument)
{
	struct party *self = argument;

	do {
		struct item *new = make_item(&self->random);

		dispose(self,
			atomic_exchange(&shared.slots[stress_below(&self->random, SLOTS)], new));
		if (stress_below(&self->random, 50) == 0) {
			CHECK_IS(vcore_rcu_barrier(VCORE_NEVER), 0);
		}
		pass_time(self);
	} while (!atomic_load(&shared.stop));
	return NULL;
}

/* --- children ------------------------------------------------------------------------- */

#ifdef FORKS
/* TSan cannot have a child of many threads make threads of its own. */
static void be_child(struct party *self)
{
	atomic_store(&tap_failures, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	alarm(STRESS_LIMIT_SECONDS);
	CHECK_IS(vcore_rcu_register(), 0);
	follow(self, 1);
#ifndef STRESS_TSAN
	dispose(self, atomic_exchange(&shared.slots[0], make_item(&self->random)));
	CHECK_IS(vcore_rcu_synchronize(VCORE_NEVER), 0);
	CHECK_IS(vcore_rcu_barrier(VCORE_NEVER), 0);
#endif
	_exit((int)atomic_load(&tap_failures));
}

static void *fork_on(void *argument)
{
	struct party *self = argument;

	do {
		pid_t child = fork();
		int status = -1;

		if (child == 0) {
			be_child(self);
		}
		CHECK(child > 0);
		while (waitpid(child, &status, WNOHANG) == 0) {
			vcore_sleep(vcore_after(200 * MICROSECOND));
		}
		CHECK_IS(status, 0);
		vcore_sleep(vcore_after(MILLISECOND));
	} while (!atomic_load(&shared.stop));
	return NULL;
}
#endif

/* --- all together --------------------------------------------------------------------- */

static void *(*const parts[])(void *) = {
	read_on, read_on, send_readers, write_on,
#ifdef FORKS
	fork_on,
#endif
};

#define PARTS   (sizeof(parts) / sizeof(parts[0]))
#define PARTIES (3 * PARTS)

static void *take_part(void *argument)
{
	struct party *self = argument;

	self->plain = vcore_thread_self() == NULL;
	return parts[self->random % PARTS](self);
}

/* So many of the parties are vcore threads; each kind has all parts. */
static void run(const struct ticks *ticks, uint64_t seed)
{
	struct stress_crew crew = {.vcore = 2 * PARTS, .plain = PARTS};
	struct party parties[PARTIES];
	uint64_t random = seed;

	memset(&shared, 0, sizeof(shared));
	shared.ticks = ticks;
	for (int i = 0; i < SLOTS; i++) {
		atomic_store(&shared.slots[i], make_item(&random));
	}
	for (size_t i = 0; i < PARTIES; i++) {
		parties[i].random = stress_random(&random) / PARTS * PARTS + i % PARTS;
	}
	stress_crew_start(&crew, ticks->runtime, take_part, parties, sizeof(parties[0]));
	vcore_sleep(vcore_after((int64_t)stress_size(150, 30) * MILLISECOND));
	ticks_until(atomic_load(&shared.freed) > 20 && atomic_load(&shared.periods) > 0);
	atomic_store(&shared.stop, true);
	stress_crew_join(&crew);
	for (int i = 0; i < SLOTS; i++) {
		CHECK_IS(vcore_rcu_defer(&atomic_load(&shared.slots[i])->head, free_later), 0);
	}
	CHECK_IS(vcore_rcu_barrier(VCORE_NEVER), 0);
	CHECK_IS(atomic_load(&shared.freed), atomic_load(&shared.made));
	tap_say("%ju sections, %ju items freed, %ju grace periods awaited",
		(uintmax_t)atomic_load(&shared.sections), (uintmax_t)atomic_load(&shared.freed),
		(uintmax_t)atomic_load(&shared.periods));
}

static void run_with(struct vcore_runtime_options options, uint64_t seed)
{
	struct ticks ticks = ticks_open(options);

	run(&ticks, seed);
	ticks_case(&ticks, "readers and writers");
	ticks_close(&ticks);
}

int main(int argc, char **argv)
{
#if defined(FORKS) && defined(STRESS_ASAN)
	return tap_skip_all("ASan's allocator is not made ready for fork");
#endif
	stress_begin(argc, argv);
	for (int i = ticks_first_setting(); i < TICKS_SETTINGS; i++) {
		run_with(ticks_setting(i), stress_seed * TICKS_SETTINGS + (uint64_t)i);
	}
	for (int i = 0; i < 3; i++) {
		struct vcore_runtime_options options = ticks_setting(i);

		options.quantum = VCORE_QUANTUM_OFF;
		run_with(options, stress_seed * TICKS_SETTINGS + (uint64_t)i);
	}
	return tap_done();
}
