/*
 * Threads that never enter the library are destroyed nevertheless, if they are
 * VCORE_THREAD_DESTROY_ANYWHERE: running, put off, let go, one or many; their
 * cleanups run.  Others are not.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "ticks.h"

#define CLEANUPS 5
#define SOME     3
#define MANY     30

/* A thread without an end. */
struct runaway {
	struct vcore_cleanup cleanups[CLEANUPS];
	int cleaned, last; /* cleanups that have run, and which was the last */
	_Atomic bool begun, returned;
	_Atomic bool release; /* where it waits for that */
	struct vcore_thread *thread;
};

struct undo {
	struct runaway *runaway;
	int number;
};

static struct vcore_slot slot;
static _Atomic unsigned destructed;

static void destruct(void *value)
{
	(void)value;
	atomic_fetch_add(&destructed, 1);
}

static void undo(void *argument)
{
	struct undo *self = argument;

	CHECK(self->runaway->cleaned == 0 || self->runaway->last == self->number + 1);
	self->runaway->last = self->number;
	self->runaway->cleaned++;
	vcore_yield();
}

/* What was pushed has run: all, if it came to its loop. */
static void check_cleaned(const struct runaway *self)
{
	CHECK_IS(self->last, 0);
	CHECK(!self->begun || self->cleaned == CLEANUPS);
}

/* Runs on with so many cleanups pushed. */
static void run_on(struct runaway *self, void (*loop)(struct runaway *self))
{
	struct undo undos[CLEANUPS];

	vcore_slot_set(slot, self);
	for (int i = 0; i < CLEANUPS; i++) {
		undos[i] = (struct undo){self, i};
		vcore_cleanup_push(&self->cleanups[i], undo, &undos[i]);
	}
	loop(self);
	for (int i = CLEANUPS; i > 0; i--) {
		vcore_cleanup_pop(&self->cleanups[i - 1], false);
	}
}

static void compute_forever(struct runaway *self)
{
	atomic_store(&self->begun, true);
	for (;;) {
		compute(1, 1000);
	}
}

static void *run_away(void *argument)
{
	run_on(argument, compute_forever);
	return NULL;
}

/* In the kernel mostly, and let go there; now and then in its own text. */
static void block_forever(struct runaway *self)
{
	atomic_store(&self->begun, true);
	for (;;) {
		nanosleep(&(struct timespec){.tv_nsec = 50 * MICROSECOND}, NULL);
		compute(1, 50000);
	}
}

static void *run_away_blocking(void *argument)
{
	run_on(argument, block_forever);
	return NULL;
}

static void runaway_start(struct runaway *runaway, const struct ticks *ticks, void *(*work)(void *))
{
	struct vcore_thread_options options = {.flags = VCORE_THREAD_DESTROY_ANYWHERE};

	*runaway = (struct runaway){0};
	runaway->thread = ticks_spawn(ticks, options, work, runaway);
}

static void runaway_join(struct runaway *runaway)
{
	struct vcore_exit exit;

	CHECK_IS(vcore_thread_join(runaway->thread, &exit, VCORE_NEVER), 0);
	CHECK_IS(exit.how, VCORE_DESTROYED);
	CHECK(!runaway->returned);
}

static void runaway_end(struct runaway *runaway)
{
	CHECK_IS(vcore_thread_destroy(runaway->thread), 0);
	runaway_join(runaway);
	check_cleaned(runaway);
}

/* Nothing else is due: the destroy alone makes a tick. */
static void destroy_alone(const struct ticks *ticks)
{
	unsigned before = atomic_load(&destructed);
	struct runaway runaway;

	runaway_start(&runaway, ticks, run_away);
	ticks_until(runaway.begun);
	runaway_end(&runaway);
	CHECK_IS(destructed, before + 1);
}

/* Beside others, so that ticks come to the last as well. */
static void destroy_some(const struct ticks *ticks, void *(*work)(void *),
			 bool (*ready)(const struct vcore_thread_info *info))
{
	struct vcore_thread *spinners[SOME];
	struct runaway runaways[SOME];
	_Atomic bool stop = false;

	for (int i = 0; i < SOME; i++) {
		spinners[i] =
			ticks_spawn(ticks, (struct vcore_thread_options){0}, ticks_spin, &stop);
	}
	for (int i = 0; i < SOME; i++) {
		runaway_start(&runaways[i], ticks, work);
	}
	for (int i = 0; i < SOME; i++) {
		struct vcore_thread_info info;

		ticks_until((info = ticks_info(ticks, runaways[i].thread), ready(&info)));
		runaway_end(&runaways[i]);
	}
	atomic_store(&stop, true);
	for (int i = 0; i < SOME; i++) {
		stress_join(spinners[i]);
	}
}

static bool is_kept(const struct vcore_thread_info *info)
{
	return info->kept || info->preemptions > 10;
}

static bool was_let_go(const struct vcore_thread_info *info)
{
	return info->let_go || info->hand_overs > 10;
}

static bool is_there(const struct vcore_thread_info *info)
{
	return info->state == VCORE_THREAD_RUNNABLE || info->state == VCORE_THREAD_RUNNING;
}

/* On one processor: one that has a processor to itself is neither. */
static struct ticks pinned(const struct ticks *ticks)
{
	struct ticks pinned = *ticks;

	pinned.flags |= VCORE_THREAD_PINNED;
	return pinned;
}

static void destroy_kept(const struct ticks *ticks)
{
	struct ticks one = pinned(ticks);

	destroy_some(&one, run_away, is_kept);
}

static void destroy_let_go(const struct ticks *ticks)
{
	struct ticks one = pinned(ticks);

	destroy_some(&one, run_away_blocking, was_let_go);
}

static void destroy_at_once(const struct ticks *ticks)
{
	size_t rounds = (size_t)(MILLISECOND / ticks->quantum);

	for (size_t i = stress_size(rounds, 1); i > 0; i--) {
		destroy_some(ticks, run_away, is_there);
	}
}

/* Without the flag, or while it has it disabled, a thread ends in a call. */
static void loop_until_released(struct runaway *self)
{
	atomic_store(&self->begun, true);
	ticks_spin(&self->release);
}

static void *stay_until_yield(void *argument)
{
	struct runaway *self = argument;

	loop_until_released(self);
	vcore_yield();
	atomic_store(&self->returned, true);
	return NULL;
}

static void *stay_until_enabled(void *argument)
{
	struct runaway *self = argument;

	vcore_destroy_disable();
	loop_until_released(self);
	vcore_destroy_enable();
	atomic_store(&self->returned, true);
	return NULL;
}

static void *stay_until_preemptible(void *argument)
{
	struct runaway *self = argument;

	vcore_preempt_disable();
	loop_until_released(self);
	vcore_preempt_enable();
	compute_forever(self);
	return NULL;
}

static void destroy_later(const struct ticks *ticks, unsigned flags, void *(*work)(void *))
{
	struct vcore_thread_options options = {.flags = flags};
	struct runaway runaway = {0};
	struct heart heart;

	heart_start(&heart, ticks);
	runaway.thread = ticks_spawn(ticks, options, work, &runaway);
	ticks_until(runaway.begun);
	CHECK_IS(vcore_thread_destroy(runaway.thread), 0);
	if (work != stay_until_preemptible) { /* the heart has no processor */
		heart_await(&heart, 5);
	}
	CHECK_IS(vcore_thread_join(runaway.thread, NULL, vcore_after(MILLISECOND)), -ETIMEDOUT);
	atomic_store(&runaway.release, true);
	runaway_join(&runaway);
	heart_stop(&heart);
}

static void destroy_not_yet(const struct ticks *ticks)
{
	destroy_later(ticks, 0, stay_until_yield);
	destroy_later(ticks, VCORE_THREAD_DESTROY_ANYWHERE, stay_until_enabled);
	destroy_later(ticks, VCORE_THREAD_DESTROY_ANYWHERE, stay_until_preemptible);
}

/* Stop is destroy for all; of the many some have not begun. */
static void stop_many(int setting)
{
	struct runaway *runaways = calloc(MANY, sizeof(runaways[0]));
	struct ticks ticks = ticks_open(ticks_setting(setting));
	unsigned before = atomic_load(&destructed), begun = 0;

	for (int i = 0; ticks.off == NULL && i < MANY; i++) {
		runaway_start(&runaways[i], &ticks, i % 4 == 0 ? run_away_blocking : run_away);
	}
	ticks_until(ticks.off != NULL || ticks_switches(&ticks) > 3);
	CHECK_IS(vcore_runtime_stop(ticks.runtime), 0);
	stress_close(ticks.runtime);
	for (int i = 0; i < MANY; i++) {
		check_cleaned(&runaways[i]);
		begun += runaways[i].begun;
	}
	CHECK(destructed >= before + begun);
	free(runaways);
	ticks_case(&ticks, "stop ends many");
}

int main(int argc, char **argv)
{
	stress_begin(argc, argv);
	CHECK_IS(vcore_slot_create(&slot, destruct), 0);
	for (int i = ticks_first_setting(); i < TICKS_SETTINGS; i++) {
		struct ticks ticks = ticks_open(ticks_setting(i));

		ticks_try(&ticks, "destroyed alone", destroy_alone);
		ticks_try(&ticks, "destroyed when put off", destroy_kept);
		ticks_try(&ticks, "destroyed when let go", destroy_let_go);
		ticks_try(&ticks, "destroyed at any time", destroy_at_once);
		ticks_try(&ticks, "not destroyed yet", destroy_not_yet);
		ticks_close(&ticks);
		stop_many(i);
	}
	return tap_done();
}
