/*
 * Who calls, and who waits: what both kinds of buffers have in common.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "comm/buffer.h"

void vci_buffer_meet(struct vci_party *party, const struct vci_waiter *self, const char *function)
{
	if (self == NULL) {
		self = vci_wait_host();
	}
	if (party->self == NULL) {
		party->self = self;
	}
	if (party->self != self) {
		vci_panic(function, "the buffer was declared to have one sender and one receiver, "
				    "and this is another thread");
	}
	if (party->has_cell) {
		vci_panic(function, "the thread has a cell of this buffer, and one is all it may "
				    "have");
	}
}

static bool sends(const struct vci_waiter *waiter)
{
	return waiter->kind == VCORE_WAIT_SEND;
}

/* Whom it waits for. */
static struct vci_waiters *awaited_by(struct vcore_buffer *buffer, bool sender)
{
	return sender ? &buffer->out : &buffer->in;
}

static struct vci_waiters *side_of(const struct vci_waiter *waiter)
{
	return awaited_by(waiter->object, sends(waiter));
}

/* It does not wait, after all, or not any more. */
static void renounce(struct vcore_buffer *buffer, bool to_send)
{
	if (buffer->spsc) {
		vci_spsc_renounce(buffer, to_send);
	}
}

/* With LIST: whether it must wait. */
static bool must_wait(struct vcore_buffer *buffer, bool to_send)
{
	bool waits;

	vci_fence_full(); /* ring.c, O2 */
	if (!buffer->spsc) {
		return to_send ? vci_ring_is_full(buffer) : vci_ring_is_empty(buffer);
	}
	waits = to_send ? vci_spsc_is_full(buffer) : vci_spsc_is_empty(buffer);
	if (!waits) {
		renounce(buffer, to_send);
	}
	return waits;
}

/* A call that waits, again and again. */
struct attempt {
	bool waited;
	bool reports;
};

static bool publish(struct vci_waiter *waiter)
{
	struct attempt *attempt = waiter->argument;
	struct vci_waiters *side = side_of(waiter);
	uint64_t word = vci_waiters_lock(side);
	bool waits = must_wait(waiter->object, sends(waiter));

	if (waits) {
		attempt->waited = true;
		vci_waiters_insert(side, waiter);
		vci_waiter_commit(waiter);
	}
	vci_waiters_unlock(side, word);
	return waits;
}

static int finish(struct vci_kthread *m, struct vci_waiter *waiter, enum vci_claim reason)
{
	const struct attempt *attempt = waiter->argument;

	(void)m;
	if (likely(reason == VCI_WOKEN)) {
		return 0;
	}
	(void)vci_waiters_retract(side_of(waiter), waiter);
	renounce(waiter->object, sends(waiter));
	if (reason == VCI_DESTROYED && attempt->reports) {
		return -ECANCELED;
	}
	if (reason == VCI_DESTROYED) {
		vci_wait_destroyed(waiter);
	}
	return -ETIMEDOUT;
}

/* 0: it may try again. */
static int wait(struct vcore_buffer *buffer, enum vcore_wait_kind kind, struct attempt *attempt,
		vcore_instant deadline)
{
	struct vci_kthread *m = vci_enter();
	struct vci_waiter *waiter = vci_wait_self(m);

	if (unlikely(waiter == NULL)) {
		return -ENOMEM;
	}
	if (buffer->spsc) {
		vci_spsc_announce(buffer, kind == VCORE_WAIT_SEND);
	}
	waiter->kind = (uint8_t)kind;
	waiter->object = buffer;
	waiter->publish = publish;
	waiter->finish = finish;
	waiter->argument = attempt;
	waiter->node.key = attempt->waited ? -1 : 0; /* who was overtaken comes before all others */
	return vci_wait(m, waiter, deadline);
}

/*
 * Its memory may fault, and the thread end of it: then the wake is the next one's,
 * for as long as nothing was claimed nobody else would be woken.
 */
static ssize_t use_wake(struct vcore_buffer *buffer, bool to_send, vci_operation *operate,
			void *argument, size_t n)
{
	struct vci_waiter *self = vci_wait_caller();
	uintptr_t before = vci_holds_owe(self, vci_buffer_wake_note(buffer, to_send));
	ssize_t result = operate(buffer, argument, n);

	vci_holds_owe_again(self, before);
	return result;
}

ssize_t vci_buffer_repeat(struct vcore_buffer *buffer, enum vcore_wait_kind kind,
			  vci_operation *operate, void *argument, size_t n, bool reports,
			  vcore_instant deadline)
{
	struct attempt attempt = {.reports = reports};
	ssize_t result;

	do {
		if (vci_wait_is_over(deadline)) {
			return -ETIMEDOUT;
		}
		result = wait(buffer, kind, &attempt, deadline);
		if (result != 0) {
			return result;
		}
		result = use_wake(buffer, kind == VCORE_WAIT_SEND, operate, argument, n);
	} while (result == -EAGAIN);
	return result;
}

/* --- select ------------------------------------------------------------------------- */

int vci_buffer_try(struct vcore_buffer *buffer, bool to_send, void *message)
{
	if (message == NULL) {
		vci_panic("vcore_select", "message is NULL");
	}
	vci_buffer_check(buffer, to_send ? &buffer->sender : &buffer->receiver, NULL,
			 "vcore_select");
	return to_send ? vci_buffer_send_one(buffer, message)
		       : vci_buffer_receive_one(buffer, message);
}

bool vci_buffer_enroll(struct vcore_buffer *buffer, bool to_send, struct vci_proxy *proxy)
{
	struct vci_waiters *side = awaited_by(buffer, to_send);
	uint64_t word;
	bool waits;

	if (buffer->spsc) {
		vci_spsc_announce(buffer, to_send);
	}
	word = vci_waiters_lock(side);
	waits = must_wait(buffer, to_send);
	if (waits) {
		vci_waiters_insert_proxy(side, proxy);
	}
	vci_waiters_unlock(side, word);
	return waits;
}

void vci_buffer_retract(struct vcore_buffer *buffer, bool to_send, struct vci_proxy *proxy)
{
	vci_waiters_retract_proxy(awaited_by(buffer, to_send), proxy);
	renounce(buffer, to_send);
}

void vci_buffer_pass_on(struct vcore_buffer *buffer, bool to_send)
{
	struct vci_waiters *side = awaited_by(buffer, to_send);
	uint64_t word = vci_waiters_lock(side);
	struct vci_waiter *next = NULL;

	if (!must_wait(buffer, to_send)) {
		next = vci_waiters_claim_first(side);
	}
	vci_waiters_unlock(side, word);
	if (next != NULL) {
		vci_waiter_wake(next);
	}
}
