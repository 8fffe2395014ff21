/*
 * What is one for the process: see registry.h.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "sched/registry.h"

#include <errno.h>

#include "memory/books.h"
#include "sched/end.h"
#include "sched/fault.h"
#include "sched/gang.h"
#include "sched/inspect.h"
#include "sched/owner.h"
#include "sched/preempt.h"
#include "sched/rcu.h"
#include "sched/resident.h"
#include "sched/seat.h"
#include "sched/text.h"

struct vci_spin vci_process_lock;

/* guarded by it */
static struct vcore_runtime *runtimes;
static struct vci_fork_lock *fork_locks;
static bool lost_numbers[VCI_OWNER_HOSTS]; /* of runtimes that were lost in fork */

/* With the process lock. */
static void remove_handlers(const struct vcore_runtime *runtime)
{
	if (vci_runtime_has_ticks(runtime)) {
		vci_ticks_remove();
	}
	vci_faults_remove();
}

/* --- fork -------------------------------------------------------------------------- */

void vci_fork_lock_add(struct vci_fork_lock *lock)
{
	vci_spin_lock(&vci_process_lock);
	lock->next = fork_locks;
	lock->place = &fork_locks;
	if (lock->next != NULL) {
		lock->next->place = &lock->next;
	}
	fork_locks = lock;
	vci_spin_unlock(&vci_process_lock);
}

void vci_fork_lock_remove(struct vci_fork_lock *lock)
{
	vci_spin_lock(&vci_process_lock);
	*lock->place = lock->next;
	if (lock->next != NULL) {
		lock->next->place = lock->place;
	}
	vci_spin_unlock(&vci_process_lock);
}

static void lock_all(void)
{
	vci_spin_lock(&vci_process_lock);
	for (struct vci_fork_lock *lock = fork_locks; lock != NULL; lock = lock->next) {
		vci_spin_lock(&lock->spin);
	}
	vci_books_before_fork();
}

static void unlock_all(void)
{
	for (struct vci_fork_lock *lock = fork_locks; lock != NULL; lock = lock->next) {
		vci_spin_unlock(&lock->spin);
	}
	vci_spin_unlock(&vci_process_lock);
}

/*
 * The last of the handlers before a fork, and the first of those after it
 * (attach): between them is nothing but the C library.  It may wait there for
 * locks of its own, whose holders were preempted if it is part of the program;
 * so a tick may let the forking thread go.
 */
static void before_fork(void)
{
	vci_rcu_refuse_inside("fork", VCI_RCU_NO_WAIT); /* for grace periods, here */
	vci_rcu_rest();
	vci_reclaim_before_fork();
	vci_local()->forking = true;
	lock_all();
}

static void after_fork_in_parent(void)
{
	vci_books_after_fork_in_parent();
	unlock_all();
	vci_local()->forking = false;
	vci_reclaim_after_fork_in_parent();
}

/*
 * The child has one kernel thread.  If it carried a green thread, that one goes
 * on as a pthread, with the signal mask of who opened the runtime: with its
 * kernel thread's no signal would reach the child.
 */
static void after_fork_in_child(void)
{
	const struct vci_kthread *m = vci_local_bound();

	for (struct vcore_runtime *runtime = runtimes; runtime != NULL; runtime = runtime->next) {
		__atomic_store_n(&runtime->lost, true, __ATOMIC_RELAXED);
		lost_numbers[runtime->number] = true; /* of owners in words of locks */
		remove_handlers(runtime);
	}
	runtimes = NULL;
	if (m != NULL && !vci_kthread_is_server(m)) {
		vci_mask_set(m->runtime->mask);
	}
	vci_local()->lost = m != NULL;
	vci_local()->bound = NULL;
	vci_local()->carrier = NULL;
	vci_local()->door = NULL;
	if (vci_local()->host != NULL) {
		vci_holds_reset(vci_local()->host);
	}
	vci_gang_reset();
	vci_reader_alone(vci_local()->reader.registered ? &vci_local()->reader : NULL);
	vci_books_after_fork_in_child();
	unlock_all();
	vci_local()->forking = false;
	vci_reclaim_after_fork_in_child();
}

/* --- panics ---------------------------------------------------------------- */

static void (*identify(struct vcore_report *report))(const struct vcore_report *)
{
	const struct vcore_thread *self = vci_thread_self();

	if (self == NULL) {
		return NULL;
	}
	report->thread = vci_thread_id(self);
	report->name = self->name;
	return self->runtime->panic;
}

/* --- runtimes ------------------------------------------------------------------------------ */

static int attached;

/* When the library is loaded: before the program's own handlers around fork are there. */
static __attribute__((constructor)) void attach(void)
{
	vci_panic_identify = identify;
	attached = vci_at_fork(before_fork, after_fork_in_parent, after_fork_in_child);
}

int vci_registry_open(void)
{
	int error = attached == 0 ? vci_platform_open() : attached;

	if (error == 0) {
		vci_text_open();
	}
	return error;
}

/* With the process lock: the lowest number that is free; 0: there is none. */
static uint32_t free_number(void)
{
	for (uint32_t number = 1; number < VCI_OWNER_HOSTS; number++) {
		const struct vcore_runtime *runtime = runtimes;

		while (runtime != NULL && runtime->number != number) {
			runtime = runtime->next;
		}
		if (runtime == NULL && !lost_numbers[number]) {
			return number;
		}
	}
	return 0;
}

int vci_registry_add(struct vcore_runtime *runtime)
{
	int error;

	vci_spin_lock(&vci_process_lock);
	runtime->number = free_number();
	error = runtime->number != 0 ? vci_faults_install(vci_fault_judge) : -EAGAIN;
	if (error == 0 && vci_runtime_has_ticks(runtime)) {
		error = vci_ticks_install(vci_preempt);
		if (error != 0) {
			vci_faults_remove();
		}
	}
	if (error == 0) {
		runtime->next = runtimes;
		runtimes = runtime;
		vci_seats_take(runtime);
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
	remove_handlers(runtime);
	vci_seats_leave(runtime);
	vci_spin_unlock(&vci_process_lock);
}

VCI_READS_RACILY static uint64_t read_id(const struct vcore_thread *thread)
{
	return vci_id(VCI_READ(thread->stack.generation), VCI_READ(thread->stack.index));
}

/* While the runtime is in the list its control blocks are there. */
bool vci_registry_name(uint64_t mark, uint64_t *id, char *name)
{
	const struct vcore_thread *thread = NULL;

	vci_spin_lock(&vci_process_lock);
	for (struct vcore_runtime *runtime = runtimes; runtime != NULL && thread == NULL;
	     runtime = runtime->next) {
		thread = vci_owner_thread(runtime, mark);
	}
	if (thread != NULL) {
		*id = read_id(thread);
		vci_inspect_name(thread, name);
	}
	vci_spin_unlock(&vci_process_lock);
	return thread != NULL;
}
