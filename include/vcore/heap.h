/*
 * A heap inside a space: libvcore-heap.
 *
 *	struct vcore_heap *heap;
 *	char *text;
 *
 *	vcore_heap_create(&heap, space);
 *	text = vcore_heap_allocate(heap, 100);
 *	...
 *	vcore_heap_free(heap, text);
 *	vcore_heap_delete(heap);
 *
 * The memory lies in the space and shares its fate: it is protected as the space is,
 * and is gone when the heap is deleted, whatever was not freed.  What the allocator
 * knows of it is kept elsewhere: who spoils the heap's memory does not spoil the
 * allocator, and a space that is closed (EXCLUSIVE) keeps nobody from allocating and
 * freeing in it.
 *
 * It is an arena of jemalloc's, without the caches that threads have for malloc: what
 * is freed can be had by any thread at once, and each call takes a lock of the heap's.
 * A pair of calls costs twice what one of malloc's does where many pieces are allocated,
 * and then freed; twenty times where the heap has nothing else of that size
 * (doc/benchmarks.md).  Threads that allocate all the time had better have a heap each.
 * Memory that has been free for some seconds goes back to the system.
 *
 * The library is one of its own (pkg-config: vcore-heap), because to link it makes
 * jemalloc the allocator of the whole program.  libvcore alone changes nobody's
 * malloc.  jemalloc's options `junk` and `zero` write to memory that is allocated or
 * freed, of a heap in a closed space too, which faults: they are not for heaps.
 *
 *				create, delete	allocate, free, statistics
 *	from a vcore thread	yes		yes
 *	from a pthread		yes		yes
 *	from a signal handler	no		no
 *	may switch threads	no		no
 *	acts on destroy		no		no
 *
 * Its text is foreign code to preemption (preempt.h), in a program that it is
 * linked into statically too: a thread is neither switched nor ended in it.
 *
 * In a child of fork the heap is as empty as the space is: allocate returns NULL,
 * free does nothing, delete returns 0.  To create one in a space of the parent's is
 * -ESHUTDOWN.
 *
 * Source: J. Evans, A scalable concurrent malloc(3) implementation (2006).
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef VCORE_HEAP_H
#define VCORE_HEAP_H

#include <vcore/base.h>

#ifdef __cplusplus
extern "C" {
#endif

struct vcore_heap;
struct vcore_space;

/*
 * Creates a heap in the space, which cannot be deleted before it.  Several may live
 * in one, beside blocks of others.  The blocks that a heap has mapped are its own:
 * others do not unmap them.
 *
 * Requires: heap, space are not NULL (checked: panics), here and below.
 * Returns: 0.
 * Errors: -ENOMEM, -EAGAIN (there are as many as there can be, about 4000; or no
 *	memory for what jemalloc keeps of one, about 100 KiB), -ESHUTDOWN.
 */
VCORE_API int vcore_heap_create(struct vcore_heap **heap, struct vcore_space *space);

/*
 * Deletes it, and all memory that was allocated in it.  NULL: no effect.
 *
 * Requires: nobody makes a call on it meanwhile.
 * Returns: 0.
 */
VCORE_API int vcore_heap_delete(struct vcore_heap *heap);

/*
 * Memory in the space, aligned for any type, not zeroed.  Waits if the process forks
 * at that moment.
 *
 * Returns: NULL if there is none, or size is 0; errno is then ENOMEM or EINVAL.
 */
VCORE_API void *vcore_heap_allocate(struct vcore_heap *heap, size_t size);

/*
 * Frees it.  NULL: no effect.
 *
 * Requires: it was allocated in this heap and not freed since (checked as far as that
 *	it lies in the heap's space: panics).
 */
VCORE_API void vcore_heap_free(struct vcore_heap *heap, void *memory);

/*
 * Bytes that are allocated, each piece rounded up to what it occupies, and bytes that
 * are mapped in the space for them, touched or not.
 */
struct vcore_heap_statistics {
	size_t size; /* sizeof(struct vcore_heap_statistics), set by the caller */
	size_t allocated, mapped;
};

/* Has jemalloc count, in all its arenas: about 10 µs for each that there is. */
VCORE_API void vcore_heap_statistics(struct vcore_heap *heap,
				     struct vcore_heap_statistics *statistics);

#ifdef __cplusplus
}
#endif
#endif /* VCORE_HEAP_H */
