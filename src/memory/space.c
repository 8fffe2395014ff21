/*
 * Spaces: creating and deleting them, and what they are: see space.h.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "memory/space.h"

#include <errno.h>

#include "platform/options.h"
#include "platform/panic.h"

#define BYTES_DEFAULT ((size_t)64 << 30)
#define BYTES_MAX     ((size_t)1 << 47)

/* --- create ------------------------------------------------------------------------------ */

/* 0, and *level; or -EINVAL. */
static int choose_level(const struct vcore_space_options *options, enum vcore_space_level *level)
{
	unsigned least = options->least != 0 ? options->least : VCORE_SPACE_NAMED;
	unsigned most = options->most;

	if (most == 0) {
		most = least > VCORE_SPACE_GUARDED ? least : VCORE_SPACE_GUARDED;
	}
	if (least > VCORE_SPACE_EXCLUSIVE || most > VCORE_SPACE_EXCLUSIVE || least > most) {
		return -EINVAL;
	}
	*level = (enum vcore_space_level)most;
	return 0;
}

static void copy_name(char *to, size_t size, const char *from)
{
	size_t i = 0;

	for (; from != NULL && i < size - 1 && from[i] != '\0'; i++) {
		to[i] = from[i];
	}
	to[i] = '\0';
}

static int reserve(struct vcore_space *space, size_t bytes)
{
	size_t unit = vci_huge_bytes();
	int error;

	if (bytes > BYTES_MAX) {
		return -ENOMEM;
	}
	space->bytes = vci_round_up(bytes, vci_page_size);
	space->area_bytes = space->bytes + unit + 2 * vci_page_size;
	error = vci_area_reserve(space->area_bytes, &space->area);
	if (error == 0) {
		space->base = (char *)vci_round_up((uintptr_t)space->area + vci_page_size, unit);
	}
	return error;
}

/* Whatever the record held before. */
static void set_up(struct vcore_space *space, const struct vcore_space_options *options)
{
	space->generation = vci_books.generation;
	space->id = __atomic_add_fetch(&vci_books.spaces_made, 1, __ATOMIC_RELAXED);
	copy_name(space->name, sizeof space->name, options->name);
	space->on_fault = options->on_fault;
	space->argument = options->argument;
	space->references = 0;
	space->threads = 0;
	space->heaps = 0;
	space->opened = 0;
	space->stalls = 0;
	space->faults = 0;
	space->gang = NULL;
	space->open = true;
	space->mappings = NULL;
	space->n_mappings = 0;
	space->bytes_mapped = 0;
	space->copies = NULL;
	space->n_unmapped = 0;
	space->order.key = (int64_t)(uintptr_t)space->base;
}

/* Again, perhaps: others were opened and closed meanwhile. */
static void enlist(struct vcore_space *space)
{
	vci_spin_lock(&vci_books.lock);
	vci_ordered_insert(&vci_books.spaces, &space->order);
	vci_space_follow(space);
	vci_spin_unlock(&vci_books.lock);
}

static int create(struct vcore_space **made, const struct vcore_space_options *options)
{
	struct vcore_space *space;
	enum vcore_space_level level;
	int error = choose_level(options, &level);

	if (error != 0) {
		return error;
	}
	space = vci_records_take(&vci_books.space_records);
	if (space == NULL) {
		return -ENOMEM;
	}
	error = reserve(space, options->bytes != 0 ? options->bytes : BYTES_DEFAULT);
	if (error != 0) {
		vci_records_give(&vci_books.space_records, space);
		return error;
	}
	space->level = level;
	set_up(space, options);
	enlist(space);
	*made = space;
	return 0;
}

int vcore_space_create(struct vcore_space **space, const struct vcore_space_options *options)
{
	struct vcore_space_options known;
	int error;

	VCI_PANIC_IF(space == NULL, "there is no place for the space");
	error = vci_options(&known, sizeof known, options);
	if (error == 0 && vci_platform_open() != 0) {
		error = -ENOMEM;
	}
	return error == 0 ? create(space, &known) : error;
}

/* --- delete ------------------------------------------------------------------------------ */

/* Not if it is in use; then nobody finds it any more. */
static bool delist(struct vcore_space *space)
{
	bool unused;

	vci_spin_lock(&vci_books.lock);
	unused = space->references == 0 &&
		 __atomic_load_n(&space->threads, __ATOMIC_ACQUIRE) == 0 &&
		 __atomic_load_n(&space->heaps, __ATOMIC_ACQUIRE) == 0;
	if (unused) {
		vci_ordered_remove(&vci_books.spaces, &space->order);
	}
	vci_spin_unlock(&vci_books.lock);
	return unused;
}

static struct vcore_block *first_copy(const struct vcore_space *space)
{
	struct vci_ordered *node = vci_ordered_first(space->copies);

	return node != NULL ? VCI_OF(struct vcore_block, twin, node) : NULL;
}

static bool is_mapped_elsewhere(struct vcore_block *block)
{
	bool elsewhere = false;

	vci_spin_lock(&block->lock);
	for (const struct vci_mapping *mapping = block->mappings; mapping != NULL;
	     mapping = mapping->next) {
		elsewhere = elsewhere || mapping->space != block->owner;
	}
	vci_spin_unlock(&block->lock);
	return elsewhere;
}

static bool shares_its_copies(const struct vcore_space *space)
{
	for (struct vci_ordered *node = vci_ordered_first(space->copies); node != NULL;
	     node = vci_ordered_after(node)) {
		if (is_mapped_elsewhere(VCI_OF(struct vcore_block, twin, node))) {
			return true;
		}
	}
	return false;
}

/* What was written to private views of blocks that stay is kept. */
static int keep_views(struct vcore_space *space)
{
	struct vci_ordered *node = vci_ordered_first(space->mappings);
	int error = 0;

	while (node != NULL && error == 0) {
		struct vci_mapping *mapping = vci_mapping_of(node);

		node = vci_ordered_after(node);
		if (mapping->block != NULL && mapping->block->owner != space &&
		    mapping->kind == VCI_AREA_PRIVATE) {
			error = vci_mapping_undo(mapping);
		}
	}
	return error;
}

/* All that is mapped is so no more; the blocks that are its own are freed. */
static void clear_books(struct vcore_space *space)
{
	struct vcore_block *copy;

	while (space->mappings != NULL) {
		vci_mapping_forget(vci_mapping_of(space->mappings));
	}
	while ((copy = first_copy(space)) != NULL) {
		vci_ordered_remove(&space->copies, &copy->twin);
		vci_block_end(copy);
	}
}

/* With the lock; nobody finds it any more. */
static int end(struct vcore_space *space)
{
	int error = shares_its_copies(space) ? -EBUSY : keep_views(space);

	if (error == 0) {
		error = vci_area_release(space->area, space->area_bytes);
	}
	if (error == 0) {
		clear_books(space);
	}
	return error;
}

/* What is easily seen before it is out of the books, where nobody would close it. */
static bool must_stay(struct vcore_space *space)
{
	bool stays;

	vci_spin_lock(&space->lock);
	stays = shares_its_copies(space);
	vci_spin_unlock(&space->lock);
	return stays;
}

int vcore_space_delete(struct vcore_space *space)
{
	int error;

	if (space == NULL) {
		return 0;
	}
	if (!vci_books_are_of(space->generation)) {
		return -ESHUTDOWN;
	}
	if (must_stay(space) || !delist(space)) {
		return -EBUSY;
	}
	vci_spin_lock(&space->lock);
	error = end(space);
	vci_spin_unlock(&space->lock);
	if (error != 0) {
		enlist(space);
		return error;
	}
	vci_records_give(&vci_books.space_records, space);
	return 0;
}

/* --- what lives in it ---------------------------------------------------------------------- */

int vcore_space_hold(struct vcore_space *space)
{
	VCI_PANIC_IF(space == NULL, "there is no space");
	if (!vci_books_are_of(space->generation)) {
		return -ESHUTDOWN;
	}
	__atomic_fetch_add(&space->heaps, 1, __ATOMIC_RELAXED);
	return 0;
}

/* A release: what was done there comes before the space is deleted (delist). */
void vcore_space_release(struct vcore_space *space)
{
	VCI_PANIC_IF(space == NULL, "there is no space");
	if (vci_books_are_of(space->generation)) {
		VCI_PANIC_IF(__atomic_load_n(&space->heaps, __ATOMIC_RELAXED) == 0,
			     "the space is not held");
		__atomic_fetch_sub(&space->heaps, 1, __ATOMIC_RELEASE);
	}
}

/* --- references --------------------------------------------------------------------------- */

struct vcore_space *vci_space_get(const void *address)
{
	struct vcore_space *space = NULL;
	struct vci_ordered *node;

	vci_spin_lock(&vci_books.lock);
	node = vci_ordered_below(vci_books.spaces, (int64_t)(uintptr_t)address);
	if (node != NULL) {
		space = vci_space_of_order(node);
		if ((size_t)((const char *)address - space->base) < space->bytes) {
			space->references++;
		} else {
			space = NULL;
		}
	}
	vci_spin_unlock(&vci_books.lock);
	return space;
}

void vci_space_put(struct vcore_space *space)
{
	vci_spin_lock(&vci_books.lock);
	space->references--;
	vci_spin_unlock(&vci_books.lock);
}

/* --- what it is ----------------------------------------------------------------------------- */

enum vcore_space_level vcore_space_level(const struct vcore_space *space)
{
	VCI_PANIC_IF(space == NULL, "there is no space");
	return space->level;
}

void *vcore_space_base(const struct vcore_space *space)
{
	VCI_PANIC_IF(space == NULL, "there is no space");
	return space->base;
}

size_t vcore_space_size(const struct vcore_space *space)
{
	VCI_PANIC_IF(space == NULL, "there is no space");
	return space->bytes;
}

uint64_t vcore_space_id(const struct vcore_space *space)
{
	VCI_PANIC_IF(space == NULL, "there is no space");
	return space->id;
}

const char *vcore_space_name(const struct vcore_space *space)
{
	VCI_PANIC_IF(space == NULL, "there is no space");
	return space->name;
}
