/*
 * Owners: see owner.h.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "sched/owner.h"

#include "sched/registry.h"

uint32_t vci_owner_number(struct vci_waiter *self)
{
	const struct vcore_thread *thread = vci_waiter_thread(self);

	/* A host has had its number from the beginning. */
	self->id = thread->runtime->number << VCI_OWNER_INDEX_BITS | (thread->stack.index + 1);
	return self->id;
}

struct vcore_thread *vci_owner_thread(struct vcore_runtime *runtime, uint64_t mark)
{
	if (mark >> (VCI_OWNER_SHIFT + VCI_OWNER_INDEX_BITS) != runtime->number) {
		return NULL;
	}
	return (struct vcore_thread *)vci_stacks_at(&runtime->stacks, vci_owner_index(mark));
}

void vci_owner_refuse(const char *function, uint64_t word)
{
	uint64_t mark = vci_owner_of(word);
	struct vci_line line;
	char name[32];
	uint64_t id;

	vci_line_begin(&line);
	vci_line_text(&line, "the caller does not own the lock: ");
	if (mark == 0) {
		vci_line_text(&line, "nobody does");
	} else if (vci_registry_name(mark, &id, name)) {
		vci_line_thread(&line, id, name);
		vci_line_text(&line, " does");
	} else {
		vci_line_text(&line, "a pthread does");
	}
	vci_panic(function, line.text);
}

VCI_READS_RACILY bool vci_owner_runs(const struct vcore_runtime *runtime,
				     const struct vcore_thread *thread)
{
	uint32_t number = VCI_READ(thread->processor);
	const struct vci_kthread *m;

	if (number >= vci_runtime_all(runtime)) {
		return false;
	}
	m = VCI_READ(runtime->processors[number].kthread);
	return m != NULL && VCI_READ(m->current) == thread;
}

bool vci_owner_may_release_soon(const struct vci_kthread *m, uint64_t mark)
{
	const struct vcore_thread *thread;

	if (vci_cpus <= 1) {
		return false;
	}
	if (m == NULL || vci_owner_is_host(mark)) {
		return true;
	}
	thread = vci_owner_thread(m->runtime, mark);
	return thread != NULL && vci_owner_runs(m->runtime, thread);
}
