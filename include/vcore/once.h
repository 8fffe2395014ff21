/*
 * Once: something is done by whoever comes first, and all others wait until it
 * is done.
 *
 *	static struct vcore_once once;
 *
 *	vcore_once_call(&once, load_tables, NULL);
 *	...	// the tables are loaded
 *
 * All-zero bytes say that it has not been done.  The function runs in the
 * caller's thread, with destroy disabled.  If the thread ends in it nevertheless
 * (by vcore_thread_exit), it has not been done, and the next caller does it.  No
 * C++ exception may leave it.
 *
 * It may be freed as soon as all calls have returned.
 *
 *				call
 *	from a vcore thread	yes
 *	from a pthread		yes
 *	from a signal handler	no
 *	may switch threads	yes
 *	acts on destroy		yes, before the function is called
 *	orders memory		what the function did is seen by all afterwards
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef VCORE_ONCE_H
#define VCORE_ONCE_H

#include <vcore/lock.h>

#ifdef __cplusplus
extern "C" {
#endif

struct vcore_once {
	struct vcore_lock lock_; /* private */
	uint64_t done_;          /* private */
};

/* clang-format off */
#define VCORE_ONCE_INITIALIZER {{0, 0}, 0}
/* clang-format on */

/*
 * Calls f(argument) if no call has returned from it yet; waits while another
 * thread does.
 *
 * Requires: it is not called by the function itself; there is memory for a
 *	pthread's first call (both checked: panics).
 */
VCORE_API void vcore_once_call(struct vcore_once *once, void (*f)(void *argument), void *argument);

/*
 * The same, but does not wait for another thread longer than to the deadline.
 *
 * Returns: 0.  Errors: -ETIMEDOUT: another is still at it; -ENOMEM: there is no
 *	memory for a pthread's first call.
 */
VCORE_API int vcore_once_call_until(struct vcore_once *once, void (*f)(void *argument),
				    void *argument, vcore_instant deadline);

#ifdef __cplusplus
}
#endif
#endif /* VCORE_ONCE_H */
