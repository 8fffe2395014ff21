/*
 * What is one for the process: see registry.h.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "sched/registry.h"

struct vci_spin vci_process_lock;

/* guarded by it */
static struct vcore_runtime *runtimes;
static bool opened;

/* --- fork -------------------------------------------------------------------------- */

static void before_fork(void)
{
	vci_spin_lock(&vci_process_lock);
}

static void after_fork_in_parent(void)
{
	vci_spin_unlock(&vci_process_lock);
}

/*
 * The child has one kernel thread.  If it carried a green thread, that one goes
 * on as a pthread.
 */
static void after_fork_in_child(void)
{
	for (struct vcore_runtime *runtime = runtimes; runtime != NULL; runtime = runtime->next) {
		__atomic_store_n(&runtime->lost, true, __ATOMIC_RELAXED);
	}
	runtimes = NULL;
	vci_local()->lost = vci_local()->carrier != NULL;
	vci_local()->carrier = NULL;
	vci_spin_unlock(&vci_process_lock);
}

/* --- panics and faults ---------------------------------------------------------------- */

/* A frame so large that it steps over the guard is at most that large. */
#define FRAME_MAX ((ptrdiff_t)16 << 20)

static void (*identify(struct vcore_report *report))(const struct vcore_report *)
{
	const struct vci_kthread *m = vci_kthread_self();

	if (m == NULL || m->current == NULL) {
		return NULL;
	}
	report->thread = vci_thread_id(m->current);
	report->name = m->current->name;
	return m->runtime->panic;
}

/*
 * Whether the thread has run over the end of its stack: it touched the guard,
 * or a large frame has taken its stack pointer past it.
 */
static bool has_overflown(const struct vcore_thread *thread, const char *address, const char *sp)
{
	const char *low = thread->stack.low;
	const char *guard = low - thread->runtime->stacks.guard;

	return (address < low && address >= guard) ||
	       (sp != NULL && sp < low && sp >= low - FRAME_MAX && address < low);
}

/* On the alternate stack: no locks, and nothing but formatting. */
static void explain(void *address, void *sp)
{
	const struct vci_kthread *m = vci_kthread_self();
	const struct vcore_thread *thread = m != NULL ? m->current : NULL;
	struct vci_line line;

	if (thread == NULL || !has_overflown(thread, address, sp)) {
		return;
	}
	vci_line_begin(&line);
	vci_line_text(&line, "vcore: stack overflow: thread ");
	vci_line_number(&line, (int64_t)vci_thread_id(thread));
	vci_line_text(&line, " \"");
	vci_line_text(&line, thread->name);
	vci_line_text(&line, "\" has used up its stack of ");
	vci_line_number(&line, (int64_t)vci_stack_size(&m->runtime->stacks, thread->stack.kind));
	vci_line_text(&line, " bytes\n");
	vci_line_write(&line, 2);
	vci_abort();
}

/* --- runtimes ------------------------------------------------------------------------------ */

int vci_registry_open(void)
{
	int error = vci_platform_open();

	if (error != 0) {
		return error;
	}
	vci_spin_lock(&vci_process_lock);
	if (!opened) {
		error = vci_at_fork(before_fork, after_fork_in_parent, after_fork_in_child);
		if (error == 0) {
			vci_panic_identify = identify;
			opened = true;
		}
	}
	vci_spin_unlock(&vci_process_lock);
	return error;
}

int vci_registry_add(struct vcore_runtime *runtime)
{
	int error;

	vci_spin_lock(&vci_process_lock);
	error = vci_faults_install(explain);
	if (error == 0) {
		runtime->next = runtimes;
		runtimes = runtime;
	}
	vci_spin_unlock(&vci_process_lock);
	return error;
}

void vci_registry_remove(struct vcore_runtime *runtime)
{
	struct vcore_runtime **place = &runtimes;

	vci_spin_lock(&vci_process_lock);
	while (*place != runtime) {
		place = &(*place)->next;
	}
	*place = runtime->next;
	vci_faults_remove();
	vci_spin_unlock(&vci_process_lock);
}
