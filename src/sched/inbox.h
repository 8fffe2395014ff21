/*
 * Threads made runnable from elsewhere: by another processor, another runtime,
 * or a plain pthread.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef VCI_INBOX_H
#define VCI_INBOX_H

#include "sched/sched.h"

/* To its runtime, or the processor it is pinned to; and wakes one for it. */
void vci_inbox_send(struct vcore_thread *thread);

/* To a processor, whether or not it is pinned there. */
void vci_inbox_send_to(struct vci_processor *processor, struct vcore_thread *thread);

/* Moves all that is in an inbox into the processor's queue, in order. */
void vci_inbox_take(struct vci_inbox *inbox, struct vci_processor *processor);

static inline bool vci_inbox_is_empty(const struct vci_inbox *inbox)
{
	return __atomic_load_n(&inbox->head, __ATOMIC_RELAXED) == NULL;
}

#endif /* VCI_INBOX_H */
