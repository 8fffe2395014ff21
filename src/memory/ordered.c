/*
 * Records in order: see ordered.h.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <stddef.h>

#include "memory/ordered.h"

/*
 * Of the address.  Records lie at equal distances, and may come in that order:
 * one multiplication would map them to a line, so that the tree is one too.
 * (The finalizer of D. Stafford's Mix13.)
 */
static uint32_t hash(const struct vci_ordered *node)
{
	uint64_t x = (uintptr_t)node;

	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	return (uint32_t)(x >> 32);
}

/* Makes `node` (or nothing) stand where `old` stood. */
static void replace(struct vci_ordered **root, struct vci_ordered *old, struct vci_ordered *node)
{
	struct vci_ordered *parent = old->parent;

	if (parent == NULL) {
		*root = node;
	} else if (parent->left == old) {
		parent->left = node;
	} else {
		parent->right = node;
	}
	if (node != NULL) {
		node->parent = parent;
	}
}

static void set_left(struct vci_ordered *parent, struct vci_ordered *child)
{
	parent->left = child;
	if (child != NULL) {
		child->parent = parent;
	}
}

static void set_right(struct vci_ordered *parent, struct vci_ordered *child)
{
	parent->right = child;
	if (child != NULL) {
		child->parent = parent;
	}
}

/* Exchanges `node` with its parent, keeping T1. */
static void rotate_up(struct vci_ordered **root, struct vci_ordered *node)
{
	struct vci_ordered *parent = node->parent;

	replace(root, parent, node);
	if (parent->left == node) {
		set_left(parent, node->right);
		set_right(node, parent);
	} else {
		set_right(parent, node->left);
		set_left(node, parent);
	}
}

static void append(struct vci_ordered *head, struct vci_ordered *node)
{
	node->head = false;
	node->next = head;
	node->prev = head->prev;
	head->prev->next = node;
	head->prev = node;
}

/* For it and all above it, from the bottom up. */
static void update_upwards(struct vci_ordered *node, vci_ordered_update *update)
{
	for (; update != NULL && node != NULL; node = node->parent) {
		update(node);
	}
}

void vci_ordered_insert_with(struct vci_ordered **root, struct vci_ordered *node,
			     vci_ordered_update *update)
{
	struct vci_ordered **place = root;
	struct vci_ordered *parent = NULL;

	node->linked = true;
	while (*place != NULL) {
		parent = *place;
		if (node->key == parent->key) {
			append(parent, node);
			return;
		}
		place = node->key < parent->key ? &parent->left : &parent->right;
	}
	*place = node;
	node->parent = parent;
	node->left = NULL;
	node->right = NULL;
	node->next = node;
	node->prev = node;
	node->priority = hash(node);
	node->head = true;
	while (node->parent != NULL && node->parent->priority < node->priority) {
		struct vci_ordered *parent_before = node->parent;

		rotate_up(root, node);
		if (update != NULL) {
			update(parent_before);
		}
	}
	update_upwards(node, update);
}

void vci_ordered_insert(struct vci_ordered **root, struct vci_ordered *node)
{
	vci_ordered_insert_with(root, node, NULL);
}

/* The second of a ring takes the head's place in the tree. */
static void succeed(struct vci_ordered **root, struct vci_ordered *head)
{
	struct vci_ordered *second = head->next;

	second->head = true;
	second->priority = head->priority;
	set_left(second, head->left);
	set_right(second, head->right);
	replace(root, head, second);
}

/*
 * Takes a node that is alone in its ring out of the tree.  What it goes down
 * past is above where it ends, and is updated from there.
 */
static void uproot(struct vci_ordered **root, struct vci_ordered *node, vci_ordered_update *update)
{
	while (node->left != NULL && node->right != NULL) {
		rotate_up(root,
			  node->left->priority > node->right->priority ? node->left : node->right);
	}
	replace(root, node, node->left != NULL ? node->left : node->right);
	update_upwards(node->parent, update);
}

void vci_ordered_remove_with(struct vci_ordered **root, struct vci_ordered *node,
			     vci_ordered_update *update)
{
	node->linked = false;
	if (node->next == node) {
		uproot(root, node, update);
		return;
	}
	if (node->head) {
		succeed(root, node);
		update_upwards(node->next, update);
	}
	node->prev->next = node->next;
	node->next->prev = node->prev;
}

void vci_ordered_remove(struct vci_ordered **root, struct vci_ordered *node)
{
	vci_ordered_remove_with(root, node, NULL);
}

struct vci_ordered *vci_ordered_first(struct vci_ordered *root)
{
	if (root != NULL) {
		while (root->left != NULL) {
			root = root->left;
		}
	}
	return root;
}

struct vci_ordered *vci_ordered_below(struct vci_ordered *root, int64_t key)
{
	struct vci_ordered *best = NULL;

	while (root != NULL) {
		if (root->key <= key) {
			best = root;
			root = root->right;
		} else {
			root = root->left;
		}
	}
	return best;
}

struct vci_ordered *vci_ordered_after(struct vci_ordered *node)
{
	if (node->right != NULL) {
		return vci_ordered_first(node->right);
	}
	while (node->parent != NULL && node->parent->right == node) {
		node = node->parent;
	}
	return node->parent;
}
