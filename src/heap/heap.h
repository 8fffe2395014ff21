/*
 * What the parts of libvcore-heap share.
 *
 * It is a client of libvcore's public calls and of jemalloc's, no layer of libvcore:
 * the two libraries know nothing of each other's insides.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef VCI_HEAP_H
#define VCI_HEAP_H

#include <jemalloc/jemalloc.h>
#include <pthread.h>
#include <vcore/heap.h>
#include <vcore/space.h>

/* Beyond that many jemalloc gets no more addresses, however many there are. */
#define VCI_HEAP_BLOCKS 16384

/*
 * The part of the space that jemalloc has for one heap: blocks, which are only added
 * until all are given back together.
 */
struct vci_extents {
	extent_hooks_t hooks; /* first: what jemalloc names it by */
	struct vcore_space *space;
	unsigned generation; /* see forks */
	pthread_mutex_t lock;
	/* guarded by lock */
	size_t usual;     /* bytes of a block, if less are asked for */
	char *rest, *end; /* of a block, not in use yet */
	size_t bytes;     /* of all blocks; also read without, by atomic loads */
	unsigned n;
	struct {
		struct vcore_block *block;
		void *at;
	} blocks[VCI_HEAP_BLOCKS]; /* touched as far as there are any */
};

void vci_extents_open(struct vci_extents *extents, struct vcore_space *space);
void vci_extents_close(struct vci_extents *extents); /* nobody uses the memory any more */

/* Of what jemalloc keeps of an arena. */
extern extent_hooks_t vci_outside_hooks;

/* Whether this process is a child of the one that had it: the space is not there. */
bool vci_extents_are_lost(const struct vci_extents *extents);

/* --- forks (fork.c) --------------------------------------------------------------- */

void vci_forks_watch(void); /* before the first heap is made */

/* Of a parent and a child they differ. */
unsigned vci_forks_generation(void);

/* A hook that waits for locks is between these two; false: not now, the process forks. */
bool vci_forks_enter(void);
void vci_forks_leave(void);

/*
 * Whether a hook may have been refused since `ended` forks had ended.  Waits until
 * none is under way.
 */
unsigned vci_forks_ended(void);
bool vci_forks_were_since(unsigned ended);

/* --- pages ---------------------------------------------------------------------- */

/* Zero, aligned; NULL if there are none.  errno is as it was, here and below. */
void *vci_heap_pages_get(size_t bytes, size_t alignment);
void vci_heap_pages_put(void *pages, size_t bytes);

/*
 * Has shared pages give their memory back; they are zero then.  False: they are as
 * before, being protected, or private, or not there.
 */
bool vci_heap_pages_discard(void *pages, size_t bytes);

#endif /* VCI_HEAP_H */
