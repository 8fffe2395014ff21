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
#define MADV_GUARD_REMOVE  103
#endif

/* Pages asked about in one go. */
#define STEP_PAGES 16

size_t vci_page_size;
static bool has_guard_pages;

/*
 * Whether guards guard.  Under qemu-user the call succeeds and does nothing:
 * so the kernel is asked to read from a guarded page, which must fail.
 */
static bool probe_guard_pages(void)
{
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
	return guards;
}

void vci_pages_open(void)
{
	vci_page_size = (size_t)sysconf(_SC_PAGESIZE);
	has_guard_pages = probe_guard_pages();
}

void *vci_pages_reserve(size_t bytes)
{
	void *address = VCI_OUTSIDE(mmap(NULL, bytes, PROT_READ | PROT_WRITE,
					 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));

	if (address == MAP_FAILED) {
		return NULL;
	}
	vci_annotate_fresh(address, bytes);
	/* A stack in use is one small page: a huge one would waste the rest. */
	(void)VCI_OUTSIDE(madvise(address, bytes, MADV_NOHUGEPAGE));
	return address;
}

void vci_pages_release(void *address, size_t bytes)
{
	if (address != NULL) {
		vci_annotate_fresh(address, bytes); /* for whose mapping it is next */
		(void)VCI_OUTSIDE(munmap(address, bytes));
	}
}

void vci_pages_purge(void *address, size_t bytes)
{
	(void)VCI_OUTSIDE(madvise(address, bytes, MADV_DONTNEED));
}

static int guard(void *address, size_t bytes, const char **limit)
{
	if (has_guard_pages) {
		if (madvise(address, bytes, MADV_GUARD_INSTALL) == 0) {
			return 0;
		}
		*limit = "memory";
		if (errno != EINVAL) { /* what a locked mapping gets */
			return -ENOMEM;
		}
	}
	*limit = "vm.max_map_count";
	return mprotect(address, bytes, PROT_NONE) == 0 ? 0 : -ENOMEM;
}

bool vci_pages_have_guards(void)
{
	return has_guard_pages;
}

int vci_pages_guard(void *address, size_t bytes, const char **limit)
{
	const char *reached;
	int error = VCI_OUTSIDE(guard(address, bytes, &reached));

	if (error != 0) {
		__atomic_store_n(limit, reached, __ATOMIC_RELAXED);
	}
	return error;
}

/* Which of the two the guard is need not be known: undoing the other changes nothing. */
static int unguard(void *address, size_t bytes)
{
	if (has_guard_pages && madvise(address, bytes, MADV_GUARD_REMOVE) != 0) {
		return -ENOMEM;
	}
	return mprotect(address, bytes, PROT_READ | PROT_WRITE) == 0 ? 0 : -ENOMEM;
}

int vci_pages_unguard(void *address, size_t bytes)
{
	return VCI_OUTSIDE(unguard(address, bytes));
}

/* How many of the first `bytes` are in pages that are not there; of the first step. */
static size_t absent(char *low, size_t bytes)
{
	unsigned char resident[STEP_PAGES];
	size_t pages = (bytes + vci_page_size - 1) / vci_page_size;
	size_t n = 0;

	if (mincore(low, bytes, resident) != 0) {
		return 0;
	}
	while (n < pages && !(resident[n] & 1)) {
		n++;
	}
	return n * vci_page_size;
}

size_t vci_pages_untouched(void *low, size_t bytes)
{
	size_t step = STEP_PAGES * vci_page_size;
	size_t untouched = 0;
	size_t n;

	do {
		step = bytes - untouched < step ? bytes - untouched : step;
		n = VCI_OUTSIDE(absent((char *)low + untouched, step));
		untouched += n;
	} while (n >= step && untouched < bytes);
	return untouched < bytes ? untouched : bytes;
}
