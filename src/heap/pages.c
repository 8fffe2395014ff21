/*
 * Pages, from the system: what lies outside of the space, and what is given back
 * inside.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <errno.h>
#include <sys/mman.h>

#include "heap/heap.h"

static void unmap(char *from, const char *to)
{
	if (from < to) {
		(void)munmap(from, (size_t)(to - from));
	}
}

/* Never huge pages: of two megabytes an arena touches a few dozen kilobytes. */
void *vci_heap_pages_get(size_t bytes, size_t alignment)
{
	int saved = errno;
	size_t more = bytes + alignment;
	char *pages = MAP_FAILED;
	char *aligned = NULL;

	if (more > bytes) {
		pages = mmap(NULL, more, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	}
	if (pages != MAP_FAILED) {
		aligned = pages + (-(uintptr_t)pages & (alignment - 1));
		unmap(pages, aligned);
		unmap(aligned + bytes, pages + more);
		(void)madvise(aligned, bytes, MADV_NOHUGEPAGE);
	}
	errno = saved;
	return aligned;
}

void vci_heap_pages_put(void *pages, size_t bytes)
{
	int saved = errno;

	(void)munmap(pages, bytes);
	errno = saved;
}

bool vci_heap_pages_discard(void *pages, size_t bytes)
{
	int saved = errno;
	bool done = madvise(pages, bytes, MADV_REMOVE) == 0;

	errno = saved;
	return done;
}
