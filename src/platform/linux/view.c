/*
 * Private views: which pages are their own, and saving them: see platform/area.h.
 *
 * A page of a private view that was written is anonymous memory; one that was
 * not is the file's, or not there.  /proc/self/pagemap tells.  Where it cannot be
 * read all pages count as written.  None of the calls is a cancellation point:
 * see file.c.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "platform/area.h"
#include "platform/linux/linux.h"

/* Of an entry of pagemap. */
#define PRESENT (UINT64_C(1) << 63)
#define SWAPPED (UINT64_C(1) << 62)
#define OF_FILE (UINT64_C(1) << 61)

/* Pages asked about in one go: 2 KiB of stack. */
#define STEP_PAGES 256

static int open_to_read(const char *path)
{
	return (int)syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
}

static bool is_written(uint64_t entry)
{
	return (entry & (PRESENT | SWAPPED)) != 0 && (entry & OF_FILE) == 0;
}

/* How many entries there are now, of the first pages; at least one. */
static size_t ask(int pagemap, const char *at, size_t bytes, uint64_t entries[STEP_PAGES])
{
	size_t pages = bytes / vci_page_size;
	uint64_t place = (uintptr_t)at / vci_page_size * sizeof(entries[0]);
	ssize_t got;

	pages = pages < STEP_PAGES ? pages : STEP_PAGES;
	got = syscall(SYS_pread64, pagemap, entries, pages * sizeof(entries[0]), place);
	if (got >= (ssize_t)sizeof(entries[0])) {
		return (size_t)got / sizeof(entries[0]);
	}
	for (size_t i = 0; i < pages; i++) {
		entries[i] = PRESENT;
	}
	return pages;
}

static bool any_written(const char *view, size_t bytes)
{
	int pagemap = open_to_read("/proc/self/pagemap");
	uint64_t entries[STEP_PAGES];
	bool written = false;
	size_t done = 0;

	while (done < bytes && !written) {
		size_t n = ask(pagemap, view + done, bytes - done, entries);

		for (size_t i = 0; i < n; i++) {
			written = written || is_written(entries[i]);
		}
		done += n * vci_page_size;
	}
	if (pagemap >= 0) {
		syscall(SYS_close, pagemap);
	}
	return written;
}

bool vci_view_is_written(const char *view, size_t bytes)
{
	return VCI_OUTSIDE(any_written(view, bytes));
}

/* Of a page without access, by the one file that does not mind. */
static int save_closed(const char *from, size_t bytes, int file, uint64_t offset)
{
	int memory = open_to_read("/proc/self/mem");
	char *window = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, (off_t)offset);
	int error = -ENOTSUP;

	if (window == MAP_FAILED) {
		error = -ENOMEM;
	} else if (memory >= 0 &&
		   syscall(SYS_pread64, memory, window, bytes, (uintptr_t)from) == (ssize_t)bytes) {
		error = 0;
	}
	if (window != MAP_FAILED) {
		munmap(window, bytes);
	}
	if (memory >= 0) {
		syscall(SYS_close, memory);
	}
	return error;
}

/* At most STEP_PAGES. */
static int save_few(const char *from, size_t bytes, int file, uint64_t offset)
{
	size_t done = 0;

	while (done < bytes) {
		ssize_t n = syscall(SYS_pwrite64, file, from + done, bytes - done, offset + done);

		if (n > 0) {
			done += (size_t)n;
		} else if (n < 0 && errno == EFAULT) {
			return save_closed(from, bytes, file, offset);
		} else if (n == 0 || errno != EINTR) {
			return -ENOMEM;
		}
	}
	return 0;
}

/* Those of the pages that were written, neighbours in one go. */
static int save_written(const uint64_t *entries, size_t n, const char *from, int file,
			uint64_t offset)
{
	int error = 0;
	size_t i = 0;

	while (i < n && error == 0) {
		size_t first = i;

		while (i < n && is_written(entries[i])) {
			i++;
		}
		if (i > first) {
			error = save_few(from + first * vci_page_size, (i - first) * vci_page_size,
					 file, offset + first * vci_page_size);
		} else {
			i++;
		}
	}
	return error;
}

static int save(const char *view, size_t bytes, int file, uint64_t offset)
{
	int pagemap = open_to_read("/proc/self/pagemap");
	uint64_t entries[STEP_PAGES];
	size_t done = 0;
	int error = 0;

	while (error == 0 && done < bytes) {
		size_t n = ask(pagemap, view + done, bytes - done, entries);

		error = save_written(entries, n, view + done, file, offset + done);
		done += n * vci_page_size;
	}
	if (pagemap >= 0) {
		syscall(SYS_close, pagemap);
	}
	return error;
}

int vci_view_save(const char *view, size_t bytes, int file, uint64_t offset)
{
	return VCI_OUTSIDE(save(view, bytes, file, offset));
}
