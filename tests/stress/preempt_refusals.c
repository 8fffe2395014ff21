/*
 * Where a tick must do nothing, it does nothing and says why: with another
 * signal mask, on another stack, in a handler of the program's, and while
 * preemption is disabled.  What was interrupted there goes on as it was.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "ticks.h"
#include <ucontext.h>

/* The thread that is refused, and another that wants its processor. */
struct pair_of {
	_Atomic bool there, release, over;
	_Atomic uint64_t turns; /* the other's */
};

static struct pair_of the;

static void *turn(void *unused)
{
	while (!atomic_load(&the.over)) {
		atomic_fetch_add(&the.turns, 1);
		compute(1, 100);
	}
	return unused;
}

/* Spins where it is not to be preempted. */
static void spin_here(void)
{
	atomic_store(&the.there, true);
	ticks_spin(&the.release);
}

static void *spin_with_another_mask(void *unused)
{
	sigset_t user;

	sigemptyset(&user);
	sigaddset(&user, SIGUSR2);
	CHECK_IS(pthread_sigmask(SIG_UNBLOCK, &user, NULL), 0);
	spin_here();
	CHECK_IS(pthread_sigmask(SIG_BLOCK, &user, NULL), 0);
	return unused;
}

static void handle_trap(int number)
{
	CHECK_IS(number, SIGTRAP);
	spin_here();
}

static void trap(int flags)
{
	struct sigaction action = {.sa_handler = handle_trap, .sa_flags = flags}, before;

	CHECK_IS(sigaction(SIGTRAP, &action, &before), 0);
	raise(SIGTRAP);
	CHECK_IS(sigaction(SIGTRAP, &before, NULL), 0);
}

static void *spin_in_handler(void *unused)
{
	trap(0);
	return unused;
}

/* The library's alternate stack, or another: neither is the thread's. */
static void *spin_on_alternate_stack(void *unused)
{
	static char bytes[256 * 1024];
	const stack_t mine = {.ss_sp = bytes, .ss_size = sizeof(bytes)};
	stack_t before;

	CHECK_IS(sigaltstack(&mine, &before), 0);
	trap(SA_ONSTACK | SA_NODEFER);
	CHECK_IS(sigaltstack(&before, NULL), 0);
	return unused;
}

/* A signal that meets a tick which is pending is one with it, and the library's. */
static void *spin_in_alarm(void *unused)
{
	while (!atomic_load(&the.there)) {
		raise(SIGALRM);
	}
	return unused;
}

/* SIGALRM is blocked meanwhile, unless the handler wants it. */
static void handle_alarm(int number)
{
	sigset_t alarm;

	CHECK_IS(number, SIGALRM);
	sigemptyset(&alarm);
	sigaddset(&alarm, SIGALRM);
	CHECK_IS(pthread_sigmask(SIG_UNBLOCK, &alarm, NULL), 0);
	spin_here();
}

static ucontext_t outer, inner;

static void *spin_in_coroutine(void *unused)
{
	const size_t size = 256 * 1024;
	char *stack = malloc(size);

	getcontext(&inner);
	inner.uc_stack = (stack_t){.ss_sp = stack, .ss_size = size};
	inner.uc_link = &outer;
	makecontext(&inner, spin_here, 0);
	CHECK_IS(swapcontext(&outer, &inner), 0);
	free(stack);
	return unused;
}

/*
 * Disabled twice: the other runs when both are enabled, before enable returns.
 * TSan's calls are foreign code, where disabling is no exclusion.
 */
static void *spin_disabled(void *unused)
{
	uint64_t before;

	vcore_preempt_disable();
	vcore_preempt_disable();
	before = atomic_load(&the.turns);
	spin_here();
	vcore_preempt_enable();
	CHECK(TSAN || atomic_load(&the.turns) == before);
	vcore_preempt_enable();
	CHECK(TSAN || atomic_load(&the.turns) > before);
	return unused;
}

/* No ticks for the thread but refusals, while the host looks. */
static void check_refused(const struct ticks *ticks, const struct vcore_thread *thread,
			  enum vcore_refusal why)
{
	struct vcore_thread_info first, last;

	ticks_until((first = ticks_info(ticks, thread)).refusal == why);
	ticks_until((last = ticks_info(ticks, thread)).refusals >= first.refusals + 3);
	CHECK_IS(last.refusal, why);
	CHECK_IS(last.preemptions, first.preemptions);
	CHECK_IS(last.hand_overs, first.hand_overs);
	CHECK(ticks_statistics(ticks).refusals >= last.refusals);
}

static void refuse(const struct ticks *ticks, const char *name, void *(*spin)(void *),
		   enum vcore_refusal why)
{
	struct vcore_thread *thread, *other;

	if (ticks->off != NULL) {
		tap_skip(name, ticks->off);
		return;
	}
	the = (struct pair_of){0};
	thread = ticks_spawn_pinned(ticks, spin, NULL);
	ticks_until(the.there); /* on the way it might be let go */
	other = ticks_spawn_pinned(ticks, turn, NULL);
	check_refused(ticks, thread, why);
	atomic_store(&the.release, true);
	stress_join(thread);
	ticks_until(the.turns > 0);
	atomic_store(&the.over, true);
	stress_join(other);
	ticks_case(ticks, name);
}

static void refuse_elsewhere(const struct ticks *ticks)
{
	refuse(ticks, "a handler, whose mask is another", spin_in_handler, VCORE_REFUSAL_MASK);
	refuse(ticks, "an alternate stack", spin_on_alternate_stack, VCORE_REFUSAL_STACK);
	refuse(ticks, "the program's SIGALRM handler", spin_in_alarm, VCORE_REFUSAL_HANDLER);
	refuse(ticks, "a coroutine of the program's", spin_in_coroutine, VCORE_REFUSAL_STACK);
}

static void refuse_all(const struct ticks *ticks)
{
	refuse(ticks, "another signal mask", spin_with_another_mask, VCORE_REFUSAL_MASK);
	refuse(ticks, "preemption disabled", spin_disabled, VCORE_REFUSAL_DISABLED);
	if (TSAN) {
		tap_skip("handlers and other stacks", "TSan has its own");
	} else {
		refuse_elsewhere(ticks);
	}
}

int main(int argc, char **argv)
{
	const struct sigaction alarm = {.sa_handler = handle_alarm};

	sigaction(SIGALRM, &alarm, NULL);
	return ticks_main(argc, argv, refuse_all);
}
