/*
 * What a report says of an address in a space: see space.h; and statistics.
 *
 * A block that is unmapped is remembered for some time, with its id: if its record
 * has another one when somebody touches the place, or none, it was freed since.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "memory/space.h"
#include "platform/panic.h"

void vci_space_remember(struct vcore_space *space, const struct vci_mapping *mapping)
{
	struct vci_unmapped *unmapped = &space->unmapped[space->n_unmapped % VCI_UNMAPPED];

	if (mapping->block != NULL) {
		unmapped->offset = vci_mapping_offset(mapping);
		unmapped->bytes = mapping->bytes;
		unmapped->block = mapping->block;
		unmapped->id = mapping->block->id;
		space->n_unmapped++;
	}
}

/* The latest one that was there, or NULL. */
static const struct vci_unmapped *recall(const struct vcore_space *space, size_t offset)
{
	unsigned n = space->n_unmapped < VCI_UNMAPPED ? space->n_unmapped : VCI_UNMAPPED;

	for (unsigned i = 1; i <= n; i++) {
		const struct vci_unmapped *unmapped =
			&space->unmapped[(space->n_unmapped - i) % VCI_UNMAPPED];

		if (offset - unmapped->offset < unmapped->bytes) {
			return unmapped;
		}
	}
	return NULL;
}

static bool was_freed(const struct vci_unmapped *unmapped)
{
	return __atomic_load_n(&unmapped->block->id, __ATOMIC_RELAXED) != unmapped->id;
}

/* With the lock. */
static void describe(const struct vcore_space *space, size_t offset, struct vcore_fault *fault)
{
	const struct vci_mapping *mapping = vci_places_at(space, offset);
	const struct vci_unmapped *unmapped;

	fault->space = space->id;
	fault->block = 0;
	fault->offset = offset;
	if (mapping != NULL) {
		if (mapping->block != NULL) {
			fault->block = mapping->block->id;
			fault->offset = offset - vci_mapping_offset(mapping);
		}
		return;
	}
	if (fault->kind == VCORE_FAULT_PROTECTION) {
		fault->kind = VCORE_FAULT_UNMAPPED; /* it is reserved, which is not seen */
	}
	unmapped = recall(space, offset);
	if (unmapped != NULL && was_freed(unmapped)) {
		fault->kind = VCORE_FAULT_FREED_BLOCK;
		fault->block = unmapped->id;
		fault->offset = offset - unmapped->offset;
	}
}

void vci_space_describe(struct vcore_space *space, const void *address, struct vcore_fault *fault)
{
	__atomic_fetch_add(&space->faults, 1, __ATOMIC_RELAXED);
	vci_spin_lock(&space->lock);
	describe(space, (size_t)((const char *)address - space->base), fault);
	vci_spin_unlock(&space->lock);
}

/* --- statistics --------------------------------------------------------------------------- */

static void count(struct vcore_space *space, struct vcore_space_statistics *statistics)
{
	vci_spin_lock(&space->lock);
	statistics->mappings = space->n_mappings;
	statistics->bytes = space->bytes_mapped;
	vci_spin_unlock(&space->lock);
	statistics->threads = __atomic_load_n(&space->threads, __ATOMIC_RELAXED);
	statistics->opened = __atomic_load_n(&space->opened, __ATOMIC_RELAXED);
	statistics->stalls = __atomic_load_n(&space->stalls, __ATOMIC_RELAXED);
	statistics->faults = __atomic_load_n(&space->faults, __ATOMIC_RELAXED);
}

/* As much as the caller has room for, of an earlier release or a later one. */
static void copy(void *to, size_t size, const void *from, size_t known)
{
	unsigned char *there = to;
	const unsigned char *here = from;

	for (size_t i = 0; i < size; i++) {
		there[i] = i < known ? here[i] : 0;
	}
}

void vcore_space_statistics(struct vcore_space *space, struct vcore_space_statistics *statistics)
{
	static const struct vcore_space_statistics none;
	struct vcore_space_statistics counted = none;

	VCI_PANIC_IF(space == NULL, "there is no space");
	VCI_PANIC_IF(statistics == NULL, "there is no place for the statistics");
	counted.size = statistics->size;
	if (vci_books_are_of(space->generation)) {
		count(space, &counted);
	}
	copy(statistics, statistics->size, &counted, sizeof counted);
}
