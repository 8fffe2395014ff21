/*
 * Records: see records.h.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "memory/records.h"

void *vci_records_take(struct vci_records *records)
{
	struct vci_record *record;

	vci_spin_lock(&records->lock);
	record = records->unused;
	if (record != NULL) {
		records->unused = record->next;
	}
	vci_spin_unlock(&records->lock);
	return record != NULL ? record : vci_chunks_carve(&records->chunks);
}

void vci_records_give(struct vci_records *records, void *record)
{
	struct vci_record *given = record;

	vci_spin_lock(&records->lock);
	given->next = records->unused;
	records->unused = given;
	vci_spin_unlock(&records->lock);
}

void vci_records_forget(struct vci_records *records)
{
	records->chunks.latest = NULL;
	records->unused = NULL;
	records->lock.held = 0;
}
