/*
 * See linux-map.h.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "linux-map.h"

#include <sys/mman.h>

int open_memory(long bytes)
{
	int file = memfd_create("bench", MFD_CLOEXEC);

	bench_check(file >= 0 && ftruncate(file, bytes) == 0, "memfd_create");
	return file;
}

char *map_memory(long bytes, int protection, int file)
{
	int flags = file >= 0 ? MAP_SHARED : MAP_PRIVATE | MAP_ANONYMOUS;
	char *at = mmap(NULL, (size_t)bytes, protection, flags, file, 0);

	bench_check(at != MAP_FAILED, "mmap");
	return at;
}

void unmap_memory(char *at, long bytes)
{
	bench_check(munmap(at, (size_t)bytes) == 0, "munmap");
}

void map_and_unmap(struct bench *bench, int file)
{
	bench_start(bench);
	for (long i = 0; i < bench->n; i++) {
		char *at = map_memory(bench->bytes, PROT_READ | PROT_WRITE, file);

		if (bench->touched) {
			bench_write_pages(at, bench->bytes);
		}
		unmap_memory(at, bench->bytes);
	}
	bench_stop(bench, bench->n);
}
