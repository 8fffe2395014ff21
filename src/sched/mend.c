/*
 * Faults that a space mends.
 *
 * The space that the address lies in is asked, on the stack of the thread that
 * has faulted, and with a reference to the space; the thread may wait meanwhile,
 * and come to another kernel thread.  Then it goes on with what the fault has
 * interrupted, as if nothing had been.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "sched/mend.h"

#include "memory/space.h"
#include "sched/destroy.h"
#include "sched/enter.h"
#include "sched/gang.h"

/* As if nothing had been. */
static __attribute__((noreturn)) void go_on(const struct vci_raised *raised, int errno_value)
{
	const struct vci_kthread *m = vci_local_bound();

	*m->errno_address = errno_value;
	vci_raised_resume(raised, &m->signal_stack, m->mask);
}

static bool ask(struct vcore_thread *self, struct vcore_space *space,
		const struct vcore_fault *fault)
{
	bool mended;

	self->mends = space;
	self->trouble = VCI_MENDING;
	self->undestroyable++;
	mended = space->on_fault(space, fault, space->argument) == 1;
	self->undestroyable--;
	vci_destroy_look(self);
	self->mends = NULL;
	if (self->trouble == VCI_MENDING) { /* it may be doomed by now */
		self->trouble = VCI_NO_TROUBLE;
	}
	return mended;
}

/* The space that the address lies in, to be put, or NULL; the report says so. */
static struct vcore_space *find_space(const struct vcore_thread *self, struct vcore_fault *fault)
{
	struct vcore_space *space = vci_space_get(fault->address);
	enum vcore_fault_kind kind = fault->kind;

	if (space == NULL) {
		return NULL;
	}
	vci_space_describe(space, fault->address, fault);
	if (kind == VCORE_FAULT_STACK_OVERFLOW) {
		fault->kind = kind;
	} else if (vci_gang_is_closed_to(space, self) && fault->kind != VCORE_FAULT_FREED_BLOCK) {
		fault->kind = VCORE_FAULT_OTHER_SPACE;
	}
	return space;
}

void vci_mend_not(const struct vcore_thread *self, struct vcore_fault *fault)
{
	struct vcore_space *space = find_space(self, fault);

	if (space != NULL) {
		vci_space_put(space);
	}
}

void vci_mend(const struct vci_raised *raised, struct vcore_fault *fault)
{
	const struct vci_kthread *m = vci_local_bound();
	struct vcore_thread *self = m->current;
	struct vcore_space *space = find_space(self, fault);
	int errno_value = *m->errno_address;
	bool mended = false;

	if (space == NULL) {
		return;
	}
	if (space->on_fault != NULL) {
		mended = ask(self, space, fault);
	}
	vci_space_put(space);
	if (mended) {
		go_on(raised, errno_value);
	}
}

void vci_mend_no_more(struct vcore_thread *self)
{
	if (self->mends != NULL) {
		vci_space_put(self->mends);
		self->mends = NULL;
	}
}
