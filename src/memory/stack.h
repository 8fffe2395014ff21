/*
 * Stacks: guarded, pooled, and type-stable.
 *
 * A stack lies in a slot of address space, its header at the top:
 *
 *	| guard | reserve |	usable, grows down		| header |
 *	base	        low			         (struct vci_stack)
 *
 * The reserve is as inaccessible as the guard, until a thread has used its stack
 * up: then it is opened, by half or all of it, so that what must still be done can be
 * done there; and the guard but for its last page, when that has been used up too.
 * Nothing lies in what is not open.
 *
 * The pool's user embeds struct vci_stack as the first member of something of
 * its own (here: the control block of a thread), so that header and the first
 * frames share a page: a thread that waits keeps one page, no more.
 *
 * Slots are cut from slabs of up to 64.  A slot is fresh (never touched, or
 * its memory given back: a bit in the slab), warm (in a list, its memory kept)
 * or out.  Headers are type-stable: the memory of a slot that was ever out
 * stays readable until the pool closes, so a number (`index`) or a stale
 * pointer may be followed and checked.  Giving memory back zeroes headers, and
 * is excluded while somebody walks (vci_stacks_walk_begin).
 *
 * Beyond the fields of struct vci_stack a fresh header is all zero.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef VCI_STACK_H
#define VCI_STACK_H

#include "platform/spin.h"

struct vci_stack {
	struct vci_stack *next; /* in a list of warm stacks */
	char *low;              /* the lowest usable byte */
	/*
	 * Counted up by the user at each use.  (index, generation) names one
	 * use of a stack and never comes again in the pool's life.
	 */
	uint64_t generation;
	uint32_t index; /* in the pool, below VCI_STACKS_MAX */
	uint32_t kind;  /* its size: see vci_stack_kind */
};

/* Sizes: kind 0 is the pool's default, kind k > 0 is 2^k pages. */
#define VCI_STACK_KINDS    24
#define VCI_STACK_SIZE_MAX ((size_t)1 << 30)
#define VCI_SLAB_SLOTS     64
#define VCI_STACKS_MAX     (((uint32_t)1 << 24) - VCI_SLAB_SLOTS)

struct vci_slab {
	char *base;
	uint64_t fresh; /* a bit a slot; guarded by the pool's lock */
	uint32_t kind, slots;
	uint32_t next_fresh; /* slab with fresh slots, + 1; guarded likewise */
	bool listed;
	uint64_t generation; /* where the count of its fresh stacks begins */
};

struct vci_stack_kind {
	size_t slot_bytes;
	struct vci_stack *warm;
	size_t n_warm;
	uint32_t fresh; /* first slab with fresh slots, + 1 */
};

struct vci_stacks {
	/* `guard`: all that is inaccessible, of which `reserve` is the upper part */
	size_t header, stack_size, guard, reserve, overhead;
	/* guarded by lock */
	struct vci_spin lock;
	struct vci_stack_kind kinds[VCI_STACK_KINDS];
	size_t bytes; /* of address space */
	/* written under lock, read by all: a slab is set up before it counts */
	uint32_t n_slabs;
	struct vci_slab *slabs;
	/* > 0: walkers; < 0: memory is being given back */
	int32_t walkers;
	/* what ran out last, a string, or NULL */
	const char *limit;
};

/* Opens a pool whose default stacks have `stack_size` usable bytes. */
int vci_stacks_open(struct vci_stacks *stacks, size_t stack_size, size_t header);
void vci_stacks_close(struct vci_stacks *stacks);

/* The kind for that many usable bytes (0: the default), or -EINVAL. */
int vci_stack_kind(const struct vci_stacks *stacks, size_t stack_size);

/* Usable bytes of a stack of that kind, at least. */
size_t vci_stack_size(const struct vci_stacks *stacks, uint32_t kind);

/* How much of the reserve is open. */
enum vci_reserve {
	VCI_RESERVE_CLOSED,
	VCI_RESERVE_HALF,
	VCI_RESERVE_ALL,
	VCI_RESERVE_LAST, /* of the guard, too */
};

/*
 * Of a stack whose lowest usable byte is `low`, with such a guard below it: the
 * lowest byte that is accessible then.
 */
char *vci_stack_floor(const struct vci_stacks *stacks, char *low, enum vci_reserve reserve);

/* Opens so much of it: by system calls alone.  0, or -ENOMEM. */
int vci_stack_open(const struct vci_stacks *stacks, char *low, enum vci_reserve reserve);

/* Closes all, and gives the memory back.  0, or -ENOMEM. */
int vci_stack_shut(struct vci_stacks *stacks, char *low);

/*
 * Up to n stacks of a kind, linked by next; at least one, or NULL with the
 * error (-ENOMEM, -EAGAIN) in *error.
 */
struct vci_stack *vci_stacks_take(struct vci_stacks *stacks, uint32_t kind, unsigned n, int *error);

/* Gives back a list of n stacks of one kind. */
void vci_stacks_give(struct vci_stacks *stacks, struct vci_stack *list, unsigned n);

/*
 * Gives the memory of some warm stacks back, as long as there are more than
 * `keep` of their kind.  Returns whether there is more to give.
 */
bool vci_stacks_trim(struct vci_stacks *stacks, size_t keep);

/* The most warm stacks of any kind. */
size_t vci_stacks_warm(const struct vci_stacks *stacks);

/*
 * Walking: indices below vci_stacks_limit; at() gives NULL for a slot that was
 * not out since its memory was given back.
 */
void vci_stacks_walk_begin(struct vci_stacks *stacks);
void vci_stacks_walk_end(struct vci_stacks *stacks);
uint32_t vci_stacks_limit(const struct vci_stacks *stacks);
struct vci_stack *vci_stacks_at(struct vci_stacks *stacks, uint32_t index);

#endif /* VCI_STACK_H */
