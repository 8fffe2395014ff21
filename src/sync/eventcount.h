/*
 * Eventcounts, for the objects that are built from them.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef VCI_EVENTCOUNT_H
#define VCI_EVENTCOUNT_H

#include <vcore/eventcount.h>

/* As vcore_eventcount_advance, but does not act on destroy. */
void vci_eventcount_advance(struct vcore_eventcount *event);

/*
 * For select: to be woken when the count exceeds the proxy's key; false: it does.
 * And not any more.
 */
struct vci_proxy;
bool vci_eventcount_enroll(struct vcore_eventcount *event, struct vci_proxy *proxy);
void vci_eventcount_retract(struct vcore_eventcount *event, struct vci_proxy *proxy);

#endif /* VCI_EVENTCOUNT_H */
