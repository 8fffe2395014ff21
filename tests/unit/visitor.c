/*
 * Who holds an rwlock, and who wants it; see visitor.h.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "visitor.h"

const struct vcore_rwlock policies[POLICIES] = {
	[READERS_FIRST] = VCORE_RWLOCK_READERS_FIRST,
	[WRITERS_FIRST] = VCORE_RWLOCK_WRITERS_FIRST,
	[FAIR] = VCORE_RWLOCK_FAIR,
};

int acquire_until(struct vcore_rwlock *lock, bool write, vcore_instant deadline)
{
	return write ? vcore_rwlock_acquire_write_until(lock, deadline)
		     : vcore_rwlock_acquire_read_until(lock, deadline);
}

bool try_acquire(struct vcore_rwlock *lock, bool write)
{
	return write ? vcore_rwlock_try_acquire_write(lock) : vcore_rwlock_try_acquire_read(lock);
}

void release(struct vcore_rwlock *lock, bool write)
{
	if (write) {
		vcore_rwlock_release_write(lock);
	} else {
		vcore_rwlock_release_read(lock);
	}
}

void *visit(void *argument)
{
	struct visitor *visitor = argument;
	vcore_instant deadline = visitor->deadline != 0 ? visitor->deadline : VCORE_NEVER;

	atomic_store(&visitor->tid, thread_id_of_kernel());
	visitor->result = acquire_until(visitor->lock, visitor->write, deadline);
	if (visitor->result != 0 && visitor->result != -EOWNERDEAD) {
		atomic_store(&visitor->over, true);
		return NULL;
	}
	if (visitor->journal != NULL) {
		note(visitor->journal, visitor->letter);
	}
	atomic_store(&visitor->inside, true);
	if (visitor->stays) {
		check(vcore_eventcount_await(&visitor->go, 0, VCORE_NEVER) == 0);
	}
	if (!visitor->dies) {
		release(visitor->lock, visitor->write);
	}
	return NULL;
}

bool visitor_waits(struct visitor *visitor)
{
	enum vcore_wait_kind kind = visitor->write ? VCORE_WAIT_WRITE : VCORE_WAIT_READ;
	pid_t tid = atomic_load(&visitor->tid);

	return visitor->peer.thread != NULL ? is_waiting_for(visitor->peer.thread, kind)
					    : tid != 0 && is_asleep(tid);
}

/* On a slow machine its deadline may be over before it is seen. */
static void until_it_waits(struct visitor *visitor)
{
	until(atomic_load(&visitor->inside) || atomic_load(&visitor->over) ||
	      visitor_waits(visitor));
}

void visitor_start(struct visitor *visitor)
{
	atomic_store(&visitor->over, false);
	visitor->peer = peer_start(visit, visitor);
	until_it_waits(visitor);
}

void visitor_start_pthread(struct visitor *visitor)
{
	atomic_store(&visitor->over, false);
	visitor->peer = (struct peer){.pthread = start_pthread(visit, visitor)};
	until_it_waits(visitor);
}

int visitor_finish(struct visitor *visitor)
{
	vcore_eventcount_advance(&visitor->go);
	peer_finish(visitor->peer);
	return visitor->result;
}

void line_start(struct visitor *visitors, struct vcore_rwlock *lock, const char *line, bool stay)
{
	for (size_t i = 0; line[i] != '\0'; i++) {
		visitors[i] =
			(struct visitor){.lock = lock, .write = line[i] == 'w', .stays = stay};
		visitor_start(&visitors[i]);
	}
}

void line_finish(struct visitor *visitors, const char *line)
{
	for (size_t i = 0; line[i] != '\0'; i++) {
		vcore_eventcount_advance(&visitors[i].go);
	}
	for (size_t i = 0; line[i] != '\0'; i++) {
		peer_finish(visitors[i].peer);
		check(visitors[i].result == 0);
	}
}

void end_holding(struct vcore_rwlock *lock, bool write)
{
	struct visitor visitor = {.lock = lock, .write = write, .dies = true};

	visitor_start(&visitor);
	check(visitor_finish(&visitor) == 0);
}
