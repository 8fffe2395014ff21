/*
 * What the tests of blocks and spaces share: see spaces.h.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "spaces.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

size_t page_size(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

struct vcore_space *space_of(enum vcore_space_level level)
{
	const struct vcore_space_options options = {.least = level, .most = level};
	struct vcore_space *space = NULL;

	check(vcore_space_create(&space, &options) == 0);
	return space;
}

struct vcore_block *block_of(size_t pages)
{
	struct vcore_block *block = NULL;

	check(vcore_block_allocate(&block, pages * page_size()) == 0);
	return block;
}

char *map(struct vcore_space *space, struct vcore_block *block, int protection)
{
	void *address = NULL;

	check(vcore_space_map(space, block, VCORE_ANYWHERE, protection, &address) == 0);
	return address;
}

char *map_at(struct vcore_space *space, struct vcore_block *block, size_t offset)
{
	void *address = NULL;

	check(vcore_space_map(space, block, offset, VCORE_PROTECT_READ_WRITE, &address) == 0);
	check(address == (char *)vcore_space_base(space) + offset);
	return address;
}

int try_map(struct vcore_space *space, struct vcore_block *block, size_t offset, int protection)
{
	void *address = &address;
	int result = vcore_space_map(space, block, offset, protection, &address);

	check((result == 0) == (address != (void *)&address)); /* written on success only */
	return result;
}

void unmap(struct vcore_space *space, void *address)
{
	check(vcore_space_unmap(space, address) == 0);
}

void space_gone(struct vcore_space *space)
{
	check(vcore_space_delete(space) == 0);
}

void block_gone(struct vcore_block *block)
{
	check(vcore_block_free(block) == 0);
}

struct vcore_block *snapshot_of(struct vcore_block *block)
{
	struct vcore_block *copy = NULL;

	check(vcore_block_snapshot(block, &copy) == 0);
	check(copy != block);
	return copy;
}

/* --- what may be touched ----------------------------------------------------------------- */

/* What came through a pipe, 1 byte; or -1. */
static ssize_t through_a_pipe(const void *from, void *to)
{
	ssize_t n = -1;
	int ends[2];

	check(pipe2(ends, O_CLOEXEC) == 0);
	if (write(ends[1], from, 1) == 1) {
		n = read(ends[0], to, 1);
	}
	check(n == 1 || errno == EFAULT);
	close(ends[0]);
	close(ends[1]);
	return n;
}

bool is_readable(const void *address)
{
	char byte;

	return through_a_pipe(address, &byte) == 1;
}

bool is_writable(void *address)
{
	return through_a_pipe("W", address) == 1;
}

bool consists_of(const void *memory, char byte, size_t n)
{
	const char *bytes = memory;

	for (size_t i = 0; i < n; i++) {
		if (bytes[i] != byte) {
			return false;
		}
	}
	return true;
}

/* That of the one memfd which is open. */
long shared_pages(void)
{
	for (int fd = 0; fd < 1024; fd++) {
		char path[64], target[64];
		struct stat status;
		ssize_t n;

		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		n = readlink(path, target, sizeof(target) - 1);
		if (n > 0 && strncmp(target, "/memfd:vcore", 12) == 0) {
			check(fstat(fd, &status) == 0);
			return (long)((size_t)status.st_blocks * 512 / page_size());
		}
	}
	return 0;
}
