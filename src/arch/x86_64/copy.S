/*
 * Copying that survives a fault: see arch.h.
 *
 * Source and destination do not overlap.  Nothing is pushed, so that a fault
 * anywhere in here can be answered by going on at vci_copy_fault.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
	.text

/* bool vci_copy(rdi: to, rsi: from, rdx: n) */
	.globl	vci_copy
	.hidden	vci_copy
	.type	vci_copy, @function
	.p2align 4
vci_copy:
	.cfi_startproc
	cmpq	$16, %rdx
	jb	.Lfew
	cmpq	$1024, %rdx
	jae	.Lmany
	leaq	-16(%rdx), %rcx		/* where the last 16 bytes begin */
	xorl	%eax, %eax
	cmpq	$80, %rdx
	jb	.Lnext
.Lnext_four:
	movups	(%rsi,%rax), %xmm0
	movups	16(%rsi,%rax), %xmm1
	movups	32(%rsi,%rax), %xmm2
	movups	48(%rsi,%rax), %xmm3
	movups	%xmm0, (%rdi,%rax)
	movups	%xmm1, 16(%rdi,%rax)
	movups	%xmm2, 32(%rdi,%rax)
	movups	%xmm3, 48(%rdi,%rax)
	addq	$64, %rax
	leaq	64(%rax), %r8
	cmpq	%rcx, %r8
	jbe	.Lnext_four
.Lnext:
	movups	(%rsi,%rax), %xmm0
	movups	%xmm0, (%rdi,%rax)
	addq	$16, %rax
	cmpq	%rcx, %rax
	jb	.Lnext
	movups	(%rsi,%rcx), %xmm0
	movups	%xmm0, (%rdi,%rcx)
	movl	$1, %eax
	ret
.Lmany:
	movq	%rdx, %rcx
	rep movsb
	movl	$1, %eax
	ret
.Lfew:				/* two halves, which may overlap */
	cmpl	$8, %edx
	jb	.Lfewer
	movq	(%rsi), %rax
	movq	-8(%rsi,%rdx), %rcx
	movq	%rax, (%rdi)
	movq	%rcx, -8(%rdi,%rdx)
	movl	$1, %eax
	ret
.Lfewer:
	cmpl	$4, %edx
	jb	.Lbytes
	movl	(%rsi), %eax
	movl	-4(%rsi,%rdx), %ecx
	movl	%eax, (%rdi)
	movl	%ecx, -4(%rdi,%rdx)
	movl	$1, %eax
	ret
.Lbytes:
	movq	%rdx, %rcx
	jrcxz	.Ldone
.Lbyte:
	movzbl	-1(%rsi,%rcx), %eax
	movb	%al, -1(%rdi,%rcx)
	decq	%rcx
	jnz	.Lbyte
.Ldone:
	movl	$1, %eax
	ret
	.cfi_endproc
	.size	vci_copy, .-vci_copy

	.globl	vci_copy_fault
	.hidden	vci_copy_fault
	.type	vci_copy_fault, @function
vci_copy_fault:
	.cfi_startproc
	xorl	%eax, %eax
	ret
	.cfi_endproc
	.size	vci_copy_fault, .-vci_copy_fault

	.section .note.GNU-stack, "", @progbits
