/*
 * Whose turn it is: see turns.h.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "sched/turns.h"

#include "memory/space.h"
#include "sched/tick.h"

/* Where the runtime has no quantum. */
#define SLICE_DEFAULT (10 * INT64_C(1000000))

_Alignas(VCI_CACHE_LINE) vcore_instant vci_gang_until = VCORE_NEVER;
vcore_instant vci_gang_look_at = VCORE_NEVER;

struct vci_turns vci_turns;

/* --- the slice ------------------------------------------------------- */

void vci_turns_set_until(vcore_instant until)
{
	__atomic_store_n(&vci_gang_until, until, __ATOMIC_RELAXED);
	__atomic_store_n(&vci_gang_look_at, until, __ATOMIC_RELAXED);
}

/* It begins; or there is none, for nobody waits. */
static void measure(void)
{
	vci_turns_set_until(vci_turns.first != NULL ? vci_turns.since + vci_turns.slice
						    : VCORE_NEVER);
}

static int64_t slice_of(const struct vcore_thread *thread)
{
	const struct vcore_runtime *runtime = thread->runtime;

	return vci_runtime_has_ticks(runtime) ? runtime->quantum : SLICE_DEFAULT;
}

static void begin_slice(int64_t slice)
{
	vci_turns.slice = slice;
	vci_turns.since = vci_clock();
	measure();
}

void vci_turns_begin_slice(const struct vcore_thread *thread)
{
	begin_slice(slice_of(thread));
}

/* --- who is inside ------------------------------------------------------ */

bool vci_turns_none_inside(void)
{
	return vci_turns.running + vci_turns.alone == 0;
}

void vci_turns_add(struct vci_processor *processor)
{
	processor->prev_inside = NULL;
	processor->next_inside = vci_turns.inside;
	if (vci_turns.inside != NULL) {
		vci_turns.inside->prev_inside = processor;
	}
	vci_turns.inside = processor;
	vci_turns.running++;
	vci_tick_by(processor, vci_gang_until);
}

void vci_turns_take(struct vci_processor *processor)
{
	if (processor->prev_inside != NULL) {
		processor->prev_inside->next_inside = processor->next_inside;
	} else {
		vci_turns.inside = processor->next_inside;
	}
	if (processor->next_inside != NULL) {
		processor->next_inside->prev_inside = processor->prev_inside;
	}
	vci_turns.running--;
}

/* The slice of those that were called begins when the first has come, however late. */
bool vci_turns_may_join(const struct vci_gang *gang)
{
	return vci_turns.open == gang && !vci_turns.changing &&
	       (vci_turns.called || !vci_gang_slice_is_over());
}

void vci_turns_join(struct vci_processor *processor, const struct vcore_thread *thread)
{
	if (vci_turns.called) {
		vci_turns.called = false;
		vci_turns_begin_slice(thread);
	}
	vci_turns_add(processor);
}

/* --- who is held --------------------------------------------------------- */

/* From here on somebody waits: the slice has an end. */
static void arm_all(void)
{
	measure();
	vci_fence_full(); /* pairs with the fence in vci_tick_go_on: T5 */
	for (struct vci_processor *processor = vci_turns.inside; processor != NULL;
	     processor = processor->next_inside) {
		vci_tick_by(processor, vci_gang_until);
	}
}

static void append(struct vci_gang *gang)
{
	gang->next = NULL;
	*(vci_turns.last != NULL ? &vci_turns.last->next : &vci_turns.first) = gang;
	vci_turns.last = gang;
}

static bool waits(const struct vci_gang *gang)
{
	return gang->first != NULL || gang->wished;
}

/* A thread of it cannot be let in: before it is noted. */
static void begin_to_wait(struct vci_gang *gang, const struct vcore_thread *thread)
{
	gang->slice = slice_of(thread);
	if (!waits(gang)) {
		append(gang);
	}
	if (vci_gang_until == VCORE_NEVER) {
		arm_all();
	}
}

void vci_turns_hold(struct vci_gang *gang, struct vcore_thread *thread)
{
	begin_to_wait(gang, thread);
	thread->next = NULL;
	*(gang->first != NULL ? &gang->last->next : &gang->first) = thread;
	gang->last = thread;
}

void vci_turns_wish(struct vci_gang *gang, const struct vcore_thread *thread)
{
	begin_to_wait(gang, thread);
	gang->wished = true;
}

/* It waits no more. */
static void strike(const struct vci_gang *gang)
{
	struct vci_gang **place = &vci_turns.first;
	struct vci_gang *before = NULL;

	while (*place != gang) {
		before = *place;
		place = &before->next;
	}
	*place = gang->next;
	if (vci_turns.last == gang) {
		vci_turns.last = before;
	}
	measure();
}

struct vcore_thread *vci_turns_release(struct vci_gang *gang)
{
	struct vcore_thread *chain = gang->first;

	if (waits(gang)) {
		gang->first = NULL;
		gang->wished = false;
		strike(gang);
	}
	return chain;
}

/* --- changing --------------------------------------------------------------------------------- */

bool vci_turns_change(struct vci_gang *to)
{
	struct vci_gang *from = vci_turns.open;
	bool done;

	vci_turns.open = to;
	vci_turns.changing = true;
	vci_spin_unlock(&vci_turns.lock);
	if (from != NULL) {
		(void)vci_space_open(from->space, false);
	} else {
		vci_spaces_close(to->space);
	}
	done = vci_space_open(to->space, true);
	__atomic_fetch_add(&to->space->opened, done, __ATOMIC_RELAXED);
	vci_spin_lock(&vci_turns.lock);
	vci_turns.changing = false;
	if (!done) {
		vci_turns.open = NULL;
	}
	return done;
}

struct vcore_thread *vci_turns_call_next(void)
{
	struct vci_gang *next = vci_turns.first;
	struct vcore_thread *chain = NULL;

	if (next == NULL || !vci_turns_none_inside() || vci_turns.called || vci_turns.changing) {
		return NULL;
	}
	begin_slice(next->slice);
	vci_turns.called = true;
	if (vci_turns_change(next)) {
		chain = vci_turns_release(next); /* and who was held meanwhile */
	} else {
		vci_turns.called = false;
		strike(next); /* others may have more luck, next time */
		append(next);
	}
	begin_slice(next->slice); /* what the change took is nobody's; or when it is tried again */
	return chain;
}
