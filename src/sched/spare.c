/*
 * Spare kernel threads, and the handing over of processors: see spare.h.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "sched/spare.h"

#include <errno.h>

#include "sched/quiet.h"
#include "sched/rcu.h"
#include "sched/tick.h"

/* Spares that the helper keeps ready. */
#define READY 2

/* --- parking ---------------------------------------------------------------------- */

void vci_gate_open(struct vci_kthread *m)
{
	__atomic_fetch_add(&m->gate, 1, __ATOMIC_RELEASE);
	vci_futex_wake(&m->gate, 1);
}

void vci_gate_wait(struct vci_kthread *m, uint32_t seen, vcore_instant deadline)
{
	vci_futex_wait(&m->gate, seen, deadline);
}

/* --- who carries a processor -------------------------------------------------------- */

void vci_spare_own(struct vci_kthread *m)
{
	struct vci_local *local = vci_local();

	vci_annotate_acquire(&m->gate);
	m->state = VCI_OWNER;
	m->retries = 0;
	local->carrier = m;
	local->door = m;
}

static void have_none(struct vci_kthread *m, enum vci_kthread_state state)
{
	struct vci_local *local = vci_local();

	vci_rcu_rest();
	m->state = state;
	local->carrier = NULL;
	local->door = NULL;
}

void vci_spare_disown(struct vci_kthread *m, enum vci_kthread_state state)
{
	have_none(m, state);
	__atomic_store_n(&m->processor, NULL, __ATOMIC_RELAXED);
}

void vci_spare_disowned(struct vci_kthread *m)
{
	have_none(m, VCI_SPARE);
}

void vci_spare_give(struct vci_processor *processor, struct vci_kthread *to,
		    struct vcore_thread *next)
{
	to->next = next;
	vci_tick_move(processor, to);
	vci_annotate_release(&to->gate);
	__atomic_store_n(&to->processor, processor, __ATOMIC_RELEASE);
	vci_gate_open(to);
}

void vci_spare_yield_to(struct vci_kthread *m, struct vcore_thread *kept)
{
	struct vci_processor *processor = m->processor;

	vci_spare_disown(m, VCI_SPARE);
	vci_spare_enlist(m);
	vci_spare_give(processor, kept->keeper, NULL);
}

bool vci_spare_wait(struct vci_kthread *m)
{
	for (;;) {
		uint32_t seen = vci_gate_read(m);

		if (__atomic_load_n(&m->processor, __ATOMIC_ACQUIRE) != NULL) {
			vci_spare_own(m);
			return true;
		}
		if (__atomic_load_n(&m->runtime->over, __ATOMIC_ACQUIRE)) {
			return false;
		}
		vci_gate_wait(m, seen, VCORE_NEVER);
	}
}

/* --- the list -------------------------------------------------------------------------- */

static void set_free(struct vci_spares *spares, unsigned n)
{
	__atomic_store_n(&spares->n_free, n, __ATOMIC_RELAXED);
}

void vci_spare_enlist(struct vci_kthread *m)
{
	struct vci_spares *spares = &m->runtime->spares;

	vci_spin_lock(&spares->lock);
	m->next_spare = spares->free;
	spares->free = m;
	set_free(spares, spares->n_free + 1);
	vci_spin_unlock(&spares->lock);
}

static bool may_make(const struct vcore_runtime *runtime)
{
	return __atomic_load_n(&runtime->spares.made, __ATOMIC_RELAXED) < runtime->spares_max &&
	       __atomic_load_n(&runtime->crippled, __ATOMIC_RELAXED) == 0;
}

static void ask_for_more(struct vcore_runtime *runtime)
{
	if (may_make(runtime)) {
		__atomic_fetch_add(&runtime->spares.wanted, 1, __ATOMIC_RELEASE);
		vci_futex_wake(&runtime->spares.wanted, 1);
	}
}

static void count_short(struct vci_spares *spares)
{
	__atomic_fetch_add(&spares->short_of, 1, __ATOMIC_RELAXED);
}

struct vci_kthread *vci_spare_take(struct vcore_runtime *runtime)
{
	struct vci_spares *spares = &runtime->spares;
	struct vci_kthread *m;

	vci_spin_lock(&spares->lock);
	m = spares->free;
	if (m != NULL) {
		spares->free = m->next_spare;
		set_free(spares, spares->n_free - 1);
	} else {
		count_short(spares);
	}
	vci_spin_unlock(&spares->lock);
	if (__atomic_load_n(&spares->n_free, __ATOMIC_RELAXED) < READY) {
		ask_for_more(runtime);
	}
	return m;
}

bool vci_spare_was_last(struct vcore_runtime *runtime)
{
	struct vci_spares *spares = &runtime->spares;
	bool last = __atomic_load_n(&spares->n_free, __ATOMIC_RELAXED) == 0 && !may_make(runtime);

	if (last) {
		count_short(spares);
	}
	return last;
}

/* --- the helper --------------------------------------------------------------------------- */

/* Where one of them got no timers, that is the limit, and stays so: kthread.c. */
static void note_limit(struct vcore_runtime *runtime)
{
	if (__atomic_load_n(&runtime->crippled, __ATOMIC_RELAXED) == 0) {
		__atomic_store_n(&runtime->spares.limit, may_make(runtime) ? NULL : "spares",
				 __ATOMIC_RELAXED);
	}
}

/* One more, parked; its number is that of its place among all kernel threads. */
static bool make(struct vcore_runtime *runtime)
{
	struct vci_spares *spares = &runtime->spares;
	struct vci_kthread *m = &runtime->kthreads[vci_runtime_all(runtime) + spares->made];

	m->runtime = runtime;
	m->state = VCI_SPARE;
	m->timer = -1;
	if (vci_signal_stack_make(&m->signal_stack) != 0) {
		__atomic_store_n(&spares->limit, "memory", __ATOMIC_RELAXED);
		return false;
	}
	if (vci_kernel_thread_start(&m->handle, "vcore-spare", spares->run, m) != 0) {
		vci_signal_stack_free(&m->signal_stack);
		__atomic_store_n(&spares->limit, "kernel threads", __ATOMIC_RELAXED);
		return false;
	}
	__atomic_store_n(&spares->made, spares->made + 1, __ATOMIC_RELEASE);
	note_limit(runtime);
	return true;
}

static bool is_over(const struct vcore_runtime *runtime)
{
	return __atomic_load_n(&runtime->over, __ATOMIC_ACQUIRE);
}

/* Those that have been made and have not yet begun count as ready. */
static bool is_short(const struct vcore_runtime *runtime)
{
	unsigned up = __atomic_load_n(&runtime->up, __ATOMIC_ACQUIRE) - runtime->n_processors;
	unsigned ready = __atomic_load_n(&runtime->spares.n_free, __ATOMIC_RELAXED) +
			 runtime->spares.made - up;

	return ready < READY && may_make(runtime) && !is_over(runtime);
}

static void *help(void *argument)
{
	struct vcore_runtime *runtime = argument;
	struct vci_spares *spares = &runtime->spares;

	while (!is_over(runtime)) {
		uint32_t seen = __atomic_load_n(&spares->wanted, __ATOMIC_ACQUIRE);

		while (is_short(runtime) && make(runtime)) {
		}
		vci_quiet_check(runtime); /* which counts kernel threads */
		if (!is_over(runtime)) {
			vci_futex_wait(&spares->wanted, seen, VCORE_NEVER);
		}
	}
	return NULL;
}

static void end_all(struct vcore_runtime *runtime)
{
	struct vci_spares *spares = &runtime->spares;

	for (unsigned i = 0; i < spares->made; i++) {
		struct vci_kthread *m = &runtime->kthreads[vci_runtime_all(runtime) + i];

		vci_gate_open(m);
		vci_kernel_thread_join(&m->handle);
		vci_signal_stack_free(&m->signal_stack);
	}
}

int vci_spare_start(struct vcore_runtime *runtime, void *(*run)(void *m))
{
	struct vci_spares *spares = &runtime->spares;
	int error = 0;

	spares->run = run;
	while (error == 0 && spares->made < READY && may_make(runtime)) {
		error = make(runtime) ? 0 : -EAGAIN;
	}
	if (error == 0) {
		error = vci_kernel_thread_start(&spares->helper, "vcore-helper", help, runtime);
	}
	if (error != 0) {
		__atomic_store_n(&runtime->over, true, __ATOMIC_SEQ_CST);
		end_all(runtime);
	}
	return error;
}

void vci_spare_stop(struct vcore_runtime *runtime)
{
	struct vci_spares *spares = &runtime->spares;

	__atomic_fetch_add(&spares->wanted, 1, __ATOMIC_RELEASE);
	vci_futex_wake(&spares->wanted, 1);
	vci_kernel_thread_join(&spares->helper);
	end_all(runtime);
}
