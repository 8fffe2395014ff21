/*
 * Readers and grace periods, by liburcu's "qsbr" flavour.
 *
 * Its small functions are compiled in here, as it offers.  They reach the calling
 * kernel thread's record by its address, as it was when the thread registered:
 * the loader, which they would ask for it, may allocate memory, and must not be
 * entered by a handler.  They look at urcu_qsbr_gp, and wake who waits for a grace
 * period by syscall, or, where there is no futex, compat_futex_async.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "platform/annotate.h"
#include "platform/linux/outside.h"

#ifndef VCI_TSAN /* which is not to look into it */
#define _LGPL_SOURCE
#endif
#include <urcu/tls-compat.h>
#undef URCU_TLS
#define URCU_TLS(name) (*(struct name *)vci_local_of_caller.reader.known)
#include <urcu/static/urcu-qsbr.h> /* struct urcu_qsbr_reader */
#include <urcu/urcu-qsbr.h>

/* By __tls_get_addr: a library that is loaded late has no room for it elsewhere. */
extern _Thread_local struct urcu_qsbr_reader urcu_qsbr_reader
	__attribute__((tls_model("global-dynamic")));

const bool vci_rcu_is_there = true;

/* For TSan, which does not see into liburcu: its grace period, and its end. */
static char period, sections;

/* All that were registered here; guarded by the callers. */
static struct vci_reader *readers;

static int register_self(struct vci_reader *reader)
{
	urcu_qsbr_register_thread();
	reader->known = &urcu_qsbr_reader;
	urcu_qsbr_thread_offline();
	return 0;
}

void vci_reader_register(struct vci_reader *reader)
{
	(void)VCI_OUTSIDE(register_self(reader));
	reader->prev = NULL;
	reader->next = readers;
	if (readers != NULL) {
		readers->prev = reader;
	}
	readers = reader;
}

static int unregister_self(void)
{
	urcu_qsbr_unregister_thread();
	return 0;
}

void vci_reader_unregister(struct vci_reader *reader)
{
	if (reader->next != NULL) {
		reader->next->prev = reader->prev;
	}
	if (reader->prev != NULL) {
		reader->prev->next = reader->next;
	} else {
		readers = reader->next;
	}
	vci_annotate_release(&sections);
	(void)VCI_OUTSIDE(unregister_self());
}

static int go_online(void)
{
	urcu_qsbr_thread_online();
	return 0;
}

void vci_reader_online(void)
{
	(void)VCI_OUTSIDE(go_online());
	vci_annotate_acquire(&period);
}

static int go_offline(void)
{
	if (urcu_qsbr_read_ongoing()) {
		urcu_qsbr_thread_offline();
	}
	return 0;
}

void vci_reader_offline(void)
{
	vci_annotate_release(&sections);
	(void)VCI_OUTSIDE(go_offline());
}

static int be_quiescent(void)
{
	if (urcu_qsbr_read_ongoing()) {
		urcu_qsbr_quiescent_state();
	}
	return 0;
}

void vci_reader_quiescent(void)
{
	vci_annotate_release(&sections);
	(void)VCI_OUTSIDE(be_quiescent());
	vci_annotate_acquire(&period);
}

static int synchronize(void)
{
	urcu_qsbr_synchronize_rcu();
	return 0;
}

void vci_rcu_synchronize(void)
{
	vci_annotate_release(&period);
	(void)VCI_AWAY(synchronize());
	vci_annotate_acquire(&sections);
}

/* The others' records lie in the stacks of threads that are no more. */
void vci_reader_alone(struct vci_reader *self)
{
	for (const struct vci_reader *reader = readers; reader != NULL; reader = reader->next) {
		struct urcu_qsbr_reader *known = reader->known;

		if (reader != self) {
			cds_list_del(&known->node);
		}
	}
	readers = self;
	if (self != NULL) {
		self->next = NULL;
		self->prev = NULL;
	}
}
