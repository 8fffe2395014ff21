/*
 * Copying messages from and to the caller's memory, which may not be there.
 *
 * A fault in the middle of a claim would leave the cell claimed for good.  So
 * small messages are in registers while a cell is claimed: the caller's memory
 * is touched before, or after.  Others are copied by vci_copy, which tells of
 * the fault instead of raising it.  Then a sender gives its cell up, and a
 * receiver makes it its own, as if taken in place; and the memory is touched
 * again, firmly (arch/firm.h): now the fault is the caller's own, like any other.
 * It may be mended, and the call goes on; if the thread ends of it, nothing is left
 * behind.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef VCI_COPY_H
#define VCI_COPY_H

#include "arch/firm.h"
#include "platform/platform.h"

#define VCI_SMALL 16 /* bytes */

/* Up to 16 bytes: if they are 8 or fewer in `low`. */
struct vci_small {
	uint64_t low, high;
};

/* Of 1 … 7 bytes: overlapping halves, or the first, the middle and the last. */
static inline uint64_t vci_small_load_few(const char *from, size_t n)
{
	uint32_t low, high;

	if (n >= 4) {
		__builtin_memcpy(&low, from, 4);
		__builtin_memcpy(&high, from + n - 4, 4);
		return low | (uint64_t)high << 32;
	}
	return (unsigned char)from[0] | (uint64_t)(unsigned char)from[n / 2] << 8 |
	       (uint64_t)(unsigned char)from[n - 1] << 16;
}

static inline uint64_t vci_small_fetch_few(const char *from, size_t n)
{
	if (n >= 4) {
		return vci_firm_load_4(from) | (uint64_t)vci_firm_load_4(from + n - 4) << 32;
	}
	return vci_firm_load_1(from) | (uint64_t)vci_firm_load_1(from + n / 2) << 8 |
	       (uint64_t)vci_firm_load_1(from + n - 1) << 16;
}

static inline void vci_small_store_few(char *to, uint64_t few, size_t n)
{
	uint32_t low = (uint32_t)few;
	uint32_t high = (uint32_t)(few >> 32);

	if (n >= 4) {
		__builtin_memcpy(to, &low, 4);
		__builtin_memcpy(to + n - 4, &high, 4);
	} else {
		to[0] = (char)few;
		to[n / 2] = (char)(few >> 8);
		to[n - 1] = (char)(few >> 16);
	}
}

static inline void vci_small_deliver_few(char *to, uint64_t few, size_t n)
{
	if (n >= 4) {
		vci_firm_store_4(to, (uint32_t)few);
		vci_firm_store_4(to + n - 4, (uint32_t)(few >> 32));
	} else {
		vci_firm_store_1(to, (unsigned char)few);
		vci_firm_store_1(to + n / 2, (unsigned char)(few >> 8));
		vci_firm_store_1(to + n - 1, (unsigned char)(few >> 16));
	}
}

/* From a cell. */
static inline struct vci_small vci_small_load(const char *from, size_t n)
{
	struct vci_small small = {0, 0};

	if (likely(n >= 8)) {
		__builtin_memcpy(&small.low, from, 8);
		if (n > 8) {
			__builtin_memcpy(&small.high, from + n - 8, 8);
		}
	} else {
		small.low = vci_small_load_few(from, n);
	}
	return small;
}

/* From the caller's memory. */
static inline struct vci_small vci_small_fetch(const char *from, size_t n)
{
	struct vci_small small = {0, 0};

	if (likely(n >= 8)) {
		small.low = vci_firm_load_8(from);
		if (n > 8) {
			small.high = vci_firm_load_8(from + n - 8);
		}
	} else {
		small.low = vci_small_fetch_few(from, n);
	}
	return small;
}

/* Into a cell. */
static inline void vci_small_store(char *to, struct vci_small small, size_t n)
{
	if (likely(n >= 8)) {
		__builtin_memcpy(to, &small.low, 8);
		if (n > 8) {
			__builtin_memcpy(to + n - 8, &small.high, 8);
		}
	} else {
		vci_small_store_few(to, small.low, n);
	}
}

/* Into the caller's memory. */
static inline void vci_small_deliver(char *to, struct vci_small small, size_t n)
{
	if (likely(n >= 8)) {
		vci_firm_store_8(to, small.low);
		if (n > 8) {
			vci_firm_store_8(to + n - 8, small.high);
		}
	} else {
		vci_small_deliver_few(to, small.low, n);
	}
}

#endif /* VCI_COPY_H */
