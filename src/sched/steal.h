/*
 * Work stealing: what an idle processor takes from others.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef VCI_STEAL_H
#define VCI_STEAL_H

#include "sched/sched.h"

/* What a searching processor remembers from one look to the next. */
struct vci_sighting {
	uint32_t victim;                     /* where to look first */
	const struct vci_processor *watched; /* one that has a lone thread, or NULL */
	uint32_t choices;                    /* that it had made then, */
	vcore_instant since;                 /* and when that was */
};

/*
 * Takes threads from another processor into `thief`'s queue and returns one of
 * them to run; NULL if nobody has any to spare.
 *
 * The last thread of a processor, and one just woken, mostly runs next where it
 * is.  It is taken only if that processor has made no choice for as long as the
 * taking costs both.
 */
struct vcore_thread *vci_steal(struct vci_processor *thief, struct vci_sighting *sighting);

/*
 * How many threads `thief` might take; 1 is perhaps only one that it would not
 * take yet.
 */
uint32_t vci_steal_might(const struct vci_processor *thief);

#endif /* VCI_STEAL_H */
