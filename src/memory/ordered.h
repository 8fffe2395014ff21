/*
 * Records in order of a key, those with equal keys in order of arrival.
 *
 * What waits is kept so, by the target it waits for, by its deadline; and what is
 * mapped, by its address.  The structure is intrusive and owns no memory.  Records with different
 *keys form a treap (a binary search tree by key, a heap by a priority hashed from the first
 *record's address): insertion and removal take O(log n) expected steps. Records with equal keys
 *hang in a ring on the first of them, in O(1).
 *
 * Invariants
 *	T1  In key order: left < node < right.
 *	T2  A node's priority is at least that of its children.
 *	T3  Of a ring only the head, which arrived first, is in the tree.
 *	T4  A ring is circular, from the head by next in order of arrival; the
 *	    second inherits place and priority when the head is removed.
 *
 * The caller excludes others.
 *
 * Source: C. R. Aragon and R. Seidel, Randomized search trees (1989).
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef VCI_ORDERED_H
#define VCI_ORDERED_H

#include <stdbool.h>
#include <stdint.h>

struct vci_ordered {
	int64_t key; /* set by the caller before insertion */
	struct vci_ordered *parent, *left, *right;
	struct vci_ordered *next, *prev;
	uint32_t priority;
	bool head;
	bool linked; /* it is in an order */
	bool proxy;  /* set by the caller: see sync/waiters.h */
};

void vci_ordered_insert(struct vci_ordered **root, struct vci_ordered *node);
void vci_ordered_remove(struct vci_ordered **root, struct vci_ordered *node);

/*
 * The same where each node knows something of all that is below it: `update`
 * makes that right for a node whose children's is right.
 */
typedef void vci_ordered_update(struct vci_ordered *node);
void vci_ordered_insert_with(struct vci_ordered **root, struct vci_ordered *node,
			     vci_ordered_update *update);
void vci_ordered_remove_with(struct vci_ordered **root, struct vci_ordered *node,
			     vci_ordered_update *update);

/* The record with the lowest key that arrived first; NULL if there is none. */
struct vci_ordered *vci_ordered_first(struct vci_ordered *root);

/* Of those with the highest key that is no higher, the first; NULL: there is none. */
struct vci_ordered *vci_ordered_below(struct vci_ordered *root, int64_t key);

/* Of those with the next higher key, the first; NULL: there is none.  `node` is a head. */
struct vci_ordered *vci_ordered_after(struct vci_ordered *node);

#endif /* VCI_ORDERED_H */
