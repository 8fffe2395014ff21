/*
 * Snapshots: see vcore/space.h, and block.h for what a side of one is.
 *
 * A block that is mapped once, and shared, is frozen where it is: a private
 * mapping of the same pages takes the place of the shared one, in one step of the
 * kernel's.  What was written before is in the file, what is written after is
 * not.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <errno.h>

#include "memory/space.h"
#include "platform/panic.h"

/* --- blocks ----------------------------------------------------------------------------- */

/* Both refer to the run, which nobody writes any more. */
static int share(struct vcore_block *block, struct vcore_block **copy)
{
	*copy = vci_block_make(block->run, block->huge);
	if (*copy == NULL) {
		return -ENOMEM;
	}
	vci_run_hold(block->run);
	return 0;
}

static int freeze(struct vcore_block *block, struct vcore_block **copy)
{
	struct vci_mapping *mapping = block->mappings;
	struct vcore_block *made;
	int error = share(block, &made);

	if (error != 0) {
		return error;
	}
	error = vci_area_map(vci_mapping_at(mapping), mapping->bytes, vci_mapping_access(mapping),
			     VCI_AREA_PRIVATE, vci_run_file(), block->run->offset);
	if (error != 0) {
		vci_block_end(made);
		return error;
	}
	mapping->kind = VCI_AREA_PRIVATE;
	*copy = made;
	return 0;
}

/* To a run of its own; with what its private view has written, if it has one. */
static int copy_run(const struct vcore_block *block, struct vci_run **run)
{
	const struct vci_mapping *mapping = block->mappings;
	struct vci_run *made;
	int error = vci_run_copy(block->run, block->huge, &made);

	if (error != 0) {
		return error;
	}
	if (mapping != NULL && mapping->kind == VCI_AREA_PRIVATE) {
		error = vci_view_save(vci_mapping_at(mapping), mapping->bytes, vci_run_file(),
				      made->offset);
	}
	if (error != 0) {
		vci_run_drop(made);
		return error;
	}
	*run = made;
	return 0;
}

static int copy_at_once(const struct vcore_block *block, struct vcore_block **copy)
{
	struct vci_run *run;
	int error = copy_run(block, &run);

	if (error != 0) {
		return error;
	}
	*copy = vci_block_make(run, block->huge);
	if (*copy == NULL) {
		vci_run_drop(run);
		return -ENOMEM;
	}
	return 0;
}

static bool is_written(const struct vci_mapping *mapping)
{
	return vci_view_is_written(vci_mapping_at(mapping), mapping->bytes);
}

int vci_block_snapshot(struct vcore_block *block, struct vcore_block **copy)
{
	const struct vci_mapping *mapping = block->mappings;

	if (mapping == NULL) {
		return share(block, copy);
	}
	if (mapping->kind == VCI_AREA_PRIVATE) {
		return is_written(mapping) ? copy_at_once(block, copy) : share(block, copy);
	}
	return mapping->next == NULL ? freeze(block, copy) : copy_at_once(block, copy);
}

int vcore_block_snapshot(struct vcore_block *block, struct vcore_block **copy)
{
	struct vcore_block *made;
	struct vcore_space *space;
	int error;

	VCI_PANIC_IF(block == NULL, "there is no block");
	VCI_PANIC_IF(copy == NULL, "there is no place for the copy");
	if (!vci_books_are_of(block->generation)) {
		return -ESHUTDOWN;
	}
	space = vci_block_lock_with_space(block);
	error = vci_block_snapshot(block, &made);
	vci_block_unlock_with_space(block, space);
	if (error == 0) {
		*copy = made;
	}
	return error;
}

/* --- keeping what a private view has written ------------------------------------------------ */

/* From here on nobody writes it. */
static int stop_writing(struct vci_mapping *mapping)
{
	int access = vci_mapping_access(mapping);

	return vci_area_protect(vci_mapping_at(mapping), mapping->bytes,
				access & (VCORE_PROTECT_READ | VCORE_PROTECT_WRITE)
					? VCORE_PROTECT_READ
					: VCORE_PROTECT_NONE);
}

/* In place, where no other block has the run; it would read the same if that failed. */
int vci_block_keep_view(struct vci_mapping *mapping, struct vci_run **run)
{
	struct vcore_block *block = mapping->block;
	int error = stop_writing(mapping);

	if (error != 0) {
		return error;
	}
	if (vci_run_is_frozen(block->run)) {
		return is_written(mapping) ? copy_run(block, run) : 0;
	}
	return vci_view_save(vci_mapping_at(mapping), mapping->bytes, vci_run_file(),
			     block->run->offset);
}

/* --- spaces --------------------------------------------------------------------------- */

/* The copy that there is already of a block which is mapped more than once, or NULL. */
static struct vcore_block *find_twin(const struct vcore_space *space, const struct vcore_block *of)
{
	struct vci_ordered *node = vci_ordered_below(space->copies, (int64_t)of->id);

	return node != NULL && node->key == (int64_t)of->id ? VCI_OF(struct vcore_block, twin, node)
							    : NULL;
}

/* With the lock of the space that `block` is mapped in. */
static int make_twin(struct vcore_block *block, struct vcore_block **twin)
{
	int error;

	vci_spin_lock(&block->lock);
	error = vci_block_snapshot(block, twin);
	vci_spin_unlock(&block->lock);
	if (error == 0) {
		(*twin)->twin.key = (int64_t)block->id;
	}
	return error;
}

/* Without another space's lock: a fork takes them in an order of its own. */
static void own(struct vcore_space *copy, struct vcore_block *twin)
{
	vci_spin_lock(&copy->lock);
	twin->owner = copy;
	vci_ordered_insert(&copy->copies, &twin->twin);
	vci_spin_unlock(&copy->lock);
}

/* What of a mapping is needed when the lock has gone. */
struct position {
	size_t offset, next;
	int protection;
	bool guarded, fresh; /* the copy is not owned yet */
	struct vcore_block *twin;
};

/* Of the first one from position->next on; false: there is none, or *error. */
static bool copy_next(struct vcore_space *space, struct vcore_space *copy,
		      struct position *position, int *error)
{
	struct vci_mapping *mapping;

	vci_spin_lock(&space->lock);
	do {
		mapping = vci_places_from(space, position->next);
		if (mapping != NULL) {
			position->offset = vci_mapping_offset(mapping);
			position->next = position->offset + mapping->bytes;
		}
	} while (mapping != NULL && mapping->block == NULL);
	if (mapping != NULL) {
		position->protection = mapping->protection;
		position->guarded = mapping->guarded;
		position->twin = find_twin(copy, mapping->block);
		position->fresh = position->twin == NULL;
		if (position->fresh) {
			*error = make_twin(mapping->block, &position->twin);
		}
	}
	vci_spin_unlock(&space->lock);
	if (mapping != NULL && *error == 0 && position->fresh) {
		own(copy, position->twin);
	}
	return mapping != NULL && *error == 0;
}

static int copy_all(struct vcore_space *space, struct vcore_space *copy)
{
	struct position position = {.next = 0};
	int error = 0;

	while (error == 0 && copy_next(space, copy, &position, &error)) {
		error = vci_mapping_make(copy, position.twin, position.offset, position.guarded,
					 position.protection, NULL);
	}
	return error;
}

int vcore_space_snapshot(struct vcore_space *space, struct vcore_space **copy)
{
	struct vcore_space_options options = {0};
	struct vcore_space *made;
	int error;

	VCI_PANIC_IF(space == NULL, "there is no space");
	VCI_PANIC_IF(copy == NULL, "there is no place for the copy");
	if (!vci_books_are_of(space->generation)) {
		return -ESHUTDOWN;
	}
	options.bytes = space->bytes;
	options.least = space->level;
	options.most = space->level;
	options.name = space->name;
	options.on_fault = space->on_fault;
	options.argument = space->argument;
	error = vcore_space_create(&made, &options);
	if (error != 0) {
		return error;
	}
	error = copy_all(space, made);
	if (error != 0) {
		(void)vcore_space_delete(made);
		return error;
	}
	*copy = made;
	return 0;
}
