/*
 * Windows: see window.h.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "window.h"

#include <string.h>

#include "memory.h"
#include "trouble.h"

static char *map(struct vcore_space *space, struct vcore_block *block)
{
	void *address;

	check(vcore_space_map(space, block, VCORE_ANYWHERE, VCORE_PROTECT_READ_WRITE, &address),
	      "vcore_space_map");
	return address;
}

/* One block, twice. */
static void share(struct window *window, size_t bytes)
{
	window->block = memory_block(bytes);
	window->here = map(window->client, window->block);
	window->there = map(window->service, window->block);
}

void window_open(struct window *window, struct vcore_space *client, struct vcore_space *service)
{
	*window = (struct window){
		.client = client,
		.service = service,
		.pieces = WINDOW_PIECES,
		.room = PIECE_BYTES,
	};
	share(window, WINDOW_PIECES * PIECE_BYTES);
}

void window_close(struct window *window)
{
	check(vcore_space_unmap(window->client, window->here), "vcore_space_unmap");
	check(vcore_space_unmap(window->service, window->there), "vcore_space_unmap");
	check(vcore_block_free(window->block), "vcore_block_free");
}

void window_widen(struct window *window, size_t number, size_t length)
{
	struct window old = *window;
	const char *text = window_here(&old, number);

	window->room = 2 * old.room;
	if (old.pieces >= 4) {
		window->pieces = old.pieces / 2;
		memmove(window->here, text, length);
	} else {
		share(window, old.pieces * window->room);
		memcpy(window->here, text, length);
		window_close(&old);
	}
}
