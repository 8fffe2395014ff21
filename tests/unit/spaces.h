/*
 * What the tests of blocks and spaces share: making and unmaking them, and asking
 * the kernel what may be touched, which answers without a signal.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef TESTS_UNIT_SPACES_H
#define TESTS_UNIT_SPACES_H

#include "support.h"

#include <vcore/space.h>

size_t page_size(void);

struct vcore_space *space_of(enum vcore_space_level level);
struct vcore_block *block_of(size_t pages);
char *map(struct vcore_space *space, struct vcore_block *block, int protection); /* anywhere */
char *map_at(struct vcore_space *space, struct vcore_block *block, size_t offset);
int try_map(struct vcore_space *space, struct vcore_block *block, size_t offset, int protection);
void unmap(struct vcore_space *space, void *address);
void space_gone(struct vcore_space *space); /* deleted */
void block_gone(struct vcore_block *block); /* freed */
struct vcore_block *snapshot_of(struct vcore_block *block);

/* Whether the byte may be read; written: it is then 'W'. */
bool is_readable(const void *address);
bool is_writable(void *address);

/* Whether all n bytes are that. */
bool consists_of(const void *memory, char byte, size_t n);

/* What of the process's memory is what blocks hold, in pages. */
long shared_pages(void);

#endif /* TESTS_UNIT_SPACES_H */
