/*
 * Threads: allocation, and the calls that concern the caller alone.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "sched/thread.h"

#include <errno.h>

#include <vcore/preempt.h>

#include "platform/options.h"
#include "sched/cache.h"
#include "sched/enter.h"
#include "sched/gang.h"
#include "sched/idle.h"
#include "sched/inbox.h"
#include "sched/mend.h"
#include "sched/processor.h"
#include "sched/queue_inline.h"
#include "sched/resident.h"
#include "sched/switch.h"
#include "sched/text.h"

#define FLAGS_KNOWN                                                                                \
	(VCORE_THREAD_LIGHT | VCORE_THREAD_DESTROY_ANYWHERE | VCORE_THREAD_FPENV |                 \
	 VCORE_THREAD_PINNED)

/* --- allocation ----------------------------------------------------------------- */

static int check_options(const struct vcore_runtime *runtime,
			 const struct vcore_thread_options *options)
{
	if (options->priority < VCORE_PRIORITY_MIN || options->priority > VCORE_PRIORITY_MAX ||
	    (options->flags & ~FLAGS_KNOWN) != 0) {
		return -EINVAL;
	}
	if ((options->flags & VCORE_THREAD_PINNED) &&
	    options->processor >= vci_runtime_all(runtime)) {
		return -EINVAL;
	}
	if (((options->flags & VCORE_THREAD_LIGHT) && vcore_preempt_obstacle() != NULL) ||
	    ((options->flags & VCORE_THREAD_DESTROY_ANYWHERE) && vci_text_obstacle() != NULL)) {
		return -ENOTSUP;
	}
	return 0;
}

static void copy_name(char *to, size_t size, const char *from)
{
	size_t i = 0;

	if (from != NULL) {
		for (; i < size - 1 && from[i] != '\0'; i++) {
			to[i] = from[i];
		}
	}
	to[i] = '\0';
}

/* What differs from thread to thread; the rest was left so by the last. */
static void set_up(struct vcore_thread *thread, struct vcore_runtime *runtime,
		   const struct vcore_thread_options *options, void *(*entry)(void *),
		   void *argument)
{
	thread->stack.generation++;
	thread->runtime = runtime;
	thread->errno_value = 0;
	thread->priority = (int8_t)options->priority;
	thread->flags = (uint8_t)(options->flags | runtime->thread_flags);
	thread->undestroyable = 0;
	thread->unpreemptible = 0;
	thread->polls = false;
	thread->pin = options->processor;
	thread->entry = entry;
	thread->argument = argument;
	thread->cleanups = NULL;
	thread->exceptions.caught = NULL;
	thread->exceptions.uncaught = 0;
	thread->has_slots = false;
	thread->has_holds = false;
	thread->switches = 0;
	thread->cpu_time = 0;
	thread->refusal = VCORE_REFUSAL_NONE;
	thread->refusals = 0;
	thread->preemptions = 0;
	thread->hand_overs = 0;
	copy_name(thread->name, sizeof thread->name, options->name);
	if (unlikely(thread->flags & VCORE_THREAD_FPENV)) {
		thread->fpenv = runtime->fpenv;
	}
	thread->resume = NULL;
	vci_resident_begin_context(thread, options->space);
}

/*
 * From here on it can be found.  Who stops the runtime finds it, or is found:
 * then it is born with the wish that it end.
 */
static void bring_to_life(struct vcore_thread *thread)
{
	uint64_t life = thread->stack.generation * VCI_LIFE_GENERATION | VCI_LIFE_ALIVE;

	__atomic_store_n(&thread->life, life, __ATOMIC_RELEASE);
	vci_fence_light(); /* pairs with the heavy fence in vci_destroy_all */
	if (unlikely(__atomic_load_n(&thread->runtime->stopping, __ATOMIC_RELAXED))) {
		__atomic_store_n(&thread->life, life | VCI_LIFE_DESTROY, __ATOMIC_RELAXED);
	}
}

/*
 * A thread is counted before it exists, so that who waits for all threads to
 * end never sees too few; this takes the count back.
 */
static void withdraw(struct vcore_runtime *runtime)
{
	__atomic_fetch_add(&runtime->refused_outside, 1, __ATOMIC_SEQ_CST);
	if (__atomic_load_n(&runtime->closing, __ATOMIC_SEQ_CST)) {
		vci_idle_wake_all(runtime); /* it may have been the last one counted */
	}
}

static struct vci_stack *take_stack(struct vci_processor *processor, struct vcore_runtime *runtime,
				    uint32_t kind, int *error)
{
	if (likely(processor != NULL && kind == 0)) {
		return vci_cache_take(processor, error);
	}
	return vci_stacks_take(&runtime->stacks, kind, 1, error);
}

/*
 * Counts the thread, unless no more are to be allocated.  From a thread of the
 * runtime a look at `closing` is enough: while that thread lives nothing ends.
 * From outside the count comes first: who closes sees it, or is seen.
 */
static int admit(struct vci_processor *processor, struct vcore_runtime *runtime)
{
	if (likely(processor != NULL)) {
		if (unlikely(__atomic_load_n(&runtime->closing, __ATOMIC_RELAXED))) {
			return -ESHUTDOWN;
		}
		return 0;
	}
	__atomic_fetch_add(&runtime->allocated_outside, 1, __ATOMIC_SEQ_CST);
	if (__atomic_load_n(&runtime->closing, __ATOMIC_SEQ_CST)) {
		withdraw(runtime);
		return -ESHUTDOWN;
	}
	return 0;
}

static void start(struct vci_processor *processor, struct vcore_thread *thread)
{
	if (likely(processor != NULL && !processor->polls &&
		   (!(thread->flags & VCORE_THREAD_PINNED) || thread->pin == processor->number))) {
		vci_queue_push_spawned(&processor->queue, thread);
		vci_idle_offer(processor);
	} else {
		vci_inbox_send(thread);
	}
}

/* `processor` is the caller's if it is of this runtime, else NULL. */
static inline int allocate(struct vcore_thread **handle, struct vci_processor *processor,
			   struct vcore_runtime *runtime,
			   const struct vcore_thread_options *options, uint32_t kind,
			   void *(*entry)(void *), void *argument)
{
	struct vcore_thread *thread;
	struct vci_stack *stack;
	int error = admit(processor, runtime);

	if (unlikely(error != 0)) {
		return error;
	}
	stack = take_stack(processor, runtime, kind, &error);
	if (unlikely(options->space != NULL) && stack != NULL) {
		stack = vci_resident_lodge(stack, runtime, options, &error);
	}
	if (unlikely(stack == NULL)) {
		if (processor == NULL) {
			withdraw(runtime);
		}
		return error;
	}
	if (likely(processor != NULL)) {
		vci_count(&processor->allocated, 1);
	}
	thread = (struct vcore_thread *)stack;
	set_up(thread, runtime, options, entry, argument);
	bring_to_life(thread);
	__atomic_store_n(&thread->join, handle != NULL ? NULL : VCI_JOIN_DETACHED,
			 __ATOMIC_RELAXED);
	if (handle != NULL) {
		*handle = thread; /* before it runs, and may look at it */
	}
	start(processor, thread);
	return 0;
}

static __attribute__((noinline)) int
allocate_with_options(struct vcore_thread **handle, struct vci_kthread *m,
		      const struct vcore_thread_options *options, void *(*entry)(void *),
		      void *argument)
{
	struct vcore_thread_options known;
	const struct vcore_thread *self = vci_thread_self();
	struct vcore_runtime *runtime = self != NULL ? self->runtime : NULL;
	struct vci_processor *processor = m != NULL ? m->processor : NULL;
	int error = vci_options(&known, sizeof known, options);
	int kind;

	if (error != 0) {
		return error;
	}
	if (known.runtime != NULL && known.runtime != runtime) {
		runtime = known.runtime;
		processor = NULL;
	}
	if (runtime == NULL && vci_local()->lost) {
		return -ESHUTDOWN;
	}
	if (runtime == NULL) {
		vci_panic("vcore_thread_allocate",
			  "options->runtime is required outside a vcore thread");
	}
	if (vci_runtime_is_lost(runtime)) {
		return -ESHUTDOWN;
	}
	error = check_options(runtime, &known);
	if (error != 0) {
		return error;
	}
	kind = vci_resident_kind(runtime, known.space, known.stack_size);
	if (kind < 0) {
		return kind;
	}
	return allocate(handle, processor, runtime, &known, (uint32_t)kind, entry, argument);
}

int vcore_thread_allocate(struct vcore_thread **thread, const struct vcore_thread_options *options,
			  void *(*entry)(void *), void *argument)
{
	static const struct vcore_thread_options defaults;
	struct vci_kthread *m;

	VCI_PANIC_IF(entry == NULL, "entry is NULL");
	vci_text_note((const void *)entry); /* which may cost the caller its processor */
	m = vci_kthread_self();
	if (likely(m != NULL)) {
		vci_end_if_due(m->current);
	}
	if (options != NULL || unlikely(m == NULL)) {
		return allocate_with_options(thread, m, options, entry, argument);
	}
	return allocate(thread, m->processor, m->runtime, &defaults, 0, entry, argument);
}

/* --- the caller ---------------------------------------------------------------------- */

/* The calling thread; panics on a plain pthread. */
#define THREAD_OR_PANIC()                                                                          \
	({                                                                                         \
		struct vcore_thread *self_ = vci_thread_self();                                    \
		VCI_PANIC_IF(self_ == NULL, "the caller is not a vcore thread");                   \
		self_;                                                                             \
	})

struct vcore_thread *vcore_thread_self(void)
{
	return vci_thread_self();
}

uint64_t vcore_thread_id(const struct vcore_thread *thread)
{
	VCI_PANIC_IF(thread == NULL, "thread is NULL");
	return vci_thread_id(thread);
}

const char *vcore_thread_name(const struct vcore_thread *thread)
{
	VCI_PANIC_IF(thread == NULL, "thread is NULL");
	return thread->name;
}

void vcore_thread_exit(void *result)
{
	struct vcore_thread *self = THREAD_OR_PANIC();

	vci_mend_no_more(self);
	vci_end_self(self, VCORE_RETURNED, result);
}

static int resume_from_yield(struct vci_kthread *m, struct vcore_thread *self)
{
	(void)m;
	vci_end_if_due(self);
	return 0;
}

void vcore_yield(void)
{
	struct vci_kthread *m = vci_enter_to_yield();
	struct vcore_thread *self = m != NULL ? m->current : NULL;
	struct vcore_thread *next;

	if (unlikely(self == NULL)) {
		vci_kernel_yield();
		return;
	}
	vci_end_if_due_outside(self);
	next = vci_pick_rotating(m->processor, self);
	if (likely(next != NULL)) {
		(void)vci_switch_away(m, self, VCI_ROTATE, next, resume_from_yield);
		return;
	}
	/* Where each thread has one turn, the next is of any priority. */
	next = vci_pick(m->processor, m->processor->polls ? VCORE_PRIORITY_MIN : self->priority);
	if (next != NULL || vci_processor_is_leaving(m->processor) || vci_gang_is_over(self)) {
		(void)vci_switch_away(m, self, VCI_YIELD, next, resume_from_yield);
	}
}

void vcore_destroy_disable(void)
{
	struct vcore_thread *self = vci_thread_self();

	if (self != NULL) {
		VCI_PANIC_IF(self->undestroyable == UINT16_MAX, "nested too deeply");
		self->undestroyable++;
	}
}

void vcore_destroy_enable(void)
{
	struct vcore_thread *self = vci_thread_self();

	if (self != NULL) {
		VCI_PANIC_IF(self->undestroyable == 0, "there was no disable for this enable");
		self->undestroyable--;
		vci_end_if_due(self);
	}
}

void vcore_cleanup_push(struct vcore_cleanup *cleanup, void (*f)(void *), void *argument)
{
	struct vcore_thread *self = THREAD_OR_PANIC();

	VCI_PANIC_IF(cleanup == NULL || f == NULL, "cleanup or f is NULL");
	cleanup->f_ = f;
	cleanup->argument_ = argument;
	cleanup->next_ = self->cleanups;
	self->cleanups = cleanup;
}

void vcore_cleanup_pop(struct vcore_cleanup *cleanup, bool execute)
{
	struct vcore_thread *self = THREAD_OR_PANIC();

	VCI_PANIC_IF(self->cleanups != cleanup || cleanup == NULL,
		     "the cleanup is not the last that was pushed");
	self->cleanups = cleanup->next_;
	if (execute) {
		vcore_destroy_disable();
		cleanup->f_(cleanup->argument_);
		vcore_destroy_enable();
	}
}

/* --- all of them ----------------------------------------------------------------------- */

int vci_thread_walk(struct vcore_runtime *runtime,
		    int (*f)(struct vcore_thread *thread, uint64_t life, void *argument),
		    void *argument)
{
	int result = 0;
	uint32_t limit;

	vci_stacks_walk_begin(&runtime->stacks);
	limit = vci_stacks_limit(&runtime->stacks);
	for (uint32_t i = 0; i < limit && result == 0; i++) {
		struct vcore_thread *thread;
		uint64_t life;

		thread = (struct vcore_thread *)vci_stacks_at(&runtime->stacks, i);
		if (thread == NULL) {
			continue;
		}
		life = __atomic_load_n(&thread->life, __ATOMIC_ACQUIRE);
		if (life & (VCI_LIFE_ALIVE | VCI_LIFE_ENDED)) {
			result = f(thread, life, argument);
		}
	}
	vci_stacks_walk_end(&runtime->stacks);
	return result;
}
