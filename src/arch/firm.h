/*
 * Touching memory that the caller of the library has named, in the library: a
 * fault is the caller's own, as if it had touched it itself.
 *
 * Each of these is one instruction, whose address is in a table of its own
 * section: a handler of faults looks it up.  It may end the thread there, or mend
 * the cause and let the thread go on with the same instruction.  So nothing may be
 * half done where they are used, and what is known of the calling kernel thread is
 * forgotten.
 *
 * Where copies do not survive (arch.h) they are plain, and not in the table.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef VCI_FIRM_H
#define VCI_FIRM_H

#include "arch/arch.h"

/* As offsets from the entries themselves; both NULL if there are none. */
extern const int32_t vci_firm_start[] __asm__("__start_vcore_firm")
	__attribute__((weak, visibility("hidden")));
extern const int32_t vci_firm_stop[] __asm__("__stop_vcore_firm")
	__attribute__((weak, visibility("hidden")));

static inline bool vci_firm_is(const void *pc)
{
	for (const int32_t *entry = vci_firm_start; entry != vci_firm_stop; entry++) {
		if ((uintptr_t)pc == (uintptr_t)entry + (uintptr_t)(intptr_t)*entry) {
			return true;
		}
	}
	return false;
}

typedef uint64_t vci_firm_8 __attribute__((may_alias, aligned(1)));
typedef uint32_t vci_firm_4 __attribute__((may_alias, aligned(1)));

#ifdef VCI_COPY_SURVIVES
#define VCI_FIRM_ENTRY                                                                             \
	"\n\t.pushsection vcore_firm, \"a\"\n\t.balign 4\n\t.long 7b - .\n\t.popsection"

static inline uint64_t vci_firm_load_8(const char *from)
{
	uint64_t value;

	__asm__ volatile("7:\t" VCI_FIRM_LOAD_8 VCI_FIRM_ENTRY
			 : "=r"(value)
			 : VCI_FIRM_MEMORY(*(const vci_firm_8 *)from));
	return value;
}

static inline uint32_t vci_firm_load_4(const char *from)
{
	uint32_t value;

	__asm__ volatile("7:\t" VCI_FIRM_LOAD_4 VCI_FIRM_ENTRY
			 : "=r"(value)
			 : VCI_FIRM_MEMORY(*(const vci_firm_4 *)from));
	return value;
}

static inline unsigned char vci_firm_load_1(const char *from)
{
	uint32_t value;

	__asm__ volatile("7:\t" VCI_FIRM_LOAD_1 VCI_FIRM_ENTRY
			 : "=r"(value)
			 : VCI_FIRM_MEMORY(*from));
	return (unsigned char)value;
}

static inline void vci_firm_store_8(char *to, uint64_t value)
{
	__asm__ volatile("7:\t" VCI_FIRM_STORE_8 VCI_FIRM_ENTRY
			 : "=" VCI_FIRM_MEMORY(*(vci_firm_8 *)to)
			 : "r"(value));
}

static inline void vci_firm_store_4(char *to, uint32_t value)
{
	__asm__ volatile("7:\t" VCI_FIRM_STORE_4 VCI_FIRM_ENTRY
			 : "=" VCI_FIRM_MEMORY(*(vci_firm_4 *)to)
			 : "r"(value));
}

static inline void vci_firm_store_1(char *to, unsigned char value)
{
	__asm__ volatile("7:\t" VCI_FIRM_STORE_1 VCI_FIRM_ENTRY
			 : "=" VCI_FIRM_MEMORY(*to)
			 : VCI_FIRM_BYTE((uint32_t)value));
}
#else
static inline uint64_t vci_firm_load_8(const char *from)
{
	return *(const vci_firm_8 *)from;
}

static inline uint32_t vci_firm_load_4(const char *from)
{
	return *(const vci_firm_4 *)from;
}

static inline unsigned char vci_firm_load_1(const char *from)
{
	return *(const volatile unsigned char *)from;
}

static inline void vci_firm_store_8(char *to, uint64_t value)
{
	*(vci_firm_8 *)to = value;
}

static inline void vci_firm_store_4(char *to, uint32_t value)
{
	*(vci_firm_4 *)to = value;
}

static inline void vci_firm_store_1(char *to, unsigned char value)
{
	*(volatile unsigned char *)to = value;
}
#endif

/* Out of memory of the library's into the caller's. */
static inline void vci_copy_firmly(char *to, const char *from, size_t n)
{
	if (unlikely(!vci_copy(to, from, n))) {
		for (size_t i = 0; i < n; i++) {
			vci_firm_store_1(&to[i], (unsigned char)from[i]);
		}
	}
}

/* The fault of a read is raised here, if there is one. */
static inline void vci_touch(const char *memory, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		(void)vci_firm_load_1(&memory[i]);
	}
}

#endif /* VCI_FIRM_H */
