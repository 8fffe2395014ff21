/*
 * What the kernel saves for the handler of a signal, on x86-64: see raised.c.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef VCI_FRAME_H
#define VCI_FRAME_H

#define PC(context)   ((context)->uc_mcontext.gregs[REG_RIP])
#define SP(context)   ((context)->uc_mcontext.gregs[REG_RSP])
#define LINK(context) 0
#define HAS_LINK      false

#define RED_ZONE 128

/* The trap of a page fault, and what its error code tells. */
#define TRAP_PAGE   14
#define ERROR_WRITE 2
#define ERROR_FETCH 16

/* In the flags: of tracing, direction, nested tasks, resuming, alignment checks. */
#define FLAGS_UNWANTED 0x54500

/* What the kernel saves: of the system's structure, and of registers by XSAVE. */
#define CONTEXT_BYTES (offsetof(ucontext_t, uc_sigmask) + sizeof(uint64_t))
#define XSAVE_PKRU    (UINT64_C(1) << 9) /* of keys: no register of a computation */

struct xsave {
	uint16_t control, status;
	uint8_t tags, reserved[19];
	uint32_t mxcsr;
	uint8_t registers[436];
	uint32_t magic, bytes; /* at 464: with XSAVE, of all */
	uint8_t more[40];
	uint64_t present; /* of what is not in its initial state */
};

_Static_assert(offsetof(struct xsave, mxcsr) == 24 && offsetof(struct xsave, magic) == 464 &&
		       offsetof(struct xsave, present) == 512,
	       "as the processor has it");

#define XSAVE_MAGIC 0x46505853u
#define XSAVE_LEAST 512

static struct xsave *registers_of(const ucontext_t *context)
{
	return (struct xsave *)context->uc_mcontext.fpregs;
}

static size_t register_bytes(const ucontext_t *context)
{
	const struct xsave *xsave = registers_of(context);

	return xsave->magic == XSAVE_MAGIC ? xsave->bytes : XSAVE_LEAST;
}

static enum vcore_access access_of(const ucontext_t *context)
{
	greg_t error = context->uc_mcontext.gregs[REG_ERR];

	if (context->uc_mcontext.gregs[REG_TRAPNO] != TRAP_PAGE) {
		return VCORE_ACCESS_UNKNOWN;
	}
	return (error & ERROR_FETCH)   ? VCORE_ACCESS_EXECUTE
	       : (error & ERROR_WRITE) ? VCORE_ACCESS_WRITE
				       : VCORE_ACCESS_READ;
}

/* Of the copy, the lowest byte. */
static const char *frame_of(const ucontext_t *context)
{
	return (const char *)context;
}

static size_t context_bytes(const ucontext_t *context)
{
	return CONTEXT_BYTES + 16 + register_bytes(context) + 64;
}

static ucontext_t *copy_context(const ucontext_t *context, char *top)
{
	size_t bytes = register_bytes(context);
	char *registers = align_down(top - bytes, 64);
	ucontext_t *copy = (ucontext_t *)align_down(registers - CONTEXT_BYTES, 16);

	(void)vci_copy(registers, context->uc_mcontext.fpregs, bytes);
	(void)vci_copy(copy, context, CONTEXT_BYTES);
	copy->uc_mcontext.fpregs = (fpregset_t)registers;
	return copy;
}

/* As the kernel does for a handler. */
static void reset_registers(ucontext_t *context)
{
	struct xsave *xsave = registers_of(context);

	xsave->control = 0x37f;
	xsave->status = 0;
	xsave->tags = 0;
	xsave->mxcsr = 0x1f80;
	if (xsave->magic == XSAVE_MAGIC) {
		xsave->present &= XSAVE_PKRU;
	}
}

static void call(ucontext_t *context, const char *sp, void (*f)(struct vci_raised *raised),
		 struct vci_raised *argument)
{
	uint64_t *frame = (uint64_t *)align_down(sp, 16) - 1;
	greg_t *registers = context->uc_mcontext.gregs;

	*frame = 0; /* nobody has called: unwinding ends */
	registers[REG_RIP] = (greg_t)f;
	registers[REG_RSP] = (greg_t)frame;
	registers[REG_RDI] = (greg_t)argument;
	registers[REG_RBP] = 0;
	registers[REG_EFL] &= ~(greg_t)FLAGS_UNWANTED;
}

static __attribute__((noreturn)) void return_from_signal(const ucontext_t *context)
{
	__asm__ volatile("movq %0, %%rsp\n\tmovl %1, %%eax\n\tsyscall\n\tud2"
			 :
			 : "r"(context), "i"(SYS_rt_sigreturn)
			 : "memory");
	__builtin_unreachable();
}

#endif /* VCI_FRAME_H */
