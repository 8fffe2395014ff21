/*
 * Return barriers: see vci_raised_bar.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <ucontext.h>

#include "platform/linux/linux.h"

void vci_barrier(void); /* where who returns finds itself */

#if defined __x86_64__
__asm__(".pushsection .text,\"ax\",@progbits\n"
	".hidden vci_barrier\n"
	".globl vci_barrier\n"
	".type vci_barrier, @function\n"
	"vci_barrier:\n"
	"	.cfi_startproc\n"
	"	.cfi_undefined %rip\n"
	"	andq $-16, %rsp\n"
	"	xorl %ebp, %ebp\n"
	"	call vci_fault_returned\n"
	"	ud2\n"
	"	.cfi_endproc\n"
	".size vci_barrier, . - vci_barrier\n"
	".popsection\n");

#define CALL_MOST 7u

/* Direct; or by a register, or memory that 0, 1 or 4 bytes more tell of. */
static bool is_behind_call(const unsigned char *pc)
{
	return pc[-5] == 0xe8 || (pc[-2] == 0xff && (pc[-1] & 0x38) == 0x10) ||
	       (pc[-3] == 0xff && (pc[-2] & 0x38) == 0x10) ||
	       (pc[-4] == 0xff && (pc[-3] & 0x38) == 0x10) ||
	       (pc[-6] == 0xff && (pc[-5] & 0x38) == 0x10) ||
	       (pc[-7] == 0xff && (pc[-6] & 0x38) == 0x10);
}

static void bar_link(const struct vci_raised *raised, bool (*is_place)(const void *pc))
{
	(void)raised;
	(void)is_place;
}
#elif defined __aarch64__
__asm__(".pushsection .text,\"ax\",@progbits\n"
	".hidden vci_barrier\n"
	".globl vci_barrier\n"
	".type vci_barrier, @function\n"
	"vci_barrier:\n"
	"	.cfi_startproc\n"
	"	.cfi_undefined x30\n"
	"	mov x29, #0\n"
	"	bl vci_fault_returned\n"
	"	brk #0\n"
	"	.cfi_endproc\n"
	".size vci_barrier, . - vci_barrier\n"
	".popsection\n");

#define CALL_MOST 4u

static bool is_behind_call(const unsigned char *pc)
{
	uint32_t instruction;

	__builtin_memcpy(&instruction, pc - 4, sizeof instruction);
	return (uintptr_t)pc % 4 == 0 && ((instruction & 0xfc000000u) == 0x94000000u ||
					  (instruction & 0xfffffc1fu) == 0xd63f0000u);
}

static bool is_return(const unsigned char *pc, bool (*is_place)(const void *pc));

/* A function that has not saved it yet. */
static void bar_link(const struct vci_raised *raised, bool (*is_place)(const void *pc))
{
	ucontext_t *context = raised->context;

	/* NOLINTNEXTLINE(performance-no-int-to-ptr) */
	if (is_return((const unsigned char *)context->uc_mcontext.regs[30], is_place)) {
		context->uc_mcontext.regs[30] = (uintptr_t)vci_barrier;
	}
}
#else
void vci_barrier(void)
{
}

#define CALL_MOST 0u

static bool is_behind_call(const unsigned char *pc)
{
	(void)pc;
	return false;
}

static void bar_link(const struct vci_raised *raised, bool (*is_place)(const void *pc))
{
	(void)raised;
	(void)is_place;
}
#endif

static bool is_return(const unsigned char *pc, bool (*is_place)(const void *pc))
{
	return is_place(pc) && is_place(pc - CALL_MOST) && is_behind_call(pc);
}

void vci_raised_bar(const struct vci_raised *raised, const char *from, const char *top,
		    bool (*is_place)(const void *pc))
{
	uintptr_t word = ((uintptr_t)from + sizeof word - 1) & ~(sizeof word - 1);

	bar_link(raised, is_place);
	for (; word + sizeof word <= (uintptr_t)top; word += sizeof word) {
		uintptr_t *place = (uintptr_t *)word; /* NOLINT(performance-no-int-to-ptr) */

		/* NOLINTNEXTLINE(performance-no-int-to-ptr) */
		if (is_return((const unsigned char *)*place, is_place)) {
			*place = (uintptr_t)vci_barrier;
		}
	}
}
