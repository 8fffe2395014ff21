/*
 * Threads that map, unmap, protect, copy and take snapshots of the same blocks in
 * the same spaces at once: whatever the order is, each call returns what it may,
 * and what is read of a page was once written to that page.
 *
 * Page i of a block only ever holds bytes that are i modulo PAGES, and never 0.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "maps.h"
#include "stress.h"

#define WORKERS 6
#define PLAIN   2 /* of these, pthreads */
#define SPACES  2
#define BLOCKS  3
#define PAGES   8
#define PLACES  16 /* addresses where something may be mapped */

struct worker {
	uint64_t random;
	size_t steps;
};

static size_t page;
static struct vcore_space *spaces[SPACES];
static struct vcore_block *blocks[BLOCKS];
static char *_Atomic places[SPACES][PLACES];

static bool is_one_of(int result, int a, int b, int c)
{
	return result == 0 || result == a || result == b || result == c;
}

static unsigned char byte_for(uint64_t *random, size_t i)
{
	return (unsigned char)(PAGES + i + PAGES * stress_below(random, 20));
}

static void check_pages(const char *at)
{
	for (size_t i = 0; i < PAGES; i++) {
		unsigned char byte = (unsigned char)at[i * page];

		CHECK(byte >= PAGES && byte % PAGES == i);
	}
}

/* --- what is done ----------------------------------------------------------------------- */

static void map(struct vcore_space *space, struct vcore_block *block, char *_Atomic *place)
{
	void *at;
	int result = vcore_space_map(space, block, VCORE_ANYWHERE, VCORE_PROTECT_READ_WRITE, &at);

	if (CHECK(is_one_of(result, -EBUSY, 0, 0)) && result == 0) {
		at = atomic_exchange(place, at);
		if (at != NULL) { /* another was there */
			result = vcore_space_unmap(space, at);
			CHECK(is_one_of(result, -ENOENT, 0, 0));
		}
	}
}

/* It may be gone, and something else be there. */
static void unmap(struct vcore_space *space, char *at)
{
	CHECK(is_one_of(vcore_space_unmap(space, at), -ENOENT, 0, 0));
}

static void protect(struct vcore_space *space, char *at, int protection)
{
	CHECK(is_one_of(vcore_space_protect(space, at, protection), -ENOENT, 0, 0));
}

static void copy_in(struct worker *self, struct vcore_space *space, char *at)
{
	size_t i = stress_below(&self->random, PAGES);
	unsigned char byte = byte_for(&self->random, i);
	int result = vcore_space_copy_in(space, at + i * page, &byte, 1);

	CHECK(is_one_of(result, -EFAULT, 0, 0));
}

static void copy_out(struct worker *self, struct vcore_space *space, const char *at)
{
	size_t i = stress_below(&self->random, PAGES);
	unsigned char byte;
	int result = vcore_space_copy_out(space, &byte, at + i * page, 1);

	CHECK(is_one_of(result, -EFAULT, 0, 0));
	CHECK(result != 0 || (byte >= PAGES && byte % PAGES == i));
}

/* Valgrind has no room for many of the default size. */
static const struct vcore_space_options options = {.bytes = (size_t)1 << 30};

static void look_at(struct vcore_block *copy)
{
	struct vcore_space *own;
	void *at;

	CHECK_IS(vcore_space_create(&own, &options), 0);
	if (CHECK_IS(vcore_space_map(own, copy, VCORE_ANYWHERE, VCORE_PROTECT_READ_WRITE, &at),
		     0)) {
		check_pages(at);
		*(char *)at = PAGES;
	}
	CHECK_IS(vcore_space_delete(own), 0);
}

static void snapshot(struct vcore_block *block)
{
	struct vcore_block *copy;

	if (CHECK_IS(vcore_block_snapshot(block, &copy), 0)) {
		look_at(copy);
		CHECK_IS(vcore_block_free(copy), 0);
	}
}

/* A block that another maps a second time meanwhile cannot be mapped twice in the copy. */
static void snapshot_space(struct vcore_space *space)
{
	struct vcore_space *copy;
	int result = vcore_space_snapshot(space, &copy);

	CHECK(is_one_of(result, -EBUSY, 0, 0));
	if (result == 0) {
		CHECK_IS(vcore_space_delete(copy), 0);
	}
}

static void step(struct worker *self)
{
	size_t s = stress_below(&self->random, SPACES);
	struct vcore_block *block = blocks[stress_below(&self->random, BLOCKS)];
	char *_Atomic *place = &places[s][stress_below(&self->random, PLACES)];
	char *at = atomic_load(place);

	switch (stress_below(&self->random, 8)) {
	case 0:
		snapshot(block);
		break;
	case 1:
		if (stress_below(&self->random, 4) == 0) {
			snapshot_space(spaces[s]);
		}
		break;
	case 2:
	case 3:
		map(spaces[s], block, place);
		break;
	case 4:
		if (at != NULL) {
			unmap(spaces[s], at);
		}
		break;
	case 5:
		if (at != NULL) {
			protect(spaces[s], at, (int)stress_below(&self->random, 4));
		}
		break;
	case 6:
		if (at != NULL) {
			copy_in(self, spaces[s], at);
		}
		break;
	default:
		if (at != NULL) {
			copy_out(self, spaces[s], at);
		}
	}
	CHECK_IS(vcore_block_size(block), PAGES * page);
}

static void *work(void *argument)
{
	struct worker *self = argument;

	for (size_t i = 0; i < self->steps; i++) {
		step(self);
		if (i % 32 == 0) {
			vcore_yield();
		}
	}
	return NULL;
}

/* --- all ---------------------------------------------------------------------------------- */

static void set_up(void)
{
	for (size_t i = 0; i < SPACES; i++) {
		CHECK_IS(vcore_space_create(&spaces[i], &options), 0);
		for (size_t j = 0; j < PLACES; j++) {
			atomic_store(&places[i][j], NULL);
		}
	}
	for (size_t i = 0; i < BLOCKS; i++) {
		void *at;

		CHECK_IS(vcore_block_allocate(&blocks[i], PAGES * page), 0);
		CHECK_IS(vcore_space_map(spaces[0], blocks[i], VCORE_ANYWHERE,
					 VCORE_PROTECT_READ_WRITE, &at),
			 0);
		for (size_t j = 0; j < PAGES; j++) {
			((char *)at)[j * page] = (char)(PAGES + j);
		}
		atomic_store(&places[0][i], at);
	}
}

static void tear_down(void)
{
	struct maps maps = {0};

	for (size_t i = 0; i < SPACES; i++) {
		CHECK_IS(vcore_space_delete(spaces[i]), 0);
	}
	for (size_t i = 0; i < BLOCKS; i++) {
		look_at(blocks[i]);
		CHECK_IS(vcore_block_free(blocks[i]), 0);
	}
	maps_read(&maps);
	for (size_t i = 0; i < maps.n; i++) {
		CHECK(!maps.lines[i].is_block);
	}
	free(maps.lines);
}

static void run(unsigned processors)
{
	struct vcore_runtime *runtime = stress_open(processors);
	struct stress_crew crew = {.vcore = WORKERS - PLAIN, .plain = PLAIN};
	struct worker workers[WORKERS];

	set_up();
	for (size_t i = 0; i < WORKERS; i++) {
		workers[i].random = stress_seed * WORKERS + i;
		workers[i].steps = stress_size(3000, 100);
	}
	stress_crew_start(&crew, runtime, work, workers, sizeof(workers[0]));
	stress_crew_join(&crew);
	tear_down();
	stress_close(runtime);
}

int main(int argc, char **argv)
{
	page = (size_t)sysconf(_SC_PAGESIZE);
	return stress_main(argc, argv, "the same blocks and spaces used by all", run);
}
