/*
 * Processors: who runs next.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef VCI_PROCESSOR_H
#define VCI_PROCESSOR_H

#include "sched/sched.h"

/*
 * Chooses the thread that the processor runs next, of priority `least` or
 * above (but see thread.h on starvation); NULL if it has none.  All choices
 * are made here.
 */
struct vcore_thread *vci_pick(struct vci_processor *processor, int least);

/*
 * The choice for a thread that yields, if it is a plain one: NULL, or the next
 * thread, and the queue stays locked until vci_queue_rotate_end.
 */
struct vcore_thread *vci_pick_rotating(struct vci_processor *processor,
				       const struct vcore_thread *yielding);

/* The next choice is the fair one. */
void vci_pick_fairly_next(struct vci_processor *processor);

/* A server's time is up: it must return to its own stack. */
bool vci_processor_is_leaving(struct vci_processor *processor);

/*
 * Reads the clock, and charges the time since the last look to `running` (NULL:
 * to nobody).
 */
void vci_processor_look_at_clock(struct vci_processor *processor, struct vcore_thread *running);

/* What others have sent, and what has become due, comes into the queue. */
void vci_processor_gather(struct vci_processor *processor, vcore_instant now);

/* The thread that is about to run there has a quantum from now on. */
void vci_processor_begin_slice(struct vci_processor *processor, vcore_instant now);

/* A tick is handled: the least priority that may take the processor now from one of `priority`. */
int vci_processor_least(struct vci_processor *processor, int priority, vcore_instant now);

#endif /* VCI_PROCESSOR_H */
