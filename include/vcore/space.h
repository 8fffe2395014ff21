/*
 * Blocks and address spaces: memory virtualized.
 *
 *	struct vcore_space *space;
 *	struct vcore_block *block;
 *	void *at;
 *
 *	vcore_space_create(&space, NULL);
 *	vcore_block_allocate(&block, 16 << 10);
 *	vcore_space_map(space, block, VCORE_ANYWHERE, VCORE_PROTECT_READ_WRITE, &at);
 *	...					// at[0 … 16383] is there
 *	vcore_space_unmap(space, at);
 *	vcore_block_free(block);
 *	vcore_space_delete(space);
 *
 * A block is memory without an address: some pages, zero at first.  A space is a
 * range of addresses without memory.  To map a block into a space gives it an
 * address there, with a protection; a block that is mapped into two spaces, or
 * twice into one, is shared.  A block that is mapped cannot be freed, and a space
 * that threads live in cannot be deleted.
 *
 * How much a space keeps out is a level that the program asks for:
 *
 *	NAMED		nothing: mappings are known by space, block and offset, in
 *			fault reports too; a protection is noted, and not enforced
 *	GUARDED		protections are enforced, and mappings for which the space
 *			chose the place have a page without access on either side
 *	EXCLUSIVE	beyond that, of all exclusive spaces one is open at a time
 *			once threads live in one: that of the threads that run.
 *			The others are closed: touched by whomever, their memory
 *			faults.  Before and after that all are open
 *
 * doc/isolation.md says what each level does not stop.
 *
 * Threads of an exclusive space (struct vcore_thread_options, `space`) have their
 * stacks in it.  Those of one exclusive space at a time run, on all processors of
 * the process, for about a quantum if others wait; threads of no exclusive space,
 * and pthreads, run beside them, and reach what is open.  Opening and closing are a
 * system call each, and one more for each group of mappings that touch and have the
 * same protection; and some time for each page that is touched again: a space of a
 * few huge blocks switches fastest.  A thread of it that is in a long system call
 * keeps its space open, and others waiting: `stalls` in its statistics.  So does one
 * that is in other foreign code, in a read section (rcu.h), or has disabled
 * preemption; and without ticks any that neither waits nor yields.
 *
 * What it shares with threads of other spaces lies outside of it: locks, eventcounts
 * and such, and what it gives to vcore_rcu_defer.  What a call is given for itself
 * (messages, the cases of a select, an exit) may lie on its stack.
 *
 *				create,	 allocate, map,	 find,	   copy_in,
 *				delete	 free	   unmap snapshot  copy_out
 *	from a vcore thread	yes	 yes	   yes	 yes	   yes
 *	from a pthread		yes	 yes	   yes	 yes	   yes
 *	from a signal handler	no	 no	   no	 no	   no
 *	from on_fault		yes (1)	 yes	   yes	 yes	   yes
 *	may switch threads	no	 no	   no	 no	   no
 *	acts on destroy		no	 no	   no	 no	   no
 *
 *	(1) another space.
 *	All calls may be made from several threads at once; what two of them do to
 *	the same mapping or block at one time happens in some order.
 *
 * In a child of fork spaces are empty: their memory is not there (MADV_DONTFORK),
 * but for the stacks of threads, for the one that forked goes on there,
 * and calls on them and on blocks return -ESHUTDOWN.  The child may make others.
 *
 * All blocks together have one file descriptor (a memfd), which is opened with the
 * first and stays.
 *
 * Source: Saltzer & Kaashoek, Principles of Computer System Design, 5.3 and 5.4
 * (ALLOCATE_BLOCK, MAP, CREATE_ADDRESS_SPACE); the exclusive level after the gang
 * scheduling of J. Ousterhout (1982).
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef VCORE_SPACE_H
#define VCORE_SPACE_H

#include <vcore/base.h>
#include <vcore/fault.h>

#ifdef __cplusplus
extern "C" {
#endif

struct vcore_space;
struct vcore_block;

/* --- blocks ------------------------------------------------------------------ */

/*
 * Allocates a block of that many bytes, rounded up to whole pages, all zero.  It
 * takes memory as it is touched.
 *
 * Requires: block is not NULL (checked: panics), here and below.
 * Returns: 0.
 * Errors: -EINVAL (no bytes, or more than a process has addresses for), -ENOMEM
 *	(or RLIMIT_FSIZE is below 1 TiB; if it is lowered while there are blocks, calls
 *	that copy into them may raise SIGXFSZ), -EAGAIN (the first block, and no file
 *	descriptor is left).
 */
VCORE_API int vcore_block_allocate(struct vcore_block **block, size_t bytes);

/*
 * The same in huge pages, where there are any: a multiple of 2 MiB on x86-64,
 * which takes its memory at once.  Its mappings lie on such a boundary, cost
 * less to touch, and open and close with one step a huge page.
 * vcore_block_is_huge tells whether the block got them: the system may have none.
 * What a side of a snapshot writes is in small pages.
 */
VCORE_API int vcore_block_allocate_huge(struct vcore_block **block, size_t bytes);
VCORE_API bool vcore_block_is_huge(const struct vcore_block *block);

/*
 * Frees the block, and its memory.  NULL: no effect.
 *
 * Returns: 0.  Errors: -EBUSY: it is mapped, and is as before.
 */
VCORE_API int vcore_block_free(struct vcore_block *block);

/*
 * A copy of the block as it is now, that costs no copying of what neither side
 * writes afterwards: both are views of the same frozen pages, and a page is copied
 * when it is written.  Writes that other threads make meanwhile are in the copy or
 * not, page by page.
 *
 * What is copied at once instead: a block that is mapped more than once, and
 * one that was itself a side of a snapshot and was written since.  A block that is
 * a side of a snapshot is mapped once at a time: see vcore_space_map.  When it is
 * unmapped, and was written, it gets pages of its own for all that it holds, and is
 * a block like any other.
 *
 * Returns: 0.
 * Errors: -ENOMEM, -EAGAIN (vm.max_map_count), -ENOTSUP (what would be copied at
 *	once is mapped without access, or in a closed space, and the system does
 *	not let the library read it by /proc/self/mem).
 */
VCORE_API int vcore_block_snapshot(struct vcore_block *block, struct vcore_block **copy);

/* Bytes, whole pages; and a number that names it in reports: 1, 2, 3, … */
VCORE_API size_t vcore_block_size(const struct vcore_block *block);
VCORE_API uint64_t vcore_block_id(const struct vcore_block *block);

/* --- spaces ------------------------------------------------------------------ */

enum vcore_space_level {
	VCORE_SPACE_NAMED = 1,
	VCORE_SPACE_GUARDED,
	VCORE_SPACE_EXCLUSIVE,
};

/*
 * How a space is to be; a zero field means the default.  `size` is
 * sizeof(struct vcore_space_options), or 0 for the same.
 */
struct vcore_space_options {
	size_t size;
	/* Of addresses, rounded up to whole pages; memory only what is mapped.
	 * Default: 64 GiB. */
	size_t bytes;
	/*
	 * The space gets the highest level that is no higher than `most` (default:
	 * `least`, or GUARDED if that is higher) and can be had; if that is lower
	 * than `least` (default: NAMED) it is refused.
	 */
	enum vcore_space_level least, most;
	const char *name; /* copied, cut to 31 bytes */
	/*
	 * Asked when a vcore thread faults at an address of the space, before
	 * anything else is done: 1, the cause is mended, and the thread goes on
	 * with the same access (an instruction that was not mended faults, and asks,
	 * again); 0: it is a fault like any other.  It runs on the stack of the
	 * faulting thread, as if the thread had called it in the place of the
	 * access, and with destruction disabled; it may map, wait, and end the
	 * thread by vcore_thread_exit, but not be left by longjmp or an exception.
	 * Its own faults are not mended, nor are those of cleanups and destructors of
	 * a thread that has faulted.  The report names no module.
	 */
	int (*on_fault)(struct vcore_space *space, const struct vcore_fault *fault, void *argument);
	void *argument;
};

/*
 * Creates a space, with nothing in it.
 *
 * Requires: space is not NULL (checked: panics), here and below.
 * Returns: 0.
 * Errors: -EINVAL (an unknown level, least > most; `size` of no release), -E2BIG
 *	(options of a later release with fields set that this one does not know),
 *	-ENOTSUP (not as high as `least`), -ENOMEM (or no such range of addresses is
 *	free), -EAGAIN (vm.max_map_count).
 */
VCORE_API int vcore_space_create(struct vcore_space **space,
				 const struct vcore_space_options *options);

/*
 * Deletes it: what is mapped is unmapped, and the copies of blocks that belong to
 * it (vcore_space_snapshot) are freed.  NULL: no effect.
 *
 * Returns: 0.
 * Errors: -EBUSY: threads live in it, which end first, and are joined if they can
 *	be; or a heap does, or what else holds it; or a copy that belongs to it is
 *	mapped elsewhere; or at this instant a fault there is being reported.  It is as
 *	before.
 *	-ENOMEM, -EAGAIN, -ENOTSUP: what was written to a side of a snapshot cannot be
 *	kept (as for unmap), or there are too many mappings to unmap one.  Other
 *	sides of snapshots may be unmapped.
 */
VCORE_API int vcore_space_delete(struct vcore_space *space);

/*
 * Says that something lives in the space, a heap for one: until it has been released
 * as often as it was held, the space cannot be deleted.
 *
 * Requires: release: it is held (checked: panics).
 * Returns: 0.  Errors: -ESHUTDOWN after fork, in the child, where release has no
 *	effect.
 */
VCORE_API int vcore_space_hold(struct vcore_space *space);
VCORE_API void vcore_space_release(struct vcore_space *space);

/* What it got; where it lies: its first address, and how many bytes. */
VCORE_API enum vcore_space_level vcore_space_level(const struct vcore_space *space);
VCORE_API void *vcore_space_base(const struct vcore_space *space);
VCORE_API size_t vcore_space_size(const struct vcore_space *space);
/* A number that names it in reports: 1, 2, 3, …; and its name, "" if it has none. */
VCORE_API uint64_t vcore_space_id(const struct vcore_space *space);
VCORE_API const char *vcore_space_name(const struct vcore_space *space);

/* --- mapping ----------------------------------------------------------------- */

/* Protections.  Write and execute together must be asked for by WRITE_EXECUTE too. */
#define VCORE_PROTECT_NONE          0
#define VCORE_PROTECT_READ          1
#define VCORE_PROTECT_WRITE         2
#define VCORE_PROTECT_EXECUTE       4
#define VCORE_PROTECT_WRITE_EXECUTE 8
#define VCORE_PROTECT_READ_WRITE    (VCORE_PROTECT_READ | VCORE_PROTECT_WRITE)

/* As an offset: where there is room. */
#define VCORE_ANYWHERE ((size_t)-1)

/*
 * Maps the whole block at an offset from the space's start, which is a multiple of
 * the page size (of a huge one: of that of huge pages).  With VCORE_ANYWHERE the
 * space chooses: the lowest place with room, and from GUARDED on with a page
 * without access on either side, which two such mappings may share and nothing is
 * mapped over.  At offsets that the caller chooses, mappings may touch.  To write
 * without reading is to do both.
 *
 * Returns: 0, and *address.
 * Errors: -EINVAL (an offset that is no multiple, or beyond the end; an unknown
 *	protection; write and execute, not asked for), -EEXIST (something is mapped
 *	there, or it is a guard), -ENOSPC (VCORE_ANYWHERE: no room), -EBUSY (the block is a side of
 *	a snapshot, and mapped), -EAGAIN (vm.max_map_count), -ENOMEM, -EACCES (EXECUTE,
 *	and the system forbids it).
 */
VCORE_API int vcore_space_map(struct vcore_space *space, struct vcore_block *block, size_t offset,
			      int protection, void **address);

/*
 * Unmaps what is mapped there: `address` is any within the mapping.  What was
 * written stays in the block.
 *
 * Returns: 0.
 * Errors: -ENOENT (nothing is), -EBUSY (the stack of a thread is), -ENOMEM,
 *	-EAGAIN, -ENOTSUP (as for vcore_block_snapshot): it is as before, but that
 *	who accessed it meanwhile may have met with a fault.
 */
VCORE_API int vcore_space_unmap(struct vcore_space *space, void *address);

/*
 * Changes the protection of what is mapped there, for all threads at once.
 *
 * Returns: 0.
 * Errors: -ENOENT, -EBUSY, -EAGAIN, -ENOMEM as above, -EINVAL and -EACCES as for map.
 */
VCORE_API int vcore_space_protect(struct vcore_space *space, void *address, int protection);

/*
 * What is mapped there: the block, the address's offset in it, and the protection;
 * each may be NULL.  Of a thread's stack the block is NULL.
 *
 * Returns: 0.  Errors: -ENOENT.
 */
VCORE_API int vcore_space_find(struct vcore_space *space, const void *address,
			       struct vcore_block **block, size_t *offset, int *protection);

/*
 * A space like this one, at other addresses, in which a snapshot of each block is
 * mapped at the same offset with the same protection.  A block that is mapped
 * twice has one copy, which is too.  The copies of blocks belong to it, and are
 * freed with it, if not before.  Each block is copied at an instant of its own:
 * who wants one instant for all keeps writers away.  Threads, and their stacks,
 * are not copied.
 *
 * Returns: 0.  Errors: those of create, vcore_block_snapshot and map.
 */
VCORE_API int vcore_space_snapshot(struct vcore_space *space, struct vcore_space **copy);

/*
 * Copies n bytes from ordinary memory of the caller's to an address of the space,
 * or back.  No signal comes of a bad address on either side: what was copied before it
 * stays.  (SIGXFSZ does, of RLIMIT_FSIZE if it was lowered: see vcore_block_allocate.)
 * The protection noted for the mapping counts, at every level; a closed space is
 * reached too, but for a block in it that is a side of a snapshot, or a stack.  It
 * costs a system call for each 256 KiB of each mapping.
 *
 * Returns: 0.
 * Errors: -EFAULT: not mapped, not allowed, or not readable or writable on the
 *	caller's side; -ENOTSUP: a side of a snapshot, or a stack, and the space is
 *	closed; -ENOMEM.
 */
VCORE_API int vcore_space_copy_in(struct vcore_space *space, void *to, const void *from, size_t n);
VCORE_API int vcore_space_copy_out(struct vcore_space *space, void *to, const void *from, size_t n);

struct vcore_space_statistics {
	size_t size;     /* sizeof(struct vcore_space_statistics), set by the caller */
	size_t mappings; /* now, stacks included */
	size_t bytes;    /* that they cover */
	unsigned threads;
	uint64_t opened; /* how often, and so closed: EXCLUSIVE */
	uint64_t stalls; /* how often others waited because a thread of this one was
			    in foreign code when its time was over */
	uint64_t faults; /* at addresses of it, those that were mended included */
};

VCORE_API void vcore_space_statistics(struct vcore_space *space,
				      struct vcore_space_statistics *statistics);

#ifdef __cplusplus
}
#endif
#endif /* VCORE_SPACE_H */
