/*
 * The textbook's names: what Saltzer & Kaashoek's chapter 5 calls the library's
 * calls, for who follows the book.  Not a part of vcore.h.
 *
 *	static void *service(void *unused)
 *	{
 *		struct request request;
 *
 *		for (;;) {
 *			RECEIVE(requests, &request);	// waits when empty
 *			...
 *			SEND(replies, &reply);		// waits when full
 *		}
 *	}
 *
 *	requests = ALLOCATE_BOUNDED_BUFFER(16, sizeof(struct request));
 *	replies = ALLOCATE_BOUNDED_BUFFER(16, sizeof(struct reply));
 *	id = ALLOCATE_THREAD(service, NULL);
 *	...
 *	DESTROY_THREAD(id);
 *
 * Each does what the call does that it stands for, whose header says the rest:
 *
 *	ALLOCATE_THREAD			vcore_thread_allocate, detach
 *	EXIT_THREAD			vcore_thread_exit
 *	DESTROY_THREAD			vcore_thread_destroy_id
 *	YIELD				vcore_yield
 *	AWAIT, ADVANCE			vcore_eventcount_await, _advance
 *	TICKET				vcore_sequencer_ticket
 *	ACQUIRE, RELEASE		vcore_lock_acquire, _release
 *	ALLOCATE_BOUNDED_BUFFER		vcore_buffer_allocate
 *	DEALLOCATE_BOUNDED_BUFFER	vcore_buffer_deallocate
 *	SEND, RECEIVE			vcore_buffer_send, _receive
 *	CREATE_ADDRESS_SPACE		vcore_space_create, GUARDED
 *	DELETE_ADDRESS_SPACE		vcore_space_delete
 *	ALLOCATE_BLOCK, FREE_BLOCK	vcore_block_allocate, _free
 *	MAP, UNMAP			vcore_space_map, _unmap
 *
 * Three things are otherwise than in those calls, and like the book:
 *
 *   - Threads are known by ids.  Nobody joins them: who wants to know of an end
 *     awaits an eventcount that the thread advances.
 *   - Nothing has a deadline.
 *   - Nothing fails.  Where the call returns an error (no memory, a buffer that
 *     somebody closed) the name and the error are printed on standard error and
 *     the process aborts.
 *
 * Some are otherwise than in the book, because this is C in one process: a thread's
 * procedure has an argument; a message has a size and is copied from and to a place
 * that the caller names; a block has a size too, in bytes, and is mapped where the
 * space has room, as an address that MAP returns.
 *
 *				..._THREAD	AWAIT, ACQUIRE,	all others
 *						SEND, RECEIVE
 *	from a vcore thread	yes		yes		yes
 *	from a pthread		no (1)		yes		yes
 *	from a signal handler	no		no		TICKET
 *	may switch threads	no		yes		YIELD, ADVANCE (2)
 *	acts on destroy		as the calls that they stand for
 *	orders memory		as the calls that they stand for
 *
 *	(1) checked: panics.  (2) between batches when it wakes more than 64.
 *
 * Source: J. H. Saltzer and M. F. Kaashoek, Principles of Computer System Design
 * (2009), chapter 5.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef VCORE_TEXTBOOK_H
#define VCORE_TEXTBOOK_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <vcore/buffer.h>
#include <vcore/eventcount.h>
#include <vcore/lock.h>
#include <vcore/runtime.h>
#include <vcore/space.h>
#include <vcore/thread.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Private: what the book does not know, an error, is the end. */
static inline void vcore_textbook_check_(int result, const char *name)
{
	if (result < 0) {
		fprintf(stderr, "%s: %s\n", name, strerror(-result));
		abort();
	}
}

/* --- threads ----------------------------------------------------------------- */

/*
 * Allocates a thread that runs procedure(argument), in the caller's runtime.
 * It ends when the procedure returns (whatever it returns), or by the next two.
 *
 * Returns: its id, never 0 and never reused.
 */
static inline uint64_t ALLOCATE_THREAD(void *(*procedure)(void *), void *argument)
{
	struct vcore_thread *thread;
	uint64_t id;

	vcore_textbook_check_(vcore_thread_allocate(&thread, NULL, procedure, argument),
			      "ALLOCATE_THREAD");
	id = vcore_thread_id(thread);
	vcore_textbook_check_(vcore_thread_detach(thread), "ALLOCATE_THREAD");
	return id;
}

/* Ends the calling thread. */
static inline void EXIT_THREAD(void) __attribute__((__noreturn__));
static inline void EXIT_THREAD(void)
{
	vcore_thread_exit(NULL);
}

/*
 * Ends that thread: at once if it waits, else where it next waits, yields or
 * enters the library.  After its end it has no effect.
 */
static inline void DESTROY_THREAD(uint64_t id)
{
	int result = vcore_thread_destroy_id(vcore_runtime_self(), id);

	vcore_textbook_check_(result == -ESRCH ? 0 : result, "DESTROY_THREAD");
}

/* Lets others run. */
static inline void YIELD(void)
{
	vcore_yield();
}

/* --- eventcounts and sequencers ------------------------------------------------ */

/* Waits until the count exceeds the value. */
static inline void AWAIT(struct vcore_eventcount *event, int64_t value)
{
	vcore_textbook_check_(vcore_eventcount_await(event, value, VCORE_NEVER), "AWAIT");
}

/* Counts one event. */
static inline void ADVANCE(struct vcore_eventcount *event)
{
	vcore_eventcount_advance(event);
}

/* The next ticket: 0, 1, 2, ..., each returned once. */
static inline int64_t TICKET(struct vcore_sequencer *sequencer)
{
	return vcore_sequencer_ticket(sequencer);
}

/* --- locks --------------------------------------------------------------------- */

/* Waits until the lock is free, then owns it. */
static inline void ACQUIRE(struct vcore_lock *lock)
{
	vcore_lock_acquire(lock);
}

/* Gives the lock up.  Requires: the caller owns it (checked: panics). */
static inline void RELEASE(struct vcore_lock *lock)
{
	vcore_lock_release(lock);
}

/* --- bounded buffers ------------------------------------------------------------- */

/* Returns: a buffer that can hold n messages of message_size bytes each. */
static inline struct vcore_buffer *ALLOCATE_BOUNDED_BUFFER(size_t n, size_t message_size)
{
	struct vcore_buffer *buffer;

	vcore_textbook_check_(vcore_buffer_allocate(&buffer, n, message_size, NULL),
			      "ALLOCATE_BOUNDED_BUFFER");
	return buffer;
}

/* Frees it, with the messages that are in it. */
static inline void DEALLOCATE_BOUNDED_BUFFER(struct vcore_buffer *buffer)
{
	vcore_buffer_deallocate(buffer);
}

/* Sends a copy of the message.  Waits while the buffer is full. */
static inline void SEND(struct vcore_buffer *buffer, const void *message)
{
	vcore_textbook_check_(vcore_buffer_send(buffer, message, VCORE_NEVER), "SEND");
}

/* Receives the next message into `message`.  Waits while the buffer is empty. */
static inline void RECEIVE(struct vcore_buffer *buffer, void *message)
{
	vcore_textbook_check_(vcore_buffer_receive(buffer, message, VCORE_NEVER), "RECEIVE");
}

/* --- address spaces ---------------------------------------------------------------- */

/* Returns: an address space in which nothing is mapped. */
static inline struct vcore_space *CREATE_ADDRESS_SPACE(void)
{
	struct vcore_space *space;

	vcore_textbook_check_(vcore_space_create(&space, NULL), "CREATE_ADDRESS_SPACE");
	return space;
}

/* Deletes it: what is mapped in it is unmapped. */
static inline void DELETE_ADDRESS_SPACE(struct vcore_space *space)
{
	vcore_textbook_check_(vcore_space_delete(space), "DELETE_ADDRESS_SPACE");
}

/* Returns: a block of that many bytes, all zero, which is mapped nowhere. */
static inline struct vcore_block *ALLOCATE_BLOCK(size_t bytes)
{
	struct vcore_block *block;

	vcore_textbook_check_(vcore_block_allocate(&block, bytes), "ALLOCATE_BLOCK");
	return block;
}

/* Frees the block, which is mapped nowhere any more. */
static inline void FREE_BLOCK(struct vcore_block *block)
{
	vcore_textbook_check_(vcore_block_free(block), "FREE_BLOCK");
}

/* Maps the block into the space, to be read and written.  Returns: where it is. */
static inline void *MAP(struct vcore_space *space, struct vcore_block *block)
{
	void *address;

	vcore_textbook_check_(
		vcore_space_map(space, block, VCORE_ANYWHERE, VCORE_PROTECT_READ_WRITE, &address),
		"MAP");
	return address;
}

/* Unmaps what is mapped at that address. */
static inline void UNMAP(struct vcore_space *space, void *address)
{
	vcore_textbook_check_(vcore_space_unmap(space, address), "UNMAP");
}

#ifdef __cplusplus
}
#endif
#endif /* VCORE_TEXTBOOK_H */
