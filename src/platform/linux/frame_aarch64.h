/*
 * What the kernel saves for the handler of a signal, on AArch64: see raised.c.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef VCI_FRAME_H
#define VCI_FRAME_H

#define PC(context)   ((context)->uc_mcontext.pc)
#define SP(context)   ((context)->uc_mcontext.sp)
#define LINK(context) ((context)->uc_mcontext.regs[30])
#define HAS_LINK      true

#define RED_ZONE 0

/* In the processor state: the type of a branch that has just been made. */
#define STATE_BRANCH 0xc00u

/* Records behind the general registers. */
struct record {
	uint32_t magic, bytes;
};

#define MAGIC_FLOATING 0x46508001u
#define MAGIC_SYNDROME 0x45535201u
#define MAGIC_EXTRA    0x45585401u

struct floating {
	struct record head;
	uint32_t status, control;
};

struct syndrome {
	struct record head;
	uint64_t value;
};

/* More of them, directly behind the frame. */
struct extra {
	struct record head;
	uint64_t from;
	uint32_t bytes;
};

/* The frame of a signal: what the kernel tells of it, then the context. */
#define INFORMATION_BYTES ((size_t)128)
#define FRAME_BYTES       (INFORMATION_BYTES + sizeof(ucontext_t))

static struct record *find_record(const ucontext_t *context, uint32_t magic)
{
	char *at = (char *)context->uc_mcontext.__reserved;
	char *end = at + sizeof context->uc_mcontext.__reserved;

	while (at + sizeof(struct record) <= end) {
		struct record *record = (struct record *)at;

		if (record->magic == magic) {
			return record;
		}
		if (record->magic == 0 || record->bytes < sizeof *record) {
			break;
		}
		at += record->bytes;
	}
	return NULL;
}

#define CLASS_FETCH_BELOW 0x20u
#define CLASS_FETCH       0x21u
#define CLASS_DATA_BELOW  0x24u
#define CLASS_DATA        0x25u
#define SYNDROME_WRITE    0x40u

/* By the exception syndrome register, which an emulator may not tell. */
static enum vcore_access access_of(const ucontext_t *context)
{
	const struct syndrome *syndrome =
		(const struct syndrome *)find_record(context, MAGIC_SYNDROME);
	uint64_t class = syndrome != NULL ? syndrome->value >> 26 & 0x3f : 0;

	if (class == CLASS_FETCH_BELOW || class == CLASS_FETCH ||
	    context->uc_mcontext.fault_address == context->uc_mcontext.pc) {
		return VCORE_ACCESS_EXECUTE;
	}
	if (class != CLASS_DATA_BELOW && class != CLASS_DATA) {
		return VCORE_ACCESS_UNKNOWN;
	}
	return (syndrome->value & SYNDROME_WRITE) ? VCORE_ACCESS_WRITE : VCORE_ACCESS_READ;
}

static const char *frame_of(const ucontext_t *context)
{
	return (const char *)context - INFORMATION_BYTES;
}

static size_t frame_bytes(const ucontext_t *context)
{
	const struct extra *extra = (const struct extra *)find_record(context, MAGIC_EXTRA);

	return extra != NULL ? extra->from + extra->bytes - (uintptr_t)frame_of(context)
			     : FRAME_BYTES;
}

static size_t context_bytes(const ucontext_t *context)
{
	return frame_bytes(context) + 16;
}

static ucontext_t *copy_context(const ucontext_t *context, char *top)
{
	size_t bytes = frame_bytes(context);
	char *frame = align_down(top - bytes, 16);
	ucontext_t *copy = (ucontext_t *)(frame + INFORMATION_BYTES);
	struct extra *extra;

	(void)vci_copy(frame, frame_of(context), bytes);
	extra = (struct extra *)find_record(copy, MAGIC_EXTRA);
	if (extra != NULL) {
		extra->from += (uintptr_t)frame - (uintptr_t)frame_of(context);
	}
	return copy;
}

static void reset_registers(ucontext_t *context)
{
	struct floating *floating = (struct floating *)find_record(context, MAGIC_FLOATING);

	if (floating != NULL) {
		floating->status = 0;
		floating->control = 0;
	}
}

static void call(ucontext_t *context, const char *sp, void (*f)(struct vci_raised *raised),
		 struct vci_raised *argument)
{
	context->uc_mcontext.pc = (uintptr_t)f;
	context->uc_mcontext.sp = (uintptr_t)align_down(sp, 16);
	context->uc_mcontext.regs[0] = (uintptr_t)argument;
	context->uc_mcontext.regs[29] = 0; /* nobody has called: unwinding ends */
	context->uc_mcontext.regs[30] = 0;
	context->uc_mcontext.pstate &= ~(uint64_t)STATE_BRANCH;
}

static __attribute__((noreturn)) void return_from_signal(const ucontext_t *context)
{
	__asm__ volatile("mov sp, %0\n\tmov x8, %1\n\tsvc #0\n\tbrk #0"
			 :
			 : "r"(frame_of(context)), "i"(SYS_rt_sigreturn)
			 : "memory", "x8");
	__builtin_unreachable();
}

#endif /* VCI_FRAME_H */
