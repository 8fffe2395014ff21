/*
 * Joining and detaching: the joiner's side of the join word (sched.h).
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "sync/join.h"

#include <errno.h>

#include "arch/firm.h"

_Static_assert(sizeof(enum vcore_how) == 4 && sizeof(void *) == 8, "as they are told");

static bool change(struct vcore_thread *thread, struct vci_waiter *from, struct vci_waiter *to)
{
	return __atomic_compare_exchange_n(&thread->join, &from, to, false, __ATOMIC_ACQ_REL,
					   __ATOMIC_ACQUIRE);
}

static struct vci_waiter *word_of(const struct vcore_thread *thread)
{
	return __atomic_load_n(&thread->join, __ATOMIC_ACQUIRE);
}

/* The ending thread is between two steps of leaving its stack. */
static void wait_while_closing(const struct vcore_thread *thread)
{
	unsigned rounds = 0;

	while (word_of(thread) == VCI_JOIN_CLOSING) {
		vci_spin_round(&rounds);
	}
}

/*
 * BUSY locks the word until the joiner is committed.  False: the thread is
 * ending, or has ended.
 */
static bool publish(struct vci_waiter *waiter)
{
	struct vcore_thread *thread = waiter->object;

	if (!change(thread, NULL, VCI_JOIN_BUSY)) {
		return false;
	}
	vci_waiter_commit(waiter);
	__atomic_store_n(&thread->join, waiter, __ATOMIC_RELEASE);
	return true;
}

bool vci_join_enroll(struct vcore_thread *thread, struct vci_waiter *waiter, bool *twice)
{
	bool enrolled = change(thread, NULL, waiter);

	if (!enrolled && word_of(thread) == waiter) {
		*twice = true;
	}
	return enrolled;
}

bool vci_join_retract(struct vcore_thread *thread, struct vci_waiter *waiter)
{
	unsigned rounds = 0;

	for (;;) {
		struct vci_waiter *word = word_of(thread);

		if (word == VCI_JOIN_ENDED) {
			return false;
		}
		if (word == waiter && change(thread, waiter, NULL)) {
			return true;
		}
		vci_spin_round(&rounds); /* BUSY or CLOSING: not for long */
	}
}

static void free_and_tell_fault(struct vci_kthread *m, struct vcore_thread *thread,
				struct vcore_exit *exit)
{
	struct vcore_fault fault = thread->fault;

	vci_end_free(m, thread);
	vci_copy_firmly((char *)&exit->fault, (const char *)&fault, sizeof fault);
}

/* Last it tells the joiner, whose fault it is if that cannot be: then it has joined. */
static void collect(struct vci_kthread *m, struct vcore_thread *thread, struct vcore_exit *exit)
{
	enum vcore_how how = thread->how;
	void *result = how == VCORE_RETURNED ? thread->argument : NULL;

	if (exit == NULL) {
		vci_end_free(m, thread);
		return;
	}
	if (unlikely(how == VCORE_FAULTED)) {
		free_and_tell_fault(m, thread, exit);
	} else {
		vci_end_free(m, thread);
	}
	vci_firm_store_4((char *)&exit->how, (uint32_t)how);
	vci_firm_store_8((char *)&exit->result, (uintptr_t)result);
}

static int finish(struct vci_kthread *m, struct vci_waiter *waiter, enum vci_claim reason)
{
	struct vcore_thread *thread = waiter->object;

	if (likely(reason == VCI_WOKEN)) {
		wait_while_closing(thread);
		if (word_of(thread) != VCI_JOIN_ENDED) {
			vci_panic("vcore_thread_join", "the thread is joined by another already");
		}
	} else {
		bool retracted = vci_join_retract(thread, waiter);

		if (reason == VCI_DESTROYED) {
			vci_wait_destroyed(waiter);
		}
		if (retracted) {
			return -ETIMEDOUT;
		}
	}
	collect(m, thread, waiter->argument);
	return 0;
}

static int wait_for_end(struct vci_kthread *m, struct vcore_thread *thread, struct vcore_exit *exit,
			vcore_instant deadline)
{
	struct vci_waiter *waiter = vci_wait_self(m);

	if (unlikely(waiter == NULL)) {
		return -ENOMEM;
	}
	waiter->kind = VCORE_WAIT_JOIN;
	waiter->object = thread;
	waiter->node.key = (int64_t)vci_thread_id(thread); /* for inspection */
	waiter->publish = publish;
	waiter->finish = finish;
	waiter->argument = exit;
	return vci_wait(m, waiter, deadline);
}

int vci_join_try(const char *function, struct vci_kthread *m, struct vcore_thread *thread,
		 struct vcore_exit *exit)
{
	const struct vci_waiter *word;

	if (m != NULL && thread == m->current) {
		vci_panic(function, "a thread cannot join itself");
	}
	if (vci_runtime_is_lost(thread->runtime)) {
		return -ESHUTDOWN;
	}
	wait_while_closing(thread);
	word = word_of(thread);
	if (word == VCI_JOIN_ENDED) {
		collect(m, thread, exit);
		return 0;
	}
	if (word == VCI_JOIN_DETACHED) {
		vci_panic(function, "the thread is detached, or was joined");
	}
	if (word == VCI_JOIN_BUSY || vci_join_is_waiter(word)) {
		vci_panic(function, "the thread is joined by another already");
	}
	return -EAGAIN;
}

int vcore_thread_join(struct vcore_thread *thread, struct vcore_exit *exit, vcore_instant deadline)
{
	struct vci_kthread *m;
	int result;

	VCI_PANIC_IF(thread == NULL, "thread is NULL");
	m = vci_wait_enter();
	result = vci_join_try(__func__, m, thread, exit);
	if (result != -EAGAIN) {
		return result;
	}
	if (vci_wait_is_over(deadline)) {
		return -ETIMEDOUT;
	}
	return wait_for_end(m, thread, exit, deadline);
}

int vcore_thread_detach(struct vcore_thread *thread)
{
	VCI_PANIC_IF(thread == NULL, "thread is NULL");
	if (vci_runtime_is_lost(thread->runtime)) {
		return -ESHUTDOWN;
	}
	if (change(thread, NULL, VCI_JOIN_DETACHED)) {
		return 0;
	}
	wait_while_closing(thread);
	VCI_PANIC_IF(word_of(thread) == VCI_JOIN_DETACHED,
		     "the thread is detached already, or was joined");
	VCI_PANIC_IF(word_of(thread) != VCI_JOIN_ENDED, "the thread is being joined");
	vci_end_free(vci_kthread_self(), thread);
	return 0;
}
