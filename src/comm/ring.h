/*
 * Cells of a ring, and what ring.c and kept.c ask of each other.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef VCI_RING_H
#define VCI_RING_H

#include "comm/buffer.h"

enum vci_turn { VCI_FREE, VCI_FULL, VCI_RESERVED, VCI_SKIPPED, VCI_TAKEN };

/*
 * A cell, for one number.  It begins with its turn, which is kept less its
 * index: so zeroes are cells that are free for the first round.
 */
struct vci_cell {
	uint64_t *turn;
	uint64_t round; /* the number, less the index */
};

static inline uint64_t vci_number_of(uint64_t word)
{
	return word & ~VCI_BITS;
}

/* For capacities that are no power of two.  The quotient is right, or 1 too low. */
static inline uint64_t vci_remainder_of(const struct vcore_buffer *buffer, uint64_t i)
{
	uint64_t quotient = (uint64_t)((unsigned __int128)i * buffer->reciprocal >> 64);
	uint64_t remainder = i - quotient * buffer->capacity;

	return remainder >= buffer->capacity ? remainder - buffer->capacity : remainder;
}

static inline size_t vci_index_of(const struct vcore_buffer *buffer, uint64_t number)
{
	uint64_t i = number / VCI_MESSAGE;

	return likely(buffer->reciprocal == 0) ? i & buffer->mask : vci_remainder_of(buffer, i);
}

static inline struct vci_cell vci_cell_at(const struct vcore_buffer *buffer, uint64_t number,
					  size_t index)
{
	return (struct vci_cell){
		.turn = (uint64_t *)(void *)(buffer->cells + index * buffer->stride),
		.round = vci_number_of(number) - index * VCI_MESSAGE,
	};
}

static inline struct vci_cell vci_cell_of(const struct vcore_buffer *buffer, uint64_t number)
{
	return vci_cell_at(buffer, number, vci_index_of(buffer, number));
}

static inline char *vci_cell_message(const struct vcore_buffer *buffer, struct vci_cell cell)
{
	return (char *)cell.turn + buffer->header;
}

/* The whole of it: round and turn. */
static inline uint64_t vci_cell_turn(struct vci_cell cell)
{
	return __atomic_load_n(cell.turn, __ATOMIC_ACQUIRE);
}

static inline bool vci_cell_is(struct vci_cell cell, enum vci_turn turn)
{
	return vci_cell_turn(cell) == (cell.round | turn);
}

static inline void vci_cell_publish(struct vci_cell cell, enum vci_turn turn)
{
	vci_stall(); /* it is claimed */
	__atomic_store_n(cell.turn, cell.round | turn, __ATOMIC_RELEASE);
}

/* The same cell, one round earlier. */
static inline struct vci_cell vci_cell_earlier(const struct vcore_buffer *buffer,
					       struct vci_cell cell)
{
	cell.round -= buffer->capacity * VCI_MESSAGE;
	return cell;
}

/* It is free for the next round. */
static inline void vci_cell_vacate(const struct vcore_buffer *buffer, struct vci_cell cell)
{
	cell.round += buffer->capacity * VCI_MESSAGE;
	vci_cell_publish(cell, VCI_FREE);
}

/* Claimed numbers, one after the other, and who is woken when they are done. */
struct vci_run {
	uint64_t first;
	size_t n;
	struct vci_ordered *woken;
};

/* Claims one number at least, n at most: 0, -EAGAIN or -EPIPE. */
int vci_ring_claim_places(struct vcore_buffer *buffer, size_t n, bool keeps, struct vci_run *run);
int vci_ring_claim_messages(struct vcore_buffer *buffer, size_t n, bool keeps, struct vci_run *run);

/* With LIST: up to n of those who wait. */
struct vci_ordered *vci_ring_claim_waiters(struct vci_waiters *side, size_t n);

/* Frees the cells at the head for which there will be no message. */
void vci_ring_drop_skipped(struct vcore_buffer *buffer);

/* A claimed cell is the caller's until it says otherwise; to be noted by it. */
void vci_ring_keep(struct vcore_buffer *buffer, struct vci_waiter *self, uint64_t number,
		   enum vci_turn turn);
/* A taken one is no more. */
void vci_ring_end_use(struct vcore_buffer *buffer, struct vci_cell cell);

/*
 * Who waits for what a cell kept back: as many as there are messages, or
 * places, now; all, if the buffer is closed, for who finds nothing returns.
 */
void vci_ring_wake_receivers(struct vcore_buffer *buffer);
void vci_ring_wake_senders(struct vcore_buffer *buffer);

#endif /* VCI_RING_H */
