/*
 * Areas: see platform/area.h.
 *
 * Where nothing is mapped there is PROT_NONE, never a hole; to map and to unmap
 * is to map over what is there, in one step.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <errno.h>
#include <sys/mman.h>

#include <vcore/space.h>

#include "platform/annotate.h"
#include "platform/area.h"
#include "platform/linux/linux.h"

/* The headers of the system may be older than its kernel. */
#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif

#define UNUSED (MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE)

/* To write is to read too: not all processors can tell. */
static int native(int protection)
{
	return (protection & VCORE_PROTECT_WRITE  ? PROT_READ | PROT_WRITE
		: protection & VCORE_PROTECT_READ ? PROT_READ
						  : PROT_NONE) |
	       (protection & VCORE_PROTECT_EXECUTE ? PROT_EXEC : PROT_NONE);
}

/* --- errors ---------------------------------------------------------------------------- */

/*
 * Whether the process could have two more mappings, which is what mapping into
 * the middle of an area costs: of three pages that are nobody's, and merge with
 * nothing, the one in the middle becomes another mapping.
 */
static bool could_split(void)
{
	char *pages = mmap(NULL, 3 * vci_page_size, PROT_NONE,
			   MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	bool could = pages != MAP_FAILED &&
		     mprotect(pages + vci_page_size, vci_page_size, PROT_READ) == 0;

	if (pages != MAP_FAILED) {
		munmap(pages, 3 * vci_page_size);
	}
	return could;
}

/*
 * The kernel says ENOMEM for memory and for mappings.  What tells them apart
 * is whether mappings that need no memory can be had.
 */
static int meaning(int error)
{
	switch (error) {
	case ENOMEM:
		return could_split() ? -ENOMEM : -EAGAIN;
	case EAGAIN: /* too much is locked */
	case EPERM:
		return error == EPERM ? -EACCES : -ENOMEM;
	default:
		return -error;
	}
}

/* --- mapping ------------------------------------------------------------------------------ */

/* Over what is there. */
static int put(char *at, size_t bytes, int native_protection, int flags, int file, uint64_t offset)
{
	if (mmap(at, bytes, native_protection, flags | MAP_FIXED, file, (off_t)offset) ==
	    MAP_FAILED) {
		return meaning(errno);
	}
	/* Of a mapping that is a whole: it splits none, and cannot fail. */
	madvise(at, bytes, MADV_DONTFORK);
	return 0;
}

static int reserve(size_t bytes, char **area)
{
	char *at = mmap(NULL, bytes, PROT_NONE, UNUSED, -1, 0);

	if (at == MAP_FAILED) {
		return meaning(errno);
	}
	madvise(at, bytes, MADV_DONTFORK);
	*area = at;
	return 0;
}

int vci_area_reserve(size_t bytes, char **area)
{
	return VCI_OUTSIDE(reserve(bytes, area));
}

/* A part of a mapping, where the range of another space lies beside: it splits. */
static int release(char *area, size_t bytes)
{
	return munmap(area, bytes) == 0 ? 0 : meaning(errno);
}

int vci_area_release(char *area, size_t bytes)
{
	return VCI_OUTSIDE(release(area, bytes));
}

int vci_area_map(char *at, size_t bytes, int protection, enum vci_area_kind kind, int file,
		 uint64_t offset)
{
	int flags = kind == VCI_AREA_SHARED ? MAP_SHARED : MAP_PRIVATE | MAP_NORESERVE;

	return VCI_OUTSIDE(put(at, bytes, native(protection), flags, file, offset));
}

/*
 * Without MAP_NORESERVE: where it lies beside unused pages and loses its
 * protection the two do not become one mapping, which to split again might fail.
 */
int vci_area_map_stack(char *at, size_t bytes, int protection)
{
	int error =
		VCI_OUTSIDE(put(at, bytes, native(protection), MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));

	if (error == 0) {
		(void)VCI_OUTSIDE(madvise(at, bytes, MADV_NOHUGEPAGE));
		(void)VCI_OUTSIDE(madvise(at, bytes, MADV_DOFORK)); /* the caller of fork has one */
	}
	return error;
}

void vci_area_forget_stack(char *at, size_t bytes)
{
	vci_annotate_fresh(at, bytes);
}

int vci_area_unmap(char *at, size_t bytes)
{
	return VCI_OUTSIDE(put(at, bytes, PROT_NONE, UNUSED, -1, 0));
}

static int protect(char *at, size_t bytes, int protection)
{
	return mprotect(at, bytes, native(protection)) == 0 ? 0 : meaning(errno);
}

int vci_area_protect(char *at, size_t bytes, int protection)
{
	return VCI_OUTSIDE(protect(at, bytes, protection));
}

static int prefer_huge(char *at, size_t bytes)
{
	return madvise(at, bytes, MADV_HUGEPAGE) == 0 ? madvise(at, bytes, MADV_COLLAPSE) : -1;
}

void vci_area_prefer_huge(char *at, size_t bytes)
{
	(void)VCI_OUTSIDE(prefer_huge(at, bytes));
}
