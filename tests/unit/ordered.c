/*
 * The ordered tree of src/memory/ordered.h: what it keeps, compared with a
 * sorted array, and what it costs.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "memory/ordered.h"

TestSuite(ordered, .timeout = 100);

struct item {
	struct vci_ordered node; /* first, so that a node is its item */
	int serial;              /* grows with every insertion */
	bool inside;
};

/* The model: who is inside, found by looking at everybody. */
enum { ITEMS = 300, STEPS = 100000 };

static const struct item *first_of_model(const struct item *items, int n)
{
	const struct item *first = NULL;

	for (int i = 0; i < n; i++) {
		const struct item *item = &items[i];

		if (!item->inside) {
			continue;
		}
		if (first == NULL || item->node.key < first->node.key ||
		    (item->node.key == first->node.key && item->serial < first->serial)) {
			first = item;
		}
	}
	return first;
}

static void insert(struct vci_ordered **root, struct item *item, int64_t key, int serial)
{
	memset(&item->node, 0, sizeof(item->node));
	item->node.key = key;
	item->serial = serial;
	item->inside = true;
	vci_ordered_insert(root, &item->node);
}

static void take_out(struct vci_ordered **root, struct item *item)
{
	vci_ordered_remove(root, &item->node);
	item->inside = false;
}

/* Random insertions and removals, of any item and of the first. */
static void compare_with_model(unsigned seed, int keys)
{
	static struct item items[ITEMS];
	struct vci_ordered *root = NULL;

	srand(seed);
	memset(items, 0, sizeof(items));
	for (int step = 0; step < STEPS; step++) {
		struct item *item = &items[rand() % ITEMS];
		const void *first;

		if (!item->inside) {
			insert(&root, item, rand() % keys - keys / 2, step);
		} else {
			take_out(&root, item);
		}
		first = first_of_model(items, ITEMS);
		cr_assert_eq((const void *)vci_ordered_first(root), first, "seed %u, step %d", seed,
			     step);
		if (first != NULL && step % 3 == 0) {
			take_out(&root, (struct item *)vci_ordered_first(root));
		}
	}
}

Test(ordered, an_empty_tree_has_no_first)
{
	cr_assert_null(vci_ordered_first(NULL));
}

Test(ordered, it_agrees_with_a_model_on_many_keys)
{
	compare_with_model(1, 1000000);
}

Test(ordered, it_agrees_with_a_model_on_few_keys)
{
	compare_with_model(2, 5);
}

Test(ordered, it_agrees_with_a_model_on_one_key)
{
	compare_with_model(3, 1);
}

Test(ordered, the_extreme_keys_are_in_order)
{
	static const int64_t keys[] = {0, INT64_MAX, -1, INT64_MIN, 1};
	static const int order[] = {3, 2, 0, 4, 1};
	struct item items[5];
	struct vci_ordered *root = NULL;

	for (int i = 0; i < 5; i++) {
		insert(&root, &items[i], keys[i], i);
	}
	for (int i = 0; i < 5; i++) {
		struct item *first = (struct item *)vci_ordered_first(root);

		cr_assert_eq(first, &items[order[i]]);
		take_out(&root, first);
	}
	cr_assert_null(vci_ordered_first(root));
}

/*
 * A million nodes: a list would take hours, and a recursion as deep as a
 * degenerate tree would overflow the stack.
 */
enum { MILLION = 1000000 };

static int64_t ascending(int i)
{
	return i;
}

static int64_t descending(int i)
{
	return MILLION - i;
}

static int64_t equal(int i)
{
	(void)i;
	return 7;
}

static void fill_and_empty(int64_t (*key)(int i))
{
	struct item *items = calloc(MILLION, sizeof(*items));
	struct vci_ordered *root = NULL;
	const struct item *last = NULL;

	cr_assert_not_null(items);
	for (int i = 0; i < MILLION; i++) {
		insert(&root, &items[i], key(i), i);
	}
	for (int i = 0; i < MILLION; i++) {
		struct item *first = (struct item *)vci_ordered_first(root);

		if (last != NULL &&
		    (first->node.key < last->node.key ||
		     (first->node.key == last->node.key && first->serial < last->serial))) {
			cr_assert(false, "out of order");
		}
		take_out(&root, first);
		last = first;
	}
	cr_assert_null(vci_ordered_first(root));
	free(items);
}

Test(ordered, a_million_ascending_keys_are_quick)
{
	fill_and_empty(ascending);
}

Test(ordered, a_million_descending_keys_are_quick)
{
	fill_and_empty(descending);
}

Test(ordered, a_million_equal_keys_are_quick)
{
	fill_and_empty(equal);
}

/* The last in, the first out: removals at the other end. */
Test(ordered, a_million_keys_removed_from_the_end_are_quick)
{
	struct item *items = calloc(MILLION, sizeof(*items));
	struct vci_ordered *root = NULL;

	for (int i = 0; i < MILLION; i++) {
		insert(&root, &items[i], i, i);
	}
	for (int i = MILLION - 1; i >= 0; i--) {
		take_out(&root, &items[i]);
	}
	cr_assert_null(root);
	free(items);
}

/* --- neighbours, and what a node knows of those below it ------------------------------------- */

/* The model's: the first of those with the highest key up to that, or above it the lowest. */
static const struct item *neighbour_of_model(const struct item *items, int64_t key, bool above)
{
	const struct item *best = NULL;

	for (int i = 0; i < ITEMS; i++) {
		const struct item *item = &items[i];
		int64_t better;

		if (!item->inside || (item->node.key > key) != above) {
			continue;
		}
		better = best == NULL ? 1
			 : above      ? best->node.key - item->node.key
				      : item->node.key - best->node.key;
		if (better > 0 || (better == 0 && item->serial < best->serial)) {
			best = item;
		}
	}
	return best;
}

Test(ordered, neighbours_are_those_of_a_model)
{
	static struct item items[ITEMS];
	struct vci_ordered *root = NULL;

	srand(4);
	for (int step = 0; step < STEPS / 10; step++) {
		struct item *item = &items[rand() % ITEMS];
		int64_t key = rand() % 1000;
		struct vci_ordered *below;

		if (!item->inside) {
			insert(&root, item, rand() % 1000, step);
		} else {
			take_out(&root, item);
		}
		below = vci_ordered_below(root, key);
		cr_assert_eq((const void *)below, neighbour_of_model(items, key, false));
		if (below != NULL) {
			cr_assert_eq((const void *)vci_ordered_after(below),
				     neighbour_of_model(items, key, true));
		}
	}
}

/* Its serial becomes the number of nodes below it, itself included. */
static void count(struct vci_ordered *node)
{
	const struct item *left = (struct item *)node->left;
	const struct item *right = (struct item *)node->right;

	((struct item *)node)->serial =
		1 + (left != NULL ? left->serial : 0) + (right != NULL ? right->serial : 0);
}

static int counted(const struct vci_ordered *node)
{
	int n;

	if (node == NULL) {
		return 0;
	}
	n = 1 + counted(node->left) + counted(node->right);
	cr_assert_eq(((const struct item *)node)->serial, n);
	return n;
}

Test(ordered, what_a_node_knows_of_those_below_it_is_kept_right)
{
	static struct item items[ITEMS];
	struct vci_ordered *root = NULL;
	int inside = 0;

	srand(5);
	for (int step = 0; step < STEPS / 10; step++) {
		struct item *item = &items[rand() % ITEMS];

		if (!item->inside) {
			item->node.key = (item - items) * 7919 % ITEMS; /* of one alone */
			vci_ordered_insert_with(&root, &item->node, count);
		} else {
			vci_ordered_remove_with(&root, &item->node, count);
		}
		item->inside = !item->inside;
		inside += item->inside ? 1 : -1;
		cr_assert_eq(counted(root), inside);
	}
}
