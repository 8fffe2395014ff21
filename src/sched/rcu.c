/*
 * Read sections: see rcu.h, and the public header vcore/rcu.h.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "sched/rcu.h"

#include <vcore/rcu.h>

#include <errno.h>

#include "sched/enter.h"
#include "sched/host.h"
#include "sched/registry.h"
#include "sched/tick.h"

/* After so many sections a kernel thread that is online says that it is quiescent. */
#define SECTIONS 256

/* What a handler sees, it sees in the order of the program. */
static inline void handler_fence(void)
{
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
}

/* --- registration --------------------------------------------------------------------- */

static void become_reader(struct vci_reader *reader)
{
	vci_spin_lock(&vci_process_lock);
	vci_reader_register(reader);
	vci_spin_unlock(&vci_process_lock);
	reader->registered = true;
}

static void cease_to_read(struct vci_reader *reader)
{
	reader->registered = false;
	vci_spin_lock(&vci_process_lock);
	vci_reader_unregister(reader);
	vci_spin_unlock(&vci_process_lock);
}

/* Asks liburcu as well: a call of the program's own may have left it online. */
void vci_rcu_rest(void)
{
	struct vci_reader *reader = &vci_local()->reader;

	if (unlikely(reader->registered)) {
		vci_reader_offline();
		reader->online = false;
	}
}

void vci_rcu_leave(void)
{
	struct vci_reader *reader = &vci_local()->reader;

	vci_rcu_rest();
	if (reader->registered && !reader->asked) {
		cease_to_read(reader);
	}
}

void vci_rcu_pass(void)
{
	if (unlikely(vci_local()->reader.online)) {
		vci_reader_quiescent();
	}
}

int vcore_rcu_register(void)
{
	struct vci_local *local = vci_local();

	if (!vci_rcu_is_there) {
		return -ENOSYS;
	}
	if (local->bound != NULL) {
		return 0;
	}
	if (vci_host_self() == NULL) { /* whose end unregisters it */
		return -ENOMEM;
	}
	local->reader.asked = true;
	if (!local->reader.registered) {
		become_reader(&local->reader);
	}
	return 0;
}

void vcore_rcu_unregister(void)
{
	struct vci_local *local = vci_local();

	if (local->bound == NULL) {
		VCI_PANIC_IF(local->reader.nesting > 0, "the caller is in a read section");
		local->reader.asked = false;
		vci_rcu_leave();
	}
}

/* --- beginning a section -------------------------------------------------------------- */

/* It counts as being in the section already: no tick takes it offline again. */
static void go_online(struct vci_local *local, struct vci_kthread *m)
{
	if (!local->reader.online) {
		vci_reader_online();
		local->reader.online = true;
	}
	if (m != NULL) {
		vci_tick_soon(m->processor);
	}
}

/* The outermost one: offline, or something is due, or the caller is a pthread. */
static __attribute__((noinline)) void begin_slowly(struct vci_local *local)
{
	struct vci_kthread *m;

	local->reader.nesting = 0;
	m = vci_enter();
	local = vci_local();
	if (!vci_rcu_is_there) {
		vci_panic("vcore_rcu_read_lock", "the library was built without liburcu");
	}
	if (!local->reader.registered) {
		if (m == NULL) {
			vci_panic("vcore_rcu_read_lock",
				  "the calling pthread has not called vcore_rcu_register");
		}
		become_reader(&local->reader);
	}
	local->reader.left = m != NULL ? SECTIONS : 1;
	local->reader.owes = false;
	local->reader.nesting = 1;
	handler_fence();
	go_online(local, m);
	local->door = NULL;
}

void vcore_rcu_read_lock(void)
{
	struct vci_local *local = &vci_local_of_caller;
	uint32_t before = local->reader.nesting;

	if (before != 0) {
		VCI_PANIC_IF(before == UINT32_MAX, "nested too deeply");
		local->reader.nesting = before + 1;
		return;
	}
	local->reader.nesting = 1;
	handler_fence();
	if (unlikely(!local->reader.online || local->door == NULL)) {
		begin_slowly(local);
		return;
	}
	local->door = NULL;
	handler_fence();
}

/* --- ending it ------------------------------------------------------------------------- */

static __attribute__((noinline)) void look_around(struct vci_local *local)
{
	if (local->bound == NULL) {
		vci_rcu_rest();
		return;
	}
	local->reader.left = SECTIONS;
	vci_rcu_pass();
	if (local->reader.owes) {
		local->reader.owes = false;
		local->door = NULL;
	}
}

/* With the last nesting.  A tick that comes before it is lowered closes the door. */
static inline void end(struct vci_local *local)
{
	local->door = local->carrier;
	handler_fence();
	local->reader.nesting = 0;
	handler_fence();
	local->reader.left--;
	if (unlikely(local->reader.left == 0)) {
		look_around(local);
	}
}

void vcore_rcu_read_unlock(void)
{
	struct vci_local *local = &vci_local_of_caller;

	handler_fence();
	if (unlikely(local->reader.nesting != 1)) {
		VCI_PANIC_IF(local->reader.nesting == 0, "the caller is in no read section");
		local->reader.nesting--;
		return;
	}
	end(local);
}

void vci_rcu_abandon(void)
{
	struct vci_local *local = vci_local();

	if (unlikely(local->reader.nesting > 0)) {
		end(local);
	}
}

void vci_rcu_refuse_inside(const char *function, const char *breach)
{
	if (unlikely(vci_rcu_is_inside())) {
		vci_rcu_abandon();
		vci_panic(function, breach);
	}
}

/* --- ticks ------------------------------------------------------------------------------- */

void vci_rcu_tick(void)
{
	struct vci_local *local = vci_local();

	if (local->reader.nesting > 0) {
		local->reader.left = 1;
	} else if (local->inside == 0) {
		vci_rcu_rest();
	}
}

void vci_rcu_close_door(void)
{
	struct vci_local *local = vci_local();

	local->door = NULL;
	local->reader.owes = local->reader.nesting > 0;
}
