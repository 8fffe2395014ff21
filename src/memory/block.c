/*
 * Blocks: see block.h.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "memory/block.h"

#include <errno.h>

#include "memory/space.h"
#include "platform/panic.h"

/* Beyond what any process has addresses for. */
#define BLOCK_MAX ((size_t)1 << 47)

struct vcore_block *vci_block_make(struct vci_run *run, bool huge)
{
	struct vcore_block *block = vci_records_take(&vci_books.block_records);

	if (block != NULL) {
		block->bytes = run->bytes;
		block->generation = vci_books.generation;
		block->huge = huge;
		block->run = run;
		block->mappings = NULL;
		block->owner = NULL;
		__atomic_store_n(&block->id,
				 __atomic_add_fetch(&vci_books.blocks_made, 1, __ATOMIC_RELAXED),
				 __ATOMIC_RELAXED);
	}
	return block;
}

void vci_block_end(struct vcore_block *block)
{
	__atomic_store_n(&block->id, 0, __ATOMIC_RELAXED);
	vci_run_drop(block->run);
	vci_records_give(&vci_books.block_records, block);
}

static int allocate(struct vcore_block **block, size_t bytes, bool huge)
{
	struct vci_run *run;
	int error = vci_platform_open();
	size_t unit;

	if (error != 0) {
		return -ENOMEM;
	}
	unit = huge ? vci_huge_bytes() : vci_page_size;
	if (bytes == 0 || bytes > BLOCK_MAX) {
		return -EINVAL;
	}
	error = vci_run_make(vci_round_up(bytes, unit), huge, &run);
	if (error != 0) {
		return error;
	}
	*block = vci_block_make(run, huge);
	if (*block == NULL) {
		vci_run_drop(run);
		return -ENOMEM;
	}
	return 0;
}

int vcore_block_allocate(struct vcore_block **block, size_t bytes)
{
	struct vcore_block *made;
	int error;

	VCI_PANIC_IF(block == NULL, "there is no place for the block");
	error = allocate(&made, bytes, false);
	if (error == 0) {
		*block = made;
	}
	return error;
}

int vcore_block_allocate_huge(struct vcore_block **block, size_t bytes)
{
	struct vcore_block *made;
	int error;

	VCI_PANIC_IF(block == NULL, "there is no place for the block");
	error = allocate(&made, bytes, true);
	if (error == 0) {
		*block = made;
	}
	return error;
}

bool vcore_block_is_huge(const struct vcore_block *block)
{
	struct vcore_block *locked = (struct vcore_block *)(uintptr_t)block;
	bool huge;

	VCI_PANIC_IF(block == NULL, "there is no block");
	if (!vci_books_are_of(block->generation)) {
		return false;
	}
	vci_spin_lock(&locked->lock);
	huge = block->run->huge;
	vci_spin_unlock(&locked->lock);
	return huge;
}

size_t vcore_block_size(const struct vcore_block *block)
{
	VCI_PANIC_IF(block == NULL, "there is no block");
	return block->bytes;
}

uint64_t vcore_block_id(const struct vcore_block *block)
{
	VCI_PANIC_IF(block == NULL, "there is no block");
	return block->id;
}

/* --- locks ----------------------------------------------------------------------------- */

/* Locks both, if there is another; what says which one it is may change before that. */
struct vcore_space *vci_block_lock_with_space(struct vcore_block *block)
{
	unsigned rounds = 0;

	for (;;) {
		const struct vci_mapping *mapping;

		vci_spin_lock(&block->lock);
		mapping = block->mappings;
		if (mapping == NULL || mapping->next != NULL) {
			return NULL;
		}
		if (vci_spin_try(&mapping->space->lock)) {
			return mapping->space;
		}
		vci_spin_unlock(&block->lock);
		vci_spin_round(&rounds);
	}
}

void vci_block_unlock_with_space(struct vcore_block *block, struct vcore_space *space)
{
	vci_spin_unlock(&block->lock);
	if (space != NULL) {
		vci_spin_unlock(&space->lock);
	}
}

/* --- the end ------------------------------------------------------------------------------ */

/* Out of its owner's list, if it has one.  False: it is mapped. */
static bool disown(struct vcore_block *block)
{
	unsigned rounds = 0;
	bool mapped, done;

	do {
		vci_spin_lock(&block->lock);
		mapped = block->mappings != NULL;
		done = mapped || block->owner == NULL || vci_spin_try(&block->owner->lock);
		if (done && !mapped && block->owner != NULL) {
			vci_ordered_remove(&block->owner->copies, &block->twin);
			vci_spin_unlock(&block->owner->lock);
			block->owner = NULL;
		}
		vci_spin_unlock(&block->lock);
		if (!done) {
			vci_spin_round(&rounds);
		}
	} while (!done);
	return !mapped;
}

int vcore_block_free(struct vcore_block *block)
{
	if (block == NULL) {
		return 0;
	}
	if (!vci_books_are_of(block->generation)) {
		return -ESHUTDOWN;
	}
	if (!disown(block)) {
		return -EBUSY;
	}
	vci_block_end(block);
	return 0;
}
