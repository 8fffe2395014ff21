/*
 * Pages, and the guards below stacks.
 *
 * A guard is MADV_GUARD_INSTALL where the kernel has it (6.13), because it
 * needs no mapping of its own, else PROT_NONE, which splits the mapping: two
 * more for each stack, and vm.max_map_count bounds them.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include "platform/annotate.h"
#include "platform/linux/linux.h"

/* The headers of the system may be older than its kernel. */
#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102
#endif

size_t vci_page_size;
static bool has_guard_pages;

/*
 * Whether guards guard.  Under qemu-user the call succeeds and does nothing:
 * so the kernel is asked to read from a guarded page, which must fail.
 */
static bool probe_guard_pages(void)
{
	int error = errno;
	bool guards = false;
	int ends[2];
	void *page = vci_pages_reserve(vci_page_size);

	if (page != NULL && pipe(ends) == 0) {
		*(volatile char *)page = 1;
		guards = madvise(page, vci_page_size, MADV_GUARD_INSTALL) == 0 &&
			 write(ends[1], page, 1) == -1 && errno == EFAULT;
		close(ends[0]);
		close(ends[1]);
	}
	vci_pages_release(page, vci_page_size);
	errno = error;
	return guards;
}

void vci_pages_open(void)
{
	vci_page_size = (size_t)sysconf(_SC_PAGESIZE);
	has_guard_pages = probe_guard_pages();
}

void *vci_pages_reserve(size_t bytes)
{
	int *error = vci_errno_address();
	int saved = *error;
	void *address = VCI_OUTSIDE(mmap(NULL, bytes, PROT_READ | PROT_WRITE,
					 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));

	if (address == MAP_FAILED) {
		*error = saved;
		return NULL;
	}
	vci_annotate_fresh(address, bytes);
	/* A stack in use is one small page: a huge one would waste the rest. */
	(void)VCI_OUTSIDE(madvise(address, bytes, MADV_NOHUGEPAGE));
	*error = saved;
	return address;
}

void vci_pages_release(void *address, size_t bytes)
{
	if (address != NULL) {
		(void)VCI_OUTSIDE(munmap(address, bytes));
	}
}

void vci_pages_purge(void *address, size_t bytes)
{
	int *error = vci_errno_address();
	int saved = *error;

	(void)VCI_OUTSIDE(madvise(address, bytes, MADV_DONTNEED));
	*error = saved;
}

int vci_pages_guard(void *address, size_t bytes, const char **limit)
{
	int *error = vci_errno_address();
	int saved = *error;
	int failed = -1;

	if (has_guard_pages) {
		failed = VCI_OUTSIDE(madvise(address, bytes, MADV_GUARD_INSTALL));
	}
	if (!has_guard_pages || (failed != 0 && *error == EINVAL)) { /* a locked mapping */
		failed = VCI_OUTSIDE(mprotect(address, bytes, PROT_NONE));
		if (failed != 0) {
			__atomic_store_n(limit, "vm.max_map_count", __ATOMIC_RELAXED);
		}
	} else if (failed != 0) {
		__atomic_store_n(limit, "memory", __ATOMIC_RELAXED);
	}
	*error = saved;
	return failed == 0 ? 0 : -ENOMEM;
}

size_t vci_pages_untouched(void *low, size_t bytes)
{
	int *error = vci_errno_address();
	int saved = *error;
	size_t untouched = 0;
	unsigned char resident[16];

	while (untouched < bytes) {
		size_t step = sizeof resident * vci_page_size;
		size_t pages;

		if (step > bytes - untouched) {
			step = bytes - untouched;
		}
		if (VCI_OUTSIDE(mincore((char *)low + untouched, step, resident)) != 0) {
			break;
		}
		pages = (step + vci_page_size - 1) / vci_page_size;
		for (size_t i = 0; i < pages; i++) {
			if (resident[i] & 1) {
				*error = saved;
				return untouched;
			}
			untouched += vci_page_size;
		}
	}
	*error = saved;
	return untouched < bytes ? untouched : bytes;
}
