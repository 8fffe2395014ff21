/*
 * Slots: a pointer of its own for every thread under one name.
 *
 *	static struct vcore_slot cache;
 *
 *	vcore_slot_create(&cache, free);		// once
 *	...
 *	vcore_slot_set(cache, malloc(100));		// this thread's
 *	use(vcore_slot_get(cache));
 *
 * What _Thread_local is to a pthread, a slot is to a vcore thread: it stays
 * with the thread when the thread moves between kernel threads.  A plain
 * pthread has values of its own too.
 *
 * When a thread ends, the destructor of each slot whose value is not NULL is
 * called with that value, after the value was set to NULL; if destructors set
 * values again, up to four rounds are made.
 *
 *				create	delete	get	set
 *	from a vcore thread	yes	yes	yes	yes
 *	from a pthread		yes	yes	yes	yes
 *	from a signal handler	no	no	no	no
 *	may switch threads	no	no	no	no
 *	orders memory		release	no	no	no
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef VCORE_SLOT_H
#define VCORE_SLOT_H

#include <vcore/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/* How many slots a process may have at one time. */
#define VCORE_SLOTS_MAX 256

struct vcore_slot {
	uint32_t index_;      /* private */
	uint32_t generation_; /* private: 0 is no slot */
};

/*
 * Creates a slot; its value is NULL in every thread.  `destructor` may be
 * NULL.  Returns: 0, and *slot.  Errors: -EAGAIN (VCORE_SLOTS_MAX exist).
 */
VCORE_API int vcore_slot_create(struct vcore_slot *slot, void (*destructor)(void *));

/*
 * Deletes a slot.  No destructor is called: what threads hold in it is their
 * own affair.  Returns: 0.  Errors: -EINVAL (it is deleted already).
 */
VCORE_API int vcore_slot_delete(struct vcore_slot slot);

/* The calling thread's value; NULL if it set none, or of a deleted slot. */
VCORE_API void *vcore_slot_get(struct vcore_slot slot);

/*
 * Sets the calling thread's value.  Returns: 0.
 * Errors: -EINVAL (deleted), -ENOMEM (a thread's first use of any but the first
 * four slots of the process allocates a table; the value is then unchanged).
 */
VCORE_API int vcore_slot_set(struct vcore_slot slot, void *value);

#ifdef __cplusplus
}
#endif
#endif /* VCORE_SLOT_H */
