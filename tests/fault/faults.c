/*
 * Ten thousand faults, of every kind that is a thread's own, each in a thread of
 * its own: each ends with an exact report, and alone.  Others go on, with
 * preemption at every 100 µs and without, on 1 to 4 processors, and while some of
 * those that fault are destroyed at the same time.  Cleanups and slot destructors
 * run once, locks become owner-dead, and the buffers that bad messages were sent to
 * are whole.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "bad.h"
#include <dlfcn.h>

#define WAVE 50 /* threads at a time */

struct attempt {
	const struct bad *bad;
	struct bad_state state;
	struct vcore_lock lock;
	char name[32];
	uint64_t id;
	atomic_uint pushed, cleaned, set, destructed;
	bool destroyed; /* it was asked to end, too */
};

static struct vcore_slot slot;
static _Atomic unsigned reports; /* given to the hook */
static atomic_bool is_over;

static void hook(const struct vcore_fault *fault)
{
	CHECK(fault->thread == vcore_thread_id(vcore_thread_self()));
	atomic_fetch_add(&reports, 1);
}

static void clean(void *argument)
{
	struct attempt *attempt = argument;

	atomic_fetch_add(&attempt->cleaned, 1);
	vcore_yield();
}

static void destruct(void *argument)
{
	struct attempt *attempt = argument;

	atomic_fetch_add(&attempt->destructed, 1);
}

static void *fail(void *argument)
{
	struct attempt *attempt = argument;
	struct vcore_cleanup cleanup;

	attempt->id = vcore_thread_id(vcore_thread_self());
	vcore_cleanup_push(&cleanup, clean, attempt);
	atomic_fetch_add(&attempt->pushed, 1);
	CHECK_IS(vcore_slot_set(slot, attempt), 0);
	atomic_fetch_add(&attempt->set, 1);
	vcore_lock_acquire(&attempt->lock);
	attempt->bad->act(&attempt->state);
	CHECK(!"it has gone on");
	tap_say("after %s", attempt->bad->name);
	return NULL;
}

static void check_report(const struct attempt *attempt, const struct vcore_fault *fault)
{
	const struct bad *bad = attempt->bad;
	Dl_info text;

	CHECK_IS(fault->signal, bad->signal);
	CHECK_IS(fault->kind, bad->kind);
	CHECK(fault->access == bad->access || (bad_may_be_unknown && fault->access == 0));
	if (!bad->is_at_pc) {
		/* A function of libc may begin anywhere. */
		CHECK((uintptr_t)fault->address - (uintptr_t)attempt->state.address <
		      (bad->is_here ? 1 : 100));
	} else {
		CHECK(fault->address == fault->pc);
	}
	CHECK(fault->thread == attempt->id);
	CHECK(strcmp(fault->name, attempt->name) == 0);
	CHECK(dladdr(fault->pc, &text) == 0 ||
	      (uintptr_t)fault->pc - (uintptr_t)text.dli_fbase == fault->module_offset);
	CHECK(fault->module[0] != '\0' && fault->module_offset != 0);
	CHECK(!bad->is_here || strcmp(fault->module, "fault-faults") == 0);
	CHECK_IS(fault->space, attempt->state.space);
	CHECK_IS(fault->block, attempt->state.block);
}

static void check_end(struct attempt *attempt, const struct vcore_exit *end)
{
	bool failed = end->how == VCORE_FAULTED;

	if (!CHECK(failed || (attempt->destroyed && end->how == VCORE_DESTROYED))) {
		tap_say("%s has ended by %d", attempt->bad->name, end->how);
	}
	CHECK_IS(attempt->cleaned, attempt->pushed);
	CHECK_IS(attempt->destructed, attempt->set);
	if (failed) {
		unsigned before = atomic_load(&tap_failures);

		check_report(attempt, &end->fault);
		CHECK(end->result == NULL);
		CHECK_IS(vcore_lock_acquire_until(&attempt->lock, VCORE_NEVER), -EOWNERDEAD);
		vcore_lock_recovered(&attempt->lock);
		vcore_lock_release(&attempt->lock);
		if (atomic_load(&tap_failures) != before) {
			tap_say("in %s: signal %d, kind %d, access %d, address %p, pc %p in %s",
				attempt->bad->name, end->fault.signal, (int)end->fault.kind,
				(int)end->fault.access, end->fault.address, end->fault.pc,
				end->fault.module);
		}
		bad_check(attempt->bad, &attempt->state);
	}
}

/* Returns how many of them have faulted. */
static unsigned wave(struct vcore_runtime *runtime, uint64_t *random, bool destroys)
{
	struct attempt *attempts = calloc(WAVE, sizeof(attempts[0]));
	struct vcore_thread *threads[WAVE];
	unsigned failed = 0;

	for (unsigned i = 0; i < WAVE; i++) {
		struct attempt *attempt = &attempts[i];
		struct vcore_thread_options options = {.runtime = runtime, .name = attempt->name};

		attempt->bad = bad_choose(random);
		bad_prepare(attempt->bad, &attempt->state);
		snprintf(attempt->name, sizeof(attempt->name), "bad %u", i);
		attempt->destroyed = destroys && stress_below(random, 2) == 0;
		CHECK_IS(vcore_thread_allocate(&threads[i], &options, fail, attempt), 0);
	}
	for (unsigned i = 0; i < WAVE; i++) {
		if (attempts[i].destroyed) {
			CHECK_IS(vcore_thread_destroy(threads[i]), 0);
		}
	}
	for (unsigned i = 0; i < WAVE; i++) {
		struct vcore_exit end;

		CHECK_IS(vcore_thread_join(threads[i], &end, VCORE_NEVER), 0);
		check_end(&attempts[i], &end);
		bad_forget(attempts[i].bad, &attempts[i].state);
		failed += end.how == VCORE_FAULTED;
	}
	free(attempts);
	return failed;
}

/* Who does nothing bad: it computes, yields, and its counts are right. */
static void *go_on(void *argument)
{
	uint64_t sum = 0, n = 0;

	while (!atomic_load(&is_over)) {
		for (int i = 0; i < 1000; i++) {
			sum += ++n;
		}
		vcore_yield();
	}
	CHECK(sum == (n % 2 == 0 ? n / 2 * (n + 1) : (n + 1) / 2 * n));
	CHECK(n > 0);
	return argument;
}

static void try_faults(unsigned processors, int64_t quantum, bool destroys)
{
	struct vcore_runtime *runtime = stress_open_with((struct vcore_runtime_options){
		.processors = processors,
		.quantum = quantum,
		.fault = hook,
	});
	uint64_t random = stress_seed * 1000 + processors + (destroys ? 500 : 0);
	size_t waves = stress_size(25, 2);
	struct vcore_thread *others[2];
	unsigned failed = 0;

	atomic_store(&reports, 0);
	atomic_store(&is_over, false);
	for (size_t i = 0; i < 2; i++) {
		others[i] = stress_spawn(runtime, go_on, NULL);
	}
	for (size_t i = 0; i < waves; i++) {
		failed += wave(runtime, &random, destroys);
	}
	atomic_store(&is_over, true);
	for (size_t i = 0; i < 2; i++) {
		stress_join(others[i]);
	}
	CHECK_IS(atomic_load(&reports), failed);
	CHECK(destroys || failed == waves * WAVE);
	stress_close(runtime);
	tap_case("%zu threads that fault on %u processors, %s%s", waves * WAVE, processors,
		 quantum < 0 ? "without ticks" : "preempted", destroys ? ", destroyed" : "");
}

int main(int argc, char **argv)
{
	stress_begin(argc, argv);
	bad_begin();
	bad_begin_spaces();
	CHECK_IS(vcore_slot_create(&slot, destruct), 0);
	for (unsigned processors = 1; processors <= 4; processors++) {
		try_faults(processors, 100 * MICROSECOND, false);
		try_faults(processors, VCORE_QUANTUM_OFF, false);
		try_faults(processors, 100 * MICROSECOND, true);
	}
	bad_end_spaces();
	CHECK_IS(vcore_slot_delete(slot), 0);
	return tap_done();
}
