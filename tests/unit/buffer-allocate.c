/*
 * Allocating and freeing buffers of either kind: what include/vcore/buffer.h
 * promises, one promise to a test; see buffers.h.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "buffers.h"

#include <stdio.h>

static int try_to_allocate(size_t capacity, size_t size, unsigned flags, uint64_t first)
{
	struct vcore_buffer_options options = {
		.size = sizeof(options), .flags = flags, .first = first};
	struct vcore_buffer *buffer = (struct vcore_buffer *)&options;
	int result = vcore_buffer_allocate(&buffer, capacity, size, &options);

	if (result == 0) {
		vcore_buffer_deallocate(buffer);
	} else {
		check(buffer == (struct vcore_buffer *)&options);
	}
	return result;
}

TestBuffer(TestEverywhere, what_is_larger_than_the_address_space_is_refused)
{
	static const size_t large[][2] = {
		{SIZE_MAX, 1},
		{SIZE_MAX, 8},
		{1, SIZE_MAX},
		{1, SIZE_MAX - 4096},
		{SIZE_MAX, SIZE_MAX},
		{SIZE_MAX / 8 + 2, 8}, /* the product wraps around, and is small */
		{SIZE_MAX / 16 + 2, 8},
		{SIZE_MAX / 24 + 2, 8},
		{(size_t)1 << 32, (size_t)1 << 32},
		{(size_t)1 << 63, 2},
		{2, (size_t)1 << 63},
		{(size_t)1 << 48, 8},
		{8, (size_t)1 << 48},
	};

	for (size_t i = 0; i < COUNT_OF(large); i++) {
		check(try_to_allocate(large[i][0], large[i][1], BUFFER_FLAGS, 0) == -ENOMEM);
	}
}

TestBuffer(TestEverywhere, unknown_flags_are_refused)
{
	check(try_to_allocate(1, 1, BUFFER_FLAGS | 2, 0) == -EINVAL);
	check(try_to_allocate(1, 1, BUFFER_FLAGS | 1u << 31, 0) == -EINVAL);
}

TestBuffer(TestEverywhere, a_first_number_that_is_too_large_is_refused)
{
	check(try_to_allocate(1, 1, BUFFER_FLAGS, VCORE_BUFFER_FIRST_MAX) == 0);
	check(try_to_allocate(1, 1, BUFFER_FLAGS, VCORE_BUFFER_FIRST_MAX + 1) == -EINVAL);
	check(try_to_allocate(1, 1, BUFFER_FLAGS, UINT64_MAX) == -EINVAL);
}

TestBuffer(TestEverywhere, deallocating_null_has_no_effect)
{
	vcore_buffer_deallocate(NULL);
}

/* --- memory ------------------------------------------------------------------------------- */

/* Of the process: its address space, and what is in memory, in pages. */
struct memory {
	long mapped, resident;
};

static struct memory memory_now(void)
{
	FILE *file = fopen("/proc/self/statm", "r");
	struct memory memory;

	check(file != NULL);
	check(fscanf(file, "%ld %ld", &memory.mapped, &memory.resident) == 2);
	fclose(file);
	return memory;
}

enum { MEBIBYTE = 1 << 20, PAGES_OF_MEBIBYTE = 256 };

TestBuffer(TestInside, it_is_freed_with_the_messages_that_are_in_it)
{
	static char message[MEBIBYTE];
	long before = memory_now().mapped;

	for (int i = 0; i < 50; i++) {
		struct vcore_buffer *buffer = make_buffer(8, sizeof(message));

		check(vcore_buffer_try_send(buffer, message));
		vcore_buffer_deallocate(buffer);
	}
	check(memory_now().mapped < before + 50L * PAGES_OF_MEBIBYTE);
}

/* AddressSanitizer takes memory for all that is mapped. */
#if !UNDER_ASAN

TestBuffer(TestInside, it_takes_memory_as_it_is_used)
{
	long before = memory_now().resident;
	struct vcore_buffer *buffer = make_buffer_of_numbers((size_t)1 << 27);

	for (uint64_t i = 0; i < 1000; i++) {
		put(buffer, i);
	}
	check(memory_now().resident < before + 16L * PAGES_OF_MEBIBYTE);
	for (uint64_t i = 0; i < 1000; i++) {
		check(get(buffer) == i);
	}
	vcore_buffer_deallocate(buffer);
}

#endif
