/*
 * Runs: the memory of blocks.
 *
 * There is one file for the process, opened when the first block is allocated.
 * A run is a part of it that no other run ever was: its place is not used again,
 * so that what a block held cannot come to light in another one.  There are 2^62
 * places; memory is only what was written, and it is given back when the last
 * block that refers to the run goes.
 *
 * Between runs is a page that is nobody's: mappings of two of them, side by side,
 * are two for the kernel too.
 *
 * A run that several blocks refer to is frozen: nobody writes it.
 *
 * Order
 *	O20 Who gives a reference up has done with the pages, before who finds itself
 *	    with the only one writes them, or gives them back.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef VCI_RUN_H
#define VCI_RUN_H

#include "platform/area.h"

struct vci_run {
	void *link_; /* see records.h */
	uint64_t offset;
	size_t bytes;
	bool huge; /* in huge pages */
	/* Atomic.  Who has one may add one: to have the only one is to keep it so. */
	uint32_t references;
};

/*
 * A new one, of zeroes, with one reference.  0, -ENOMEM, or -EAGAIN: the process
 * has no descriptor left.
 */
int vci_run_make(size_t bytes, bool huge, struct vci_run **run);
void vci_run_hold(struct vci_run *run);
void vci_run_drop(struct vci_run *run);
bool vci_run_is_frozen(const struct vci_run *run);

/* A new one that holds what this one does.  0, -ENOMEM, -EAGAIN. */
int vci_run_copy(const struct vci_run *run, bool huge, struct vci_run **copy);

/* That of the process; there is a run. */
int vci_run_file(void);

/* Around fork: no file is being opened or grown; the child has none. */
void vci_runs_before_fork(void);
void vci_runs_after_fork_in_parent(void);
void vci_runs_after_fork_in_child(void);

#endif /* VCI_RUN_H */
