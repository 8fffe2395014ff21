/*
 * Spaces: see vcore/space.h.  What the scheduler, the faults and the heap need of
 * them, and what their files share.
 *
 *	space.c		create, delete, and what a space is
 *	places.c	where something is mapped, and where there is room
 *	mapping.c	map, unmap, protect, find
 *	snapshot.c	copies of blocks and spaces
 *	transfer.c	copy_in, copy_out
 *	close.c		an exclusive space's opening and closing, stacks in it
 *	trace.c		what a report says of an address
 *
 * A space is a range of addresses that is reserved, with a page more at either end,
 * which keep other mappings of the process away from those in it.  Its books
 * and what the kernel has mapped agree whenever its lock is free: the system call
 * for a mapping is made with the lock.
 *
 * A space that is closed has no access anywhere; what its books say of protections
 * counts again when it is opened.
 *
 * Order
 *	O21 Who counts `threads` or `heaps` down, by a release, has done with the space;
 *	    delete reads them by an acquire.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef VCI_SPACE_H
#define VCI_SPACE_H

#include <vcore/space.h>

#include "memory/block.h"
#include "memory/books.h"

/* What was unmapped last is remembered, for reports of who touches it still. */
#define VCI_UNMAPPED 64

struct vci_unmapped {
	size_t offset, bytes;
	const struct vcore_block *block; /* perhaps another by now: see id */
	uint64_t id;
};

struct vcore_space {
	void *link_; /* see records.h */
	/* constant */
	char *base; /* on the boundary of a huge page */
	size_t bytes;
	enum vcore_space_level level;
	uint32_t generation; /* see books.h */
	uint64_t id;
	char name[32];
	int (*on_fault)(struct vcore_space *space, const struct vcore_fault *fault, void *argument);
	void *argument;
	char *area; /* that is reserved */
	size_t area_bytes;
	/* guarded by vci_books.lock */
	struct vci_ordered order;
	uint32_t references;
	/* Atomic.  While they are not 0 it cannot be deleted. */
	uint32_t threads, heaps;
	/* atomic: statistics */
	uint64_t opened, stalls, faults;
	void *gang; /* the scheduler's, NULL at first */
	/* guarded by lock */
	struct vci_spin lock;
	bool open; /* at first */
	struct vci_ordered *mappings;
	size_t n_mappings, bytes_mapped;
	struct vci_ordered *copies; /* blocks that are its own: see block.h */
	unsigned n_unmapped;        /* ever */
	struct vci_unmapped unmapped[VCI_UNMAPPED];
};

/* Something that is mapped: a block, or a stack. */
struct vci_mapping {
	struct vci_ordered node; /* by its offset */
	/* Of all below it in the tree, it included: see places.c. */
	size_t from, to, gap;
	/* constant */
	struct vcore_space *space;
	struct vcore_block *block; /* NULL: a stack */
	size_t bytes;
	bool guarded; /* the pages on either side are its too */
	/* guarded by the space's lock */
	int protection; /* that was asked for */
	/* guarded by the block's lock, and the space's */
	enum vci_area_kind kind;
	struct vci_mapping *next, **place; /* of the block */
};

#define VCI_OF(type, member, pointer) ((type *)(void *)((char *)(pointer)-offsetof(type, member)))

static inline struct vcore_space *vci_space_of_order(struct vci_ordered *node)
{
	return VCI_OF(struct vcore_space, order, node);
}

static inline struct vci_mapping *vci_mapping_of(struct vci_ordered *node)
{
	return node != NULL ? VCI_OF(struct vci_mapping, node, node) : NULL;
}

static inline size_t vci_mapping_offset(const struct vci_mapping *mapping)
{
	return (size_t)mapping->node.key;
}

static inline char *vci_mapping_at(const struct vci_mapping *mapping)
{
	return mapping->space->base + vci_mapping_offset(mapping);
}

/* --- for all -------------------------------------------------------------------------- */

/*
 * The space whose range the address lies in, with a reference, while which it is not
 * deleted; NULL: none.
 */
struct vcore_space *vci_space_get(const void *address);
void vci_space_put(struct vcore_space *space);

/*
 * Counts a fault at an address of the space, and says in the report where that is:
 * space, block, offset; and kind, but only that it is where a block was that
 * was freed.
 */
void vci_space_describe(struct vcore_space *space, const void *address, struct vcore_fault *fault);

/* --- for the scheduler ------------------------------------------------------------------ */

/*
 * Opens or closes an exclusive space: gives all that is mapped its access, or
 * takes it.  False: the system did not do it, and it is closed.
 */
bool vci_space_open(struct vcore_space *space, bool open);

/*
 * Closes all exclusive spaces but this one, and those that are created later; opens
 * all.
 */
void vci_spaces_close(const struct vcore_space *but);
void vci_spaces_open(void);

/* The same for one that these did not find; with the lock of the books. */
void vci_space_follow(struct vcore_space *space);

/*
 * Maps memory for a stack, with a page without access on either side: its lowest
 * address, 0 or -ENOSPC, -EAGAIN, -ENOMEM.
 */
int vci_space_stack_make(struct vcore_space *space, size_t bytes, char **low);
void vci_space_stack_free(struct vcore_space *space, char *low);

/* --- places (places.c); with the lock ----------------------------------------------------- */

/* What is mapped at that offset; NULL: nothing. */
struct vci_mapping *vci_places_at(const struct vcore_space *space, size_t offset);
/* The same, or else what comes after it. */
struct vci_mapping *vci_places_from(const struct vcore_space *space, size_t offset);

/* Whether something is mapped in that range, or has a guard there. */
bool vci_places_taken(const struct vcore_space *space, size_t offset, size_t bytes);

/* The lowest offset, a multiple of `unit`, with room for that and a guard on each side. */
int vci_places_find(const struct vcore_space *space, size_t bytes, size_t unit, size_t guard,
		    size_t *offset);

void vci_places_add(struct vcore_space *space, struct vci_mapping *mapping);
void vci_places_remove(struct vcore_space *space, struct vci_mapping *mapping);

/* --- mappings (mapping.c) ------------------------------------------------------------------- */

/* vcore_space_map, of what is right; *address if address is not NULL. */
int vci_mapping_make(struct vcore_space *space, struct vcore_block *block, size_t offset,
		     bool guarded, int protection, void **address);

/* The rest with the lock. */

/* What the kernel is told, if the space is open: the level decides. */
int vci_space_enforces(const struct vcore_space *space, int protection);

/* The access that the mapping is to have now. */
static inline int vci_mapping_access(const struct vci_mapping *mapping)
{
	return mapping->space->open ? vci_space_enforces(mapping->space, mapping->protection)
				    : VCORE_PROTECT_NONE;
}

/* Unmaps it, and keeps what was written to a private view. */
int vci_mapping_undo(struct vci_mapping *mapping);

/* It is not mapped any more. */
void vci_mapping_forget(struct vci_mapping *mapping);

/* Of a block that was unmapped there: see trace.c. */
void vci_space_remember(struct vcore_space *space, const struct vci_mapping *mapping);

#endif /* VCI_SPACE_H */
