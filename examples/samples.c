/*
 * Sound goes from a synthesizer to a loudspeaker, each in a thread of its own,
 * through a buffer for one sender and one receiver.
 *
 * A message is a block of samples, and is never copied: the synthesizer reserves
 * a cell of the buffer, computes the samples in it and commits it; the loudspeaker
 * takes the cell, plays what is there, and is done with it.  The notes come
 * through another buffer, many at a time: of small messages a batch is cheaper
 * than each alone.
 *
 * Whoever is behind is waited for, and closing a buffer says that no more will
 * come: what was sent is still received.
 *
 * Shows: VCORE_BUFFER_SPSC, reserve and commit, take and done, batches, close.
 * Prints: how many blocks were played, and how often the sound went through zero.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <errno.h>
#include <stdio.h>
#include <vcore/vcore.h>

#include "check.h"

enum {
	NOTES = 300,
	BATCH = 16,    /* notes */
	SAMPLES = 480, /* in a block, 10 ms of them; a note is so long */
	NOTES_AHEAD = 64,
	BLOCKS_AHEAD = 128,
};

struct note {
	int period; /* samples, even */
};

struct block {
	int samples[SAMPLES];
};

static struct vcore_buffer *notes, *blocks;

static void *compose(void *unused)
{
	struct note batch[BATCH];

	for (int i = 0; i < NOTES; i += BATCH) {
		int n = NOTES - i < BATCH ? NOTES - i : BATCH;
		ssize_t sent;

		for (int k = 0; k < n; k++) {
			batch[k].period = 48 >> (i + k) % 3; /* 48, 24, 12 */
		}
		sent = vcore_buffer_send_many(notes, batch, (size_t)n, VCORE_NEVER);
		check(sent == n ? 0 : -EPIPE, "vcore_buffer_send_many");
	}
	vcore_buffer_close(notes);
	return unused;
}

/* A square wave. */
static void play_into(struct block *block, struct note note)
{
	for (int i = 0; i < SAMPLES; i++) {
		block->samples[i] = i % note.period < note.period / 2 ? 1000 : -1000;
	}
}

static void *synthesize(void *unused)
{
	struct note note;
	void *cell;

	while (vcore_buffer_receive(notes, &note, VCORE_NEVER) == 0) {
		check(vcore_buffer_reserve(blocks, &cell, VCORE_NEVER), "vcore_buffer_reserve");
		play_into(cell, note);
		vcore_buffer_commit(blocks, cell);
	}
	vcore_buffer_close(blocks);
	return unused;
}

/* How often the sound changes its sign; *last is the sample before. */
static int count_crossings(const struct block *block, int *last)
{
	int crossings = 0;

	for (int i = 0; i < SAMPLES; i++) {
		crossings += (block->samples[i] < 0) != (*last < 0);
		*last = block->samples[i];
	}
	return crossings;
}

static void *play(void *unused)
{
	int played = 0, crossings = 0, last = 0;
	void *cell;

	while (vcore_buffer_take(blocks, &cell, VCORE_NEVER) == 0) {
		crossings += count_crossings(cell, &last);
		vcore_buffer_done(blocks, cell);
		played++;
	}
	printf("%d blocks of %d samples, %d times through zero\n", played, SAMPLES, crossings);
	return unused;
}

static struct vcore_buffer *buffer_for(size_t capacity, size_t message_size)
{
	struct vcore_buffer_options options = {.size = sizeof(options), .flags = VCORE_BUFFER_SPSC};
	struct vcore_buffer *buffer;

	check(vcore_buffer_allocate(&buffer, capacity, message_size, &options),
	      "vcore_buffer_allocate");
	return buffer;
}

static void *give_concert(void *unused)
{
	void *(*const parts[])(void *) = {compose, synthesize, play};
	struct vcore_thread *threads[3];

	notes = buffer_for(NOTES_AHEAD, sizeof(struct note));
	blocks = buffer_for(BLOCKS_AHEAD, sizeof(struct block));
	for (int i = 0; i < 3; i++) {
		check(vcore_thread_allocate(&threads[i], NULL, parts[i], NULL),
		      "vcore_thread_allocate");
	}
	for (int i = 0; i < 3; i++) {
		check(vcore_thread_join(threads[i], NULL, VCORE_NEVER), "vcore_thread_join");
	}
	vcore_buffer_deallocate(notes);
	vcore_buffer_deallocate(blocks);
	return unused;
}

int main(void)
{
	check(vcore_run(NULL, give_concert, NULL, NULL), "vcore_run");
	return 0;
}
