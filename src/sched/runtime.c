/*
 * Making and unmaking runtimes: see runtime.h.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "sched/runtime.h"

#include <errno.h>

#include "sched/census.h"
#include "sched/idle.h"
#include "sched/inbox.h"
#include "sched/options.h"
#include "sched/processor.h"
#include "sched/queue_inline.h"
#include "sched/quiet.h"
#include "sched/registry.h"
#include "sched/timers.h"

#define QUANTUM_DEFAULT INT64_C(10000000)
#define QUANTUM_LEAST   INT64_C(100000)
#define STACK_DEFAULT   ((size_t)64 << 10)
#define STACK_LEAST     ((size_t)4 << 10)
#define SPARES_DEFAULT  1024
#define SPARES_MOST     1000000
#define SERVERS_DEFAULT 4

/* --- options ------------------------------------------------------------------------- */

/* -EINVAL alone would not say which of the variables it was. */
static int complain(const char *name, uint64_t least, uint64_t most)
{
	struct vci_line line;

	vci_line_begin(&line);
	vci_line_text(&line, "vcore: the environment's ");
	vci_line_text(&line, name);
	vci_line_text(&line, " is not a number from ");
	vci_line_number(&line, (int64_t)least);
	vci_line_text(&line, " to ");
	vci_line_number(&line, (int64_t)most);
	vci_line_text(&line, "\n");
	(void)vci_line_write(&line, 2);
	return -EINVAL;
}

/*
 * A default, which a variable of the environment may replace: a number from
 * `least` to `most`, times `unit`.
 */
static int default_number(const char *name, uint64_t least, uint64_t most, uint64_t unit,
			  uint64_t *number)
{
	uint64_t given;

	switch (vci_environment(name, &given)) {
	case VCI_UNSET:
		return 0;
	case VCI_NUMBER:
		if (given >= least && given <= most) {
			*number = given * unit;
			return 0;
		}
		return complain(name, least, most);
	default:
		return complain(name, least, most);
	}
}

static int complete_quantum(struct vcore_runtime_options *options)
{
	uint64_t quantum = (uint64_t)QUANTUM_DEFAULT;
	uint64_t given;
	int error;

	if (options->quantum != 0) {
		return options->quantum == VCORE_QUANTUM_OFF || options->quantum >= QUANTUM_LEAST
			       ? 0
			       : -EINVAL;
	}
	if (vci_environment("VCORE_QUANTUM", &given) == VCI_OFF) {
		options->quantum = VCORE_QUANTUM_OFF;
		return 0;
	}
	error = default_number("VCORE_QUANTUM", QUANTUM_LEAST / 1000, INT64_MAX / 1000, 1000,
			       &quantum);
	options->quantum = (int64_t)quantum;
	return error;
}

static int complete_processors(struct vcore_runtime_options *options)
{
	uint64_t processors = vci_cpu_count();
	int error = 0;

	if (options->processors == 0) {
		if (processors > VCORE_PROCESSORS_MAX) {
			processors = VCORE_PROCESSORS_MAX;
		}
		error = default_number("VCORE_PROCESSORS", 1, VCORE_PROCESSORS_MAX, 1, &processors);
		options->processors = (unsigned)processors;
	}
	if (options->servers == 0) {
		options->servers = SERVERS_DEFAULT;
	}
	if (options->processors > VCORE_PROCESSORS_MAX || options->servers > VCI_SERVERS_MAX) {
		error = -EINVAL;
	}
	return error;
}

static int complete_stack(struct vcore_runtime_options *options)
{
	uint64_t bytes = STACK_DEFAULT;
	int error = 0;

	if (options->stack_size == 0) {
		error = default_number("VCORE_STACK", STACK_LEAST >> 10, VCI_STACK_SIZE_MAX >> 10,
				       1024, &bytes);
		options->stack_size = bytes;
	}
	return options->stack_size <= VCI_STACK_SIZE_MAX ? error : -EINVAL;
}

static int complete_spares(struct vcore_runtime_options *options)
{
	uint64_t spares = SPARES_DEFAULT;
	int error = 0;

	if (options->spares == 0) {
		error = default_number("VCORE_SPARES", 1, SPARES_MOST, 1, &spares);
		options->spares = (unsigned)spares;
	}
	return options->spares <= SPARES_MOST ? error : -EINVAL;
}

static int complete(struct vcore_runtime_options *options)
{
	int error = complete_processors(options);

	if (error == 0) {
		error = complete_quantum(options);
	}
	if (error == 0) {
		error = complete_stack(options);
	}
	if (error == 0) {
		error = complete_spares(options);
	}
	return error == 0 && (options->flags & ~VCORE_RUNTIME_ACCOUNT) != 0 ? -EINVAL : error;
}

/* --- kernel threads -------------------------------------------------------------------- */

/* The calling kernel thread takes up its processor. */
static void take_up(struct vci_kthread *m)
{
	vci_signal_stack_set(&m->signal_stack);
	m->errno_address = vci_errno_address();
	m->exceptions = vci_exceptions_address();
	vci_fpenv_save(&m->fpenv);
	vci_annotate_base(&m->annotation);
	vci_processor_look_at_clock(m->processor, NULL);
	vci_local()->carrier = m;
}

static void lay_down(struct vci_kthread *m)
{
	vci_local()->carrier = NULL;
	vci_fpenv_load(&m->fpenv);
	vci_signal_stack_unset(&m->signal_stack);
}

static void *run_kernel_thread(void *argument)
{
	struct vci_kthread *m = argument;

	take_up(m);
	vci_idle_run(m);
	lay_down(m);
	return NULL;
}

static void end_kernel_threads(struct vcore_runtime *runtime, uint32_t n)
{
	__atomic_store_n(&runtime->over, true, __ATOMIC_SEQ_CST);
	vci_idle_wake_all(runtime);
	for (uint32_t i = 0; i < n; i++) {
		vci_kernel_thread_join(&runtime->kthreads[i].handle);
	}
}

static int start_kernel_threads(struct vcore_runtime *runtime)
{
	for (uint32_t i = 0; i < runtime->n_processors; i++) {
		struct vci_kthread *m = &runtime->kthreads[i];
		int error = vci_signal_stack_make(&m->signal_stack);

		if (error == 0) {
			error = vci_kernel_thread_start(&m->handle, "vcore", run_kernel_thread, m);
		}
		if (error != 0) {
			end_kernel_threads(runtime, i);
			return error;
		}
	}
	return 0;
}

/* --- the whole ------------------------------------------------------------------------------ */

static size_t round_to_line(size_t bytes)
{
	return (bytes + VCI_CACHE_LINE - 1) & ~(size_t)(VCI_CACHE_LINE - 1);
}

/* Runtime, processors and kernel threads lie in one mapping. */
static struct vcore_runtime *allocate(unsigned processors, unsigned servers)
{
	size_t n = processors + servers;
	size_t runtime_bytes = round_to_line(sizeof(struct vcore_runtime));
	size_t processor_bytes = n * sizeof(struct vci_processor);
	size_t bytes = runtime_bytes + processor_bytes + n * sizeof(struct vci_kthread);
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

static void set_up(struct vcore_runtime *runtime, const struct vcore_runtime_options *options)
{
	runtime->flags = options->flags;
	runtime->quantum = options->quantum;
	runtime->spares = options->spares;
	runtime->panic = options->panic;
	runtime->watched_until = VCORE_NEVER;
	for (uint32_t i = 0; i < vci_runtime_all(runtime); i++) {
		struct vci_processor *processor = &runtime->processors[i];
		struct vci_kthread *m = &runtime->kthreads[i];

		processor->runtime = runtime;
		processor->number = i;
		processor->timers.next = VCORE_NEVER;
		processor->server = i >= runtime->n_processors;
		processor->kthread = m;
		m->processor = processor;
		m->runtime = runtime;
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
		error = complete(&known);
	}
	if (error != 0) {
		return error;
	}
	runtime = allocate(known.processors, known.servers);
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
	error = start_kernel_threads(runtime);
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

void vci_runtime_unmake(struct vcore_runtime *runtime)
{
	unsigned rounds = 0;

	end_kernel_threads(runtime, runtime->n_processors);
	while (__atomic_load_n(&runtime->servers, __ATOMIC_ACQUIRE) != 0 ||
	       __atomic_load_n(&runtime->visitors, __ATOMIC_ACQUIRE) != 0) {
		vci_spin_round(&rounds); /* they are on their way out */
	}
	vci_registry_remove(runtime);
	vci_stacks_close(&runtime->stacks);
	release(runtime);
}

/* --- servers -----------------------------------------------------------------------------------
 */

static bool is_finished(const struct vcore_runtime *runtime)
{
	return __atomic_load_n(&runtime->over, __ATOMIC_ACQUIRE) || vci_census_is_empty(runtime);
}

/* The lowest free server, or -E… */
static int enter_service(struct vcore_runtime *runtime)
{
	int result = -EBUSY;

	vci_spin_lock(&runtime->idle_lock);
	if (is_finished(runtime)) {
		result = -ESHUTDOWN;
	}
	for (unsigned i = 0; result == -EBUSY && i < runtime->n_servers; i++) {
		if (!runtime->serving[i]) {
			runtime->serving[i] = true;
			__atomic_fetch_add(&runtime->servers, 1, __ATOMIC_RELAXED);
			result = (int)i;
		}
	}
	vci_spin_unlock(&runtime->idle_lock);
	return result;
}

/* The last touch of the runtime. */
static void leave_service(struct vcore_runtime *runtime, unsigned i)
{
	vci_spin_lock(&runtime->idle_lock);
	runtime->serving[i] = false;
	vci_spin_unlock(&runtime->idle_lock);
	__atomic_fetch_sub(&runtime->servers, 1, __ATOMIC_RELEASE);
}

/* What is runnable and free is for others to run; the rest waits, in order. */
static void pass_on(struct vci_processor *processor)
{
	struct vcore_thread *pinned = NULL;
	struct vcore_thread **last = &pinned;
	struct vcore_thread *thread;

	while ((thread = vci_queue_pop(&processor->queue, VCORE_PRIORITY_MIN)) != NULL) {
		if (thread->flags & VCORE_THREAD_PINNED) {
			*last = thread;
			last = &thread->next;
		} else {
			vci_inbox_send(thread);
		}
	}
	*last = NULL;
	vci_queue_push_chain(&processor->queue, pinned);
}

/* With the deadline past: as many turns as there are threads to run now. */
static void plan_turns(struct vci_processor *processor)
{
	processor->leaving = false;
	processor->turns = 0;
	(void)vci_timers_expire(&processor->timers, vci_clock());
	processor->polls = processor->serves_until <= vci_clock();
	if (processor->polls) {
		vci_inbox_take(&processor->inbox, processor);
		vci_inbox_take(&processor->runtime->inbox, processor);
		processor->turns = processor->queue.length;
	}
}

int vci_runtime_serve(struct vcore_runtime *runtime, vcore_instant deadline)
{
	struct vci_processor *processor;
	struct vci_kthread *m;
	int server = enter_service(runtime);
	int error = 0;

	if (server < 0) {
		return server;
	}
	processor = &runtime->processors[runtime->n_processors + (unsigned)server];
	m = processor->kthread;
	if (m->signal_stack.pages == NULL) {
		error = vci_signal_stack_make(&m->signal_stack);
	}
	if (error == 0) {
		take_up(m);
		processor->serves_until = deadline;
		plan_turns(processor);
		vci_idle_run(m);
		processor->polls = false;
		pass_on(processor);
		lay_down(m);
		vci_idle_watch(runtime, vci_timers_next(&processor->timers));
		vci_quiet_check(runtime); /* it may have run the last thread */
		error = is_finished(runtime) ? -ESHUTDOWN : 0;
	}
	leave_service(runtime, (unsigned)server);
	return error;
}
