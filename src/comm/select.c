/*
 * Select: see vcore/select.h.
 *
 * The cases are tried, in an order drawn by lot, until one can be done.  If none
 * can the caller enrols with the object of each, waits, and takes itself out of
 * all of them again; then it tries anew.  What wakes it is a hint: objects give
 * nothing away with it, so nothing has to be given back.
 *
 * Invariants
 *	S1  A case is done only by the caller, in a try: at most one is.
 *	S2  The caller begins to wait only if no object had anything for it when
 *	    it enrolled there; what comes to one afterwards finds it ENROLLING
 *	    or WAITING (sched.h), and it goes on.
 *	S3  The wake of a buffer is used: who was claimed through a buffer tries
 *	    that first.  If it cannot be done somebody else has done it, and if
 *	    the caller ends in the try, the wake is passed on (vci_holds_owe).
 *	S4  Proxies lie in the caller's cases: they are out of every object, with
 *	    its LIST, before the call returns or the caller ends.
 *	S5  Who wakes the caller touches the proxies.  The caller's cases may lie
 *	    where nobody else can: a thread of an exclusive space has copies outside.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <vcore/buffer.h>

#include <errno.h>

#include "comm/buffer.h"
#include "sched/gang.h"
#include "sched/resident.h"
#include "sync/eventcount.h"
#include "sync/join.h"

/* What the private members hold. */
struct proxy {
	struct vci_proxy proxy;
	bool enrolled;  /* its object knows of it */
	bool overtaken; /* it has woken the caller, who came too late */
	uint32_t turn;  /* of all cases: which one is tried in its place */
};

_Static_assert(sizeof(struct proxy) <= sizeof((struct vcore_case *)NULL)->private_,
	       "the private members hold it");
_Static_assert(sizeof(struct vcore_case) == 144, "part of the ABI");

struct selection {
	struct vcore_case *cases;
	size_t n;
	struct vcore_case *woken_by; /* or NULL */
	bool waited;
	bool joins_twice;
};

static struct proxy *proxy_of(struct vcore_case *choice)
{
	return (struct proxy *)(void *)choice->private_;
}

static bool sends(const struct vcore_case *choice)
{
	return choice->kind == VCORE_CASE_SEND;
}

static bool is_buffer(const struct vcore_case *choice)
{
	return choice->kind == VCORE_CASE_SEND || choice->kind == VCORE_CASE_RECEIVE;
}

/* Whether it has an object: NULL turns it off. */
static bool is_on(const struct vcore_case *choice)
{
	switch (choice->kind) {
	case VCORE_CASE_SEND:
	case VCORE_CASE_RECEIVE:
		return choice->buffer != NULL;
	case VCORE_CASE_AWAIT:
		return choice->event != NULL;
	case VCORE_CASE_JOIN:
		return choice->thread != NULL;
	}
	vci_panic("vcore_select", "a case is of no kind that there is");
}

/* --- trying ---------------------------------------------------------------------- */

/* The kernel thread is looked up each time: a case that faults may change it. */
static int try(struct vcore_case *choice)
{
	switch (choice->kind) {
	case VCORE_CASE_AWAIT:
		return vcore_eventcount_read(choice->event) > choice->value ? 0 : -EAGAIN;
	case VCORE_CASE_JOIN:
		return vci_join_try("vcore_select", vci_kthread_self(), choice->thread,
				    choice->exit);
	default:
		return vci_buffer_try(choice->buffer, sends(choice), choice->message);
	}
}

/* From 0 to below.  Threads must not all draw the same. */
static uint32_t draw(struct vci_waiter *self, uint32_t below)
{
	if (self->lot == 0) {
		self->lot = (uint32_t)((uintptr_t)self / VCI_CACHE_LINE) * UINT32_C(2654435769);
	}
	self->lot = self->lot * UINT32_C(1664525) + UINT32_C(1013904223);
	return (uint32_t)((uint64_t)self->lot * below >> 32);
}

/* Each order is as likely as any other. */
static void shuffle(const struct selection *selection, struct vci_waiter *self)
{
	for (uint32_t i = 0; i < selection->n; i++) {
		struct proxy *other = proxy_of(&selection->cases[draw(self, i + 1)]);
		struct proxy *proxy = proxy_of(&selection->cases[i]);

		proxy->turn = i;
		proxy->turn = other->turn;
		other->turn = i;
	}
}

/* The index of the case, if it was done; or -EAGAIN. */
static int try_one(const struct selection *selection, struct vcore_case *choice)
{
	int status = is_on(choice) ? try(choice) : -EAGAIN;

	if (status == -EAGAIN) {
		return -EAGAIN;
	}
	choice->status = status;
	return (int)(choice - selection->cases);
}

/* S3: the one that has woken the caller. */
static int use_wake(struct selection *selection, struct vci_waiter *self)
{
	struct vcore_case *choice = selection->woken_by;
	uintptr_t before;
	int result;

	selection->woken_by = NULL;
	if (!is_buffer(choice)) {
		return try_one(selection, choice);
	}
	before = vci_holds_owe(self, vci_buffer_wake_note(choice->buffer, sends(choice)));
	result = try_one(selection, choice);
	vci_holds_owe_again(self, before);
	return result;
}

/* The index of the case that was done, or -EAGAIN. */
static int try_all(struct selection *selection, struct vci_waiter *self)
{
	int result = selection->woken_by != NULL ? use_wake(selection, self) : -EAGAIN;

	shuffle(selection, self);
	for (size_t i = 0; result == -EAGAIN && i < selection->n; i++) {
		uint32_t turn = proxy_of(&selection->cases[i])->turn;

		result = try_one(selection, &selection->cases[turn]);
	}
	return result;
}

/* --- waiting ---------------------------------------------------------------------- */

/* False: it can be done. */
static bool enroll(struct selection *selection, struct vcore_case *choice, struct vci_waiter *self)
{
	struct proxy *proxy = proxy_of(choice);

	switch (choice->kind) {
	case VCORE_CASE_AWAIT:
		proxy->enrolled = vci_eventcount_enroll(choice->event, &proxy->proxy);
		break;
	case VCORE_CASE_JOIN:
		proxy->enrolled = vci_join_enroll(choice->thread, self, &selection->joins_twice);
		break;
	default:
		proxy->enrolled = vci_buffer_enroll(choice->buffer, sends(choice), &proxy->proxy);
	}
	return proxy->enrolled;
}

/* Who was overtaken comes before all others that wait there. */
static int64_t key_of(struct vcore_case *choice)
{
	if (choice->kind == VCORE_CASE_AWAIT) {
		return choice->value;
	}
	return proxy_of(choice)->overtaken ? -1 : 0;
}

static void prepare(const struct selection *selection, struct vci_waiter *self)
{
	for (size_t i = 0; i < selection->n; i++) {
		struct vcore_case *choice = &selection->cases[i];
		struct proxy *proxy = proxy_of(choice);

		if (!selection->waited) {
			proxy->overtaken = false;
		}
		proxy->proxy.node = (struct vci_ordered){.proxy = true};
		proxy->proxy.node.key = key_of(choice);
		proxy->proxy.waiter = self;
		proxy->proxy.won = false;
		proxy->enrolled = false;
	}
}

static bool publish(struct vci_waiter *self)
{
	struct selection *selection = self->argument;

	vci_waiter_enroll(self);
	for (size_t i = 0; i < selection->n; i++) {
		struct vcore_case *choice = &selection->cases[i];

		if (is_on(choice) && !enroll(selection, choice, self)) {
			return false;
		}
	}
	return vci_waiter_enrolled(self);
}

static void retract(struct vcore_case *choice, struct vci_waiter *self)
{
	struct proxy *proxy = proxy_of(choice);

	switch (choice->kind) {
	case VCORE_CASE_AWAIT:
		vci_eventcount_retract(choice->event, &proxy->proxy);
		break;
	case VCORE_CASE_JOIN:
		(void)vci_join_retract(choice->thread, self);
		break;
	default:
		vci_buffer_retract(choice->buffer, sends(choice), &proxy->proxy);
	}
}

static int finish(struct vci_kthread *m, struct vci_waiter *self, enum vci_claim reason)
{
	struct selection *selection = self->argument;

	(void)m;
	for (size_t i = 0; i < selection->n; i++) {
		struct vcore_case *choice = &selection->cases[i];

		if (proxy_of(choice)->enrolled) {
			retract(choice, self);
		}
		if (proxy_of(choice)->proxy.won) {
			selection->woken_by = choice;
			proxy_of(choice)->overtaken = true; /* unless it is done now */
		}
	}
	if (reason == VCI_DESTROYED) {
		vci_wait_destroyed(self);
	}
	return 0; /* to try once more: if the deadline has come, for the last time */
}

static void wait(struct selection *selection, vcore_instant deadline)
{
	struct vci_kthread *m = vci_enter();
	struct vci_waiter *self = vci_wait_self(m);

	prepare(selection, self);
	self->kind = VCORE_WAIT_SELECT;
	self->object = selection->cases;
	self->publish = publish;
	self->finish = finish;
	self->argument = selection;
	self->node.key = 0;
	selection->waited = true;
	(void)vci_wait(m, self, deadline);
	if (unlikely(selection->joins_twice)) {
		vci_panic("vcore_select", "two cases join the same thread");
	}
}

static int select_from(struct vcore_case *cases, size_t n, struct vci_waiter *self,
		       vcore_instant deadline)
{
	struct selection selection = {.cases = cases, .n = n};
	int result;

	while ((result = try_all(&selection, self)) == -EAGAIN) {
		if (vci_wait_is_over(deadline)) {
			return -ETIMEDOUT;
		}
		wait(&selection, deadline);
	}
	return result;
}

/* S5: from copies that lie outside of the caller's space. */
static int select_outside(struct vcore_thread *caller, struct vcore_case *cases, size_t n,
			  vcore_instant deadline)
{
	struct vcore_case *copies = vci_resident_take(caller, n * sizeof *cases);
	int result;

	if (copies == NULL) {
		return -ENOMEM;
	}
	for (size_t i = 0; i < n; i++) {
		copies[i] = cases[i];
	}
	result = select_from(copies, n, &caller->waiter, deadline);
	if (result >= 0) {
		cases[result].status = copies[result].status;
	}
	vci_resident_give(copies);
	return result;
}

int vcore_select(struct vcore_case *cases, size_t n, vcore_instant deadline)
{
	struct vci_kthread *m;
	struct vci_waiter *self;

	VCI_PANIC_IF(cases == NULL && n > 0, "cases is NULL");
	VCI_PANIC_IF(n > INT32_MAX, "there are too many cases");
	m = vci_wait_enter();
	if (m != NULL && unlikely(vci_gang_has(m->current)) && n > 0) {
		return select_outside(m->current, cases, n, deadline);
	}
	self = vci_wait_self(m);
	return self != NULL ? select_from(cases, n, self, deadline) : -ENOMEM;
}
