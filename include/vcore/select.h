/*
 * Select: waits for the first of several things that can be done, and does it.
 *
 *	struct vcore_case cases[] = {
 *		{.kind = VCORE_CASE_RECEIVE, .buffer = requests, .message = &request},
 *		{.kind = VCORE_CASE_AWAIT, .event = &stop, .value = 0},
 *	};
 *
 *	switch (vcore_select(cases, 2, vcore_after(1000000))) {
 *	case 0:
 *		if (cases[0].status == -EPIPE)	// closed, and all was received
 *			return;
 *		serve(&request);
 *		break;
 *	case 1:
 *		return;
 *	case -ETIMEDOUT:
 *		...
 *	}
 *
 * Exactly one case is done, or none after the deadline.  Where several can be
 * done at the same time one of them is chosen at random: none is preferred, and
 * none that can be done again and again keeps the others out.  But who has waited
 * tries the one first that has woken it.
 *
 *				vcore_select
 *	from a vcore thread	yes
 *	from a pthread		yes
 *	from a signal handler	no
 *	may switch threads	yes
 *	acts on destroy		yes: before a case was done
 *	orders memory		as the call that the case stands for
 *
 * Source: the alternative command of C. A. R. Hoare, Communicating sequential
 * processes (1978).
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef VCORE_SELECT_H
#define VCORE_SELECT_H

#include <vcore/base.h>

#ifdef __cplusplus
extern "C" {
#endif

struct vcore_buffer;
struct vcore_eventcount;
struct vcore_exit;
struct vcore_thread;

enum vcore_case_kind {
	VCORE_CASE_SEND,    /* vcore_buffer_send(buffer, message) */
	VCORE_CASE_RECEIVE, /* vcore_buffer_receive(buffer, message) */
	VCORE_CASE_AWAIT,   /* vcore_eventcount_await(event, value) */
	VCORE_CASE_JOIN,    /* vcore_thread_join(thread, exit) */
};

/*
 * One case.  The caller sets the kind and the members that its call takes; all
 * others may have any value.  The structure is the library's during the call.
 * Where buffer, event or thread is NULL the case is never done: so cases can be
 * turned off.
 */
struct vcore_case {
	enum vcore_case_kind kind;
	struct vcore_buffer *buffer;
	void *message; /* SEND only reads it */
	struct vcore_eventcount *event;
	int64_t value;
	struct vcore_thread *thread;
	struct vcore_exit *exit; /* may be NULL */
	/* what its call returned, once it is done: 0; or -EPIPE, JOIN: -ESHUTDOWN */
	int status;
	uint64_t private_[10];
};

/*
 * Does one of n cases.  A case that can be done at once is, even if the deadline
 * has passed.  No memory is allocated, but for a pthread's first wait, and for a
 * thread of an exclusive space, which needs a copy of the cases outside of it.
 *
 * Requires: no thread is joined by two cases, or by another thread at the same
 *	time, or is the caller (checked: panics).
 * Returns: the index of the case that was done.
 * Errors: -ETIMEDOUT: none was; -ENOMEM: there is no memory for a pthread's first
 *	wait.
 */
VCORE_API int vcore_select(struct vcore_case *cases, size_t n, vcore_instant deadline);

#ifdef __cplusplus
}
#endif
#endif /* VCORE_SELECT_H */
