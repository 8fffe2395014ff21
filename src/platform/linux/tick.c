/*
 * Ticks: SIGALRM, and the timers that send it.
 *
 * The handler runs on the interrupted stack, with SIGALRM blocked: signals that
 * come faster than they are handled must not pile up frames.  Standard signals
 * coalesce, so that one SIGALRM may stand for ours and somebody else's: all are
 * passed to on_tick, which knows what is due; those that are not of our timers
 * are the program's too.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include "platform/annotate.h"
#include "platform/linux/linux.h"

#if defined __x86_64__
#define PC(context) ((context)->uc_mcontext.gregs[REG_RIP])
#define SP(context) ((context)->uc_mcontext.gregs[REG_RSP])
#elif defined __aarch64__
#define PC(context) ((context)->uc_mcontext.pc)
#define SP(context) ((context)->uc_mcontext.sp)
#else
#define UNKNOWN_PROCESSOR
#define PC(context) ((uintptr_t)(context)*0)
#define SP(context) ((uintptr_t)(context)*0)
#endif

static unsigned installed; /* how often */
static struct sigaction before;
static void (*on_tick)(struct vci_interrupted *interrupted);

/* --- the handler -------------------------------------------------------------- */

/* As the kernel would have called it, but that SIGALRM is blocked anyway. */
VCI_READS_RACILY static void call_program(int number, siginfo_t *info, void *context)
{
	const struct sigaction action = before;
	sigset_t mask;

	if (action.sa_flags & SA_RESETHAND) {
		before.sa_handler = SIG_DFL;
		before.sa_flags &= ~SA_SIGINFO;
	}
	pthread_sigmask(SIG_BLOCK, &action.sa_mask, &mask);
	if (action.sa_flags & SA_SIGINFO) {
		action.sa_sigaction(number, info, context);
	} else {
		action.sa_handler(number);
	}
	pthread_sigmask(SIG_SETMASK, &mask, NULL);
}

/*
 * A SIGALRM that is the program's.  Where it had the default action the
 * process ends, as it would have without us.
 */
VCI_READS_RACILY static void chain(int number, siginfo_t *info, void *context)
{
	struct vci_local *local = vci_local();
	const char *outer = local->handler;

	if (before.sa_handler == SIG_DFL) {
		signal(number, SIG_DFL);
		vci_ticks_unblock();
		raise(number);
	} else if (before.sa_handler != SIG_IGN) {
		local->handler = __builtin_frame_address(0);
		call_program(number, info, context);
		local->handler = outer;
	}
}

VCI_READS_RACILY static bool is_ours(const siginfo_t *info)
{
	return info->si_code == SI_TIMER && info->si_value.sival_ptr == &vci_timer_mark;
}

/*
 * In a sanitizer's runtime nothing may be done: the handler's own instructions
 * might call it.  ASan's bears as much, and its locks may be waited for, whose
 * holder waits for a processor.
 */
#ifdef VCI_ASAN
#define MAY_CHAIN_ANYWHERE         true
#define MAY_HAND_OVER(interrupted) vci_is_in_system_call(interrupted)
#else
#define MAY_CHAIN_ANYWHERE         false
#define MAY_HAND_OVER(interrupted) false
#endif

/* One of our timers comes again in 100 µs. */
VCI_READS_RACILY static void come_again(const siginfo_t *info)
{
	const struct itimerspec soon = {.it_value.tv_nsec = 100000};

	if (is_ours(info)) {
		syscall(SYS_timer_settime, info->si_timerid, 0, &soon, NULL);
	}
}

static void on_alarm(int number, siginfo_t *info, void *context) VCI_READS_RACILY;

static void on_alarm(int number, siginfo_t *info, void *context)
{
	const ucontext_t *ucontext = context;
	struct vci_interrupted interrupted = {
		.pc = (const char *)PC(ucontext), /* NOLINT(performance-no-int-to-ptr) */
		.sp = (char *)SP(ucontext),       /* NOLINT(performance-no-int-to-ptr) */
		.context = context,
	};
	bool untouchable = vci_text_is_sanitizer(interrupted.pc) && !MAY_HAND_OVER(&interrupted);
	int error = errno;

	__builtin_memcpy(&interrupted.mask, &ucontext->uc_sigmask, sizeof interrupted.mask);
	if (!is_ours(info) && (!untouchable || MAY_CHAIN_ANYWHERE)) {
		chain(number, info, context);
	}
	if (untouchable) {
		come_again(info);
	}
	errno = error;
	if (!untouchable) {
		on_tick(&interrupted); /* leaves errno alone, perhaps of another kernel thread */
	}
}

/* --- installing it -------------------------------------------------------------- */

#if defined VCI_TSAN && defined __x86_64__
/*
 * TSan keeps signals back until the next call that it intercepts: so the
 * handler is installed behind its back, as libc would do it.
 */
struct kernel_sigaction {
	void (*handler)(int number, siginfo_t *info, void *context);
	unsigned long flags;
	void (*restorer)(void);
	uint64_t mask;
};

#define SA_RESTORER 0x04000000

void vci_signal_return(void);
__asm__(".pushsection .text,\"ax\",@progbits\n"
	".hidden vci_signal_return\n"
	".globl vci_signal_return\n"
	".type vci_signal_return, @function\n"
	"vci_signal_return:\n"
	"	movq $15, %rax\n"
	"	syscall\n"
	".size vci_signal_return, . - vci_signal_return\n"
	".popsection\n");

static int set_handler(void)
{
	struct kernel_sigaction action = {
		.handler = on_alarm,
		.flags = SA_SIGINFO | SA_RESTART | SA_RESTORER,
		.restorer = vci_signal_return,
	};

	if (sigaction(SIGALRM, NULL, &before) != 0) {
		return errno;
	}
	return syscall(SYS_rt_sigaction, SIGALRM, &action, NULL, sizeof action.mask) == 0 ? 0
											  : errno;
}

/* TSan does not know of ours: what it knows of is the program's. */
static int restore(void)
{
	return sigaction(SIGALRM, &before, NULL);
}
#else
static int set_handler(void)
{
	struct sigaction action;

	memset(&action, 0, sizeof action);
	action.sa_sigaction = on_alarm;
	action.sa_flags = SA_SIGINFO | SA_RESTART;
	sigemptyset(&action.sa_mask);
	if (sigaction(SIGALRM, NULL, &before) !=
	    0) { /* before ours is there, and passes on to it */
		return errno;
	}
	return sigaction(SIGALRM, &action, NULL) == 0 ? 0 : errno;
}

/* Where the program has put a handler over ours meanwhile, it stays. */
static int restore(void)
{
	struct sigaction present;

	if (sigaction(SIGALRM, NULL, &present) == 0 && (present.sa_flags & SA_SIGINFO) != 0 &&
	    present.sa_sigaction == on_alarm) {
		sigaction(SIGALRM, &before, NULL);
	}
	return 0;
}
#endif

#ifdef __x86_64__
#define ARCH_SHSTK_STATUS 0x5005
#define ARCH_SHSTK_SHSTK  1u

/* A switched stack would not match the shadow stack. */
static bool has_shadow_stack(void)
{
	unsigned long features = 0;

	return vci_system_call(SYS_arch_prctl, ARCH_SHSTK_STATUS, (long)&features, 0, 0, 0, 0) ==
		       0 &&
	       (features & ARCH_SHSTK_SHSTK) != 0;
}
#else
static bool has_shadow_stack(void)
{
	return false;
}
#endif

const char *vci_ticks_obstacle(void)
{
#ifdef UNKNOWN_PROCESSOR
	return "processor";
#else
	if (VCI_ON_VALGRIND) {
		return "valgrind";
	}
	return vci_text_is_sanitizer(NULL) ? "sanitizer" : NULL;
#endif
}

int vci_ticks_install(void (*f)(struct vci_interrupted *interrupted))
{
	int error = 0;

	if (has_shadow_stack()) {
		return -ENOTSUP;
	}
	if (installed == 0) {
		on_tick = f;
		error = VCI_OUTSIDE(set_handler());
	}
	if (error == 0) {
		installed++;
	}
	return -error;
}

void vci_ticks_remove(void)
{
	if (--installed == 0) {
		(void)VCI_OUTSIDE(restore());
	}
}

/* --- what was interrupted -------------------------------------------------------- */

#if defined __x86_64__
static bool is_system_call(const unsigned char *pc)
{
	return pc[0] == 0x0f && pc[1] == 0x05;
}
#define SYSTEM_CALL_BYTES 2u
#else
static bool is_system_call(const unsigned char *pc)
{
	return pc[0] == 0x01 && pc[1] == 0x00 && pc[2] == 0x00 && pc[3] == 0xd4; /* svc #0 */
}
#define SYSTEM_CALL_BYTES 4u
#endif

/* The page before that of the program counter may not be there. */
bool vci_is_in_system_call(const struct vci_interrupted *interrupted)
{
	const unsigned char *pc = (const unsigned char *)interrupted->pc;

	return is_system_call(pc) || ((uintptr_t)pc % vci_page_size >= SYSTEM_CALL_BYTES &&
				      is_system_call(pc - SYSTEM_CALL_BYTES));
}

#if defined __x86_64__
#define RED_ZONE 128

/* In the frame of a signal, of the registers saved by XSAVE. */
#define XSAVE_BYTES        512
#define XSAVE_MAGIC_AT     464
#define XSAVE_MAGIC        0x46505853u
#define XSAVE_ALL_BYTES_AT 468

static void find_registers(const ucontext_t *context, struct vci_range *general,
			   struct vci_range *others)
{
	const char *xsave = (const char *)context->uc_mcontext.fpregs;
	uint32_t magic, bytes;

	general->from = (uintptr_t)context->uc_mcontext.gregs;
	general->to = general->from + sizeof context->uc_mcontext.gregs;
	__builtin_memcpy(&magic, xsave + XSAVE_MAGIC_AT, sizeof magic);
	__builtin_memcpy(&bytes, xsave + XSAVE_ALL_BYTES_AT, sizeof bytes);
	others->from = (uintptr_t)xsave;
	others->to = others->from + (magic == XSAVE_MAGIC ? bytes : XSAVE_BYTES);
}
#else
#define RED_ZONE 0

/* Here all of them are in one piece. */
static void find_registers(const ucontext_t *context, struct vci_range *general,
			   struct vci_range *others)
{
	general->from = (uintptr_t)&context->uc_mcontext;
	general->to = general->from + sizeof context->uc_mcontext;
	others->from = others->to = general->to;
}
#endif

void vci_interrupted_holds(const struct vci_interrupted *interrupted, const void *stack_top,
			   struct vci_range ranges[VCI_INTERRUPTED_RANGES])
{
	find_registers(interrupted->context, &ranges[0], &ranges[1]);
	ranges[2].from = ((uintptr_t)interrupted->sp - RED_ZONE) & ~(uintptr_t)7;
	ranges[2].to = (uintptr_t)stack_top;
}

void vci_interrupted_move(struct vci_interrupted *interrupted, const struct vci_signal_stack *stack,
			  uint64_t mask)
{
	ucontext_t *context = interrupted->context;

	__builtin_memcpy(&context->uc_sigmask, &mask, sizeof mask);
	if (stack->used) {
		context->uc_stack.ss_sp = stack->pages;
		context->uc_stack.ss_size = stack->bytes;
		context->uc_stack.ss_flags = 0;
	} else { /* the kernel thread has one of its own */
		(void)VCI_OUTSIDE(sigaltstack(NULL, &context->uc_stack));
	}
}

/* --- the mask ---------------------------------------------------------------------- */

static bool unblock(void)
{
	sigset_t alarm, present;

	sigemptyset(&alarm);
	sigaddset(&alarm, SIGALRM);
	pthread_sigmask(SIG_UNBLOCK, &alarm, &present);
	return sigismember(&present, SIGALRM) == 1;
}

static int block(void)
{
	sigset_t alarm;

	sigemptyset(&alarm);
	sigaddset(&alarm, SIGALRM);
	return pthread_sigmask(SIG_BLOCK, &alarm, NULL);
}

static uint64_t present_mask(void)
{
	sigset_t present;
	uint64_t mask;

	pthread_sigmask(SIG_SETMASK, NULL, &present);
	__builtin_memcpy(&mask, &present, sizeof mask);
	return mask;
}

void vci_ticks_unblock(void)
{
	(void)VCI_OUTSIDE(unblock());
}

uint64_t vci_mask_present(void)
{
	return VCI_OUTSIDE(present_mask());
}

uint64_t vci_mask_open(bool *was_blocked)
{
	*was_blocked = VCI_OUTSIDE(unblock());
	return vci_mask_present();
}

void vci_mask_close(bool was_blocked)
{
	if (was_blocked) {
		(void)VCI_OUTSIDE(block());
	}
}

static int set_mask(uint64_t mask)
{
	sigset_t all;

	sigemptyset(&all);
	__builtin_memcpy(&all, &mask, sizeof mask);
	return pthread_sigmask(SIG_SETMASK, &all, NULL);
}

void vci_mask_set(uint64_t mask)
{
	(void)VCI_OUTSIDE(set_mask(mask));
}
