/*
 * Hosts: see host.h.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "sched/host.h"

#include <vcore/rcu.h>

#include "sched/end.h"
#include "sched/owner.h"
#include "sched/rcu.h"
#include "sched/registry.h"
#include "sched/slots.h"

/* Records are made in pages of so many bytes. */
#define CHUNK_BYTES ((size_t)16 << 10)

/* guarded by vci_process_lock */
static struct vci_host *free_hosts;
static uint32_t n_hosts;

/* How often the end waits for destructors of the program's; POSIX has 4 rounds. */
#define DELAYS 2

/* As many as there are numbers of owners. */
#define HOSTS_MAX ((UINT32_C(1) << VCI_OWNER_INDEX_BITS) - 1)

/* With the lock: makes more records; if it cannot, there are none. */
static void make_more(void)
{
	const size_t n = CHUNK_BYTES / sizeof(struct vci_host);
	struct vci_host *chunk = n_hosts <= HOSTS_MAX - n ? vci_pages_reserve(CHUNK_BYTES) : NULL;

	if (chunk == NULL) {
		return;
	}
	for (size_t i = 0; i < n; i++) {
		n_hosts++;
		chunk[i].waiter.host = true;
		chunk[i].waiter.id = VCI_OWNER_HOSTS << VCI_OWNER_INDEX_BITS | n_hosts;
		chunk[i].next_free = free_hosts;
		free_hosts = &chunk[i];
	}
}

static struct vci_host *take(void)
{
	struct vci_host *host;

	vci_spin_lock(&vci_process_lock);
	if (free_hosts == NULL) {
		make_more();
	}
	host = free_hosts;
	if (host != NULL) {
		free_hosts = host->next_free;
	}
	vci_spin_unlock(&vci_process_lock);
	return host;
}

static void give(struct vci_host *host)
{
	vci_spin_lock(&vci_process_lock);
	host->next_free = free_hosts;
	free_hosts = host;
	vci_spin_unlock(&vci_process_lock);
}

/* The pthread ends; a destructor of its own may call the library again. */
static void end(void *argument)
{
	struct vci_host *host = argument;

	vci_local()->host = host;
	vci_rcu_refuse_inside("pthread_exit", "the pthread ends in a read section");
	if (host->has_slots) {
		vci_slots_destroy(&host->slots);
		host->has_slots = false;
	}
	if (host->waiter.holds.n > 0 && host->delays < DELAYS && vci_at_thread_end(end) == 0) {
		host->delays++; /* perhaps another destructor releases it */
		return;
	}
	vci_holds_abandon(&host->waiter);
	vcore_rcu_unregister();
	host->delays = 0;
	vci_local()->host = NULL;
	give(host);
}

struct vci_host *vci_host_self(void)
{
	struct vci_local *local = vci_local();

	if (unlikely(local->host == NULL)) {
		if (vci_registry_open() != 0) {
			return NULL;
		}
		local->host = take();
		if (local->host != NULL && vci_at_thread_end(end) != 0) {
			give(local->host);
			local->host = NULL;
		}
	}
	return local->host;
}
