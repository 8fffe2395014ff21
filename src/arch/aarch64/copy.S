/*
 * Copying that survives a fault: see arch.h.
 *
 * Source and destination do not overlap.  Nothing is pushed, so that a fault
 * anywhere in here can be answered by going on at vci_copy_fault.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
	.text

/* bool vci_copy(x0: to, x1: from, x2: n) */
	.globl	vci_copy
	.hidden	vci_copy
	.type	vci_copy, %function
	.p2align 4
vci_copy:
	.cfi_startproc
	cmp	x2, #16
	b.lo	2f
	sub	x3, x2, #16		/* where the last 16 bytes begin */
	mov	x4, #0
1:	ldr	q0, [x1, x4]
	str	q0, [x0, x4]
	add	x4, x4, #16
	cmp	x4, x3
	b.lo	1b
	ldr	q0, [x1, x3]
	str	q0, [x0, x3]
	mov	w0, #1
	ret
2:	cbz	x2, 4f
3:	sub	x2, x2, #1
	ldrb	w3, [x1, x2]
	strb	w3, [x0, x2]
	cbnz	x2, 3b
4:	mov	w0, #1
	ret
	.cfi_endproc
	.size	vci_copy, .-vci_copy

	.globl	vci_copy_fault
	.hidden	vci_copy_fault
	.type	vci_copy_fault, %function
vci_copy_fault:
	.cfi_startproc
	mov	w0, #0
	ret
	.cfi_endproc
	.size	vci_copy_fault, .-vci_copy_fault

	.section .note.GNU-stack, "", %progbits
