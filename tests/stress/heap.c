/*
 * Threads and plain pthreads allocate and free memory of all sizes in heaps of
 * several spaces, each freeing what others have allocated, while the heaps are
 * counted and purged and the process forks: what lies in the memory stays as it
 * was written, and all of it is in the space.  In a space that is too small the same,
 * but for what there is no memory for.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "process.h"
#include "stress.h"

#include <jemalloc/jemalloc.h>
#include <sys/wait.h>
#include <vcore/heap.h>
#include <vcore/space.h>

#define HEAPS   3
#define SLOTS   64
#define PLAIN   2
#define GREEN   6
#define QUANTUM (200 * MICROSECOND)
#define AMPLE   ((size_t)4 << 30) /* Valgrind has no 64 GiB of addresses */

/* What all of them put memory into, and take it from. */
struct shelf {
	struct vcore_space *space;
	struct vcore_heap *heap;
	struct piece *_Atomic slots[SLOTS];
};

static struct shelf shelves[HEAPS];
static bool is_small; /* there may be no memory */
static _Atomic size_t refused;

struct worker {
	uint64_t random;
	size_t rounds;
};

/* --- pieces ------------------------------------------------------------------------ */

struct piece {
	size_t bytes;
	uint64_t mark;
};

/* Every page is written to, and both ends. */
#define STEP 512

static void fill(struct piece *piece, size_t bytes, uint64_t mark)
{
	char *memory = (char *)piece;

	for (size_t i = sizeof *piece; i < bytes; i += STEP) {
		memory[i] = (char)(mark + i);
	}
	if (bytes > sizeof *piece) {
		memory[bytes - 1] = (char)mark;
	}
	*piece = (struct piece){bytes, mark};
}

static void check_piece(const struct piece *piece)
{
	const char *memory = (const char *)piece;
	const size_t last = piece->bytes - 1;

	for (size_t i = sizeof *piece; i < last; i += STEP) {
		CHECK(memory[i] == (char)(piece->mark + i));
	}
	CHECK(piece->bytes <= sizeof *piece || memory[last] == (char)piece->mark);
}

static size_t some_bytes(uint64_t *random)
{
	static const size_t most[] = {64, 64, 256, 1024, 8192, 40000, 200000};
	size_t n = sizeof(most) / sizeof(most[0]);

	return sizeof(struct piece) +
	       stress_below(random, most[stress_below(random, is_small ? n - 2 : n)]);
}

/* A new one; NULL: there is no memory. */
static struct piece *make_piece(struct shelf *shelf, uint64_t *random)
{
	size_t bytes = some_bytes(random);
	struct piece *piece = vcore_heap_allocate(shelf->heap, bytes);

	if (piece == NULL) {
		CHECK(is_small);
		CHECK_IS(errno, ENOMEM);
		atomic_fetch_add(&refused, 1);
		return NULL;
	}
	CHECK_IS(vcore_space_find(shelf->space, piece, NULL, NULL, NULL), 0);
	CHECK((uintptr_t)piece % 16 == 0);
	fill(piece, bytes, stress_random(random));
	return piece;
}

static void end_piece(struct shelf *shelf, struct piece *piece)
{
	if (piece != NULL) {
		check_piece(piece);
		vcore_heap_free(shelf->heap, piece);
	}
}

/* --- the work ------------------------------------------------------------------------ */

static void *work(void *argument)
{
	struct worker *self = argument;

	for (size_t i = 0; i < self->rounds; i++) {
		struct shelf *shelf = &shelves[stress_below(&self->random, HEAPS)];
		struct piece *_Atomic *slot = &shelf->slots[stress_below(&self->random, SLOTS)];
		struct piece *piece = NULL;

		if (stress_below(&self->random, 4) != 0) {
			piece = make_piece(shelf, &self->random);
		}
		end_piece(shelf, atomic_exchange(slot, piece));
	}
	return NULL;
}

static unsigned arena_of(struct shelf *shelf)
{
	void *piece = vcore_heap_allocate(shelf->heap, 16);
	unsigned arena = 0;
	size_t size = sizeof arena;

	if (piece != NULL) {
		CHECK_IS(mallctl("arenas.lookup", &arena, &size, (void *)&piece, sizeof piece), 0);
		vcore_heap_free(shelf->heap, piece);
	}
	return arena;
}

static void purge(struct shelf *shelf)
{
	char name[40];

	snprintf(name, sizeof name, "arena.%u.purge", arena_of(shelf));
	CHECK_IS(mallctl(name, NULL, NULL, NULL, 0), 0);
}

static void count(struct shelf *shelf)
{
	struct vcore_heap_statistics statistics = {.size = sizeof statistics};

	vcore_heap_statistics(shelf->heap, &statistics);
	CHECK(statistics.mapped <= vcore_space_size(shelf->space));
	CHECK(statistics.allocated <= vcore_space_size(shelf->space));
}

/* In the child there is none of it; what is wrong there ends it by a signal. */
static void fork_once(void)
{
	int status;
	pid_t child = fork();

	if (child == 0) {
		for (int i = 0; i < HEAPS; i++) {
			if (vcore_heap_allocate(shelves[i].heap, 1) != NULL ||
			    vcore_heap_delete(shelves[i].heap) != 0) {
				abort();
			}
		}
		free(malloc(1000));
		_exit(0);
	}
	CHECK(child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status));
}

static void *disturb(void *stop)
{
	for (unsigned i = 0; !atomic_load((_Atomic bool *)stop); i++) {
		purge(&shelves[i % HEAPS]);
		count(&shelves[i % HEAPS]);
		if (i % 4 == 0) {
			fork_once();
		}
		sched_yield();
	}
	return NULL;
}

/* --- cases ----------------------------------------------------------------------------- */

/* The last two heaps live in one space. */
static void open_shelves(size_t bytes)
{
	for (int i = 0; i < HEAPS; i++) {
		const struct vcore_space_options options = {
			.bytes = bytes != 0 ? bytes : AMPLE,
			.most = i == 0 ? VCORE_SPACE_NAMED : VCORE_SPACE_GUARDED,
		};

		if (i < 2) {
			CHECK_IS(vcore_space_create(&shelves[i].space, &options), 0);
		} else {
			shelves[i].space = shelves[i - 1].space;
		}
		CHECK_IS(vcore_heap_create(&shelves[i].heap, shelves[i].space), 0);
	}
}

/* Half of what is there is left to go with its heap. */
static void close_shelves(void)
{
	struct vcore_space_statistics left = {.size = sizeof left};

	for (int i = 0; i < HEAPS; i++) {
		for (int j = 0; j < SLOTS; j++) {
			struct piece *piece = atomic_exchange(&shelves[i].slots[j], NULL);

			if (piece != NULL && j % 2 == 0) {
				check_piece(piece);
			} else {
				end_piece(&shelves[i], piece);
			}
		}
		CHECK_IS(vcore_heap_delete(shelves[i].heap), 0);
	}
	for (int i = 0; i < 2; i++) {
		vcore_space_statistics(shelves[i].space, &left);
		CHECK_IS(left.mappings, 0);
		CHECK_IS(vcore_space_delete(shelves[i].space), 0);
	}
}

static void work_together(unsigned processors, size_t bytes)
{
	struct vcore_runtime *runtime;
	struct worker workers[GREEN + PLAIN];
	struct stress_crew crew = {.vcore = GREEN, .plain = PLAIN};
	_Atomic bool stop = false;
	pthread_t disturber;

	is_small = bytes != 0;
	atomic_store(&refused, 0);
	open_shelves(bytes);
	runtime = stress_open_with(
		(struct vcore_runtime_options){.processors = processors, .quantum = QUANTUM});
	for (int i = 0; i < GREEN + PLAIN; i++) {
		workers[i] =
			(struct worker){stress_seed * 100 + (uint64_t)i, stress_size(4000, 100)};
	}
	CHECK_IS(pthread_create(&disturber, NULL, disturb, &stop), 0);
	stress_crew_start(&crew, runtime, work, workers, sizeof(workers[0]));
	stress_crew_join(&crew);
	atomic_store(&stop, true);
	pthread_join(disturber, NULL);
	stress_close(runtime);
	close_shelves();
	if (is_small) {
		tap_say("%zu refused", atomic_load(&refused));
	}
}

/* --- again and again ---------------------------------------------------------------------- */

static void make_and_delete(struct vcore_space *space, size_t n)
{
	struct vcore_heap *heap;
	struct piece *piece;

	for (size_t i = 0; i < n && CHECK_IS(vcore_heap_create(&heap, space), 0); i++) {
		piece = vcore_heap_allocate(heap, 1000 * (i % 50 + 1));
		if (CHECK(piece != NULL)) {
			fill(piece, 1000 * (i % 50 + 1), i);
			check_piece(piece);
		}
		CHECK_IS(vcore_heap_delete(heap), 0);
	}
}

#define SLACK_MAPS 4    /* neighbours merge or do not */
#define SLACK_KIB  1024 /* resident: what malloc keeps differs that much */

/* Of addresses too: 2 MiB for each arena that was not given back would show. */
static void check_flat(void)
{
	const struct vcore_space_options options = {.bytes = AMPLE};
	size_t n = stress_size(600, 50);
	struct vcore_space *space;
	long descriptors, mappings, resident, addresses;

	CHECK_IS(vcore_space_create(&space, &options), 0);
	make_and_delete(space, 50);
	descriptors = process_descriptors();
	mappings = process_mappings();
	resident = process_resident_kib();
	addresses = process_kib("/proc/self/status", "VmSize:");
	make_and_delete(space, n);
	tap_say("%zu times: %ld mappings more, %ld KiB more, %ld KiB of addresses", n,
		process_mappings() - mappings, process_resident_kib() - resident,
		process_kib("/proc/self/status", "VmSize:") - addresses);
	CHECK_IS(process_descriptors(), descriptors);
	if (stress_divisor == 1) { /* tools keep mappings and memory of their own */
		CHECK(process_mappings() <= mappings + SLACK_MAPS);
		CHECK(process_resident_kib() <= resident + SLACK_KIB);
		CHECK(process_kib("/proc/self/status", "VmSize:") <= addresses + (64 << 10));
	}
	CHECK_IS(vcore_space_delete(space), 0);
}

int main(int argc, char **argv)
{
	static const unsigned processors[] = {1, 2, 5};

	stress_begin(argc, argv);
	for (size_t i = 0; i < sizeof(processors) / sizeof(processors[0]); i++) {
		work_together(processors[i], 0);
		tap_case("heaps that all use, %u processors", processors[i]);
		work_together(processors[i], (size_t)512 << 10);
		tap_case("heaps in spaces that are too small, %u processors", processors[i]);
	}
	check_flat();
	tap_case("heaps made and deleted again and again");
	return tap_done();
}
