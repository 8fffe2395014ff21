/*
 * The context switch: see arch.h for the contract.
 *
 * A suspended computation is its stack pointer; above it lie, from low to high
 * addresses, a gap of 8 bytes, r15 r14 r13 r12 rbx rbp and the address to resume
 * at.  Resuming pops that address and jumps: a `ret` would be predicted from the
 * return stack, which belongs to the computation that was left.
 *
 * Both stacks have the same layout while the switch runs, so that the CFI,
 * given relative to the stack pointer, is right at each instruction.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
	.text

/* int vci_context_switch(rdi: from, rsi: to, rdx: carry) */
	.globl	vci_context_switch
	.hidden	vci_context_switch
	.type	vci_context_switch, @function
	.p2align 4
vci_context_switch:
	.cfi_startproc
	pushq	%rbp
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset %rbp, 0
	pushq	%rbx
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset %rbx, 0
	pushq	%r12
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset %r12, 0
	pushq	%r13
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset %r13, 0
	pushq	%r14
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset %r14, 0
	pushq	%r15
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset %r15, 0
	subq	$8, %rsp
	.cfi_adjust_cfa_offset 8
	movq	%rsp, (%rdi)
	movq	(%rsi), %rsp
	movq	%rdx, %rdi
	call	vci_context_arrive
	addq	$8, %rsp
	.cfi_adjust_cfa_offset -8
	popq	%r15
	.cfi_adjust_cfa_offset -8
	.cfi_restore %r15
	popq	%r14
	.cfi_adjust_cfa_offset -8
	.cfi_restore %r14
	popq	%r13
	.cfi_adjust_cfa_offset -8
	.cfi_restore %r13
	popq	%r12
	.cfi_adjust_cfa_offset -8
	.cfi_restore %r12
	popq	%rbx
	.cfi_adjust_cfa_offset -8
	.cfi_restore %rbx
	popq	%rbp
	.cfi_adjust_cfa_offset -8
	.cfi_restore %rbp
	popq	%rcx
	.cfi_adjust_cfa_offset -8
	.cfi_register %rip, %rcx
	jmp	*%rcx
	.cfi_endproc
	.size	vci_context_switch, . - vci_context_switch

/*
 * Where a new computation begins: rbx is the entry, r12 its argument.  There is
 * no caller: rip is undefined, and rbp was popped as 0.
 */
	.globl	vci_context_start
	.hidden	vci_context_start
	.type	vci_context_start, @function
	.p2align 4
vci_context_start:
	.cfi_startproc
	.cfi_undefined %rip
	movq	%r12, %rdi
	call	*%rbx
	ud2
	.cfi_endproc
	.size	vci_context_start, . - vci_context_start

	.section .note.GNU-stack, "", @progbits
