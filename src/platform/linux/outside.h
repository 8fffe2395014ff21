/*
 * The one way out of library text.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef VCI_OUTSIDE_H
#define VCI_OUTSIDE_H

#include <errno.h>

#include "platform/platform.h"

/*
 * Evaluates a call into libc with `inside` raised, and leaves errno as it was:
 * it is the application's.  What failed is told by the result: functions that
 * need to know more return -errno.  A call-out never switches, so that the
 * kernel thread is the same before and after it.
 */
#define VCI_OUTSIDE(call)                                                                          \
	({                                                                                         \
		struct vci_local *local_ = vci_local();                                            \
		local_->inside++;                                                                  \
		__asm__ volatile("" ::: "memory");                                                 \
		__auto_type kept_ = VCI_AWAY(call);                                                \
		__asm__ volatile("" ::: "memory");                                                 \
		local_->inside--;                                                                  \
		kept_;                                                                             \
	})

/*
 * The same for a call that may block for long, and whose caller holds nothing:
 * `inside` stays as it is, so that a tick may take the processor away meanwhile.
 * The caller may be without one afterwards.
 */
#define VCI_AWAY(call)                                                                             \
	({                                                                                         \
		int saved_ = errno;                                                                \
		__auto_type result_ = (call);                                                      \
		errno = saved_;                                                                    \
		result_;                                                                           \
	})

#endif /* VCI_OUTSIDE_H */
