/*
 * Whose turn it is: what the gate of exclusive spaces knows (gang.h), and what it
 * does with its lock held.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef VCI_TURNS_H
#define VCI_TURNS_H

#include "memory/space.h"
#include "sched/gang.h"

/* A space that has threads, and those that are held; guarded by the lock. */
struct vci_gang {
	struct vcore_space *space;
	uint64_t threads;
	struct vcore_thread *first, *last; /* by next */
	bool wished;                       /* for one that is to come by itself */
	int64_t slice;                     /* of who was held last */
	struct vci_gang *next;             /* that waits */
};

struct vci_turns {
	struct vci_spin lock;
	/* guarded by lock */
	uint64_t gangs;
	struct vci_gang *open;        /* or NULL */
	struct vci_processor *inside; /* by next_inside */
	uint32_t running, alone;      /* processors inside; threads without one */
	bool called, changing;
	vcore_instant since; /* it was opened */
	int64_t slice;
	struct vci_gang *first, *last; /* that wait */
};

extern struct vci_turns vci_turns;

static inline struct vci_gang *vci_gang_of(const struct vcore_space *space)
{
	return space->gang;
}

/* The slice of the open one begins, as long as the thread's runtime says. */
void vci_turns_begin_slice(const struct vcore_thread *thread);
/* When it is over, and somebody is to look. */
void vci_turns_set_until(vcore_instant until);

/* Who is inside. */
bool vci_turns_none_inside(void);
void vci_turns_add(struct vci_processor *processor);
void vci_turns_take(struct vci_processor *processor);

/* Whether a thread of the gang may come in as things are; it does. */
bool vci_turns_may_join(const struct vci_gang *gang);
void vci_turns_join(struct vci_processor *processor, const struct vcore_thread *thread);

/* Who may not is held, or will try again. */
void vci_turns_hold(struct vci_gang *gang, struct vcore_thread *thread);
void vci_turns_wish(struct vci_gang *gang, const struct vcore_thread *thread);

/* Its threads are held no longer: a chain by next. */
struct vcore_thread *vci_turns_release(struct vci_gang *gang);

/*
 * Closes the one, opens the other; the lock is not held meanwhile.  False: the system
 * has no more mappings, and nobody's is open.
 */
bool vci_turns_change(struct vci_gang *to);

/* If nobody is inside, the next one's turn begins: its threads, to be sent, or NULL. */
struct vcore_thread *vci_turns_call_next(void);

#endif /* VCI_TURNS_H */
