/*
 * The books of the process: which spaces there are; and what fork does to them.
 *
 * In a child of fork neither spaces nor blocks of the parent's are there: objects
 * carry the generation that they belong to, and calls on those of another
 * return -ESHUTDOWN.  Their records stay readable.  The child may make others.
 *
 * Locks: this one, then those of spaces.  A fork takes all of them: so that no
 * mapping is half made, and known to the child.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef VCI_BOOKS_H
#define VCI_BOOKS_H

#include "memory/ordered.h"
#include "memory/records.h"
#include "platform/spin.h"

struct vcore_space;

struct vci_books {
	struct vci_spin lock;
	/* guarded by lock */
	struct vci_ordered *spaces; /* by their first address */
	bool closing;               /* exclusive spaces begin closed: see vci_spaces_close */
	/* atomic */
	uint64_t spaces_made, blocks_made; /* which are their ids */
	/* constant but for fork */
	uint32_t generation;
	struct vci_records space_records, mapping_records, block_records;
};

extern struct vci_books vci_books;

static inline bool vci_books_are_of(uint32_t generation)
{
	return likely(generation == vci_books.generation);
}

/* Called around fork, where nothing else is: see sched/registry.c. */
void vci_books_before_fork(void);
void vci_books_after_fork_in_parent(void);
void vci_books_after_fork_in_child(void);

#endif /* VCI_BOOKS_H */
