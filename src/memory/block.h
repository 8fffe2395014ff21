/*
 * Blocks: see vcore/space.h.
 *
 * A block refers to a run.  It is ordinary, or a side of a snapshot: one of
 * several blocks that refer to a frozen run, or one whose mapping is a private
 * view.
 *
 * Invariants
 *	B1  Who has the only reference to a run, and is not mapped privately, is
 *	    mapped shared, any number of times.
 *	B2  A frozen run is mapped privately, by each of its blocks once at most.
 *	B3  A private view may outlive the freeze: it is private until it is unmapped,
 *	    and is then written to the run (B1), or to one of its own.
 *
 * Locks
 *	a space's, then a block's, then those of records and runs.  Who has a block
 *	and needs a space tries (vci_block_lock_with_space).  Nobody but a fork has
 *	two spaces' at a time.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef VCI_BLOCK_H
#define VCI_BLOCK_H

#include <vcore/space.h>

#include "memory/ordered.h"
#include "memory/run.h"
#include "platform/spin.h"

struct vci_mapping;

struct vcore_block {
	void *link_; /* see records.h */
	/* Atomic; 0 when it was freed, so that a report can say so. */
	uint64_t id;
	/* constant */
	size_t bytes;
	uint32_t generation; /* see books.h */
	bool huge;
	/* guarded by lock */
	struct vci_spin lock;
	struct vci_run *run;
	struct vci_mapping *mappings;
	/*
	 * Constant but for the owner's end: the space that it was copied for, and
	 * belongs to, or NULL; `twin` is in the owner's list, by the id of what it is
	 * a copy of, guarded by the owner's lock.
	 */
	struct vcore_space *owner;
	struct vci_ordered twin;
};

/* A block that refers to this run, whose reference becomes its; NULL: no memory. */
struct vcore_block *vci_block_make(struct vci_run *run, bool huge);

/* It is mapped nowhere, and in no space's list: nobody knows it any more. */
void vci_block_end(struct vcore_block *block);

/*
 * Locks the block; and if it is mapped once, the space that it is mapped in, which
 * is returned.
 */
struct vcore_space *vci_block_lock_with_space(struct vcore_block *block);
void vci_block_unlock_with_space(struct vcore_block *block, struct vcore_space *space);

/*
 * vcore_block_snapshot, with the lock of the block and, if it is mapped once,
 * that of its space.
 */
int vci_block_snapshot(struct vcore_block *block, struct vcore_block **copy);

/*
 * The run that the block is to refer to when its private view has gone: that which
 * it has, or a new one with all that it holds.  The view is at most readable from
 * here on.  With both locks.  0, -ENOMEM, -EAGAIN, -ENOTSUP.
 */
int vci_block_keep_view(struct vci_mapping *mapping, struct vci_run **run);

#endif /* VCI_BLOCK_H */
