/*
 * The gate of exclusive spaces: see gang.h.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "sched/gang.h"

#include <errno.h>

#include "memory/space.h"
#include "sched/idle.h"
#include "sched/inbox.h"
#include "sched/turns.h"

/* --- sending ------------------------------------------------------------------------- */

static void send(struct vcore_thread *chain)
{
	while (chain != NULL) {
		struct vcore_thread *next = chain->next;

		vci_inbox_send(chain);
		chain = next;
	}
}

static void unlock_and_send(struct vcore_thread *chain)
{
	vci_spin_unlock(&vci_turns.lock);
	send(chain);
}

/* --- asking -------------------------------------------------------------------------- */

bool vci_gang_join(struct vci_processor *processor, struct vcore_thread *thread)
{
	bool joins;

	vci_spin_lock(&vci_turns.lock);
	joins = vci_turns_may_join(vci_gang_of(thread->space));
	if (joins) {
		vci_turns_join(processor, thread);
	}
	vci_spin_unlock(&vci_turns.lock);
	return joins;
}

/* Nobody is inside, or waits: the caller may open any. */
static bool is_free(void)
{
	return vci_turns_none_inside() && !vci_turns.called && !vci_turns.changing &&
	       vci_turns.first == NULL;
}

/* Who makes the change is inside already. */
static bool open_for(struct vci_processor *processor, struct vcore_thread *thread,
		     struct vcore_thread **others)
{
	struct vci_gang *gang = vci_gang_of(thread->space);

	vci_turns_begin_slice(thread);
	vci_turns_add(processor);
	if (!vci_turns_change(gang)) {
		vci_turns_take(processor);
		return false;
	}
	*others = vci_turns_release(gang);
	vci_turns_begin_slice(thread); /* what the change took is nobody's */
	return true;
}

/* Somebody must look when it is time (G6). */
static void see_to_it(struct vci_processor *processor)
{
	vcore_instant at = __atomic_load_n(&vci_gang_look_at, __ATOMIC_RELAXED);

	vci_idle_watch(processor->runtime, at);
	vci_tick_by(processor, at);
}

static bool enter(struct vci_processor *processor, struct vcore_thread *thread, bool holds)
{
	struct vci_gang *gang = vci_gang_of(thread->space);
	struct vcore_thread *others = NULL;
	bool enters = true;

	vci_spin_lock(&vci_turns.lock);
	if (vci_turns_may_join(gang)) {
		vci_turns_join(processor, thread);
	} else {
		enters = is_free() && open_for(processor, thread, &others);
	}
	if (!enters && holds) {
		vci_turns_hold(gang, thread);
	} else if (!enters) {
		vci_turns_wish(gang, thread);
	}
	unlock_and_send(others);
	if (!enters) {
		see_to_it(processor);
	}
	return enters;
}

bool vci_gang_enter(struct vci_processor *processor, struct vcore_thread *thread)
{
	return enter(processor, thread, true);
}

bool vci_gang_try(struct vci_processor *processor, struct vcore_thread *thread)
{
	return enter(processor, thread, false);
}

/* --- leaving ------------------------------------------------------------------------- */

void vci_gang_leave(struct vci_processor *processor)
{
	vci_spin_lock(&vci_turns.lock);
	vci_turns_take(processor);
	unlock_and_send(vci_turns_call_next());
}

void vci_gang_let_go(struct vci_processor *processor)
{
	vci_spin_lock(&vci_turns.lock);
	if (processor != NULL) {
		vci_turns_take(processor);
	}
	vci_turns.alone++;
	vci_spin_unlock(&vci_turns.lock);
}

void vci_gang_come_back(struct vci_processor *processor)
{
	vci_spin_lock(&vci_turns.lock);
	vci_turns.alone--;
	vci_turns_add(processor);
	vci_spin_unlock(&vci_turns.lock);
}

void vci_gang_leave_alone(void)
{
	vci_spin_lock(&vci_turns.lock);
	vci_turns.alone--;
	unlock_and_send(vci_turns_call_next());
}

/* Their slice is over: those who were called have not come, or somebody has not left. */
static struct vcore_thread *look_after_held(void)
{
	if (vci_turns.alone > 0) {
		__atomic_fetch_add(&vci_turns.open->space->stalls, 1, __ATOMIC_RELAXED);
	}
	vci_turns.called = false;
	return vci_turns_call_next();
}

void vci_gang_look(vcore_instant now)
{
	struct vcore_thread *chain = NULL;

	if (vci_local()->forking) {
		return; /* a change would wait for this very fork to be over */
	}
	vci_spin_lock(&vci_turns.lock);
	if (vci_gang_look_at <= now) {
		__atomic_store_n(&vci_gang_look_at, now + vci_turns.slice, __ATOMIC_RELAXED);
		chain = vci_turns.changing ? NULL : look_after_held();
	}
	unlock_and_send(chain);
}

/* --- gangs --------------------------------------------------------------------------- */

int vci_gang_begin(struct vcore_space *space)
{
	struct vci_gang *fresh = vci_pages_reserve(sizeof *fresh);

	if (fresh == NULL) {
		return -ENOMEM;
	}
	vci_spin_lock(&vci_turns.lock);
	if (space->gang == NULL) {
		fresh->space = space;
		space->gang = fresh;
		vci_turns.gangs++;
		fresh = NULL;
	}
	vci_gang_of(space)->threads++;
	vci_spin_unlock(&vci_turns.lock);
	if (fresh != NULL) {
		vci_pages_release(fresh, sizeof *fresh);
	}
	return 0;
}

/* A change may be closing it; and who left its last thread may not have told so yet. */
static void lock_when_unused(const struct vci_gang *gang)
{
	unsigned rounds = 0;

	vci_spin_lock(&vci_turns.lock);
	while (gang->threads == 1 &&
	       (vci_turns.changing || (vci_turns.open == gang && !vci_turns_none_inside()))) {
		vci_spin_unlock(&vci_turns.lock);
		vci_spin_round(&rounds);
		vci_spin_lock(&vci_turns.lock);
	}
}

/* No exclusive space has threads. */
static void open_all(void)
{
	vci_turns.changing = true;
	vci_spin_unlock(&vci_turns.lock);
	vci_spaces_open();
	vci_spin_lock(&vci_turns.lock);
	vci_turns.changing = false;
}

void vci_gang_end(struct vcore_space *space)
{
	struct vci_gang *gang = vci_gang_of(space);

	lock_when_unused(gang);
	gang->threads--;
	if (gang->threads > 0) {
		vci_spin_unlock(&vci_turns.lock);
		return;
	}
	if (vci_turns.open == gang) {
		vci_turns.open = NULL;
		vci_turns.called = false;
	}
	(void)vci_turns_release(gang); /* somebody may have wished for it */
	space->gang = NULL;
	vci_turns.gangs--;
	if (vci_turns.gangs == 0) {
		open_all();
	}
	unlock_and_send(vci_turns_call_next());
	vci_pages_release(gang, sizeof *gang);
}

void vci_gang_reset(void)
{
	vci_turns = (struct vci_turns){.open = NULL};
	vci_turns_set_until(VCORE_NEVER);
}

bool vci_gang_is_closed_to(const struct vcore_space *space, const struct vcore_thread *thread)
{
	return space->level == VCORE_SPACE_EXCLUSIVE &&
	       (thread == NULL || !vci_gang_has(thread) || thread->space != space);
}
