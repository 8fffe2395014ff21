/*
 * Kernel threads: how they begin and end.  See kthread.h.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "sched/kthread.h"

#include <errno.h>

#include "sched/idle.h"
#include "sched/processor.h"
#include "sched/rcu.h"
#include "sched/spare.h"
#include "sched/tick.h"

/* False: there are no more timers. */
static bool make_timers(struct vci_kthread *m)
{
	m->cpu_timer = -1;
	if (!vci_runtime_has_ticks(m->runtime)) {
		return true;
	}
	__atomic_store_n(&m->timer, vci_timer_make(VCI_TIMER_CLOCK), __ATOMIC_RELAXED);
	m->cpu_timer = vci_timer_make(VCI_TIMER_CPU);
	return m->timer >= 0 && m->cpu_timer >= 0;
}

/* Who arms a timer of m holds the tick's lock: see tick.c. */
static void free_timers(struct vci_kthread *m)
{
	int timer = m->timer;

	if (m->processor != NULL) {
		vci_spin_lock(&m->processor->tick.lock);
		__atomic_store_n(&m->timer, -1, __ATOMIC_RELAXED);
		vci_spin_unlock(&m->processor->tick.lock);
	}
	if (timer >= 0) {
		vci_timer_free(timer);
	}
	if (m->cpu_timer >= 0) {
		vci_timer_free(m->cpu_timer);
	}
	m->cpu_timer = -1;
}

/* The calling kernel thread enters the runtime.  False: there are no timers. */
bool vci_kthread_take_up(struct vci_kthread *m)
{
	vci_signal_stack_set(&m->signal_stack);
	m->errno_address = vci_errno_address();
	m->exceptions = vci_exceptions_address();
	vci_tls_bounds(&m->tls);
	vci_fpenv_save(&m->fpenv);
	vci_annotate_base(&m->annotation);
	m->mask = vci_mask_open(&m->was_blocked);
	vci_local()->bound = m;
	vci_local()->handler = NULL; /* one may have been left by siglongjmp */
	return make_timers(m);
}

void vci_kthread_lay_down(struct vci_kthread *m)
{
	free_timers(m);
	vci_rcu_leave();
	vci_local()->bound = NULL;
	vci_local()->carrier = NULL;
	vci_local()->door = NULL;
	vci_mask_close(m->was_blocked);
	vci_fpenv_load(&m->fpenv);
	vci_signal_stack_unset(&m->signal_stack);
}

/* It owns the processor that it came with. */
void vci_kthread_begin(struct vci_kthread *m)
{
	vci_processor_look_at_clock(m->processor, NULL);
	vci_spare_own(m);
}

/* That it has begun, and whether it can do its work. */
static void report_up(struct vcore_runtime *runtime, bool able)
{
	if (!able) {
		__atomic_fetch_add(&runtime->crippled, 1, __ATOMIC_RELAXED);
		__atomic_store_n(&runtime->spares.limit, "timers", __ATOMIC_RELAXED);
	}
	__atomic_fetch_add(&runtime->up, 1, __ATOMIC_RELEASE);
	vci_futex_wake(&runtime->up, 1);
}

/* Of a processor, or a spare. */
static void *run_kernel_thread(void *argument)
{
	struct vci_kthread *m = argument;
	bool able = vci_kthread_take_up(m);
	bool is_spare = m->state == VCI_SPARE;

	if (is_spare && able) {
		vci_spare_enlist(m);
	}
	report_up(m->runtime, able);
	if (!is_spare) {
		vci_kthread_begin(m);
	} else if (!able || !vci_spare_wait(m)) {
		vci_kthread_lay_down(m);
		return NULL;
	}
	do {
		vci_idle_run(m);
	} while (m->state != VCI_OWNER && vci_spare_wait(m));
	vci_kthread_lay_down(m);
	return NULL;
}

void vci_kthreads_end(struct vcore_runtime *runtime, uint32_t n)
{
	__atomic_store_n(&runtime->over, true, __ATOMIC_SEQ_CST);
	vci_idle_wake_all(runtime);
	for (uint32_t i = 0; i < n; i++) {
		vci_gate_open(&runtime->kthreads[i]); /* it may be a spare by now */
		vci_kernel_thread_join(&runtime->kthreads[i].handle);
	}
}

/* 0, or -EAGAIN: one of them got no timers. */
static int await_up(const struct vcore_runtime *runtime)
{
	uint32_t all =
		runtime->n_processors + __atomic_load_n(&runtime->spares.made, __ATOMIC_ACQUIRE);
	uint32_t up = __atomic_load_n(&runtime->up, __ATOMIC_ACQUIRE);

	while (up < all) {
		vci_futex_wait_away((uint32_t *)&runtime->up, up);
		up = __atomic_load_n(&runtime->up, __ATOMIC_ACQUIRE);
	}
	return runtime->crippled == 0 ? 0 : -EAGAIN;
}

/* With ticks: the first spares, and their helper. */
static int start_spares(struct vcore_runtime *runtime)
{
	int error = vci_spare_start(runtime, run_kernel_thread);

	if (error == 0) {
		error = await_up(runtime);
		if (error != 0) {
			__atomic_store_n(&runtime->over, true, __ATOMIC_SEQ_CST);
			vci_spare_stop(runtime);
		}
	}
	return error;
}

int vci_kthreads_start(struct vcore_runtime *runtime)
{
	uint32_t started = 0;
	int error = 0;

	while (started < runtime->n_processors && error == 0) {
		struct vci_kthread *m = &runtime->kthreads[started];

		error = vci_signal_stack_make(&m->signal_stack);
		if (error == 0) {
			error = vci_kernel_thread_start(&m->handle, "vcore", run_kernel_thread, m);
		}
		started += error == 0;
	}
	if (error == 0 && vci_runtime_has_ticks(runtime)) {
		error = start_spares(runtime);
	}
	if (error != 0) {
		vci_kthreads_end(runtime, started);
	}
	return error;
}
