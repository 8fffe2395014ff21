/*
 * Calls that block in the kernel: see vcore/io.h.
 *
 * They wait in poll (and read and write no more than is there then), which every
 * signal ends: a destroyer sends one, again and again until the thread has found
 * out (preempt.c), for the first may come just before the call.  `polls` says that
 * this is so; it is set before the thread looks whether it is to end, as a
 * destroyer asks it to before it looks at `polls`.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <vcore/io.h>

#include <errno.h>
#include <poll.h>

#include "sync/wait.h"

static void set_polls(struct vcore_thread *self, bool polls)
{
	if (self != NULL) {
		__atomic_store_n(&self->polls, polls, __ATOMIC_RELAXED);
	}
}

/* How often a thread looks whether it is to end, if no tick can tell it. */
#define LOOK_NS INT64_C(50000000)

static vcore_instant until(const struct vcore_thread *self, vcore_instant deadline)
{
	vcore_instant soon;

	if (self == NULL || vci_runtime_has_ticks(self->runtime)) {
		return deadline;
	}
	soon = vcore_after(LOOK_NS);
	return soon < deadline ? soon : deadline;
}

/* One call of poll; -EINTR, and 0 before the deadline, too. */
static int poll_once(struct vcore_thread *self, struct pollfd *fds, size_t n,
		     vcore_instant deadline)
{
	int ready = -EINTR;

	set_polls(self, true);
	vci_fence_light(); /* pairs with the heavy fence in destroy.c */
	if (self == NULL || !vci_end_is_due(self)) {
		ready = vci_poll(fds, n, until(self, deadline));
	}
	set_polls(self, false);
	return ready;
}

int vcore_poll(struct pollfd *fds, size_t n, vcore_instant deadline)
{
	int ready;

	(void)vci_wait_enter();
	do { /* let go by the first tick, it stays so until it is done */
		vci_wait_pass();
		ready = poll_once(vci_thread_self(), fds, n, deadline);
	} while (ready == -EINTR || (ready == 0 && !vci_wait_is_over(deadline)));
	(void)vci_wait_enter();
	return ready != 0 ? ready : -ETIMEDOUT;
}

/* --- whole buffers ------------------------------------------------------------------ */

static int wait_for(int fd, short events, vcore_instant deadline)
{
	struct pollfd poll = {.fd = fd, .events = events};
	int ready = vcore_poll(&poll, 1, deadline);

	return ready < 0 ? ready : 0;
}

static bool is_passing(long error)
{
	return error == -EINTR || error == -EAGAIN;
}

ssize_t vcore_read(int fd, void *buffer, size_t n, vcore_instant deadline)
{
	size_t done = 0;
	long result = vci_may_transfer(fd, false);

	if (result < 0) {
		return result;
	}
	result = 1;
	while (done < n && result != 0) {
		result = wait_for(fd, POLLIN, deadline);
		if (result == 0) {
			result = vci_read(fd, (char *)buffer + done, n - done);
		}
		if (result > 0) {
			done += (size_t)result;
		} else if (result < 0 && !is_passing(result)) {
			return done > 0 ? (ssize_t)done : result;
		}
	}
	return (ssize_t)done;
}

ssize_t vcore_write(int fd, const void *buffer, size_t n, vcore_instant deadline)
{
	enum vci_file kind = vci_file_kind(fd);
	size_t done = 0;
	long result = vci_may_transfer(fd, true);

	if (result < 0) {
		return result;
	}
	while (done < n) {
		result = wait_for(fd, POLLOUT, deadline);
		if (result == 0) {
			result = vci_write_ready(fd, kind, (const char *)buffer + done, n - done);
		}
		if (result > 0) {
			done += (size_t)result;
		} else if (!is_passing(result)) {
			return done > 0 ? (ssize_t)done : result;
		}
	}
	return (ssize_t)done;
}
