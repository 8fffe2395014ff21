/*
 * Runtimes: see vcore/runtime.h.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "sched/runtime.h"

#include <errno.h>

#include "platform/panic.h"
#include "sched/census.h"
#include "sched/destroy.h"
#include "sched/end.h"
#include "sched/idle.h"
#include "sched/quiet.h"
#include "sched/rcu.h"
#include "sync/eventcount.h"

static bool is_deadlocked(const struct vcore_runtime *runtime)
{
	return __atomic_load_n(&runtime->deadlocked, __ATOMIC_ACQUIRE);
}

/* By a processor that has no thread. */
static void note_drained(struct vcore_runtime *runtime)
{
	vci_eventcount_advance(&runtime->drained);
}

/* How often to look for a deadlock while kernel threads of others may end. */
#define LOOK_NS INT64_C(1000000000)

/* One wait for the news that no thread is alive; 0, or the error of await. */
static int await_drained(struct vcore_runtime *runtime, int64_t seen, vcore_instant deadline)
{
	vcore_instant until = deadline;
	int error;

	if (runtime->ends_on_deadlock) {
		vcore_instant soon = vcore_after(LOOK_NS);

		until = soon < deadline ? soon : deadline;
	}
	error = vcore_eventcount_await(&runtime->drained, seen, until);
	if (error == -ETIMEDOUT && until != deadline) {
		(void)vci_quiet_is_deadlocked(runtime);
		error = 0;
	}
	return error;
}

/*
 * Waits until no thread is alive, or none can move; 0, or the error of await.
 */
static int drain(struct vcore_runtime *runtime, vcore_instant deadline)
{
	int error = 0;

	__atomic_store_n(&runtime->draining, true, __ATOMIC_SEQ_CST);
	vci_fence_light(); /* pairs with the heavy fence in park: it sees, or is seen */
	if (__atomic_load_n(&runtime->idle, __ATOMIC_RELAXED) == runtime->n_processors) {
		vci_idle_wake_all(runtime); /* to look whether they are stuck */
	}
	while (error == 0) {
		int64_t seen = vcore_eventcount_read(&runtime->drained);

		if (vci_census_alive(runtime) == 0 || is_deadlocked(runtime)) {
			return 0;
		}
		error = await_drained(runtime, seen, deadline);
	}
	return error;
}

static void admit_no_more(struct vcore_runtime *runtime)
{
	__atomic_store_n(&runtime->closing, true, __ATOMIC_SEQ_CST);
}

struct vcore_runtime *vcore_runtime_self(void)
{
	const struct vcore_thread *self = vci_thread_self();

	return self != NULL ? self->runtime : NULL;
}

int vcore_runtime_open(struct vcore_runtime **runtime, const struct vcore_runtime_options *options)
{
	VCI_PANIC_IF(runtime == NULL, "runtime is NULL");
	return vci_runtime_make(runtime, options, false, note_drained);
}

int vcore_runtime_close(struct vcore_runtime *runtime, vcore_instant deadline)
{
	const struct vcore_thread *self = vci_thread_self();
	int error;

	if (runtime == NULL) {
		return 0;
	}
	if (vci_runtime_is_lost(runtime)) {
		return -ESHUTDOWN;
	}
	VCI_PANIC_IF(self != NULL && self->runtime == runtime,
		     "a runtime cannot be closed by one of its own threads");
	admit_no_more(runtime);
	error = drain(runtime, deadline);
	if (error == 0) {
		vci_runtime_unmake(runtime);
	}
	return error;
}

int vcore_runtime_stop(struct vcore_runtime *runtime)
{
	struct vcore_thread *self = vci_thread_self();

	VCI_PANIC_IF(runtime == NULL, "runtime is NULL");
	if (vci_runtime_is_lost(runtime)) {
		return -ESHUTDOWN;
	}
	admit_no_more(runtime);
	vci_destroy_all(runtime);
	vci_idle_wake_all(runtime); /* servers need not stay */
	if (self != NULL) {
		vci_end_if_due(self);
	}
	return 0;
}

int vcore_runtime_serve(struct vcore_runtime *runtime, vcore_instant deadline)
{
	VCI_PANIC_IF(runtime == NULL, "runtime is NULL");
	if (vci_runtime_is_lost(runtime)) {
		return -ESHUTDOWN;
	}
	VCI_PANIC_IF(vci_thread_self() != NULL, "a vcore thread cannot serve a runtime");
	vci_rcu_refuse_inside(__func__, VCI_RCU_NO_WAIT);
	return vci_runtime_serve(runtime, deadline);
}

/* Without memory to wait with, it looks again and again. */
static void drain_at_last(struct vcore_runtime *runtime)
{
	while (drain(runtime, VCORE_NEVER) != 0) {
		(void)vcore_sleep(vcore_after(1000000));
	}
}

/*
 * Nothing can move any more.  The threads are destroyed, and what does not end
 * even so (it has destruction disabled, or waits in a cleanup) is abandoned.
 */
static void break_deadlock(struct vcore_runtime *runtime)
{
	(void)vcore_dump(runtime, 2);
	(void)vcore_runtime_stop(runtime);
	/* After stop has woken what it can: else it might be declared again. */
	__atomic_store_n(&runtime->deadlocked, false, __ATOMIC_RELEASE);
	drain_at_last(runtime);
}

/* Runs entry(argument) in a runtime that was just made, to the end. */
static int run(struct vcore_runtime *runtime, void *(*entry)(void *), void *argument,
	       struct vcore_exit *exit)
{
	const struct vcore_thread_options options = {
		.size = sizeof options,
		.name = "main",
		.runtime = runtime,
	};
	struct vcore_thread *first;
	int error = vcore_thread_allocate(&first, &options, entry, argument);

	if (error != 0) {
		return error;
	}
	drain_at_last(runtime);
	if (is_deadlocked(runtime)) {
		error = -EDEADLK;
		break_deadlock(runtime);
	}
	if (vcore_thread_join(first, exit, 0) != 0 && exit != NULL) {
		exit->how = VCORE_DESTROYED;
		exit->result = NULL;
	}
	return error;
}

int vcore_run(const struct vcore_runtime_options *options, void *(*entry)(void *), void *argument,
	      struct vcore_exit *exit)
{
	struct vcore_runtime *runtime;
	int error;

	VCI_PANIC_IF(entry == NULL, "entry is NULL");
	error = vci_runtime_make(&runtime, options, true, note_drained);
	if (error == 0) {
		vcore_destroy_disable(); /* the runtime must be unmade */
		error = run(runtime, entry, argument, exit);
		vci_runtime_unmake(runtime);
		vcore_destroy_enable();
	}
	return error;
}
