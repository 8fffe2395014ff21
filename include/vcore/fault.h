/*
 * The report of a fault: what a thread did that ended it.
 *
 * A joiner finds it in struct vcore_exit when `how` is VCORE_FAULTED.
 *
 * In this release a fault still ends the process, and no thread ends
 * FAULTED; the structure is here because struct vcore_exit contains it and
 * will not change its shape.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef VCORE_FAULT_H
#define VCORE_FAULT_H

#include <vcore/base.h>

enum vcore_access {
	VCORE_ACCESS_UNKNOWN,
	VCORE_ACCESS_READ,
	VCORE_ACCESS_WRITE,
	VCORE_ACCESS_EXECUTE,
};

enum vcore_fault_kind {
	VCORE_FAULT_NONE,
	VCORE_FAULT_UNMAPPED,       /* nothing is mapped at the address */
	VCORE_FAULT_PROTECTION,     /* mapped, but not for this access */
	VCORE_FAULT_STACK_OVERFLOW, /* the guard below the thread's stack */
	VCORE_FAULT_BUS,            /* SIGBUS */
	VCORE_FAULT_ARITHMETIC,     /* SIGFPE */
	VCORE_FAULT_INSTRUCTION,    /* SIGILL */
};

struct vcore_fault {
	uint64_t thread; /* the id of the thread */
	char name[32];   /* its name, empty if it had none */
	void *address;   /* what it touched */
	void *pc;        /* where it was */
	int signal;
	enum vcore_access access;
	enum vcore_fault_kind kind;
	uint64_t space, block; /* where `address` lies: ids, 0 for none */
	size_t offset;         /* of `address` in the block, bytes */
	char module[64];       /* the file that `pc` lies in, its last part */
	size_t module_offset;  /* of `pc` in the module, bytes */
};

#endif /* VCORE_FAULT_H */
