/*
 * Threads that live in a space: see resident.h.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "sched/resident.h"

#include <errno.h>

#include "memory/space.h"
#include "platform/annotate.h"
#include "sched/gang.h"

/* As above a stack of the pool: see memory/stack.c. */
#define SIGNALS 2

struct vci_area {
	struct vci_area *next;
	size_t bytes;
	bool taken;
	_Alignas(VCI_CACHE_LINE) char content[];
};

static bool is_exclusive(const struct vcore_space *space)
{
	return space->level == VCORE_SPACE_EXCLUSIVE;
}

int vci_resident_kind(const struct vcore_runtime *runtime, const struct vcore_space *space,
		      size_t stack_size)
{
	int kind = vci_stack_kind(&runtime->stacks, stack_size);

	if (space != NULL && !vci_books_are_of(space->generation)) {
		return -ESHUTDOWN; /* the parent's */
	}
	return kind >= 0 && space != NULL && is_exclusive(space)
		       ? vci_stack_kind(&runtime->stacks, 1)
		       : kind;
}

uint8_t vci_resident_flags(const struct vcore_space *space)
{
	return VCI_THREAD_RESIDENT | (is_exclusive(space) ? VCI_THREAD_EXCLUSIVE : 0);
}

static size_t guard_within(const struct vcore_runtime *runtime)
{
	return vci_pages_have_guards() ? runtime->stacks.guard : 0;
}

size_t vci_resident_guard(const struct vcore_thread *thread)
{
	return thread->flags & VCI_THREAD_EXCLUSIVE ? guard_within(thread->runtime)
						    : thread->runtime->stacks.guard;
}

static int make_stack(struct vcore_thread *thread, struct vcore_runtime *runtime,
		      struct vcore_space *space, size_t stack_size)
{
	size_t usable = stack_size != 0 ? stack_size : runtime->stacks.stack_size;
	size_t bytes = vci_round_up(usable + SIGNALS * vci_signal_frame(), vci_page_size);
	size_t guard = guard_within(runtime);
	char *base;
	int error = vci_space_stack_make(space, guard + bytes, &base);

	if (error == 0 && guard > 0) {
		error = vci_pages_guard(base, guard, &runtime->stacks.limit);
		if (error != 0) {
			vci_space_stack_free(space, base);
		}
	}
	if (error == 0) {
		thread->stack_low = base + guard;
		thread->stack_high = thread->stack_low + bytes;
		thread->areas = NULL;
		thread->valgrind = VCI_VALGRIND_STACK(thread->stack_low, thread->stack_high);
	}
	return error == -ENOSPC ? -ENOMEM : error;
}

static int begin_exclusive(struct vcore_thread *thread, struct vcore_runtime *runtime,
			   struct vcore_space *space, size_t stack_size)
{
	int error = vci_gang_begin(space);

	if (error == 0) {
		error = make_stack(thread, runtime, space, stack_size);
		if (error != 0) {
			vci_gang_end(space);
		}
	}
	return error;
}

static int lodge(struct vcore_thread *thread, struct vcore_runtime *runtime,
		 struct vcore_space *space, size_t stack_size)
{
	int error = 0;

	thread->space = space;
	__atomic_fetch_add(&space->threads, 1, __ATOMIC_RELAXED);
	if (is_exclusive(space)) {
		error = begin_exclusive(thread, runtime, space, stack_size);
	}
	if (error != 0) {
		__atomic_fetch_sub(&space->threads, 1, __ATOMIC_RELEASE);
	} else {
		__atomic_fetch_add(&runtime->residents, 1, __ATOMIC_RELAXED);
	}
	return error;
}

struct vci_stack *vci_resident_lodge(struct vci_stack *stack, struct vcore_runtime *runtime,
				     const struct vcore_thread_options *options, int *error)
{
	*error = lodge((struct vcore_thread *)stack, runtime, options->space, options->stack_size);
	if (*error == 0) {
		return stack;
	}
	stack->next = NULL;
	vci_stacks_give(&runtime->stacks, stack, 1);
	return NULL;
}

VCI_READS_RACILY size_t vci_resident_stack_size(const struct vcore_thread *thread)
{
	if (VCI_READ(thread->flags) & VCI_THREAD_EXCLUSIVE) {
		return (size_t)(VCI_READ(thread->stack_high) - VCI_READ(thread->stack_low)) -
		       SIGNALS * vci_signal_frame();
	}
	return vci_stack_size(&thread->runtime->stacks, VCI_READ(thread->stack.kind));
}

void vci_resident_leave(struct vcore_thread *thread)
{
	while (thread->areas != NULL) {
		struct vci_area *area = thread->areas;

		thread->areas = area->next;
		vci_pages_release(area, area->bytes);
	}
	VCI_VALGRIND_NO_STACK(thread->valgrind);
	vci_space_stack_free(thread->space, thread->stack_low - vci_resident_guard(thread));
}

/* The last touch of the space: it may be deleted then. */
void vci_resident_end(struct vcore_thread *thread)
{
	struct vcore_space *space = thread->space;

	__atomic_fetch_sub(&thread->runtime->residents, 1, __ATOMIC_RELAXED);
	if (thread->flags & VCI_THREAD_EXCLUSIVE) {
		vci_gang_end(space);
	}
	__atomic_fetch_sub(&space->threads, 1, __ATOMIC_RELEASE);
}

/* --- areas -------------------------------------------------------------------------------- */

static struct vci_area *make_area(struct vcore_thread *self, size_t bytes)
{
	struct vci_area *area = vci_pages_reserve(bytes);

	if (area != NULL) {
		area->bytes = bytes;
		area->next = self->areas;
		self->areas = area;
	}
	return area;
}

void *vci_resident_take(struct vcore_thread *self, size_t bytes)
{
	size_t all = vci_round_up(sizeof(struct vci_area) + bytes, vci_page_size);
	struct vci_area *area = self->areas;

	while (area != NULL && (area->taken || area->bytes < all)) {
		area = area->next;
	}
	if (area == NULL) {
		area = make_area(self, all);
	}
	if (area == NULL) {
		return NULL;
	}
	area->taken = true;
	return area->content;
}

void vci_resident_give(void *content)
{
	struct vci_area *area =
		(struct vci_area *)((char *)content - offsetof(struct vci_area, content));

	area->taken = false;
}
