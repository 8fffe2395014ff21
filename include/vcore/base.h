/*
 * What all of libvcore's headers share: linkage, and time.
 *
 * Time is an instant on CLOCK_MONOTONIC.  Every call that can wait takes an
 * absolute one as its last argument, the deadline, so that a series of waits
 * shares one bound:
 *
 *	vcore_instant deadline = vcore_after(50 * 1000000);	// 50 ms
 *
 *	while (...) {
 *		if (vcore_eventcount_await(&event, n, deadline) != 0)
 *			return late();
 *	}
 *
 * A deadline that has passed makes the call a question: it answers at once,
 * 0 if it need not wait and -ETIMEDOUT if it would.
 *
 * Errors are negative errno values (-EAGAIN, ...), never errno itself, and
 * never -EINTR.  Misuse that can be recognised in constant time is no error
 * but a panic: see struct vcore_report in runtime.h.  So is NULL for an object,
 * a function or a result that a call needs; options and `exit` may be NULL, and
 * what destroys, deallocates, closes or deletes accepts it.
 *
 *				vcore_now	vcore_after
 *	from a vcore thread	yes		yes
 *	from a pthread		yes		yes
 *	from a signal handler	no		no
 *	may switch threads	no		no
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef VCORE_BASE_H
#define VCORE_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VCORE_API __attribute__((visibility("default")))

#ifdef __cplusplus
extern "C" {
#endif

/* An instant on CLOCK_MONOTONIC, in nanoseconds. */
typedef int64_t vcore_instant;

/* The instant that never comes: a deadline of VCORE_NEVER waits forever. */
#define VCORE_NEVER INT64_MAX

/* The present instant. */
VCORE_API vcore_instant vcore_now(void);

/*
 * The instant `nanoseconds` from now.  It saturates: what would lie beyond
 * the end of time is VCORE_NEVER, what would lie before the beginning is 0.
 */
VCORE_API vcore_instant vcore_after(int64_t nanoseconds);

#ifdef __cplusplus
}
#endif
#endif /* VCORE_BASE_H */
