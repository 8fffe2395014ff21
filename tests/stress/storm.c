/*
 * Storms of threads: allocated, joined, detached and destroyed from vcore
 * threads and plain pthreads at once, with names, priorities, processors and
 * odd stack sizes.
 *
 * Every thread has a record of what it pushed and what it kept in slots; in
 * the end each cleanup and each destructor must have been called exactly as
 * often as the record says, and each result must have reached its joiner.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "stress.h"
#include <alloca.h>

#define SLOTS    6 /* beyond the fourth a thread needs a table */
#define CLEANUPS 3
#define BROOD    4 /* children allocated before the first is given away */
#define DEPTH    3

/* What becomes of a thread, decided by who allocates it. */
enum fate {
	JOINED,
	JOINED_IN_TIME,
	DETACHED_AT_ONCE,
	DETACHED_LATER,
	DESTROYED_AND_JOINED,
	DESTROYED_AND_DETACHED,
	DETACHED_AND_DESTROYED,
	FATES,
};

/* A slot's value. */
struct cell {
	struct vcore_slot slot;
	unsigned again; /* how often the destructor sets it once more */
	unsigned expected, destructed;
};

/* A thread; what it counts is its own until it has ended. */
struct record {
	uint64_t random;
	enum fate fate;
	unsigned depth;
	char name[40];
	size_t stack_size;
	struct vcore_thread *thread;
	unsigned pushed, cleaned;
	struct cell cells[SLOTS];
};

static struct storm {
	struct vcore_runtime *runtime;
	unsigned processors;
	size_t records;
	struct record *record;
	_Atomic size_t taken;
	struct vcore_slot slots[SLOTS];
	struct vcore_eventcount never;
} storm;

static struct record *take_record(void)
{
	size_t i = atomic_fetch_add(&storm.taken, 1);

	return i < storm.records ? &storm.record[i] : NULL;
}

static void clean(void *argument)
{
	struct record *record = argument;

	vcore_yield(); /* a cleanup may wait */
	record->cleaned++;
}

static void destruct(void *argument)
{
	struct cell *cell = argument;

	cell->destructed++;
	CHECK(vcore_slot_get(cell->slot) == NULL);
	if (cell->again > 0) {
		cell->again--;
		vcore_slot_set(cell->slot, cell);
	}
}

static void fill_slots(struct record *self)
{
	for (int i = 0; i < SLOTS; i++) {
		struct cell *cell = &self->cells[i];

		CHECK(vcore_slot_get(storm.slots[i]) == NULL);
		if (stress_below(&self->random, 2) == 0) {
			continue;
		}
		cell->slot = storm.slots[i];
		CHECK_IS(vcore_slot_set(cell->slot, cell), 0);
		if (stress_below(&self->random, 4) == 0) {
			CHECK_IS(vcore_slot_set(cell->slot, NULL), 0);
			continue;
		}
		cell->again = (unsigned)stress_below(&self->random, 3);
		cell->expected = 1 + cell->again;
	}
}

static void check_slots(const struct record *self)
{
	for (int i = 0; i < SLOTS; i++) {
		const struct cell *cell = &self->cells[i];

		CHECK(vcore_slot_get(storm.slots[i]) == (cell->expected > 0 ? cell : NULL));
	}
}

/* The stack is as large as was asked for, and nobody else's. */
static void use_stack(const struct record *self)
{
	size_t bytes = (self->stack_size != 0 ? self->stack_size : 64 * 1024) / 2;
	unsigned char *stack = alloca(bytes);
	unsigned char mine = (unsigned char)(uintptr_t)self->name;

	memset(stack, mine, bytes);
	vcore_yield();
	__asm__ volatile("" : : "r"(stack) : "memory");
	CHECK(stack[0] == mine && stack[bytes / 2] == mine && stack[bytes - 1] == mine);
}

static void raise_brood(uint64_t *random, unsigned depth);

/* A few steps that may wait; a thread that is to be destroyed waits forever. */
static void act(struct record *self)
{
	switch (stress_below(&self->random, 6)) {
	case 0:
		break;
	case 1:
		for (uint64_t n = stress_below(&self->random, 20); n > 0; n--) {
			vcore_yield();
		}
		break;
	case 2:
		vcore_sleep(vcore_after((int64_t)stress_below(&self->random, MILLISECOND)));
		break;
	case 3:
		if (self->fate >= DESTROYED_AND_JOINED) {
			vcore_eventcount_await(&storm.never, 0, VCORE_NEVER);
		}
		break;
	case 4:
		vcore_thread_exit(self);
	default:
		/* Who raises children must live to see to them. */
		vcore_destroy_disable();
		raise_brood(&self->random, self->depth + 1);
		vcore_destroy_enable();
	}
}

static void *live(void *argument)
{
	struct record *self = argument;
	struct vcore_cleanup cleanups[CLEANUPS];
	int pushed = (int)stress_below(&self->random, CLEANUPS + 1);

	CHECK(strncmp(vcore_thread_name(vcore_thread_self()), self->name, 31) == 0);
	for (int i = 0; i < pushed; i++) {
		vcore_cleanup_push(&cleanups[i], clean, self);
		self->pushed++;
	}
	fill_slots(self);
	use_stack(self);
	act(self);
	check_slots(self);
	while (--pushed >= 0) {
		bool execute = stress_below(&self->random, 2) == 0;

		self->pushed -= !execute;
		vcore_cleanup_pop(&cleanups[pushed], execute);
	}
	return self;
}

/* Allocates a thread of random make for a record. */
static void allocate(struct record *record, uint64_t *random, unsigned depth)
{
	static const size_t stack_sizes[] = {0, 0, 9000, 16384, 40001, 65537, 300007};
	struct vcore_thread_options options = {.runtime = storm.runtime};
	bool detached;

	record->random = stress_random(random);
	record->fate = (enum fate)stress_below(random, FATES);
	record->depth = depth;
	if (stress_below(random, 2) == 0) {
		snprintf(record->name, sizeof(record->name), "storm of %u, thread number %zu",
			 storm.processors, (size_t)(record - storm.record));
		options.name = record->name;
	}
	record->stack_size = stack_sizes[stress_below(random, 7)];
	options.stack_size = record->stack_size ? record->stack_size + STRESS_EXTRA_STACK : 0;
	options.priority = (int)stress_below(random, 16) + VCORE_PRIORITY_MIN;
	if (stress_below(random, 4) == 0) {
		options.flags |= VCORE_THREAD_PINNED;
		options.processor = (unsigned)stress_below(random, storm.processors);
	}
	if (stress_below(random, 8) == 0) {
		options.flags |= VCORE_THREAD_FPENV;
	}
	if (vcore_thread_self() != NULL && stress_below(random, 2) == 0) {
		options.runtime = NULL;
	}
	detached = record->fate == DETACHED_AT_ONCE;
	CHECK_IS(vcore_thread_allocate(detached ? NULL : &record->thread, &options, live, record),
		 0);
}

static void join_in_time(struct record *record, struct vcore_exit *how, uint64_t *random)
{
	for (;;) {
		vcore_instant deadline =
			vcore_after((int64_t)stress_below(random, 200 * MICROSECOND));
		int result = vcore_thread_join(record->thread, how, deadline);

		if (result == 0) {
			return;
		}
		CHECK_IS(result, -ETIMEDOUT);
		CHECK(vcore_now() >= deadline);
	}
}

static void check_exit(const struct record *record, const struct vcore_exit *how)
{
	if (how->how == VCORE_DESTROYED) {
		CHECK(record->fate == DESTROYED_AND_JOINED);
		CHECK(how->result == NULL);
	} else {
		CHECK_IS(how->how, VCORE_RETURNED);
		CHECK(how->result == record);
	}
}

/* Does with a thread what its fate says. */
static void settle(struct record *record, uint64_t *random)
{
	struct vcore_exit how;
	uint64_t id;
	int result;

	switch (record->fate) {
	case JOINED:
		CHECK_IS(vcore_thread_join(record->thread, &how, VCORE_NEVER), 0);
		check_exit(record, &how);
		break;
	case JOINED_IN_TIME:
		join_in_time(record, &how, random);
		check_exit(record, &how);
		break;
	case DETACHED_LATER:
		CHECK_IS(vcore_thread_detach(record->thread), 0);
		break;
	case DESTROYED_AND_JOINED:
		CHECK_IS(vcore_thread_destroy(record->thread), 0);
		CHECK_IS(vcore_thread_destroy(record->thread), 0);
		CHECK_IS(vcore_thread_join(record->thread, &how, VCORE_NEVER), 0);
		check_exit(record, &how);
		break;
	case DESTROYED_AND_DETACHED:
		CHECK_IS(vcore_thread_destroy(record->thread), 0);
		CHECK_IS(vcore_thread_detach(record->thread), 0);
		break;
	case DETACHED_AND_DESTROYED:
		id = vcore_thread_id(record->thread);
		CHECK_IS(vcore_thread_detach(record->thread), 0);
		result = vcore_thread_destroy_id(storm.runtime, id);
		CHECK(result == 0 || result == -ESRCH);
		break;
	default:
		break;
	}
}

static void raise_brood(uint64_t *random, unsigned depth)
{
	struct record *brood[BROOD];
	size_t n = 0;

	if (depth > DEPTH) {
		return;
	}
	while (n < BROOD && (brood[n] = take_record()) != NULL) {
		allocate(brood[n++], random, depth);
	}
	for (; n > 0; n--) {
		size_t i = stress_below(random, n);
		struct record *record = brood[i];

		brood[i] = brood[n - 1];
		settle(record, random);
	}
}

/* Who raises the first generation; vcore threads and pthreads have slots too. */
struct actor {
	uint64_t random;
	struct cell cell;
};

static void *make_storm(void *argument)
{
	struct actor *self = argument;

	self->cell = (struct cell){storm.slots[SLOTS - 1], .again = 1, .expected = 2};
	CHECK_IS(vcore_slot_set(self->cell.slot, &self->cell), 0);
	while (atomic_load(&storm.taken) < storm.records) {
		raise_brood(&self->random, 0);
	}
	return NULL;
}

static void check_records(void)
{
	for (size_t i = 0; i < storm.records; i++) {
		const struct record *record = &storm.record[i];

		CHECK_IS(record->cleaned, record->pushed);
		for (int k = 0; k < SLOTS; k++) {
			CHECK_IS(record->cells[k].destructed, record->cells[k].expected);
		}
	}
}

static void storm_on(unsigned processors)
{
	struct stress_crew crew = {.vcore = 4, .plain = 2};
	struct vcore_statistics statistics;
	uint64_t random = stress_seed + processors;
	struct actor actors[6];

	storm = (struct storm){.processors = processors, .records = stress_size(8000, 100)};
	storm.record = calloc(storm.records, sizeof(storm.record[0]));
	for (int i = 0; i < SLOTS; i++) {
		CHECK_IS(vcore_slot_create(&storm.slots[i], destruct), 0);
	}
	for (int i = 0; i < 6; i++) {
		actors[i].random = stress_random(&random);
	}
	storm.runtime = stress_open(processors);
	stress_crew_start(&crew, storm.runtime, make_storm, actors, sizeof(actors[0]));
	stress_crew_join(&crew);
	CHECK_IS(vcore_inspect_runtime(storm.runtime, &statistics), 0);
	CHECK_IS((intmax_t)statistics.allocated, (intmax_t)(storm.records + crew.vcore));
	stress_close(storm.runtime);

	check_records();
	for (int i = 0; i < 6; i++) {
		CHECK_IS(actors[i].cell.destructed, actors[i].cell.expected);
	}
	for (int i = 0; i < SLOTS; i++) {
		CHECK_IS(vcore_slot_delete(storm.slots[i]), 0);
	}
	free(storm.record);
}

int main(int argc, char **argv)
{
	return stress_main(argc, argv, "storm", storm_on);
}
