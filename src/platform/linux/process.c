/*
 * The process: what is set up once, fork, the environment, output.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "platform/linux/linux.h"

unsigned vci_cpus;

static void open_once(void)
{
	vci_cpus = vci_cpu_count();
	vci_kernel_threads_open();
	vci_pages_open();
	vci_fences_open();
	vci_leaves_open();
}

int vci_platform_open(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	return VCI_OUTSIDE(pthread_once(&once, open_once));
}

int vci_at_fork(void (*before)(void), void (*after_parent)(void), void (*after_child)(void))
{
	return -VCI_OUTSIDE(pthread_atfork(before, after_parent, after_child));
}

static enum vci_environment parse(const char *name, uint64_t *number)
{
	const char *text = secure_getenv(name);
	char *end;
	enum vci_environment kind = VCI_NUMBER;

	if (text == NULL || *text == '\0') {
		return VCI_UNSET;
	}
	if (strcmp(text, "off") == 0) {
		return VCI_OFF;
	}
	errno = 0;
	*number = strtoull(text, &end, 10);
	if (*text < '0' || *text > '9' || *end != '\0' || errno != 0) {
		kind = VCI_BAD;
	}
	return kind;
}

enum vci_environment vci_environment(const char *name, uint64_t *number)
{
	return VCI_OUTSIDE(parse(name, number));
}

static long system_call(long number, long a, long b, long c, long d, long e, long f)
{
	long result = syscall(number, a, b, c, d, e, f);

	return result == -1 ? -errno : result;
}

long vci_system_call(long number, long a, long b, long c, long d, long e, long f)
{
	return VCI_OUTSIDE(system_call(number, a, b, c, d, e, f));
}

/* --- calls that may block ----------------------------------------------------- */

static int poll_until(struct pollfd *fds, size_t n, vcore_instant deadline)
{
	struct timespec left = {0, 0};
	int ready;

	if (deadline != VCORE_NEVER) {
		vcore_instant now = vci_clock();

		if (deadline > now) {
			left.tv_sec = (deadline - now) / 1000000000;
			left.tv_nsec = (deadline - now) % 1000000000;
		}
	}
	ready = ppoll(fds, n, deadline != VCORE_NEVER ? &left : NULL, NULL);
	return ready < 0 ? -errno : ready;
}

int vci_poll(struct pollfd *fds, size_t n, vcore_instant deadline)
{
	return VCI_AWAY(poll_until(fds, n, deadline));
}

static long read_some(int fd, void *bytes, size_t n)
{
	ssize_t result = read(fd, bytes, n);

	return result < 0 ? -errno : result;
}

long vci_read(int fd, void *bytes, size_t n)
{
	return VCI_AWAY(read_some(fd, bytes, n));
}

static int may_transfer(int fd, bool write)
{
	int flags = fcntl(fd, F_GETFL);
	int wrong = write ? O_RDONLY : O_WRONLY;

	return flags < 0 || (flags & O_PATH) || (flags & O_ACCMODE) == wrong ? -EBADF : 0;
}

int vci_may_transfer(int fd, bool write)
{
	return VCI_OUTSIDE(may_transfer(fd, write));
}

static enum vci_file file_kind(int fd)
{
	struct stat status = {.st_mode = 0};

	(void)fstat(fd, &status);
	return S_ISREG(status.st_mode)    ? VCI_FILE_REGULAR
	       : S_ISSOCK(status.st_mode) ? VCI_FILE_SOCKET
					  : VCI_FILE_OTHER;
}

enum vci_file vci_file_kind(int fd)
{
	return VCI_AWAY(file_kind(fd));
}

/* A file takes all; a pipe the least that it has room for. */
static long write_ready(int fd, enum vci_file kind, const void *bytes, size_t n)
{
	ssize_t result;

	if (kind == VCI_FILE_SOCKET) {
		result = send(fd, bytes, n, MSG_DONTWAIT);
	} else {
		result = write(fd, bytes, kind == VCI_FILE_REGULAR || n < PIPE_BUF ? n : PIPE_BUF);
	}
	return result < 0 ? -errno : result;
}

long vci_write_ready(int fd, enum vci_file kind, const void *bytes, size_t n)
{
	return VCI_AWAY(write_ready(fd, kind, bytes, n));
}

static long write_some(int fd, const void *bytes, size_t n)
{
	ssize_t result = write(fd, bytes, n);

	return result < 0 ? -errno : result;
}

int vci_write(int fd, const void *bytes, size_t n)
{
	const char *rest = bytes;

	while (n > 0) {
		long written = VCI_AWAY(write_some(fd, rest, n));

		if (written < 0 && written != -EINTR) {
			return (int)written;
		}
		if (written > 0) {
			rest += written;
			n -= (size_t)written;
		}
	}
	return 0;
}

void vci_abort(void)
{
	vci_local()->inside++;
	abort();
}

/* The kernel copies, and fails where we would fault. */
bool vci_peek(void *to, const void *from, size_t n)
{
	const struct iovec there = {.iov_base = (void *)(uintptr_t)from, .iov_len = n};
	const struct iovec here = {.iov_base = to, .iov_len = n};

	return vci_system_call(SYS_process_vm_readv, VCI_OUTSIDE(getpid()), (long)&here, 1,
			       (long)&there, 1, 0) == (long)n;
}
