/*
 * Copying into spaces and out of them: see vcore/space.h.
 *
 * The kernel copies, and says where we would fault: to and from the file where
 * the file is what is mapped, so that a closed space is reached too; else, by way
 * of a part of the file that is nobody's, to and from the mapping itself.  It does
 * so in pieces, each under the space's lock: what a piece is copied to or from is
 * mapped until it is done.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <errno.h>

#include "memory/space.h"
#include "platform/panic.h"

#define PIECE ((size_t)256 << 10)

struct transfer {
	char *there; /* in the space */
	char *here;
	size_t left;
	bool in;
	struct vci_run *scratch; /* NULL: not needed yet */
};

/* Both by the kernel. */
static int copy_through(const struct vci_run *scratch, void *to, const void *from, size_t n)
{
	int error = vci_file_write(vci_run_file(), scratch->offset, from, n);

	return error == 0 ? vci_file_read(vci_run_file(), scratch->offset, to, n) : error;
}

/* n bytes, of one mapping. */
static int transfer_there(const struct vci_mapping *mapping, struct transfer *transfer, size_t n)
{
	if (!mapping->space->open) {
		return -ENOTSUP;
	}
	if (transfer->scratch == NULL && vci_run_make(PIECE, false, &transfer->scratch) != 0) {
		return -ENOMEM;
	}
	return transfer->in ? copy_through(transfer->scratch, transfer->there, transfer->here, n)
			    : copy_through(transfer->scratch, transfer->here, transfer->there, n);
}

static int transfer_in_file(const struct vci_mapping *mapping, struct transfer *transfer, size_t n)
{
	uint64_t offset =
		mapping->block->run->offset + (size_t)(transfer->there - vci_mapping_at(mapping));

	return transfer->in ? vci_file_write(vci_run_file(), offset, transfer->here, n)
			    : vci_file_read(vci_run_file(), offset, transfer->here, n);
}

static bool is_allowed(const struct vci_mapping *mapping, bool in)
{
	int needed = in ? VCORE_PROTECT_WRITE : VCORE_PROTECT_READ_WRITE;

	return (mapping->protection & needed) != 0;
}

/* With the lock. */
static int transfer_piece(const struct vcore_space *space, struct transfer *transfer)
{
	size_t offset = (size_t)(transfer->there - space->base);
	const struct vci_mapping *mapping =
		offset < space->bytes ? vci_places_at(space, offset) : NULL;
	size_t n = transfer->left < PIECE ? transfer->left : PIECE;
	size_t rest;
	int error;

	if (mapping == NULL || !is_allowed(mapping, transfer->in)) {
		return -EFAULT;
	}
	rest = vci_mapping_offset(mapping) + mapping->bytes - offset;
	n = n < rest ? n : rest;
	error = mapping->kind == VCI_AREA_SHARED ? transfer_in_file(mapping, transfer, n)
						 : transfer_there(mapping, transfer, n);
	transfer->there += n;
	transfer->here += n;
	transfer->left -= n;
	return error;
}

static int transfer_all(struct vcore_space *space, struct transfer *transfer)
{
	int error = 0;

	if (!vci_books_are_of(space->generation)) {
		return -ESHUTDOWN;
	}
	while (error == 0 && transfer->left > 0) {
		vci_spin_lock(&space->lock);
		error = transfer_piece(space, transfer);
		vci_spin_unlock(&space->lock);
	}
	if (transfer->scratch != NULL) {
		vci_run_drop(transfer->scratch);
	}
	return error;
}

int vcore_space_copy_in(struct vcore_space *space, void *to, const void *from, size_t n)
{
	struct transfer transfer = {
		.there = to,
		.here = (char *)(uintptr_t)from,
		.left = n,
		.in = true,
	};

	VCI_PANIC_IF(space == NULL, "there is no space");
	return transfer_all(space, &transfer);
}

int vcore_space_copy_out(struct vcore_space *space, void *to, const void *from, size_t n)
{
	struct transfer transfer = {
		.there = (char *)(uintptr_t)from,
		.here = to,
		.left = n,
		.in = false,
	};

	VCI_PANIC_IF(space == NULL, "there is no space");
	return transfer_all(space, &transfer);
}
