/*
 * Faults of green threads: whose they are, and how a thread ends of one.
 *
 * The handler of faults judges: it may not wait, and takes no locks.  A fault that
 * is the thread's own (may_end, is_own_text) makes the thread go on in arrive(), on
 * its own stack, below what it has in use there: from then on it is a thread in a
 * call of the library like any other, and ends itself.
 *
 * Stack overflow.  Nothing that a thread has written lies in what is not open of
 * its reserve (memory/stack.h), so that there is where it arrives, and its cleanups
 * find all of its frames.
 *
 *	in its own text		all of the reserve is opened, and it ends there;
 *				a second time, the guard, and without the cleanups
 *	elsewhere		half of the reserve is opened, and the access made
 *				again.  The thread is DOOMED: return barriers end it
 *				when it comes back to its own text, and DESTROY is set
 *				in its life, so that a call does; or a tick.
 *
 * What a space has mended leaves the reserve open, if the landing was there: it is
 * in nobody's use then, and one that overflows later has less of it.
 *
 * Invariants
 *	F1  `trouble` and `reserve` are changed by the thread itself, and by a handler
 *	    that has interrupted it.
 *	F2  The first report is kept: `fault` is written while there is NO_TROUBLE.
 *	F3  A thread in trouble ends FAULTED, however it comes to its end.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "sched/fault.h"

#include <vcore/fault.h>

#include <signal.h>

#include "arch/firm.h"
#include "platform/annotate.h"
#include "sched/enter.h"
#include "sched/gang.h"
#include "sched/mend.h"
#include "sched/place.h"
#include "sched/rcu.h"
#include "sched/registry.h"
#include "sched/resident.h"
#include "sched/slots.h"
#include "sched/text.h"

/* Stack that is left for ending: the library's own, and a cleanup's of usual size. */
#define ROOM ((ptrdiff_t)8 << 10)

/* A frame so large that it steps over the guard is at most that large. */
#define FRAME_MAX ((ptrdiff_t)16 << 20)

/* Return addresses are looked for so far up. */
#define BARRED ((ptrdiff_t)16 << 10)

/* --- whose it is ------------------------------------------------------------------------- */

static char *floor_of(const struct vcore_thread *self)
{
	return vci_stack_floor(&self->runtime->stacks, vci_thread_low(self),
			       (enum vci_reserve)self->reserve);
}

static char *base_of(const struct vcore_thread *self)
{
	return vci_thread_low(self) - vci_resident_guard(self);
}

static bool are_caught(const struct vcore_runtime *runtime)
{
	return VCI_FAULTS_LAND && !(runtime->flags & VCORE_RUNTIME_HOST_FAULTS) && !VCI_ON_VALGRIND;
}

bool vcore_faults_are_caught(void)
{
	(void)vci_registry_open(); /* which looks at what the program has in itself */
	return VCI_FAULTS_LAND && !VCI_ON_VALGRIND && !vci_text_is_holder(vci_text_obstacle());
}

/* The thread is where a pthread would be, between two calls into the library. */
static bool may_end(const struct vci_kthread *m, const struct vci_raised *raised)
{
	const struct vci_local *local = vci_local();

	return are_caught(m->runtime) && local->inside == 0 && !local->forking &&
	       raised->mask == m->mask && m->current->trouble != VCI_REPORTING &&
	       !vci_place_is_in_handler(m->current, raised->sp);
}

static bool is_fetch(const struct vci_raised *raised)
{
	return raised->access == VCORE_ACCESS_EXECUTE;
}

/* Called by its own text, or about to be: nothing of what was called has happened. */
static bool is_called_by_own(const struct vcore_thread *self, const struct vci_raised *raised)
{
	return (is_fetch(raised) || vci_text_is_leaf(raised->pc)) && raised->sp >= floor_of(self) &&
	       raised->sp < vci_thread_high(self) && vci_text_may_fault(vci_raised_return(raised));
}

static bool is_own_text(const struct vcore_thread *self, const struct vci_raised *raised)
{
	return vci_text_is_library(raised->pc)
		       ? vci_firm_is(raised->pc)
		       : vci_text_may_fault(raised->pc) || is_called_by_own(self, raised);
}

/*
 * Whether the thread has run over the end of its stack: it touched what is
 * inaccessible there, a large frame has taken its stack pointer past that, or the
 * kernel found no room for the frame of a signal.
 */
static bool has_overflown(const struct vcore_thread *self, const struct vci_raised *raised)
{
	const char *floor = floor_of(self);
	const char *sp = raised->sp;

	if (raised->signal != SIGSEGV) {
		return false;
	}
	if (raised->by_kernel) {
		return sp >= base_of(self) && sp < vci_thread_high(self) &&
		       sp - floor < (ptrdiff_t)vci_signal_frame();
	}
	return (raised->address >= base_of(self) && raised->address < floor) ||
	       (sp < floor && sp >= floor - FRAME_MAX && raised->address < floor &&
		raised->address >= sp - FRAME_MAX);
}

/* The process is to end of it: nobody else would know why. */
static void explain(const struct vcore_thread *self)
{
	struct vci_line line;

	vci_line_begin(&line);
	vci_line_text(&line, "vcore: stack overflow: ");
	vci_line_thread(&line, vci_thread_id(self), self->name);
	vci_line_text(&line, " has used up its stack of ");
	vci_line_number(&line, (int64_t)vci_resident_stack_size(self));
	vci_line_text(&line, " bytes\n");
	vci_line_write(&line, 2);
	if (!VCI_FAULTS_LAND) {
		vci_abort(); /* a sanitizer would say more, and other things */
	}
}

/* --- the report ----------------------------------------------------------------------- */

/* Of what was not there to be executed, what has called it can be told. */
static struct vcore_fault report_of(const struct vcore_thread *self,
				    const struct vci_raised *raised, enum vcore_fault_kind kind)
{
	struct vcore_fault fault = {
		.thread = vci_thread_id(self),
		.address = (void *)(uintptr_t)raised->address,
		.pc = (void *)(uintptr_t)raised->pc,
		.signal = raised->signal,
		.access = raised->access,
		.kind = kind,
	};
	if (is_fetch(raised) && kind != VCORE_FAULT_STACK_OVERFLOW) {
		fault.pc = (void *)(uintptr_t)vci_raised_return(raised);
	}
	(void)vci_copy(fault.name, self->name, sizeof fault.name);
	return fault;
}

void vci_fault_report(struct vcore_thread *self)
{
	void (*hook)(const struct vcore_fault *) = self->runtime->fault;
	struct vcore_fault *fault = &self->fault;
	char text[1024];

	if (self->trouble == VCI_REPORTING) {
		return; /* the hook has ended the thread */
	}
	(void)vci_text_locate(fault->pc, fault->module, sizeof fault->module,
			      &fault->module_offset);
	self->trouble = VCI_REPORTING;
	if (hook != NULL) {
		hook(fault);
	} else {
		size_t length = vcore_fault_describe(fault, text, sizeof text);

		(void)vci_write(2, text, length < sizeof text ? length : sizeof text - 1);
	}
}

/* --- ending, by the thread itself ----------------------------------------------------- */

static void open_reserve(struct vcore_thread *self, enum vci_reserve reserve)
{
	if (self->reserve < reserve && vci_resident_guard(self) > 0 &&
	    vci_stack_open(&self->runtime->stacks, vci_thread_low(self), reserve) == 0) {
		self->reserve = (uint8_t)reserve;
	}
}

void vci_fault_begin_end(struct vcore_thread *self)
{
	vci_mend_no_more(self);
	if (self->trouble == VCI_MENDING) {
		self->trouble = VCI_NO_TROUBLE; /* on_fault has ended it, not the fault */
	} else if (self->trouble == VCI_DOOMED) {
		open_reserve(self, VCI_RESERVE_ALL);
		vci_mend_not(self, &self->fault);
		self->trouble = VCI_ENDING;
	} else if (self->trouble == VCI_HASTENING) {
		self->cleanups = NULL;
		if (self->has_slots) {
			vci_slots_forget(&self->slots);
			self->has_slots = false;
		}
	}
}

static __attribute__((noreturn)) void end(void)
{
	struct vci_kthread *m;

	vci_rcu_abandon();
	m = vci_enter_return();
	vci_fpenv_load(&m->fpenv);
	vci_end_self(m->current, VCORE_FAULTED, NULL);
}

/* A fault that there may be now is what the thread ends of. */
static bool is_first(const struct vcore_thread *self)
{
	return self->trouble < VCI_DOOMED;
}

static bool is_access(const struct vci_raised *raised)
{
	return raised->signal == SIGSEGV || raised->signal == SIGBUS;
}

/* From the handler. */
static __attribute__((noreturn)) void arrive(struct vci_raised *raised)
{
	struct vci_kthread *m = vci_local_bound();
	struct vcore_thread *self = m->current;
	struct vcore_fault fault;

	vci_fpenv_load(&m->fpenv);
	if (is_first(self)) {
		fault = report_of(self, raised, raised->kind);
		if (raised->context != NULL) {
			vci_mend(raised, &fault);
		} else if (is_access(raised)) {
			vci_mend_not(self, &fault);
		}
	}
	if (is_first(self)) { /* still */
		self->fault = fault;
		self->trouble = VCI_ENDING;
	} else if (self->trouble == VCI_ENDING) {
		self->trouble = VCI_HASTENING;
	}
	end();
}

/* From foreign code, or the library, in which the stack was used up. */
void vci_fault_returned(void)
{
	struct vcore_thread *self = vci_thread_self();

	if (self->trouble == VCI_ENDING) {
		self->trouble = VCI_HASTENING;
	}
	end();
}

bool vci_fault_forget(struct vcore_thread *thread)
{
	bool shut = thread->reserve == VCI_RESERVE_CLOSED || vci_gang_has(thread) ||
		    vci_stack_shut(&thread->runtime->stacks, thread->stack.low) == 0;

	thread->reserve = VCI_RESERVE_CLOSED;
	thread->trouble = VCI_NO_TROUBLE;
	return shut;
}

/* --- by the handler ------------------------------------------------------------------- */

/* So much of the reserve that there is room below `top`. */
static bool make_room(struct vcore_thread *self, const char *top, ptrdiff_t room)
{
	if (top - floor_of(self) < room) {
		open_reserve(self, VCI_RESERVE_ALL);
	}
	if (top - floor_of(self) < room) {
		open_reserve(self, VCI_RESERVE_LAST);
	}
	return top - floor_of(self) >= room;
}

/* Nothing that is not accessible yet is in use. */
static char *top_of(const struct vcore_thread *self, const struct vci_raised *raised)
{
	const char *used = vci_raised_used(raised);
	char *floor = floor_of(self);

	return used > floor ? (char *)(uintptr_t)used : floor;
}

/* A space may mend what it touched; not what was met while it did, or at the end. */
static bool may_be_mended(const struct vcore_thread *self, const struct vci_raised *raised)
{
	return is_access(raised) && raised->kind != VCORE_FAULT_STACK_OVERFLOW &&
	       self->trouble == VCI_NO_TROUBLE;
}

static bool land(struct vcore_thread *self, const struct vci_raised *raised)
{
	char *top = top_of(self, raised);
	bool resumable = may_be_mended(self, raised);
	ptrdiff_t room = resumable ? ROOM + (ptrdiff_t)vci_raised_bytes(raised) : ROOM;

	if (!make_room(self, top, room)) {
		return false;
	}
	vci_raised_land(raised, top, resumable, arrive);
	return true;
}

/* A tick that found no room for its frame is lost: another one. */
static void repeat_tick(const struct vci_kthread *m)
{
	if (m->timer >= 0) {
		vci_timer_set(m->timer, vci_clock());
	}
	if (m->cpu_timer >= 0 && m->state == VCI_DETACHED) {
		vci_timer_set_cpu(m->cpu_timer, m->runtime->quantum);
	}
}

static void bar(const struct vcore_thread *self, const struct vci_raised *raised, const char *from)
{
	const char *top = vci_thread_high(self);

	vci_raised_bar(raised, from, top - from > BARRED ? from + BARRED : top, vci_text_may_fault);
}

/* Where it cannot end: it goes on in the reserve, not for long. */
static bool doom(const struct vci_kthread *m, struct vcore_thread *self,
		 const struct vci_raised *raised)
{
	uint8_t before = self->reserve;
	const char *from;

	if ((!is_first(self) && before != VCI_RESERVE_CLOSED) || self->trouble == VCI_REPORTING) {
		return false;
	}
	open_reserve(self, before == VCI_RESERVE_CLOSED ? VCI_RESERVE_HALF : VCI_RESERVE_LAST);
	if (raised->sp < floor_of(self)) {
		open_reserve(self, VCI_RESERVE_ALL); /* a large frame */
	}
	from = raised->sp > floor_of(self) ? raised->sp : floor_of(self);
	if (self->reserve == before) {
		return false;
	}
	if (is_first(self)) {
		self->fault = report_of(self, raised, VCORE_FAULT_STACK_OVERFLOW);
		self->trouble = VCI_DOOMED;
	}
	__atomic_fetch_or(&self->life, VCI_LIFE_DESTROY, __ATOMIC_RELAXED);
	bar(self, raised, from);
	if (raised->by_kernel) {
		repeat_tick(m);
	}
	return true;
}

static bool overflow(const struct vci_kthread *m, struct vcore_thread *self,
		     struct vci_raised *raised)
{
	bool caught = false;

	if (raised->by_kernel) { /* which tells nothing of the frame that it had to write */
		raised->address = raised->sp - vci_signal_frame();
		raised->access = VCORE_ACCESS_WRITE;
	}
	if (is_own_text(self, raised) && may_end(m, raised)) {
		raised->kind = VCORE_FAULT_STACK_OVERFLOW;
		caught = land(self, raised);
	} else if (are_caught(m->runtime)) {
		caught = doom(m, self, raised);
	}
	if (!caught) {
		explain(self);
	}
	return caught;
}

static bool is_on_stack(const struct vcore_thread *self, const char *sp)
{
	return sp >= floor_of(self) && sp < vci_thread_high(self);
}

/* On its stack, or in what is inaccessible of it. */
static bool is_near(const struct vcore_thread *thread, const char *sp)
{
	return sp >= base_of(thread) && sp < vci_thread_high(thread);
}

/*
 * On whose stack it was raised.  Who switches goes from the stack of one thread to
 * that of the next, or m's own, after that is the current one: until then it is still
 * the other that may use its stack up.
 */
static struct vcore_thread *whose(const struct vci_kthread *m, const struct vci_raised *raised)
{
	struct vcore_thread *self = m->current, *left = m->left;

	if ((self == NULL || !is_near(self, raised->sp)) && left != NULL &&
	    vci_text_is_library(raised->pc) && is_near(left, raised->sp)) {
		return left;
	}
	return self;
}

bool vci_fault_judge(struct vci_raised *raised)
{
	struct vci_kthread *m = vci_local_bound();
	struct vcore_thread *self = m != NULL ? whose(m, raised) : NULL;

	if (self == NULL) {
		return false;
	}
	if (has_overflown(self, raised)) {
		return overflow(m, self, raised);
	}
	return self == m->current && is_on_stack(self, raised->sp) && may_end(m, raised) &&
	       is_own_text(self, raised) && land(self, raised);
}
