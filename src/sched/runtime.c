/*
 * Making and unmaking runtimes: see runtime.h.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "sched/runtime.h"

#include <errno.h>

#include "platform/options.h"
#include "sched/kthread.h"
#include "sched/registry.h"
#include "sched/resident.h"
#include "sched/spare.h"
#include "sched/thread.h"
#include "sched/tick.h"

/*
 * Runtime, processors and kernel threads lie in one mapping: of spares, what is
 * touched takes memory.
 */
static struct vcore_runtime *allocate(unsigned processors, unsigned servers, unsigned spares)
{
	size_t n = processors + servers;
	size_t runtime_bytes = vci_round_up(sizeof(struct vcore_runtime), VCI_CACHE_LINE);
	size_t processor_bytes = n * sizeof(struct vci_processor);
	size_t bytes = runtime_bytes + processor_bytes + (n + spares) * sizeof(struct vci_kthread);
	struct vcore_runtime *runtime = vci_pages_reserve(bytes);

	if (runtime != NULL) {
		runtime->bytes = bytes;
		runtime->n_processors = processors;
		runtime->n_servers = servers;
		runtime->processors = (void *)((char *)runtime + runtime_bytes);
		runtime->kthreads = (void *)((char *)runtime->processors + processor_bytes);
	}
	return runtime;
}

/* Where there can be no ticks there are none, and that is said. */
static void set_quantum(struct vcore_runtime *runtime, int64_t quantum)
{
	const char *obstacle = vci_ticks_obstacle();

	runtime->quantum = quantum;
	if (quantum == VCORE_QUANTUM_OFF) {
		runtime->unpreemptive = "option";
	} else if (obstacle != NULL) {
		runtime->quantum = VCORE_QUANTUM_OFF;
		runtime->unpreemptive = obstacle;
		VCI_VALGRIND_SAY("vcore: threads are not preempted under Valgrind");
	}
}

static void set_up(struct vcore_runtime *runtime, const struct vcore_runtime_options *options)
{
	runtime->flags = options->flags;
	runtime->thread_flags = (options->flags & VCORE_RUNTIME_LIGHT) ? VCORE_THREAD_LIGHT : 0;
	set_quantum(runtime, options->quantum);
	runtime->spares_max = options->spares;
	runtime->panic = options->panic;
	runtime->fault = options->fault;
	runtime->mask = vci_mask_present();
	vci_fpenv_save(&runtime->fpenv);
	runtime->watched_until = VCORE_NEVER;
	for (uint32_t i = 0; i < vci_runtime_all(runtime); i++) {
		struct vci_processor *processor = &runtime->processors[i];
		struct vci_kthread *m = &runtime->kthreads[i];

		processor->runtime = runtime;
		processor->number = i;
		processor->timers.next = VCORE_NEVER;
		processor->server = i >= runtime->n_processors;
		processor->kthread = m;
		vci_tick_init(processor);
		m->processor = processor;
		m->runtime = runtime;
		m->timer = -1;
	}
}

static void release(struct vcore_runtime *runtime)
{
	for (uint32_t i = 0; i < vci_runtime_all(runtime); i++) {
		vci_signal_stack_free(&runtime->kthreads[i].signal_stack);
	}
	vci_pages_release(runtime, runtime->bytes);
}

int vci_runtime_make(struct vcore_runtime **result, const struct vcore_runtime_options *options,
		     bool ends_on_deadlock, void (*on_drained)(struct vcore_runtime *runtime))
{
	struct vcore_runtime_options known;
	struct vcore_runtime *runtime;
	int error = vci_options(&known, sizeof known, options);

	if (error == 0) {
		error = vci_registry_open();
	}
	if (error == 0) {
		error = vci_runtime_complete(&known);
	}
	if (error != 0) {
		return error;
	}
	runtime = allocate(known.processors, known.servers, known.spares);
	if (runtime == NULL) {
		return -ENOMEM;
	}
	set_up(runtime, &known);
	runtime->ends_on_deadlock = ends_on_deadlock;
	runtime->on_drained = on_drained;
	error = vci_stacks_open(&runtime->stacks, known.stack_size, sizeof(struct vcore_thread));
	if (error != 0) {
		goto release;
	}
	error = vci_registry_add(runtime);
	if (error != 0) {
		goto close_stacks;
	}
	error = vci_kthreads_start(runtime);
	if (error != 0) {
		goto remove;
	}
	*result = runtime;
	return 0;
remove:
	vci_registry_remove(runtime);
close_stacks:
	vci_stacks_close(&runtime->stacks);
release:
	release(runtime);
	return error;
}

/* Nobody joined it, and nobody can now. */
static int forget_resident(struct vcore_thread *thread, uint64_t life, void *unused)
{
	(void)unused;
	if ((life & VCI_LIFE_ENDED) && (thread->flags & VCI_THREAD_RESIDENT)) {
		vci_resident_end(thread);
	}
	return 0;
}

void vci_runtime_unmake(struct vcore_runtime *runtime)
{
	unsigned rounds = 0;

	vci_kthreads_end(runtime, runtime->n_processors);
	if (vci_runtime_has_ticks(runtime)) {
		vci_spare_stop(runtime);
	}
	while (__atomic_load_n(&runtime->servers, __ATOMIC_ACQUIRE) != 0 ||
	       __atomic_load_n(&runtime->visitors, __ATOMIC_ACQUIRE) != 0) {
		vci_spin_round(&rounds); /* they are on their way out */
	}
	if (__atomic_load_n(&runtime->residents, __ATOMIC_ACQUIRE) != 0) {
		(void)vci_thread_walk(runtime, forget_resident, NULL);
	}
	vci_registry_remove(runtime);
	vci_stacks_close(&runtime->stacks);
	release(runtime);
}
