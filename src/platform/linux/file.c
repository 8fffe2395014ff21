/*
 * The file that blocks are runs of: see platform/area.h.
 *
 * What libc has of pread, pwrite, fallocate and close are cancellation points: a
 * pthread that ended there would take with it the lock that it has.  So these
 * are made as system calls.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "platform/area.h"
#include "platform/linux/linux.h"

/* The headers of the system may be older than its kernel. */
#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 8U
#endif
#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif
#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif

/* One system call transfers no more. */
#define TRANSFER_MOST ((size_t)1 << 30)

/* --- the file ------------------------------------------------------------------------- */

/* Kernels before 6.3 do not know the flag, later ones want one. */
static int open_file(void)
{
	int file = memfd_create("vcore", MFD_CLOEXEC | MFD_NOEXEC_SEAL);

	if (file < 0 && errno == EINVAL) {
		file = memfd_create("vcore", MFD_CLOEXEC);
	}
	return file < 0 ? -errno : file;
}

int vci_file_open(void)
{
	return VCI_OUTSIDE(open_file());
}

void vci_file_close(int file)
{
	(void)VCI_OUTSIDE(syscall(SYS_close, file));
}

/* Beyond the limit for files a signal would come, which ends the process. */
static int grow(int file, uint64_t bytes)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur < bytes) {
		return -EFBIG;
	}
	return ftruncate(file, (off_t)bytes) == 0 ? 0 : -errno;
}

int vci_file_grow(int file, uint64_t bytes)
{
	return VCI_OUTSIDE(grow(file, bytes));
}

void vci_file_punch(int file, uint64_t offset, size_t bytes)
{
	(void)VCI_OUTSIDE(syscall(SYS_fallocate, file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
				  offset, bytes));
}

/* --- reading and writing ----------------------------------------------------------------- */

static ssize_t transfer(int file, uint64_t offset, char *memory, size_t bytes, bool write)
{
	size_t n = bytes < TRANSFER_MOST ? bytes : TRANSFER_MOST;

	return write ? syscall(SYS_pwrite64, file, memory, n, offset)
		     : syscall(SYS_pread64, file, memory, n, offset);
}

static int transfer_all(int file, uint64_t offset, char *memory, size_t bytes, bool write)
{
	while (bytes > 0) {
		ssize_t n = transfer(file, offset, memory, bytes, write);

		if (n > 0) {
			offset += (size_t)n;
			memory += n;
			bytes -= (size_t)n;
		} else if (n == 0 || errno != EINTR) {
			return n == 0 || errno == EFAULT ? -EFAULT : -ENOMEM;
		}
	}
	return 0;
}

int vci_file_read(int file, uint64_t offset, void *memory, size_t bytes)
{
	return VCI_OUTSIDE(transfer_all(file, offset, memory, bytes, false));
}

int vci_file_write(int file, uint64_t offset, const void *memory, size_t bytes)
{
	return VCI_OUTSIDE(transfer_all(file, offset, (char *)(uintptr_t)memory, bytes, true));
}

/* --- copying ------------------------------------------------------------------------------- */

/* A part of the file, where nobody else looks for it; MAP_FAILED. */
static char *open_window(int file, uint64_t offset, size_t bytes)
{
	char *window = mmap(NULL, bytes, PROT_READ, MAP_SHARED, file, (off_t)offset);

	if (window != MAP_FAILED) {
		madvise(window, bytes, MADV_DONTFORK);
	}
	return window;
}

/* The next pages from *at on that the file has; false: none before the end. */
static bool find_data(int file, uint64_t *at, uint64_t *to, uint64_t end)
{
	off_t data = lseek(file, (off_t)*at, SEEK_DATA);
	off_t hole;

	if (data < 0 || (uint64_t)data >= end) {
		return false;
	}
	hole = lseek(file, data, SEEK_HOLE);
	*at = (uint64_t)data;
	*to = hole < 0 || (uint64_t)hole > end ? end : (uint64_t)hole;
	return true;
}

static int copy(int file, uint64_t from, uint64_t to, size_t bytes)
{
	char *window = open_window(file, from, bytes);
	uint64_t at = from;
	uint64_t hole;
	int error = 0;

	if (window == MAP_FAILED) {
		return -errno;
	}
	while (error == 0 && find_data(file, &at, &hole, from + bytes)) {
		error = transfer_all(file, to + (at - from), window + (at - from), hole - at, true);
		at = hole;
	}
	munmap(window, bytes);
	return error;
}

int vci_file_copy(int file, uint64_t from, uint64_t to, size_t bytes)
{
	return VCI_OUTSIDE(copy(file, from, to, bytes));
}

/* --- huge pages ------------------------------------------------------------------------------ */

size_t vci_huge_bytes(void)
{
	return vci_page_size / sizeof(uint64_t) * vci_page_size; /* of one table's entries */
}

/*
 * Touched where they may be huge, they are huge at once; what could not be so
 * at that instant the system tries again to make so.
 */
static int fill(char *window, size_t bytes, int file, uint64_t offset, bool *huge)
{
	if (mmap(window, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, file,
		 (off_t)offset) == MAP_FAILED) {
		return -errno;
	}
	madvise(window, bytes, MADV_DONTFORK);
	madvise(window, bytes, MADV_HUGEPAGE);
	if (madvise(window, bytes, MADV_POPULATE_WRITE) != 0 &&
	    syscall(SYS_fallocate, file, 0, offset, bytes) != 0) {
		return -ENOMEM;
	}
	*huge = madvise(window, bytes, MADV_COLLAPSE) == 0;
	return 0;
}

/* Through a window, on the boundary of a huge page. */
static int fill_through(int file, uint64_t offset, size_t bytes, bool *huge)
{
	size_t unit = vci_huge_bytes();
	char *area = mmap(NULL, bytes + unit, PROT_NONE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	int error;

	if (area == MAP_FAILED) {
		return -errno;
	}
	error = fill((char *)vci_round_up((uintptr_t)area, unit), bytes, file, offset, huge);
	munmap(area, bytes + unit);
	return error;
}

int vci_file_fill(int file, uint64_t offset, size_t bytes, bool *huge)
{
	return VCI_OUTSIDE(fill_through(file, offset, bytes, huge));
}
