/*
 * Records of one size, one by one, of the library's own pages.
 *
 * All-zero, with the size filled in, there are none.  What is given back is kept
 * for the next; the memory of a record stays readable for good, so that one
 * may look at a record that is gone, if it can tell that it is.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef VCI_RECORDS_H
#define VCI_RECORDS_H

#include "memory/chunks.h"
#include "platform/spin.h"

/* With which a record begins; its owner's again while it is out. */
struct vci_record {
	struct vci_record *next;
};

struct vci_records {
	struct vci_chunks chunks; /* its batch_bytes: of a record */
	struct vci_spin lock;
	struct vci_record *unused; /* guarded by lock */
};

#define VCI_RECORDS(type)                                                                          \
	{                                                                                          \
		.chunks.batch_bytes =                                                              \
			(sizeof(type) + VCI_CACHE_LINE - 1) / VCI_CACHE_LINE * VCI_CACHE_LINE      \
	}

/* NULL: there is no memory.  What it holds is undefined, or zero if it is new. */
void *vci_records_take(struct vci_records *records);
void vci_records_give(struct vci_records *records, void *record);

/* In a child of fork: there are none.  Those that are out stay readable. */
void vci_records_forget(struct vci_records *records);

#endif /* VCI_RECORDS_H */
