/*
 * Opening and closing exclusive spaces, and stacks in them: see space.h.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <errno.h>

#include "memory/space.h"

/* --- opening and closing ------------------------------------------------------------------ */

/* Mappings that touch, and have the same access, in one step. */
static int give_access(const struct vcore_space *space)
{
	struct vci_mapping *mapping = vci_mapping_of(vci_ordered_first(space->mappings));
	int error = 0;

	while (mapping != NULL && error == 0) {
		char *from = vci_mapping_at(mapping);
		char *to = from;
		int access = vci_mapping_access(mapping);

		while (mapping != NULL && vci_mapping_at(mapping) == to &&
		       vci_mapping_access(mapping) == access) {
			to += mapping->bytes;
			mapping = vci_mapping_of(vci_ordered_after(&mapping->node));
		}
		if (access != VCORE_PROTECT_NONE) {
			error = vci_area_protect(from, (size_t)(to - from), access);
		}
	}
	return error;
}

/* With the lock.  The whole range in one step: it splits nothing, and cannot fail. */
static int take_access(struct vcore_space *space)
{
	return vci_area_protect(space->base, space->bytes, VCORE_PROTECT_NONE);
}

/* With the lock. */
static bool set_open(struct vcore_space *space, bool open)
{
	int error;

	space->open = open;
	error = open ? give_access(space) : take_access(space);
	if (open && error != 0) {
		space->open = false;
		(void)take_access(space);
	}
	return error == 0;
}

bool vci_space_open(struct vcore_space *space, bool open)
{
	bool done;

	vci_spin_lock(&space->lock);
	done = set_open(space, open);
	vci_spin_unlock(&space->lock);
	return done;
}

/* One that threads live in already is the gate's, which opens it with the lock. */
void vci_space_follow(struct vcore_space *space)
{
	bool open = !vci_books.closing;

	vci_spin_lock(&space->lock);
	if (space->level == VCORE_SPACE_EXCLUSIVE && space->open != open &&
	    __atomic_load_n(&space->threads, __ATOMIC_ACQUIRE) == 0) {
		(void)set_open(space, open);
	}
	vci_spin_unlock(&space->lock);
}

static void open_each(bool open, const struct vcore_space *but)
{
	vci_spin_lock(&vci_books.lock);
	vci_books.closing = !open;
	for (struct vci_ordered *node = vci_ordered_first(vci_books.spaces); node != NULL;
	     node = vci_ordered_after(node)) {
		struct vcore_space *space = vci_space_of_order(node);

		if (space != but && space->level == VCORE_SPACE_EXCLUSIVE && space->open != open) {
			(void)vci_space_open(space, open);
		}
	}
	vci_spin_unlock(&vci_books.lock);
}

void vci_spaces_close(const struct vcore_space *but)
{
	open_each(false, but);
}

/* One that cannot be opened stays closed. */
void vci_spaces_open(void)
{
	open_each(true, NULL);
}

/* --- stacks -------------------------------------------------------------------------------- */

static int make_stack(struct vci_mapping *stack)
{
	struct vcore_space *space = stack->space;
	size_t offset;
	int error = vci_places_find(space, stack->bytes, vci_page_size, vci_page_size, &offset);

	if (error != 0) {
		return error;
	}
	stack->node.key = (int64_t)offset;
	error = vci_area_map_stack(vci_mapping_at(stack), stack->bytes, vci_mapping_access(stack));
	if (error == 0) {
		vci_places_add(space, stack);
	}
	return error;
}

int vci_space_stack_make(struct vcore_space *space, size_t bytes, char **low)
{
	struct vci_mapping *stack = vci_records_take(&vci_books.mapping_records);
	int error;

	if (stack == NULL) {
		return -ENOMEM;
	}
	stack->space = space;
	stack->block = NULL;
	stack->bytes = vci_round_up(bytes, vci_page_size);
	stack->guarded = true;
	stack->protection = VCORE_PROTECT_READ_WRITE;
	stack->kind = VCI_AREA_PRIVATE;
	vci_spin_lock(&space->lock);
	error = make_stack(stack);
	if (error == 0) {
		*low = vci_mapping_at(stack);
	}
	vci_spin_unlock(&space->lock);
	if (error != 0) {
		vci_records_give(&vci_books.mapping_records, stack);
	}
	return error;
}

/* What it holds is gone in any case: where the system does not unmap it, it stays in the books. */
void vci_space_stack_free(struct vcore_space *space, char *low)
{
	vci_spin_lock(&space->lock);
	(void)vci_mapping_undo(vci_places_at(space, (size_t)(low - space->base)));
	vci_spin_unlock(&space->lock);
}
