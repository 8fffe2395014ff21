/*
 * The books of the process: see books.h.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "memory/books.h"

#include "memory/space.h"

struct vci_books vci_books = {
	.space_records = VCI_RECORDS(struct vcore_space),
	.mapping_records = VCI_RECORDS(struct vci_mapping),
	.block_records = VCI_RECORDS(struct vcore_block),
};

void vci_books_before_fork(void)
{
	vci_spin_lock(&vci_books.lock);
	for (struct vci_ordered *node = vci_ordered_first(vci_books.spaces); node != NULL;
	     node = vci_ordered_after(node)) {
		vci_spin_lock(&vci_space_of_order(node)->lock);
	}
	vci_runs_before_fork();
}

static void unlock_spaces(void)
{
	for (struct vci_ordered *node = vci_ordered_first(vci_books.spaces); node != NULL;
	     node = vci_ordered_after(node)) {
		vci_spin_unlock(&vci_space_of_order(node)->lock);
	}
}

void vci_books_after_fork_in_parent(void)
{
	vci_runs_after_fork_in_parent();
	unlock_spaces();
	vci_spin_unlock(&vci_books.lock);
}

void vci_books_after_fork_in_child(void)
{
	vci_runs_after_fork_in_child();
	unlock_spaces();
	vci_books.spaces = NULL;
	vci_books.closing = false; /* nobody lives in any */
	vci_books.generation++;
	vci_records_forget(&vci_books.space_records);
	vci_records_forget(&vci_books.mapping_records);
	vci_records_forget(&vci_books.block_records);
	vci_spin_unlock(&vci_books.lock);
}
