/*
 * Where a tick finds a thread: see place.h.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "sched/place.h"

#include "sched/rcu.h"
#include "sched/resident.h"
#include "sched/text.h"

/* Foreign code is given so many ticks to come out of it. */
#define FOREIGN_RETRIES 8

/* With its reserve, if that is open. */
static const char *floor_of(const struct vcore_thread *self)
{
	return vci_stack_floor(&self->runtime->stacks, vci_thread_low(self),
			       (enum vci_reserve)self->reserve);
}

static bool is_on_own_stack(const struct vcore_thread *self, const char *sp)
{
	return sp >= floor_of(self) && sp < vci_thread_high(self);
}

/* One that was left by siglongjmp is found out as soon as the stack is less deep. */
bool vci_place_is_in_handler(const struct vcore_thread *self, const char *sp)
{
	struct vci_local *local = vci_local();
	bool is = is_on_own_stack(self, local->handler) && sp < local->handler;

	if (!is && is_on_own_stack(self, sp)) {
		local->handler = NULL;
	}
	return is;
}

/* It has unblocked a signal itself: no handler is there, which would only block more. */
static bool has_unblocked(const struct vci_kthread *m, const struct vci_interrupted *interrupted)
{
	return (m->mask & ~interrupted->mask) != 0;
}

/* What may be a handler of the program's has anything below it, the library too. */
static enum vcore_refusal refuse_anywhere(const struct vci_kthread *m,
					  const struct vci_interrupted *interrupted)
{
	if (vci_text_is_library(interrupted->pc) || vci_local()->inside > 0) {
		return VCORE_REFUSAL_LIBRARY;
	}
	if (vci_rcu_is_inside()) {
		return VCORE_REFUSAL_RCU;
	}
	if (vci_place_is_in_handler(m->current, interrupted->sp)) {
		return VCORE_REFUSAL_HANDLER;
	}
	if (interrupted->mask != m->mask && !has_unblocked(m, interrupted)) {
		return VCORE_REFUSAL_MASK;
	}
	return is_on_own_stack(m->current, interrupted->sp) ? VCORE_REFUSAL_NONE
							    : VCORE_REFUSAL_STACK;
}

/* To be put off; to be let go it need only be elsewhere. */
static enum vcore_refusal refuse_application(const struct vci_kthread *m,
					     const struct vci_interrupted *interrupted)
{
	if (interrupted->mask != m->mask) {
		return VCORE_REFUSAL_MASK;
	}
	return m->current->unpreemptible > 0 ? VCORE_REFUSAL_DISABLED : VCORE_REFUSAL_NONE;
}

struct vci_finding vci_place_find(const struct vci_kthread *m,
				  const struct vci_interrupted *interrupted)
{
	enum vcore_refusal refusal = refuse_anywhere(m, interrupted);

	if (refusal != VCORE_REFUSAL_NONE) {
		return (struct vci_finding){VCI_PLACE_LIBRARY, refusal};
	}
	if (vci_is_in_system_call(interrupted)) {
		return (struct vci_finding){VCI_PLACE_SYSTEM_CALL, VCORE_REFUSAL_NONE};
	}
	if (!vci_local()->forking && vci_text_is_application(interrupted->pc)) {
		return (struct vci_finding){VCI_PLACE_APPLICATION,
					    refuse_application(m, interrupted)};
	}
	return (struct vci_finding){VCI_PLACE_FOREIGN, m->retries < FOREIGN_RETRIES
							       ? VCORE_REFUSAL_FOREIGN
							       : VCORE_REFUSAL_NONE};
}
