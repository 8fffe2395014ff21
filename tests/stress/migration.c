/*
 * Threads that move between processors take with them what is theirs: errno,
 * their identity, their slots, their floating-point control words if they
 * asked for that; pinned threads do not move.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "stress.h"
#include <fenv.h>
#include <sys/syscall.h>

#define TRAVELLERS 40

struct world {
	unsigned processors;
	struct vcore_slot slot;
	struct vcore_eventcount clock; /* advanced by a plain pthread */
	size_t rounds;
	_Atomic uint64_t moves;
	_Atomic bool stop;
};

struct traveller {
	struct world *world;
	int number; /* its errno */
	bool pinned, fpenv;
	uint64_t random;
};

/* errno's address must not be kept across a switch: see thread.h. */
__attribute__((noinline)) static int read_errno(void)
{
	return errno;
}

__attribute__((noinline)) static void write_errno(int number)
{
	errno = number;
}

__attribute__((noinline)) static long kernel_thread(void)
{
	return syscall(SYS_gettid);
}

static int rounding_of(const struct traveller *self)
{
	static const int roundings[] = {FE_UPWARD, FE_DOWNWARD, FE_TOWARDZERO};

	return roundings[self->number % 3];
}

/* One of the ways in which a thread gets off its processor. */
static void pause_somehow(struct traveller *self)
{
	struct world *world = self->world;

	switch (stress_below(&self->random, 8)) {
	case 0:
		vcore_sleep(vcore_after((int64_t)stress_below(&self->random, 100) * MICROSECOND));
		break;
	case 1:
		vcore_eventcount_await(&world->clock, vcore_eventcount_read(&world->clock),
				       vcore_after(5 * MILLISECOND));
		break;
	default:
		vcore_yield();
	}
}

static void *travel(void *argument)
{
	struct traveller *self = argument;
	struct world *world = self->world;
	struct vcore_thread *me = vcore_thread_self();
	uint64_t id = vcore_thread_id(me);
	long home = kernel_thread();

	CHECK_IS(vcore_slot_set(world->slot, self), 0);
	if (self->fpenv) {
		fesetround(rounding_of(self));
	}
	for (size_t i = 0; i < world->rounds || !atomic_load(&world->stop); i++) {
		long now;

		write_errno(self->number);
		pause_somehow(self);
		CHECK_IS(read_errno(), self->number);
		CHECK(vcore_thread_self() == me);
		CHECK(vcore_thread_id(me) == id);
		CHECK(vcore_slot_get(world->slot) == self);
		if (self->fpenv) {
			CHECK_IS(fegetround(), rounding_of(self));
		}
		now = kernel_thread();
		if (now != home) {
			CHECK(!self->pinned);
			atomic_fetch_add(&world->moves, 1);
			home = now;
		}
	}
	if (self->fpenv) {
		fesetround(FE_TONEAREST);
	}
	return NULL;
}

/* Wakes from outside, until there has been enough moving about. */
static void drive(struct world *world)
{
	uint64_t enough = world->processors > 1 ? 100 : 0;
	vcore_instant deadline = stress_patience();

	do {
		vcore_eventcount_advance(&world->clock);
		vcore_sleep(vcore_after(200 * MICROSECOND));
	} while (atomic_load(&world->moves) < enough && CHECK(vcore_now() < deadline));
	atomic_store(&world->stop, true);
}

static struct vcore_thread *set_out(struct vcore_runtime *runtime, struct traveller *traveller)
{
	struct vcore_thread_options options = {.runtime = runtime};
	struct vcore_thread *thread = NULL;

	if (traveller->pinned) {
		options.flags |= VCORE_THREAD_PINNED;
		options.processor = (unsigned)traveller->number % traveller->world->processors;
	}
	if (traveller->fpenv) {
		options.flags |= VCORE_THREAD_FPENV;
	}
	CHECK_IS(vcore_thread_allocate(&thread, &options, travel, traveller), 0);
	return thread;
}

static void migration(unsigned processors)
{
	struct world world = {.processors = processors, .rounds = stress_size(500, 50)};
	struct vcore_runtime *runtime = stress_open_with((struct vcore_runtime_options){
		.processors = processors,
		.quantum = VCORE_QUANTUM_OFF, /* with ticks kernel threads change as well */
	});
	struct traveller travellers[TRAVELLERS];
	struct vcore_thread *threads[TRAVELLERS];

	CHECK_IS(vcore_slot_create(&world.slot, NULL), 0);
	for (int i = 0; i < TRAVELLERS; i++) {
		travellers[i] = (struct traveller){
			.world = &world,
			.number = i + 1,
			.pinned = i % 4 == 0,
			.fpenv = i % 3 == 0,
			.random = stress_seed + (uint64_t)i,
		};
		threads[i] = set_out(runtime, &travellers[i]);
	}
	drive(&world);
	for (int i = 0; i < TRAVELLERS; i++) {
		stress_join(threads[i]);
	}
	CHECK(processors > 1 || world.moves == 0);
	tap_say("%u processors: %ju moves", processors, (uintmax_t)world.moves);
	stress_close(runtime);
	CHECK_IS(vcore_slot_delete(world.slot), 0);
}

int main(int argc, char **argv)
{
	return stress_main(argc, argv, "what is a thread's own moves with it", migration);
}
