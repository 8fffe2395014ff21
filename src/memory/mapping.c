/*
 * Mapping: see vcore/space.h.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <errno.h>

#include "memory/space.h"
#include "platform/panic.h"

#define PROTECTIONS                                                                                \
	(VCORE_PROTECT_READ | VCORE_PROTECT_WRITE | VCORE_PROTECT_EXECUTE |                        \
	 VCORE_PROTECT_WRITE_EXECUTE)
#define WRITES_AND_EXECUTES (VCORE_PROTECT_WRITE | VCORE_PROTECT_EXECUTE)

static bool is_protection(int protection)
{
	return (protection & ~PROTECTIONS) == 0 &&
	       ((protection & WRITES_AND_EXECUTES) != WRITES_AND_EXECUTES ||
		(protection & VCORE_PROTECT_WRITE_EXECUTE) != 0);
}

int vci_space_enforces(const struct vcore_space *space, int protection)
{
	return space->level == VCORE_SPACE_NAMED
		       ? VCORE_PROTECT_READ_WRITE | (protection & VCORE_PROTECT_EXECUTE)
		       : protection;
}

/* What is mapped there, or NULL. */
static struct vci_mapping *find(const struct vcore_space *space, const void *address)
{
	size_t offset = (size_t)((const char *)address - space->base);

	return offset < space->bytes ? vci_places_at(space, offset) : NULL;
}

/* --- map ------------------------------------------------------------------------------------ */

/* Of a block, where its mappings must begin. */
static size_t unit_of(const struct vcore_block *block)
{
	return block->huge ? vci_huge_bytes() : vci_page_size;
}

/* Where it is to lie: 0, or -E… */
static int find_place(const struct vcore_space *space, const struct vcore_block *block,
		      size_t *offset)
{
	size_t guard = space->level == VCORE_SPACE_NAMED ? 0 : vci_page_size;

	if (*offset == VCORE_ANYWHERE) {
		return vci_places_find(space, block->bytes, unit_of(block), guard, offset);
	}
	if (*offset % unit_of(block) != 0 || *offset > space->bytes ||
	    block->bytes > space->bytes - *offset) {
		return -EINVAL;
	}
	return vci_places_taken(space, *offset, block->bytes) ? -EEXIST : 0;
}

/* With the block's lock. */
static int map(struct vci_mapping *mapping)
{
	struct vcore_block *block = mapping->block;
	bool frozen = vci_run_is_frozen(block->run);
	int error;

	if (block->mappings != NULL && (frozen || block->mappings->kind == VCI_AREA_PRIVATE)) {
		return -EBUSY;
	}
	mapping->kind = frozen ? VCI_AREA_PRIVATE : VCI_AREA_SHARED;
	error = vci_area_map(vci_mapping_at(mapping), mapping->bytes, vci_mapping_access(mapping),
			     mapping->kind, vci_run_file(), block->run->offset);
	if (error != 0) {
		return error;
	}
	if (block->huge) {
		vci_area_prefer_huge(vci_mapping_at(mapping), mapping->bytes);
	}
	mapping->next = block->mappings;
	mapping->place = &block->mappings;
	if (mapping->next != NULL) {
		mapping->next->place = &mapping->next;
	}
	block->mappings = mapping;
	return 0;
}

/* With the space's lock. */
static int map_at(struct vci_mapping *mapping, size_t offset)
{
	struct vcore_space *space = mapping->space;
	int error = find_place(space, mapping->block, &offset);

	if (error != 0) {
		return error;
	}
	mapping->node.key = (int64_t)offset;
	vci_spin_lock(&mapping->block->lock);
	error = map(mapping);
	vci_spin_unlock(&mapping->block->lock);
	if (error == 0) {
		vci_places_add(space, mapping);
	}
	return error;
}

int vci_mapping_make(struct vcore_space *space, struct vcore_block *block, size_t offset,
		     bool guarded, int protection, void **address)
{
	struct vci_mapping *mapping = vci_records_take(&vci_books.mapping_records);
	int error;

	if (mapping == NULL) {
		return -ENOMEM;
	}
	mapping->space = space;
	mapping->block = block;
	mapping->bytes = block->bytes;
	mapping->guarded = guarded;
	mapping->protection = protection;
	vci_spin_lock(&space->lock);
	error = map_at(mapping, offset);
	if (error == 0 && address != NULL) {
		*address = vci_mapping_at(mapping);
	}
	vci_spin_unlock(&space->lock);
	if (error != 0) {
		vci_records_give(&vci_books.mapping_records, mapping);
	}
	return error;
}

int vcore_space_map(struct vcore_space *space, struct vcore_block *block, size_t offset,
		    int protection, void **address)
{
	VCI_PANIC_IF(space == NULL, "there is no space");
	VCI_PANIC_IF(block == NULL, "there is no block");
	VCI_PANIC_IF(address == NULL, "there is no place for the address");
	if (!vci_books_are_of(space->generation) || !vci_books_are_of(block->generation)) {
		return -ESHUTDOWN;
	}
	if (!is_protection(protection)) {
		return -EINVAL;
	}
	return vci_mapping_make(space, block, offset,
				offset == VCORE_ANYWHERE && space->level != VCORE_SPACE_NAMED,
				protection, address);
}

/* --- unmap ----------------------------------------------------------------------------------- */

/* With the block's lock.  The run of one that is mapped shared is not written: others read it. */
static int unmap(struct vci_mapping *mapping)
{
	struct vcore_block *block = mapping->block;
	struct vci_run *before = block->run;
	struct vci_run *run = before;
	int error = 0;

	if (mapping->kind == VCI_AREA_PRIVATE) {
		error = vci_block_keep_view(mapping, &run);
	}
	if (error == 0) {
		error = vci_area_unmap(vci_mapping_at(mapping), mapping->bytes);
	}
	if (error != 0 && mapping->kind == VCI_AREA_PRIVATE) {
		(void)vci_area_protect(vci_mapping_at(mapping), mapping->bytes,
				       vci_mapping_access(mapping));
	}
	if (run != before) {
		block->run = error == 0 ? run : before;
		vci_run_drop(error == 0 ? before : run);
	}
	return error;
}

/* With the block's lock, if it is one's. */
static void strike_out(struct vci_mapping *mapping)
{
	if (mapping->block != NULL) {
		*mapping->place = mapping->next;
		if (mapping->next != NULL) {
			mapping->next->place = mapping->place;
		}
		vci_space_remember(mapping->space, mapping);
	}
	vci_places_remove(mapping->space, mapping);
	vci_records_give(&vci_books.mapping_records, mapping);
}

static int undo_stack(struct vci_mapping *stack)
{
	int error;

	vci_area_forget_stack(vci_mapping_at(stack), stack->bytes);
	error = vci_area_unmap(vci_mapping_at(stack), stack->bytes);
	if (error == 0) {
		strike_out(stack);
	}
	return error;
}

int vci_mapping_undo(struct vci_mapping *mapping)
{
	struct vcore_block *block = mapping->block;
	int error;

	if (block == NULL) {
		return undo_stack(mapping);
	}
	vci_spin_lock(&block->lock);
	error = unmap(mapping);
	if (error == 0) {
		strike_out(mapping);
	}
	vci_spin_unlock(&block->lock);
	return error;
}

void vci_mapping_forget(struct vci_mapping *mapping)
{
	struct vcore_block *block = mapping->block;

	if (block != NULL) {
		vci_spin_lock(&block->lock);
	}
	strike_out(mapping);
	if (block != NULL) {
		vci_spin_unlock(&block->lock);
	}
}

/* A block's mapping there: 0; -ENOENT; -EBUSY: it is a stack's. */
static int find_block(const struct vcore_space *space, const void *address,
		      struct vci_mapping **mapping)
{
	*mapping = find(space, address);
	return *mapping == NULL ? -ENOENT : (*mapping)->block == NULL ? -EBUSY : 0;
}

int vcore_space_unmap(struct vcore_space *space, void *address)
{
	struct vci_mapping *mapping;
	int error;

	VCI_PANIC_IF(space == NULL, "there is no space");
	if (!vci_books_are_of(space->generation)) {
		return -ESHUTDOWN;
	}
	vci_spin_lock(&space->lock);
	error = find_block(space, address, &mapping);
	if (error == 0) {
		error = vci_mapping_undo(mapping);
	}
	vci_spin_unlock(&space->lock);
	return error;
}

/* --- protect ---------------------------------------------------------------------------------- */

static int protect(struct vci_mapping *mapping, int protection)
{
	int before = mapping->protection;
	int access = vci_mapping_access(mapping);
	int error = 0;

	mapping->protection = protection;
	if (vci_mapping_access(mapping) != access) {
		error = vci_area_protect(vci_mapping_at(mapping), mapping->bytes,
					 vci_mapping_access(mapping));
	}
	if (error != 0) {
		mapping->protection = before;
	}
	return error;
}

int vcore_space_protect(struct vcore_space *space, void *address, int protection)
{
	struct vci_mapping *mapping;
	int error;

	VCI_PANIC_IF(space == NULL, "there is no space");
	if (!vci_books_are_of(space->generation)) {
		return -ESHUTDOWN;
	}
	if (!is_protection(protection)) {
		return -EINVAL;
	}
	vci_spin_lock(&space->lock);
	error = find_block(space, address, &mapping);
	if (error == 0) {
		error = protect(mapping, protection);
	}
	vci_spin_unlock(&space->lock);
	return error;
}

/* --- find ----------------------------------------------------------------------------- */

int vcore_space_find(struct vcore_space *space, const void *address, struct vcore_block **block,
		     size_t *offset, int *protection)
{
	const struct vci_mapping *mapping;
	int error = -ENOENT;

	VCI_PANIC_IF(space == NULL, "there is no space");
	if (!vci_books_are_of(space->generation)) {
		return -ESHUTDOWN;
	}
	vci_spin_lock(&space->lock);
	mapping = find(space, address);
	if (mapping != NULL) {
		if (block != NULL) {
			*block = mapping->block;
		}
		if (offset != NULL) {
			*offset = (size_t)((const char *)address - vci_mapping_at(mapping));
		}
		if (protection != NULL) {
			*protection = mapping->protection;
		}
		error = 0;
	}
	vci_spin_unlock(&space->lock);
	return error;
}
