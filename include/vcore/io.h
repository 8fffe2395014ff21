/*
 * Calls that block in the kernel, and are not cut short by ticks.
 *
 * A vcore thread may make any system call: one that blocks is let go at the
 * next tick, and others get its processor (preempt.h).  But a tick is a signal,
 * and some calls end early when one arrives: poll, select and sleeps return
 * EINTR although SA_RESTART is set, and a write to a pipe may be short.  These
 * here go on:
 *
 *	struct pollfd fd = {.fd = socket, .events = POLLIN};
 *	int ready = vcore_poll(&fd, 1, vcore_after(1000000000));
 *
 *	if (ready == -ETIMEDOUT) ...
 *
 *	vcore_read(pipe, buffer, sizeof buffer, VCORE_NEVER);
 *
 * To sleep is vcore_sleep (thread.h): it needs no kernel thread.
 *
 *				poll	read	write
 *	from a vcore thread	yes	yes	yes
 *	from a pthread		yes	yes	yes
 *	from a signal handler	no	no	no
 *	may switch threads	yes	yes	yes
 *	acts on destroy		yes	yes	yes
 *	orders memory		no	no	no
 *
 * A thread that is destroyed while it waits here ends at once; in a runtime
 * without ticks within 50 ms.  What read and write had transferred by then is
 * lost with it.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef VCORE_IO_H
#define VCORE_IO_H

#include <sys/types.h>

#include <vcore/base.h>

#ifdef __cplusplus
extern "C" {
#endif

struct pollfd; /* <poll.h> */

/*
 * poll(2), until the deadline.
 *
 * Returns: how many of the n descriptors are ready, at least 1.
 * Errors: -ETIMEDOUT; else those of poll(2), negated, -EINTR never.
 */
VCORE_API int vcore_poll(struct pollfd *fds, size_t n, vcore_instant deadline);

/*
 * Reads n bytes, all of them: it waits for more until the deadline, or the end
 * of the file.  With a deadline or on a descriptor with O_NONBLOCK it waits in
 * poll; others that read from the same descriptor may still make it wait longer.
 *
 * Returns: how many bytes were read: n, or fewer if the end of the file, the
 *	deadline or an error came after some.
 * Errors: -ETIMEDOUT or the error of read(2), negated, if it came before the
 *	first byte; -EINTR and -EAGAIN never.
 */
VCORE_API ssize_t vcore_read(int fd, void *buffer, size_t n, vcore_instant deadline);

/*
 * Writes n bytes, all of them, likewise.  On a socket that keeps messages apart
 * they are one message.
 */
VCORE_API ssize_t vcore_write(int fd, const void *buffer, size_t n, vcore_instant deadline);

#ifdef __cplusplus
}
#endif
#endif /* VCORE_IO_H */
