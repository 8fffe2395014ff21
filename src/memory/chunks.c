/*
 * Batches of memory: see chunks.h.
 *
 * Order
 *	O18 The latest chunk is installed by a release, and found by an acquire.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "memory/chunks.h"

/* If a batch fits in: the first chunk, and what doubling leads to. */
#define BYTES_LEAST ((size_t)64 << 10)
#define BYTES_MOST  ((size_t)4 << 20)

struct vci_chunk {
	_Alignas(VCI_CACHE_LINE) struct vci_chunk *before;
	size_t bytes;
	size_t carved; /* atomic; may be more than there are */
};

/* Of the next one: twice as large, a whole number of batches, in whole pages. */
static size_t next_bytes(const struct vci_chunks *chunks, const struct vci_chunk *latest)
{
	size_t bytes = latest == NULL ? BYTES_LEAST : latest->bytes * 2;
	size_t batches;

	bytes = bytes < BYTES_MOST ? bytes : BYTES_MOST;
	batches = (bytes - sizeof(struct vci_chunk)) / chunks->batch_bytes;
	bytes = sizeof(struct vci_chunk) + (batches > 0 ? batches : 1) * chunks->batch_bytes;
	return vci_round_up(bytes, vci_page_size);
}

/* *latest, which is used up, becomes the next one; false: there is no memory. */
static bool add(struct vci_chunks *chunks, struct vci_chunk **latest)
{
	size_t bytes = next_bytes(chunks, *latest);
	struct vci_chunk *next = vci_pages_reserve(bytes);

	if (next == NULL) {
		return false;
	}
	next->before = *latest;
	next->bytes = bytes;
	next->carved = sizeof(*next);
	if (__atomic_compare_exchange_n(&chunks->latest, latest, next, false, __ATOMIC_ACQ_REL,
					__ATOMIC_ACQUIRE)) {
		*latest = next;
	} else {
		vci_pages_release(next, bytes); /* another was faster */
	}
	return true;
}

/* From this one; NULL: it is used up, or none. */
static void *carve_from(struct vci_chunk *chunk, size_t bytes)
{
	size_t at;

	if (chunk == NULL) {
		return NULL;
	}
	at = __atomic_fetch_add(&chunk->carved, bytes, __ATOMIC_RELAXED);
	return at + bytes <= chunk->bytes ? (char *)chunk + at : NULL;
}

void *vci_chunks_carve(struct vci_chunks *chunks)
{
	struct vci_chunk *latest = __atomic_load_n(&chunks->latest, __ATOMIC_ACQUIRE);
	void *batch;

	do {
		batch = carve_from(latest, chunks->batch_bytes);
	} while (batch == NULL && add(chunks, &latest));
	return batch;
}

void vci_chunks_release(struct vci_chunks *chunks)
{
	struct vci_chunk *before;

	for (struct vci_chunk *chunk = chunks->latest; chunk != NULL; chunk = before) {
		before = chunk->before;
		vci_pages_release(chunk, chunk->bytes);
	}
}
