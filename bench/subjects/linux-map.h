/*
 * What subjects of bare system calls have in common: a file in memory, and a loop
 * that maps and unmaps.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BENCH_LINUX_MAP_H
#define BENCH_LINUX_MAP_H

#include "pages.h"

/* A memfd of that size. */
int open_memory(long bytes);

/* A mapping of it, or with file -1 of memory without a file. */
char *map_memory(long bytes, int protection, int file);
void unmap_memory(char *at, long bytes);

/* Maps and unmaps bench->bytes, touched if it says so. */
void map_and_unmap(struct bench *bench, int file);

#endif /* BENCH_LINUX_MAP_H */
