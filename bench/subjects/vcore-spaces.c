/*
 * Spaces and blocks of libvcore: mapped, protected, opened and closed, copied.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "vcore-spaces.h"

#include "pages.h"

#include <vcore/vcore.h>

#include <stdlib.h>
#include <string.h>

static void check(int error, const char *what)
{
	bench_check(error == 0, what);
}

/* A space and a block, which may be mapped there. */
struct place {
	struct vcore_space *space;
	struct vcore_block *block;
	char *at;
};

static struct vcore_space *create_space(enum vcore_space_level level)
{
	struct vcore_space_options options = {.least = level};
	struct vcore_space *space;

	check(vcore_space_create(&space, &options), "create");
	return space;
}

static void open_place(struct bench *bench, struct place *place, enum vcore_space_level level)
{
	size_t bytes = (size_t)bench->bytes;

	place->space = create_space(level);
	if (bench->huge) {
		check(vcore_block_allocate_huge(&place->block, bytes), "allocate");
		if (!vcore_block_is_huge(place->block)) {
			bench_note(bench, "no huge pages");
		}
	} else {
		check(vcore_block_allocate(&place->block, bytes), "allocate");
	}
}

static void map(struct place *place)
{
	void *at;

	check(vcore_space_map(place->space, place->block, VCORE_ANYWHERE, VCORE_PROTECT_READ_WRITE,
			      &at),
	      "map");
	place->at = at;
}

static void unmap(struct place *place)
{
	check(vcore_space_unmap(place->space, place->at), "unmap");
}

static void close_place(struct place *place)
{
	check(vcore_space_delete(place->space), "delete");
	check(vcore_block_free(place->block), "free");
}

static struct vcore_thread *spawn(struct vcore_space *space, void *(*entry)(void *), void *argument)
{
	struct vcore_thread_options options = {.space = space};
	struct vcore_thread *thread;

	check(vcore_thread_allocate(&thread, &options, entry, argument), "allocate");
	return thread;
}

static void join(struct vcore_thread *thread)
{
	struct vcore_exit exit;

	check(vcore_thread_join(thread, &exit, VCORE_NEVER), "join");
	bench_check(exit.how == VCORE_RETURNED, "how it ended");
}

/* --- mapping and protecting --- */

void run_map(struct bench *bench)
{
	struct place place;

	open_place(bench, &place, VCORE_SPACE_GUARDED);
	bench_start(bench);
	for (long i = 0; i < bench->n; i++) {
		map(&place);
		if (bench->touched) {
			bench_write_pages(place.at, bench->bytes);
		}
		unmap(&place);
	}
	bench_stop(bench, bench->n);
	close_place(&place);
}

void run_protect(struct bench *bench)
{
	struct place place;

	open_place(bench, &place, VCORE_SPACE_GUARDED);
	map(&place);
	bench_write_pages(place.at, bench->bytes);
	bench_start(bench);
	for (long i = 0; i < bench->n; i++) {
		check(vcore_space_protect(place.space, place.at,
					  i % 2 == 0 ? VCORE_PROTECT_READ
						     : VCORE_PROTECT_READ_WRITE),
		      "protect");
	}
	bench_stop(bench, bench->n);
	close_place(&place);
}

/* --- threads of two spaces take turns --- */

struct table {
	struct bench *bench;
	struct vcore_eventcount ping __attribute__((aligned(128)));
	struct vcore_eventcount pong __attribute__((aligned(128)));
};

struct player {
	struct table *table;
	char *own; /* memory that the other one cannot access */
};

static void play_round(struct player *player, long i)
{
	vcore_eventcount_advance(&player->table->ping);
	vcore_eventcount_await(&player->table->pong, i, VCORE_NEVER);
	bench_write_word(player->own);
}

static void *play_ping(void *argument)
{
	struct player *player = argument;
	struct bench *bench = player->table->bench;

	bench_write_pages(player->own, bench->bytes);
	play_round(player, 0); /* until both have come */
	bench_start(bench);
	for (long i = 0; i < bench->n; i++) {
		play_round(player, i + 1);
	}
	bench_stop(bench, bench->n);
	return NULL;
}

static void *play_pong(void *argument)
{
	struct player *player = argument;
	struct table *table = player->table;

	bench_write_pages(player->own, table->bench->bytes);
	for (long i = 0; i <= table->bench->n; i++) {
		vcore_eventcount_await(&table->ping, i, VCORE_NEVER);
		bench_write_word(player->own);
		vcore_eventcount_advance(&table->pong);
	}
	return NULL;
}

/* In these spaces; NULL: in none. */
static void play(struct bench *bench, const struct place *ping, const struct place *pong,
		 bool inside)
{
	struct table table = {.bench = bench};
	struct player players[] = {{&table, ping->at}, {&table, pong->at}};
	struct vcore_thread *one = spawn(inside ? pong->space : NULL, play_pong, &players[1]);
	struct vcore_thread *other = spawn(inside ? ping->space : NULL, play_ping, &players[0]);

	join(other);
	join(one);
}

static void play_in(struct bench *bench, enum vcore_space_level level)
{
	struct place places[2];

	for (int i = 0; i < 2; i++) {
		open_place(bench, &places[i], level);
		map(&places[i]);
	}
	play(bench, &places[0], &places[1], level == VCORE_SPACE_EXCLUSIVE);
	for (int i = 0; i < 2; i++) {
		close_place(&places[i]);
	}
}

void run_exclusive(struct bench *bench)
{
	play_in(bench, VCORE_SPACE_EXCLUSIVE);
}

void run_no_space(struct bench *bench)
{
	play_in(bench, VCORE_SPACE_GUARDED);
}

/* --- snapshots --- */

void run_snapshot(struct bench *bench)
{
	struct place place;
	struct vcore_space *copy;

	open_place(bench, &place, VCORE_SPACE_GUARDED);
	map(&place);
	bench_write_pages(place.at, bench->bytes);
	bench_start(bench);
	check(vcore_space_snapshot(place.space, &copy), "snapshot");
	bench_write_taken(bench, place.at);
	check(vcore_space_delete(copy), "delete");
	close_place(&place);
}

/* --- copying in and out --- */

struct errand {
	struct bench *bench;
	struct place place;
	bool in;
};

static void copy_often(const struct errand *errand, char *here)
{
	struct vcore_space *space = errand->place.space;
	size_t bytes = (size_t)errand->bench->bytes;

	for (long i = 0; i < errand->bench->n; i++) {
		check(errand->in ? vcore_space_copy_in(space, errand->place.at, here, bytes)
				 : vcore_space_copy_out(space, here, errand->place.at, bytes),
		      "copy");
	}
}

/* From ordinary memory, or to it. */
static void *run_errand(void *argument)
{
	struct errand *errand = argument;
	struct bench *bench = errand->bench;
	char *here = malloc((size_t)bench->bytes);

	bench_check(here != NULL, "malloc");
	memset(here, 1, (size_t)bench->bytes);
	bench_start(bench);
	copy_often(errand, here);
	bench_stop(bench, bench->n);
	free(here);
	return NULL;
}

/* A space is closed while threads of another one run. */
static void run_copy(struct bench *bench, bool in)
{
	enum vcore_space_level level = bench->closed ? VCORE_SPACE_EXCLUSIVE : VCORE_SPACE_GUARDED;
	struct errand errand = {.bench = bench, .in = in};
	struct vcore_space *other = create_space(level);

	open_place(bench, &errand.place, level);
	map(&errand.place);
	bench_write_pages(errand.place.at, bench->bytes);
	join(spawn(bench->closed ? other : NULL, run_errand, &errand));
	close_place(&errand.place);
	check(vcore_space_delete(other), "delete");
}

void run_copy_in(struct bench *bench)
{
	run_copy(bench, true);
}

void run_copy_out(struct bench *bench)
{
	run_copy(bench, false);
}
