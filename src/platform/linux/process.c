/*
 * The process: what is set up once, fork, the environment, output.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "platform/linux/linux.h"

static void open_once(void)
{
	vci_pages_open();
	vci_fences_open();
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

static int write_all(int fd, const char *bytes, size_t n)
{
	while (n > 0) {
		ssize_t written = write(fd, bytes, n);

		if (written < 0 && errno != EINTR) {
			return -errno;
		}
		if (written > 0) {
			bytes += written;
			n -= (size_t)written;
		}
	}
	return 0;
}

int vci_write(int fd, const void *bytes, size_t n)
{
	return VCI_OUTSIDE(write_all(fd, bytes, n));
}

void vci_abort(void)
{
	vci_local()->inside++;
	abort();
}
