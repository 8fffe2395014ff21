/*
 * Batches of memory of one size, carved from chunks that grow, and are given
 * back all at once.
 *
 * All-zero, with the size filled in, there are none.  Carving takes no lock: who
 * is descheduled in the middle of it stops nobody.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef VCI_CHUNKS_H
#define VCI_CHUNKS_H

#include "platform/platform.h"

struct vci_chunk;

struct vci_chunks {
	size_t batch_bytes;       /* constant; a multiple of a cache line */
	struct vci_chunk *latest; /* atomic: from which is carved */
};

/* Zero bytes, on a cache line of their own; NULL: there is no memory. */
void *vci_chunks_carve(struct vci_chunks *chunks);

/* Of all that was carved; nobody carves any more. */
void vci_chunks_release(struct vci_chunks *chunks);

#endif /* VCI_CHUNKS_H */
