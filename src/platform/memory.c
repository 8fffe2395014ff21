/*
 * What compilers call without being asked, for copying and clearing structures.
 *
 * libc's would be calls out of library text that nobody counts (platform.h).
 * These are hidden: no other object sees them, in a static link either.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <stddef.h>

#include "arch/arch.h"

void *memcpy(void *restrict to, const void *restrict from, size_t n);
void *memmove(void *to, const void *from, size_t n);
void *memset(void *to, int byte, size_t n);

/* Keeps the compiler from recognising the loop as what it implements. */
#define STEP() __asm__ volatile("" ::: "memory")

void *memcpy(void *restrict to, const void *restrict from, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		((char *)to)[i] = ((const char *)from)[i];
		STEP();
	}
	return to;
}

void *memmove(void *to, const void *from, size_t n)
{
	if (to < from) {
		return memcpy(to, from, n);
	}
	while (n-- > 0) {
		((char *)to)[n] = ((const char *)from)[n];
		STEP();
	}
	return to;
}

void *memset(void *to, int byte, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		((char *)to)[i] = (char)byte;
		STEP();
	}
	return to;
}

#ifndef VCI_COPY_SURVIVES
bool vci_copy(void *to, const void *from, size_t n)
{
	memcpy(to, from, n);
	return true;
}
#endif
