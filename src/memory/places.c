/*
 * Where something is mapped in a space, and where there is room.
 *
 * Mappings are a tree by offset (ordered.h).  Each node knows of what is below
 * it, itself included, where it begins and ends (`from`, `to`), and the largest
 * room between (`gap`), so that a search for room leaves out what has none: it
 * takes O(log n) steps; but that of several rooms which are large enough only if
 * they need not begin at a boundary, each is looked at.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <errno.h>

#include "memory/space.h"

static size_t end_of(const struct vci_mapping *mapping)
{
	return vci_mapping_offset(mapping) + mapping->bytes;
}

/* --- the tree -------------------------------------------------------------------------- */

static void widen(size_t *gap, size_t from, size_t to)
{
	if (to - from > *gap) {
		*gap = to - from;
	}
}

static void update(struct vci_ordered *node)
{
	struct vci_mapping *mapping = vci_mapping_of(node);
	const struct vci_mapping *left = vci_mapping_of(node->left);
	const struct vci_mapping *right = vci_mapping_of(node->right);

	mapping->from = vci_mapping_offset(mapping);
	mapping->to = end_of(mapping);
	mapping->gap = 0;
	if (left != NULL) {
		widen(&mapping->gap, left->to, mapping->from);
		widen(&mapping->gap, 0, left->gap);
		mapping->from = left->from;
	}
	if (right != NULL) {
		widen(&mapping->gap, mapping->to, right->from);
		widen(&mapping->gap, 0, right->gap);
		mapping->to = right->to;
	}
}

void vci_places_add(struct vcore_space *space, struct vci_mapping *mapping)
{
	vci_ordered_insert_with(&space->mappings, &mapping->node, update);
	space->n_mappings++;
	space->bytes_mapped += mapping->bytes;
}

void vci_places_remove(struct vcore_space *space, struct vci_mapping *mapping)
{
	vci_ordered_remove_with(&space->mappings, &mapping->node, update);
	space->n_mappings--;
	space->bytes_mapped -= mapping->bytes;
}

/* --- what is there ------------------------------------------------------------------------ */

static struct vci_mapping *below(const struct vcore_space *space, size_t offset)
{
	return vci_mapping_of(vci_ordered_below(space->mappings, (int64_t)offset));
}

struct vci_mapping *vci_places_at(const struct vcore_space *space, size_t offset)
{
	struct vci_mapping *mapping = below(space, offset);

	return mapping != NULL && offset < end_of(mapping) ? mapping : NULL;
}

struct vci_mapping *vci_places_from(const struct vcore_space *space, size_t offset)
{
	struct vci_mapping *mapping = below(space, offset);

	if (mapping == NULL) {
		return vci_mapping_of(vci_ordered_first(space->mappings));
	}
	return offset < end_of(mapping) ? mapping
					: vci_mapping_of(vci_ordered_after(&mapping->node));
}

static bool touches(const struct vci_mapping *mapping, size_t offset, size_t bytes)
{
	size_t guard = mapping->guarded ? vci_page_size : 0;

	return vci_mapping_offset(mapping) < offset + bytes + guard &&
	       end_of(mapping) + guard > offset;
}

/* It is by what lies in the range, or in a page on either side. */
bool vci_places_taken(const struct vcore_space *space, size_t offset, size_t bytes)
{
	size_t page = vci_page_size;
	struct vci_mapping *mapping = vci_places_from(space, offset >= page ? offset - page : 0);

	while (mapping != NULL && vci_mapping_offset(mapping) <= offset + bytes) {
		if (touches(mapping, offset, bytes)) {
			return true;
		}
		mapping = vci_mapping_of(vci_ordered_after(&mapping->node));
	}
	return false;
}

/* --- room ----------------------------------------------------------------------------------- */

struct request {
	size_t need; /* guards included */
	size_t unit, guard;
	size_t after;  /* where the room to be looked at next begins */
	size_t offset; /* that was found */
};

/* Whether there is, in what ends here. */
static bool fits_before(struct request *request, size_t end)
{
	size_t offset = vci_round_up(request->after + request->guard, request->unit);

	request->offset = offset;
	return offset <= end && end - offset >= request->need - request->guard;
}

/* Looks in the rooms before and between all that is below the node. */
static bool find_below(struct request *request, struct vci_ordered *node)
{
	while (node != NULL) {
		const struct vci_mapping *mapping = vci_mapping_of(node);

		if (mapping->gap < request->need && !fits_before(request, mapping->from)) {
			request->after = mapping->to;
			return false;
		}
		if (find_below(request, node->left) ||
		    fits_before(request, vci_mapping_offset(mapping))) {
			return true;
		}
		request->after = end_of(mapping);
		node = node->right;
	}
	return false;
}

int vci_places_find(const struct vcore_space *space, size_t bytes, size_t unit, size_t guard,
		    size_t *offset)
{
	struct request request = {.need = bytes + 2 * guard, .unit = unit, .guard = guard};

	if (!find_below(&request, space->mappings) && !fits_before(&request, space->bytes)) {
		return -ENOSPC;
	}
	*offset = request.offset;
	return 0;
}
