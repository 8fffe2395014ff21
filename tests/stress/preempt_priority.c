/*
 * Who gets the processor: a thread of higher priority at the next tick, however
 * many of lower priority compute, and nobody else while the running thread has
 * preemption disabled.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "ticks.h"

#define LOW 20

static struct vcore_thread *spawn_at(const struct ticks *ticks, int priority, void *(*work)(void *),
				     void *argument)
{
	return ticks_spawn(ticks, (struct vcore_thread_options){.priority = priority}, work,
			   argument);
}

/* Some of low priority that compute until they are told to stop. */
struct crowd {
	_Atomic bool stop;
	struct vcore_thread *threads[LOW];
};

static void crowd_start(struct crowd *crowd, const struct ticks *ticks)
{
	atomic_store(&crowd->stop, false);
	for (int i = 0; i < LOW; i++) {
		crowd->threads[i] = spawn_at(ticks, -1, ticks_spin, &crowd->stop);
	}
}

static void crowd_join(struct crowd *crowd)
{
	for (int i = 0; i < LOW; i++) {
		stress_join(crowd->threads[i]);
	}
}

/* Ends what would go on forever. */
static void *sleep_and_stop(void *crowd)
{
	for (int i = 0; i < 5; i++) {
		vcore_sleep(vcore_after(MILLISECOND));
	}
	atomic_store(&((struct crowd *)crowd)->stop, true);
	return NULL;
}

static void overtake_from_sleep(const struct ticks *ticks)
{
	struct vcore_thread *sleeper;
	struct crowd crowd;

	crowd_start(&crowd, ticks);
	sleeper = spawn_at(ticks, 1, sleep_and_stop, &crowd);
	stress_join(sleeper);
	crowd_join(&crowd);
}

/* A thread that the host wakes, and says how many ticks had taken effect by then. */
struct sentry {
	const struct ticks *ticks;
	struct vcore_eventcount calls, answers;
	_Atomic uint64_t switches;
	_Atomic bool over;
};

static void *answer(void *argument)
{
	struct sentry *sentry = argument;

	for (int64_t i = 0;; i++) {
		CHECK_IS(vcore_eventcount_await(&sentry->calls, i, VCORE_NEVER), 0);
		if (atomic_load(&sentry->over)) {
			return NULL;
		}
		atomic_store(&sentry->switches, ticks_switches(sentry->ticks));
		vcore_eventcount_advance(&sentry->answers);
	}
}

/*
 * In their order it would be its turn after all twenty.  The host may be held
 * up between looking and calling: then it asks again.
 */
static void overtake_when_woken(const struct ticks *ticks)
{
	struct sentry sentry = {.ticks = ticks};
	struct vcore_thread *thread;
	struct crowd crowd;
	size_t prompt = 0;

	crowd_start(&crowd, ticks);
	thread = spawn_at(ticks, 1, answer, &sentry);
	for (int64_t i = 0; prompt < stress_size(20, 5); i++) {
		uint64_t before = ticks_switches(ticks);

		vcore_eventcount_advance(&sentry.calls);
		CHECK_IS(vcore_eventcount_await(&sentry.answers, i, VCORE_NEVER), 0);
		prompt += sentry.switches - before < LOW / 2;
	}
	atomic_store(&sentry.over, true);
	vcore_eventcount_advance(&sentry.calls);
	stress_join(thread);
	atomic_store(&crowd.stop, true);
	crowd_join(&crowd);
}

static void *set_stop(void *crowd)
{
	atomic_store(&((struct crowd *)crowd)->stop, true);
	return NULL;
}

static void overtake_when_allocated(const struct ticks *ticks)
{
	struct crowd crowd;

	crowd_start(&crowd, ticks);
	stress_join(spawn_at(ticks, 1, set_stop, &crowd));
	crowd_join(&crowd);
}

/* What the threads of one processor may find half done; no lock. */
static _Atomic uint64_t left, right;

static void round_exclusive(struct worker *self)
{
	vcore_preempt_disable();
	CHECK(left == right);
	left++;
	worker_compute(self);
	vcore_preempt_disable();
	compute(1, 20000);
	vcore_preempt_enable();
	right++;
	CHECK(left == right);
	vcore_preempt_enable();
	worker_compute(self);
}

static void exclude(const struct ticks *ticks)
{
	static const struct labour labour = {
		.name = "disabled", .round = round_exclusive, .needs_ticks = true};
	struct ticks pinned = *ticks;

	pinned.flags |= VCORE_THREAD_PINNED;
	ticks_labour(&pinned, &labour);
}

static void try_all(const struct ticks *ticks)
{
	ticks_try(ticks, "a sleeper of high priority", overtake_from_sleep);
	ticks_try(ticks, "a woken thread of high priority", overtake_when_woken);
	ticks_try(ticks, "a new thread of high priority", overtake_when_allocated);
	if (TSAN) {
		tap_skip("disabled", "TSan makes foreign calls of all accesses to memory");
	} else {
		exclude(ticks);
	}
}

int main(int argc, char **argv)
{
	return ticks_main(argc, argv, try_all);
}
