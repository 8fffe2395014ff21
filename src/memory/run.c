/*
 * Runs: see run.h.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "memory/run.h"

#include <errno.h>

#include "memory/records.h"

/* The file grows by doubling, from what nobody reaches soon. */
#define FILE_LEAST (UINT64_C(1) << 40)
#define FILE_MOST  (UINT64_C(1) << 62)

static struct vci_records records = VCI_RECORDS(struct vci_run);

/* guarded by lock, but the descriptor is constant while there are runs */
static struct {
	struct vci_spin lock;
	int descriptor; /* if bytes is not 0 */
	uint64_t bytes;
	uint64_t next; /* beyond the last run */
} file;

/* With the lock. */
static int open_file(void)
{
	int descriptor = vci_file_open();

	if (descriptor < 0) {
		return descriptor == -EMFILE || descriptor == -ENFILE ? -EAGAIN : -ENOMEM;
	}
	if (vci_file_grow(descriptor, FILE_LEAST) != 0) {
		vci_file_close(descriptor);
		return -ENOMEM;
	}
	file.descriptor = descriptor;
	file.bytes = FILE_LEAST;
	file.next = 0;
	return 0;
}

/* With the lock. */
static int grow_to(uint64_t end)
{
	uint64_t bytes = file.bytes;

	while (bytes < end) {
		bytes *= 2;
	}
	if (bytes > FILE_MOST || vci_file_grow(file.descriptor, bytes) != 0) {
		return -ENOMEM;
	}
	file.bytes = bytes;
	return 0;
}

static int find_place(size_t bytes, size_t unit, uint64_t *offset)
{
	int error = 0;

	vci_spin_lock(&file.lock);
	if (file.bytes == 0) {
		error = open_file();
	}
	*offset = (file.next + unit - 1) / unit * unit;
	if (error == 0 && *offset + bytes > file.bytes) {
		error = grow_to(*offset + bytes);
	}
	if (error == 0) {
		file.next = *offset + bytes + vci_page_size;
	}
	vci_spin_unlock(&file.lock);
	return error;
}

int vci_run_file(void)
{
	return file.descriptor;
}

int vci_run_make(size_t bytes, bool huge, struct vci_run **made)
{
	struct vci_run *run = vci_records_take(&records);
	int error;

	if (run == NULL) {
		return -ENOMEM;
	}
	error = find_place(bytes, huge ? vci_huge_bytes() : vci_page_size, &run->offset);
	if (error != 0) {
		vci_records_give(&records, run);
		return error;
	}
	run->bytes = bytes;
	run->huge = false;
	run->references = 1;
	if (huge) {
		error = vci_file_fill(vci_run_file(), run->offset, bytes, &run->huge);
	}
	if (error != 0) {
		vci_run_drop(run);
		return -ENOMEM;
	}
	*made = run;
	return 0;
}

void vci_run_hold(struct vci_run *run)
{
	__atomic_fetch_add(&run->references, 1, __ATOMIC_RELAXED);
}

void vci_run_drop(struct vci_run *run)
{
	if (__atomic_sub_fetch(&run->references, 1, __ATOMIC_ACQ_REL) == 0) {
		vci_file_punch(vci_run_file(), run->offset, run->bytes);
		vci_records_give(&records, run);
	}
}

bool vci_run_is_frozen(const struct vci_run *run)
{
	return __atomic_load_n(&run->references, __ATOMIC_ACQUIRE) > 1;
}

int vci_run_copy(const struct vci_run *run, bool huge, struct vci_run **copy)
{
	struct vci_run *made;
	int error = vci_run_make(run->bytes, huge, &made);

	if (error != 0) {
		return error;
	}
	if (vci_file_copy(vci_run_file(), run->offset, made->offset, run->bytes) != 0) {
		vci_run_drop(made);
		return -ENOMEM;
	}
	*copy = made;
	return 0;
}

void vci_runs_before_fork(void)
{
	vci_spin_lock(&file.lock);
}

void vci_runs_after_fork_in_parent(void)
{
	vci_spin_unlock(&file.lock);
}

void vci_runs_after_fork_in_child(void)
{
	if (file.bytes != 0) {
		vci_file_close(file.descriptor);
	}
	file.bytes = 0;
	vci_records_forget(&records);
	vci_spin_unlock(&file.lock);
}
