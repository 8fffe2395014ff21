/*
 * A producer and a consumer share one block, each through a space of its own: the
 * block is mapped into both, at different addresses.
 *
 * The producer may write what it has mapped, the consumer may only read it; so
 * what the consumer could spoil is nothing but its own.  Numbers are written into
 * cells of the block, eventcounts say how many are there and how many were read.
 *
 * Shows: blocks, spaces, a block in two spaces, protections, find, copy_in.
 * Prints: that the addresses differ and the block is one; what the consumer got;
 * that it may not write.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <stdio.h>
#include <string.h>
#include <vcore/vcore.h>

#include "check.h"

enum { NUMBERS = 1000, BYTES = 4096, CELLS = BYTES / sizeof(int) };

struct side {
	struct vcore_space *space;
	int *cells; /* where the block is for it */
};

static struct side producer, consumer;
static struct vcore_eventcount written, read;

static struct side open_side(const char *name, struct vcore_block *block, int protection)
{
	const struct vcore_space_options options = {
		.least = VCORE_SPACE_GUARDED, /* or it would not be enforced */
		.name = name,
	};
	struct side side;
	void *address;

	check(vcore_space_create(&side.space, &options), "vcore_space_create");
	check(vcore_space_map(side.space, block, VCORE_ANYWHERE, protection, &address),
	      "vcore_space_map");
	side.cells = address;
	return side;
}

static void *produce(void *unused)
{
	for (int i = 0; i < NUMBERS; i++) {
		vcore_eventcount_await(&read, i - CELLS, VCORE_NEVER);
		producer.cells[i % CELLS] = i + 1;
		vcore_eventcount_advance(&written);
	}
	return unused;
}

static void *consume(void *unused)
{
	long sum = 0;

	for (int i = 0; i < NUMBERS; i++) {
		vcore_eventcount_await(&written, i, VCORE_NEVER);
		sum += consumer.cells[i % CELLS];
		vcore_eventcount_advance(&read);
	}
	printf("%d numbers, sum %ld\n", NUMBERS, sum);
	return unused;
}

static void *start(void *unused)
{
	check(vcore_thread_allocate(NULL, NULL, produce, NULL), "vcore_thread_allocate");
	check(vcore_thread_allocate(NULL, NULL, consume, NULL), "vcore_thread_allocate");
	return unused;
}

static void show_what_is_there(void)
{
	struct vcore_block *here, *there;
	size_t offset;

	check(vcore_space_find(producer.space, producer.cells, &here, NULL, NULL),
	      "vcore_space_find");
	check(vcore_space_find(consumer.space, consumer.cells + 2, &there, &offset, NULL),
	      "vcore_space_find");
	printf("addresses %s, %s, byte %zu of it\n",
	       producer.cells == consumer.cells ? "the same" : "differ",
	       here == there ? "one block" : "two blocks", offset);
}

/* As the consumer's thread would fault that tried to write. */
static void try_to_write(void)
{
	int number = 0;
	int result = vcore_space_copy_in(consumer.space, consumer.cells, &number, sizeof(number));

	printf("the consumer writes: %s\n", strerror(-result));
}

int main(void)
{
	struct vcore_block *block;

	check(vcore_block_allocate(&block, BYTES), "vcore_block_allocate");
	producer = open_side("producer", block, VCORE_PROTECT_READ_WRITE);
	consumer = open_side("consumer", block, VCORE_PROTECT_READ);

	show_what_is_there();
	check(vcore_run(NULL, start, NULL, NULL), "vcore_run");
	try_to_write();

	check(vcore_space_delete(producer.space), "vcore_space_delete");
	check(vcore_space_delete(consumer.space), "vcore_space_delete");
	check(vcore_block_free(block), "vcore_block_free");
	return 0;
}
