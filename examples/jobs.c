/*
 * A job system in the way of game engines: jobs are small, come in a queue, may
 * make further jobs, and are worked on by a few threads until the frame is done.
 *
 * A frame's jobs move the sprites, a few hundred at a time.  Each job that has
 * moved its sprites sends one that culls them: what is in view becomes a draw
 * command.  Commands come from a pool, and are pushed to a stack, to which all
 * workers push at the same time; the frame thread takes the whole stack in one
 * step, draws, and puts the commands back.  After the first frames none of that
 * asks anybody for memory.
 *
 * The queue is a bounded buffer that has room for all jobs of a frame, so that no
 * worker ever waits.  Workers live as long as a frame: threads are cheap.
 *
 * Shows: vcore_buffer_try_receive, vcore_pool, vcore_stack_pop_all.
 * Prints: how many sprites each frame shows, and that no command was lost.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <inttypes.h>
#include <stdio.h>
#include <vcore/vcore.h>

#include "check.h"

enum {
	FRAMES = 5,
	WORKERS = 4,
	SPRITES = 6000,
	BATCH = 300, /* sprites a job */
	JOBS = 2 * SPRITES / BATCH,
	WIDTH = 1000, /* of the view */
};

struct sprite {
	int64_t x, speed;
};

struct command {
	struct vcore_stack_node node; /* first: a node is its command */
	const struct sprite *sprite;
};

struct game;

struct job {
	void (*work)(struct game *game, struct sprite *sprites); /* on BATCH of them */
	struct sprite *sprites;
};

struct game {
	struct sprite sprites[SPRITES];
	struct vcore_buffer *jobs;
	struct vcore_pool *commands;
	struct vcore_stack to_draw;
};

/* --- jobs -------------------------------------------------------------------------- */

static void send_job(struct game *game, void (*work)(struct game *, struct sprite *),
		     struct sprite *sprites)
{
	struct job job = {work, sprites};

	check(vcore_buffer_send(game->jobs, &job, VCORE_NEVER), "vcore_buffer_send");
}

static void cull(struct game *game, struct sprite *sprites)
{
	for (int i = 0; i < BATCH; i++) {
		struct command *command;

		if (sprites[i].x < 0 || sprites[i].x >= WIDTH) {
			continue;
		}
		command = vcore_pool_get(game->commands);
		check(command != NULL ? 0 : -ENOMEM, "vcore_pool_get");
		command->sprite = &sprites[i];
		vcore_stack_push(&game->to_draw, &command->node);
	}
}

static void move(struct game *game, struct sprite *sprites)
{
	for (int i = 0; i < BATCH; i++) {
		sprites[i].x += sprites[i].speed;
	}
	send_job(game, cull, sprites);
}

/* Who has sent a job looks at the queue once more: so none is left behind. */
static void *work(void *argument)
{
	struct game *game = argument;
	struct job job;

	while (vcore_buffer_try_receive(game->jobs, &job)) {
		job.work(game, job.sprites);
	}
	return NULL;
}

/* --- frames -------------------------------------------------------------------------- */

static void work_on_frame(struct game *game)
{
	struct vcore_thread *workers[WORKERS];

	for (int i = 0; i < SPRITES; i += BATCH) {
		send_job(game, move, &game->sprites[i]);
	}
	for (int i = 0; i < WORKERS; i++) {
		check(vcore_thread_allocate(&workers[i], NULL, work, game),
		      "vcore_thread_allocate");
	}
	for (int i = 0; i < WORKERS; i++) {
		check(vcore_thread_join(workers[i], NULL, VCORE_NEVER), "vcore_thread_join");
	}
}

static void draw(struct game *game, int frame)
{
	struct vcore_stack_node *node = vcore_stack_pop_all(&game->to_draw);
	int64_t sum = 0;
	int drawn = 0;

	while (node != NULL) {
		struct command *command = (struct command *)node;

		node = vcore_stack_next(node);
		sum += command->sprite->x;
		drawn++;
		vcore_pool_put(game->commands, command);
	}
	printf("frame %d: %d sprites in view, sum of places %" PRId64 "\n", frame, drawn, sum);
}

static void *play(void *unused)
{
	static struct game game;

	for (int i = 0; i < SPRITES; i++) {
		game.sprites[i] = (struct sprite){.x = i * 7 % 5000 - 4000, .speed = i % 11 * 50};
	}
	check(vcore_buffer_allocate(&game.jobs, JOBS, sizeof(struct job), NULL),
	      "vcore_buffer_allocate");
	check(vcore_pool_create(&game.commands, sizeof(struct command)), "vcore_pool_create");
	for (int frame = 0; frame < FRAMES; frame++) {
		work_on_frame(&game);
		draw(&game, frame);
	}
	printf("%zu commands lost\n", vcore_pool_outstanding(game.commands));
	check(vcore_pool_delete(game.commands), "vcore_pool_delete");
	vcore_buffer_deallocate(game.jobs);
	return unused;
}

int main(void)
{
	check(vcore_run(NULL, play, NULL, NULL), "vcore_run");
	return 0;
}
