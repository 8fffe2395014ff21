/*
 * What there is without liburcu: nothing.  Nobody registers.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "platform/platform.h"

const bool vci_rcu_is_there = false;

void vci_reader_register(struct vci_reader *reader)
{
	(void)reader;
}

void vci_reader_unregister(struct vci_reader *reader)
{
	(void)reader;
}

void vci_reader_online(void)
{
}

void vci_reader_offline(void)
{
}

void vci_reader_quiescent(void)
{
}

void vci_rcu_synchronize(void)
{
}

void vci_reader_alone(struct vci_reader *self)
{
	(void)self;
}
